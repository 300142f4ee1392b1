import { pack } from "./codec.ts";
import type { LuaExports } from "./exports.ts";
import type { Heap } from "./heap.ts";
import { SCRATCH } from "./push.ts";
import type { Reader } from "./read.ts";

/** Where `pack_values` leaves the number of bytes: src/vm/natives/memory.as.ts. */
const PACKED_LENGTH = 672;
/** In place of a count: a single value, not a list. */
const NO_LIST = -1;

/**
 * Packs Lua values directly from the VM's memory. The format is that of `pack` in `codec.ts`, which together with the
 * reader handles what the native leaves to it.
 */
export class Packer {
  constructor(
    readonly lua: LuaExports,
    readonly heap: Heap,
    readonly reader: Reader,
    /** Address of a block of SCRATCH bytes. */
    readonly scratch: number,
  ) {}

  /** The packed value at a positive index of the frame. Throws a WippyError when it is too large. */
  value(L: number, index: number): Uint8Array {
    return this.#pack(L, index, NO_LIST) ?? pack(this.reader.read(L, index, true));
  }

  /** The packed list of the values at `first` and behind it. Throws a WippyError when one is too large. */
  list(L: number, first: number): Uint8Array {
    const count = this.reader.top(L) - first + 1;
    const packed = this.#pack(L, first, count);
    if (packed !== undefined) return packed;
    return pack(Array.from({ length: count }, (_, i) => this.reader.read(L, first + i, true)));
  }

  #pack(L: number, index: number, count: number): Uint8Array | undefined {
    const { lua, reader, scratch } = this;
    const { depth, nodes, bytes } = reader.limits;
    const address = lua.pack_values(
      L,
      index,
      count,
      reader.errorMetatable,
      depth,
      nodes,
      bytes,
      scratch,
      SCRATCH,
    );
    if (address === 0) return undefined;
    const { u8, u32 } = this.heap;
    const packed = u8.slice(address, address + u32[PACKED_LENGTH >> 2]!);
    if (address !== scratch) lua.free(address);
    return packed;
  }
}
