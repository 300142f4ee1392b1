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

  /** The bytes from `address` up to a zero byte, as text. */
  cString(address: number): string {
    return this.buffer.toString("utf8", address, this.u8.indexOf(0, address));
  }
}
