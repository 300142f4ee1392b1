import { pack } from "./codec.ts";
import type { LuaExports } from "./exports.ts";
import type { Heap } from "./heap.ts";
import { SCRATCH } from "./push.ts";
import type { Reader } from "./read.ts";

/** Where `pack_values` leaves the number of bytes: src/vm/natives/memory.as.ts. */
const PACKED_LENGTH = 672;
/** In place of a count: a single value, not a list. */
const NO_LIST = -1;

/** Takes packed bytes where they lie, from `from` to `to`; they are good until it returns. */
export interface PackedSink {
  put(source: Uint8Array, from: number, to: number): void;
}

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

  /** Gives a sink what `value` returns, without a copy. Throws a WippyError when it is too large. */
  write(L: number, index: number, sink: PackedSink): void {
    const { lua, heap, scratch } = this;
    const address = this.#packed(L, index, NO_LIST);
    if (address === 0) {
      const packed = pack(this.reader.read(L, index, true));
      sink.put(packed, 0, packed.length);
      return;
    }
    sink.put(heap.u8, address, address + heap.u32[PACKED_LENGTH >> 2]!);
    if (address !== scratch) lua.free(address);
  }

  /** The packed list of the values at `first` and behind it. Throws a WippyError when one is too large. */
  list(L: number, first: number): Uint8Array {
    const count = this.reader.top(L) - first + 1;
    const packed = this.#pack(L, first, count);
    if (packed !== undefined) return packed;
    return pack(Array.from({ length: count }, (_, i) => this.reader.read(L, first + i, true)));
  }

  /** Address of the packed bytes, 0 where the native leaves it to the reader. What is not `scratch` is to be freed. */
  #packed(L: number, index: number, count: number): number {
    const { lua, reader, scratch } = this;
    const { depth, nodes, bytes } = reader.limits;
    return lua.pack_values(
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
  }

  #pack(L: number, index: number, count: number): Uint8Array | undefined {
    const { lua, scratch } = this;
    const address = this.#packed(L, index, count);
    if (address === 0) return undefined;
    const { u8, u32 } = this.heap;
    const packed = u8.slice(address, address + u32[PACKED_LENGTH >> 2]!);
    if (address !== scratch) lua.free(address);
    return packed;
  }
}
