import type { LuaExports } from "./exports.ts";
import type { Heap } from "./heap.ts";
import { BREAK } from "./layout.ts";

/**
 * Fills the memory that Lua has given back with zeros, so that an image is small: most of what loading sources leaves
 * behind is garbage.
 */
export function scrubFree(lua: LuaExports, heap: Heap): void {
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
