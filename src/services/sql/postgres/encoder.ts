/**
 * Messages to a PostgreSQL server, one behind the other in one buffer
 * (https://www.postgresql.org/docs/current/protocol-message-formats.html).
 * @module
 */
import type { SqlValue } from "../driver.ts";

const code = (letter: string) => letter.charCodeAt(0);
const [PARSE, DESCRIBE, BIND, EXECUTE, CLOSE, SYNC] = [..."PDBECS"].map(code) as [
  number,
  number,
  number,
  number,
  number,
  number,
];
const STATEMENT = code("S");
const firstBytes = 16_384;

/** Encodes messages. */
export class Encoder {
  #bytes = Buffer.allocUnsafe(firstBytes);
  #end = 0;
  #begin = 0;

  #room(bytes: number): void {
    const needed = this.#end + bytes;
    if (needed <= this.#bytes.length) return;
    const grown = Buffer.allocUnsafe(Math.max(needed, this.#bytes.length * 2));
    grown.set(this.#bytes.subarray(0, this.#end));
    this.#bytes = grown;
  }

  #message(type: number): void {
    this.#room(5);
    this.#bytes[this.#end] = type;
    this.#begin = this.#end + 1;
    this.#end += 5;
  }

  /** Notes the length of the message. */
  #close(): void {
    this.#bytes.writeInt32BE(this.#end - this.#begin, this.#begin);
  }

  #int16(value: number): void {
    this.#room(2);
    const bytes = this.#bytes;
    bytes[this.#end++] = value >> 8;
    bytes[this.#end++] = value;
  }

  #int32(value: number): void {
    this.#room(4);
    this.#end = this.#bytes.writeInt32BE(value, this.#end);
  }

  #byte(value: number): void {
    this.#room(1);
    this.#bytes[this.#end++] = value;
  }

  /** Writes a text and returns its length in bytes. */
  #text(text: string): number {
    this.#room(text.length * 3);
    const written = this.#bytes.write(text, this.#end);
    this.#end += written;
    return written;
  }

  #name(name: string): void {
    this.#text(name);
    this.#byte(0);
  }

  /** Has a statement prepared under a name, and its columns described. */
  prepare(name: string, sql: string): void {
    this.#message(PARSE);
    this.#name(name);
    this.#name(sql);
    this.#int16(0);
    this.#close();
    this.#message(DESCRIBE);
    this.#byte(STATEMENT);
    this.#name(name);
    this.#close();
  }

  /** Runs what is prepared under a name. @param formats of the columns; none: all are texts */
  run(name: string, params: readonly SqlValue[], formats: readonly number[]): void {
    this.#message(BIND);
    this.#byte(0); // the portal without a name
    this.#name(name);
    this.#int16(params.length);
    for (const value of params) this.#int16(value instanceof Uint8Array ? 1 : 0);
    this.#int16(params.length);
    for (const value of params) this.#parameter(value);
    this.#int16(formats.length);
    for (const format of formats) this.#int16(format);
    this.#close();
    this.#message(EXECUTE);
    this.#byte(0);
    this.#int32(0); // all rows
    this.#close();
  }

  /** In the text format, of which the server makes the type that it needs; bytes as bytes. */
  #parameter(value: SqlValue): void {
    if (value === null) return this.#int32(-1);
    const at = this.#end;
    this.#int32(0);
    let length: number;
    if (value instanceof Uint8Array) {
      length = value.length;
      this.#room(length);
      this.#bytes.set(value, this.#end);
      this.#end += length;
    } else length = this.#text(String(value));
    this.#bytes.writeInt32BE(length, at);
  }

  /** Lets the server forget what is prepared under a name. */
  forget(name: string): void {
    this.#message(CLOSE);
    this.#byte(STATEMENT);
    this.#name(name);
    this.#close();
  }

  /** Ends what is one transaction; the server answers what it has. */
  sync(): void {
    this.#message(SYNC);
    this.#close();
  }

  /** The messages so far, as bytes of their own. */
  take(): Buffer {
    const taken = Buffer.from(this.#bytes.subarray(0, this.#end));
    this.#end = 0;
    return taken;
  }
}
