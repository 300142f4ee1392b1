/**
 * Makes images of VMs.
 * @module
 */
import type { LuaExports } from "./exports.ts";
import { firstKib, reserveBlocks } from "./first-kib.ts";
import type { Heap, MemoryImage } from "./heap.ts";
import { BREAK } from "./layout.ts";

/** Bytes that are kept or left out together. */
const block = 1024;

/** Address and length of each part that is not zero, in blocks; with the parts given. */
export function partsOf({ u8, u32, buffer }: Heap, also: readonly number[] = []): number[] {
  const kept = new Set<number>();
  for (let i = 0; i < also.length; i += 2) {
    for (let at = also[i]!; at < also[i]! + also[i + 1]!; at += block) kept.add(at);
  }
  const parts: number[] = [];
  const end = Math.min(u32[BREAK >> 2]!, u8.length);
  const zeros = Buffer.alloc(block);
  for (let at = 0; at < end; at += block) {
    if (buffer.compare(zeros, 0, block, at, at + block) === 0 && !kept.has(at)) continue;
    const last = parts.length - 2;
    if (last >= 0 && parts[last]! + parts[last + 1]! === at) parts[last + 1]! += block;
    else parts.push(at, block);
  }
  return parts;
}

/** The blocks that are kept back for the kernel, by their addresses, in order. */
function keptBlocks({ u32 }: Heap): number[] {
  const first = firstKib.reserve.address >> 2;
  return [...u32.subarray(first, first + reserveBlocks.count)]
    .filter((address) => address !== 0)
    .sort((one, other) => one - other);
}

/** What the memory is now. @param fresh where it was not zero in the new VM, where that is known */
export function imageOf(heap: Heap, fresh: readonly number[] | undefined): MemoryImage {
  const parts = partsOf(heap, fresh);
  const bytes: Uint8Array[] = [];
  for (let i = 0; i < parts.length; i += 2) {
    bytes.push(heap.u8.subarray(parts[i], parts[i]! + parts[i + 1]!));
  }
  return {
    length: Math.min(heap.u32[BREAK >> 2]!, heap.u8.length),
    covers: fresh !== undefined,
    parts,
    bytes: Buffer.concat(bytes),
    kept: keptBlocks(heap),
  };
}

/**
 * Fills the memory that Lua has given back with zeros, so that an image is small: most of what loading sources leaves
 * behind is garbage.
 */
export function scrubFree(lua: LuaExports, heap: Heap): void {
  lua.release_small_blocks();
  const taken: number[] = [];
  // Meanwhile nothing is taken that was never used.
  const end = heap.u32[BREAK >> 2]!;
  heap.u32[BREAK >> 2] = 0xffff_fff0;
  for (let size = 2 ** 20; size >= 8; size /= 2) {
    for (;;) {
      const address = lua.malloc(size);
      if (address === 0) break;
      heap.u8.fill(0, address, address + size);
      taken.push(address);
    }
  }
  heap.u32[BREAK >> 2] = end;
  for (const address of taken) lua.free(address);
}
