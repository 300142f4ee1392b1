import imagePath from "../../build/kernel.image" with { type: "file" };
import { unpack } from "msgpackr/unpack";
import type { VmImage } from "../vm/vm.ts";

/** A VM with the loaded kernel, as `make-image.ts` made it. */
export interface KernelImage {
  digest: string;
  vm: VmImage;
  /** Numbers of the references to the kernel's functions. */
  references: number[];
}

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
  const image = unpack(await Bun.file(imagePath).bytes()) as KernelImage;
  if (typeof WIPPY_IMAGE_FITS === "boolean") return image;
  const { kernelDigest } = await import("./kernel-sources.ts");
  return image.digest === await kernelDigest() ? image : undefined;
}
