import imagePath from "../../build/kernel.image" with { type: "file" };
import { decodeImage, type KernelImage } from "./image-file.ts";

let loaded: Promise<KernelImage | undefined> | undefined;

/**
 * The image that the build embedded; undefined when the Lua sources have changed since, as they do in
 * development. Loading the sources takes tens of milliseconds of a cold VM, the image one or two.
 */
export function loadKernelImage(): Promise<KernelImage | undefined> {
  loaded ??= read();
  return loaded;
}

/** Set by `build.ts`, which makes the image right before it embeds it beside the sources that made it. */
declare const WIPPY_IMAGE_FITS: boolean | undefined;

async function read(): Promise<KernelImage | undefined> {
  const image = decodeImage(await Bun.file(imagePath).bytes());
  if (typeof WIPPY_IMAGE_FITS === "boolean") return image;
  const { kernelDigest } = await import("./kernel-sources.ts");
  return image.digest === await kernelDigest() ? image : undefined;
}
