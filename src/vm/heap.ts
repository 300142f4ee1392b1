const PAGE = 65_536;
/** What the wasm's memory was. */
export interface MemoryImage {
  /** Bytes of the wasm's memory. */
  readonly length: number;
  /** Whether the parts hold all that is not zero in a new VM's memory, so that nothing else need be cleared. */
  readonly covers: boolean;
  /** Where the memory is not zero: address and length of each part. */
  readonly parts: readonly number[];
  /** The parts, one behind the other. */
  readonly bytes: Uint8Array;
}

/** Bytes that are kept or left out together. */
const block = 1024;

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

  /** Address and length of each part that is not zero, in blocks; with the parts given. */
  parts(also: readonly number[] = []): number[] {
    const { u32 } = this;
    const kept = new Set<number>();
    for (let i = 0; i < also.length; i += 2) {
      for (let at = also[i]!; at < also[i]! + also[i + 1]!; at += block) kept.add(at);
    }
    const parts: number[] = [];
    for (let at = 0; at < this.u8.length; at += block) {
      let word = at >> 2;
      const next = word + (block >> 2);
      while (word < next && u32[word] === 0) word++;
      if (word === next && !kept.has(at)) continue;
      const last = parts.length - 2;
      if (last >= 0 && parts[last]! + parts[last + 1]! === at) parts[last + 1]! += block;
      else parts.push(at, block);
    }
    return parts;
  }

  /** The bytes of parts: address and length of each. */
  bytesOf(parts: readonly number[]): Buffer {
    const bytes: Uint8Array[] = [];
    for (let i = 0; i < parts.length; i += 2) {
      bytes.push(this.u8.subarray(parts[i], parts[i]! + parts[i + 1]!));
    }
    return Buffer.concat(bytes);
  }

  /** Makes the memory what it was when the image was made. */
  restore(image: MemoryImage): void {
    const missing = image.length - this.u8.length;
    if (missing > 0) {
      this.memory.grow(Math.ceil(missing / PAGE));
      this.refresh();
    }
    if (!image.covers) this.u8.fill(0);
    for (let i = 0, from = 0; i < image.parts.length; i += 2) {
      const [address, length] = [image.parts[i]!, image.parts[i + 1]!];
      this.u8.set(image.bytes.subarray(from, from + length), address);
      from += length;
    }
  }

  /** The bytes from `address` up to a zero byte, as text. */
  cString(address: number): string {
    return this.buffer.toString("utf8", address, this.u8.indexOf(0, address));
  }
}
