/**
 * Frames of the WebSocket protocol, RFC 6455: what a client sends and receives.
 * @module
 */

/** Kinds of frames. */
export const opcode = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

/** One frame of the server. */
export interface Frame {
  final: boolean;
  /** Whether the extension changed it: it begins a compressed message. */
  compressed: boolean;
  opcode: number;
  payload: Uint8Array;
}

/** A frame or a message that the protocol forbids; the connection ends with the code. */
export class ProtocolError extends Error {
  constructor(readonly code: number, message: string) {
    super(message);
  }
}

/** A frame as a client sends it, masked. @param key four random bytes */
export function encodeFrame(
  kind: number,
  payload: Uint8Array,
  key: Uint8Array,
  compressed = false,
): Uint8Array {
  const { length } = payload;
  const extended = length < 126 ? 0 : length < 65_536 ? 2 : 8;
  const frame = new Uint8Array(6 + extended + length);
  const view = new DataView(frame.buffer);
  frame[0] = 0x80 | (compressed ? 0x40 : 0) | kind;
  frame[1] = 0x80 | (extended === 0 ? length : extended === 2 ? 126 : 127);
  if (extended === 2) view.setUint16(2, length);
  if (extended === 8) view.setBigUint64(2, BigInt(length));
  frame.set(key, 2 + extended);
  const start = 6 + extended;
  for (let i = 0; i < length; i++) frame[start + i] = payload[i]! ^ key[i & 3]!;
  return frame;
}

/** Puts frames together from the bytes of a connection. */
export class FrameReader {
  readonly #limit: number;
  readonly #deflates: boolean;
  #parts: Uint8Array[] = [];
  #length = 0;

  /** @param limit bytes of a frame's payload at most @param deflates whether compression was agreed on */
  constructor(limit: number, deflates: boolean) {
    this.#limit = limit;
    this.#deflates = deflates;
  }

  /** Takes bytes as they come. */
  push(bytes: Uint8Array): void {
    this.#parts.push(bytes);
    this.#length += bytes.length;
  }

  /** The first bytes, without taking them; at least `count` must be there. */
  #peek(count: number): Uint8Array {
    if (this.#parts[0]!.length < count) this.#parts = [new Uint8Array(Buffer.concat(this.#parts))];
    return this.#parts[0]!;
  }

  #take(count: number): Uint8Array {
    if (count === 0) return new Uint8Array();
    const first = this.#peek(count);
    this.#length -= count;
    if (first.length === count) this.#parts.shift();
    else this.#parts[0] = first.subarray(count);
    return first.subarray(0, count);
  }

  /** The next frame that is complete. @throws ProtocolError as soon as its head is wrong */
  next(): Frame | undefined {
    if (this.#length < 2) return undefined;
    const head = this.#peek(2);
    const [first, second] = [head[0]!, head[1]!];
    const kind = first & 15;
    const short = second & 127;
    const [final, compressed] = [(first & 0x80) !== 0, (first & 0x40) !== 0];
    this.#check(first, second, kind, short);
    const headLength = short === 126 ? 4 : short === 127 ? 10 : 2;
    if (this.#length < headLength) return undefined;
    let length = short;
    if (headLength > 2) {
      const bytes = this.#peek(headLength);
      const view = new DataView(bytes.buffer, bytes.byteOffset);
      length = headLength === 4 ? view.getUint16(2) : Number(view.getBigUint64(2));
    }
    if (length > this.#limit) throw new ProtocolError(1009, `a message of ${length} bytes`);
    if (this.#length < headLength + length) return undefined;
    this.#take(headLength);
    return { final, compressed, opcode: kind, payload: this.#take(length) };
  }

  #check(first: number, second: number, kind: number, short: number): void {
    const control = kind >= 8;
    if ((first & 0x30) !== 0) throw new ProtocolError(1002, "reserved bits are set");
    if ((first & 0x40) !== 0 && (!this.#deflates || control || kind === opcode.continuation)) {
      throw new ProtocolError(1002, "a compressed frame where none may be");
    }
    if ((second & 0x80) !== 0) throw new ProtocolError(1002, "the frame of a server is masked");
    if (kind > 10 || kind > 2 && kind < 8) throw new ProtocolError(1002, `unknown opcode ${kind}`);
    if (control && ((first & 0x80) === 0 || short > 125)) {
      throw new ProtocolError(1002, "a control frame is in parts or too long");
    }
  }
}
