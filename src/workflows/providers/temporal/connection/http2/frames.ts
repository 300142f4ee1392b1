/**
 * Frames of HTTP/2 (RFC 9113, section 4), as they are written into and found in the bytes of a connection.
 * @module
 */

export const types = {
  data: 0,
  headers: 1,
  reset: 3,
  settings: 4,
  push: 5,
  ping: 6,
  goAway: 7,
  window: 8,
  continuation: 9,
} as const;

export const flags = {
  /** Of data and headers: the last of their stream. */
  endStream: 0x01,
  /** Of settings and pings: the answer to one. */
  answer: 0x01,
  endHeaders: 0x04,
  padded: 0x08,
  priority: 0x20,
} as const;

export const settings = {
  tableSize: 1,
  push: 2,
  streams: 3,
  window: 4,
  frameSize: 5,
} as const;

/** Bytes before the content of a frame. */
const headLength = 9;
/** Most bytes of the content of a frame, unless the other side allows more. */
export const usualFrame = 16_384;
/** Bytes that the other side takes, for a connection and for a stream, before it asks for more. */
export const usualWindow = 65_535;
/** The first words of a client. */
export const preface = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

/** A frame. */
export interface Frame {
  type: number;
  flags: number;
  /** 0 for the connection. */
  stream: number;
  /** A view of what has come. */
  content: Buffer;
}

/** Frames that wait to be sent, in one buffer. */
export class FrameWriter {
  #bytes = Buffer.allocUnsafeSlow(usualFrame);
  #end = 0;

  get empty(): boolean {
    return this.#end === 0;
  }

  /** Adds bytes as they are. */
  raw(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#end);
    this.#end += bytes.length;
  }

  /** Adds a frame of one or two parts. */
  frame(type: number, flag: number, stream: number, content: Uint8Array, more?: Uint8Array): void {
    const length = content.length + (more?.length ?? 0);
    this.#reserve(headLength + length);
    const bytes = this.#bytes;
    const at = this.#end;
    bytes[at] = length >>> 16;
    bytes[at + 1] = length >>> 8;
    bytes[at + 2] = length;
    bytes[at + 3] = type;
    bytes[at + 4] = flag;
    bytes.writeUInt32BE(stream, at + 5);
    this.#end = at + headLength;
    this.raw(content);
    if (more) this.raw(more);
  }

  /** Returns what waits, and begins anew. */
  take(): Buffer {
    const taken = this.#bytes.subarray(0, this.#end);
    // The socket keeps a large one for as long as it likes; of a small one it gets a copy.
    if (this.#end > usualFrame) {
      this.#bytes = Buffer.allocUnsafeSlow(usualFrame);
      this.#end = 0;
      return taken;
    }
    this.#end = 0;
    return Buffer.from(taken);
  }

  #reserve(count: number): void {
    if (this.#end + count <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(2 * this.#bytes.length, this.#end + count));
    larger.set(this.#bytes.subarray(0, this.#end));
    this.#bytes = larger;
  }
}

/** Finds frames in the bytes of a connection as they come. */
export class FrameReader {
  #rest: Buffer | undefined;

  /** @throws RangeError for a frame that is longer than allowed */
  *read(chunk: Buffer): Generator<Frame> {
    const bytes = this.#rest ? Buffer.concat([this.#rest, chunk]) : chunk;
    this.#rest = undefined;
    let at = 0;
    while (bytes.length - at >= headLength) {
      const length = bytes[at]! << 16 | bytes[at + 1]! << 8 | bytes[at + 2]!;
      if (length > usualFrame) throw new RangeError(`a frame has ${length} bytes`);
      const end = at + headLength + length;
      if (end > bytes.length) break;
      yield {
        type: bytes[at + 3]!,
        flags: bytes[at + 4]!,
        stream: bytes.readUInt32BE(at + 5) & 0x7fff_ffff,
        content: bytes.subarray(at + headLength, end),
      };
      at = end;
    }
    if (at < bytes.length) this.#rest = at === 0 ? bytes : bytes.subarray(at);
  }
}
