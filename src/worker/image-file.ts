import type { VmImage } from "../vm/options.ts";
import type { Kernel } from "./kernel.ts";
import type { CodeEntry } from "./messages.ts";

/** A VM with the loaded kernel, as `make-image.ts` made it. */
export interface KernelImage {
  digest: string;
  vm: VmImage;
  /** Numbers of the references to the kernel's functions. */
  references: number[];
  /** Prepares a kernel that was made from it for these entries; called before the kernel is used. */
  adapt?: (kernel: Kernel, entries: ReadonlyMap<string, CodeEntry>) => void;
}

/** The image as a file: the length of a description in JSON, the description, the bytes of the memory. */
export function encodeImage(image: KernelImage): Uint8Array {
  const { bytes, ...vm } = image.vm;
  const description = Buffer.from(JSON.stringify({ ...image, vm }));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(description.length);
  return Buffer.concat([length, description, bytes]);
}

/** Reads what `encodeImage` made; the memory is a view of the file. */
export function decodeImage(file: Uint8Array): KernelImage {
  const end = 4 + Buffer.from(file.buffer, file.byteOffset, 4).readUInt32LE();
  const image = JSON.parse(new TextDecoder().decode(file.subarray(4, end))) as KernelImage;
  return { ...image, vm: { ...image.vm, bytes: file.subarray(end) } };
}
