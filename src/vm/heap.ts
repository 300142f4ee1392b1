import { reserveBlocks } from "./first-kib.ts";

const PAGE = 65_536;

/** Bytes at the ends of a block that is kept back which C's allocator may use. */
const BLOCK_ENDS = 64;

/** What the wasm's memory was. */
export interface MemoryImage {
  /** Bytes that the wasm's memory must have. */
  readonly length: number;
  /** Whether the parts hold all that is not zero in a new VM's memory, so that nothing else need be cleared. */
  readonly covers: boolean;
  /** Where the memory is not zero: address and length of each part. */
  readonly parts: readonly number[];
  /** The parts, one behind the other. */
  readonly bytes: Uint8Array;
  /** Addresses of the blocks that are kept back for the kernel: nobody writes to them. */
  readonly kept: readonly number[];
}

/**
 * The wasm's memory as typed arrays. Growing the memory detaches the old ones, so nobody keeps
 * them: they are read from here each time, and `refresh` renews them.
 */
export class Heap {
  u8!: Uint8Array;
  i32!: Int32Array;
  u32!: Uint32Array;
  f64!: Float64Array;
  i64!: BigInt64Array;
  buffer!: Buffer;
  /** Up to where there is what an earlier VM has left; 0: nowhere. */
  dirty = 0;
  /** Blocks to which nobody has written since they were in an image that this was made from. */
  clean: readonly number[] = [];

  constructor(readonly memory: WebAssembly.Memory) {
    this.refresh();
  }

  /** To be called when the memory has grown. */
  refresh(): void {
    const bytes = this.memory.buffer as ArrayBuffer;
    this.u8 = new Uint8Array(bytes);
    this.i32 = new Int32Array(bytes);
    this.u32 = new Uint32Array(bytes);
    this.f64 = new Float64Array(bytes);
    this.i64 = new BigInt64Array(bytes);
    this.buffer = Buffer.from(bytes);
  }

  /** Makes the memory what it was when the image was made. */
  restore(image: MemoryImage): void {
    const missing = image.length - this.u8.length;
    if (missing > 0) {
      this.memory.grow(Math.ceil(missing / PAGE));
      this.refresh();
    }
    const dirty = image.covers ? this.dirty : this.u8.length;
    const clean = image.covers ? image.kept.filter((block) => this.clean.includes(block)) : [];
    this.dirty = 0;
    this.clean = image.kept;
    const clear = (from: number, end: number) => {
      for (const block of clean) {
        const inner = Math.max(from, block + BLOCK_ENDS);
        const behind = Math.min(end, block + reserveBlocks.size - BLOCK_ENDS);
        if (inner >= behind) continue;
        this.u8.fill(0, from, inner);
        from = behind;
      }
      this.u8.fill(0, from, end);
    };
    let [from, end] = [0, 0];
    for (let i = 0; i < image.parts.length; i += 2) {
      const [address, length] = [image.parts[i]!, image.parts[i + 1]!];
      if (end < dirty) clear(end, address);
      this.u8.set(image.bytes.subarray(from, from + length), address);
      from += length;
      end = address + length;
    }
    if (end < dirty) clear(end, dirty);
  }

  /** The bytes from `address` up to a zero byte, as text. */
  cString(address: number): string {
    return this.buffer.toString("utf8", address, this.u8.indexOf(0, address));
  }
}
