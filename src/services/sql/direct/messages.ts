/**
 * Queries of a worker and their replies, which go to whoever has a connection, and back, together.
 * @module
 */
import type { SqlValue } from "../driver.ts";
import { packFields, unpackFields } from "../fields.ts";

/** A query: its text and its parameters. */
export type DirectQuery = readonly [sql: string, ...params: SqlValue[]];

/** What the other side says to a worker: packed replies, rows that are one reply, or that it says no more. */
export type DirectAnswer = Uint8Array | { rows: Uint8Array } | "closed";

/** Packed queries. */
export function packQueries(queries: readonly DirectQuery[]): Uint8Array<ArrayBuffer> {
  return packFields(queries);
}

/** What {@link packQueries} packed. */
export function unpackQueries(bytes: Uint8Array): DirectQuery[] {
  return unpackFields(bytes) as DirectQuery[];
}

/** Replies after which they leave, so that the worker goes on meanwhile: each message wakes it. */
const together = 32;

/** Rows larger than that, in bytes, move to the worker instead of being packed with others. */
const moved = 65_536;

/** In place of the length of rows: a query that the node is to be asked. */
const none = -1;
const firstBytes = 16_384;

/** Replies, each the length of its rows and these, aligned to four bytes. */
export class ReplyPacker {
  #bytes = new Uint8Array(firstBytes);
  #words = new Int32Array(this.#bytes.buffer);
  #end = 0;
  #count = 0;

  /** Replies that wait to be taken. */
  get count(): number {
    return this.#count;
  }

  #room(needed: number): void {
    if (needed <= this.#bytes.length) return;
    const bytes = new Uint8Array(Math.max(needed + 3 & ~3, this.#bytes.length * 2));
    bytes.set(this.#bytes.subarray(0, this.#end));
    this.#bytes = bytes;
    this.#words = new Int32Array(bytes.buffer);
  }

  /** Adds the rows of a query, or nothing for one that has none. */
  add(rows: Uint8Array | undefined): void {
    const length = rows ? rows.length + 3 & ~3 : 0;
    this.#room(this.#end + 4 + length);
    this.#words[this.#end >> 2] = rows ? rows.length : none;
    if (rows) this.#bytes.set(rows, this.#end + 4);
    this.#end += 4 + length;
    this.#count += 1;
  }

  /** The replies so far, as bytes of their own. */
  take(): Uint8Array<ArrayBuffer> {
    const taken = this.#bytes.slice(0, this.#end);
    this.#end = this.#count = 0;
    return taken;
  }
}

/** What replies leave by. */
interface ReplyPort {
  postMessage(data: DirectAnswer, transfer: ArrayBuffer[]): void;
}

/** Sends replies in their order: small ones together, and large ones by themselves. */
export class ReplySender {
  readonly #packer = new ReplyPacker();

  /** Sends the rows of a query, or that the node is to be asked; `flush` must follow. */
  send(port: ReplyPort, rows: Uint8Array | undefined): void {
    if (rows && rows.length > moved) {
      this.flush(port);
      port.postMessage({ rows }, [rows.buffer as ArrayBuffer]);
      return;
    }
    this.#packer.add(rows);
    if (this.#packer.count === together) this.flush(port);
  }

  /** Sends what waits for more. */
  flush(port: ReplyPort): void {
    if (this.#packer.count === 0) return;
    const packed = this.#packer.take();
    port.postMessage(packed, [packed.buffer]);
  }
}

/** The replies that a {@link ReplyPacker} packed; the rows are parts of the bytes. */
export function* unpackReplies(bytes: Uint8Array): Generator<Uint8Array | undefined> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let at = 0; at < bytes.length;) {
    const length = view.getInt32(at, true);
    at += 4;
    if (length === none) yield undefined;
    else {
      yield bytes.subarray(at, at + length);
      at += length + 3 & ~3;
    }
  }
}
