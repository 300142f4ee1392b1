/**
 * HPACK (RFC 7541): headers of HTTP/2 as bytes, and the table that each side of a connection fills with those that it
 * repeats.
 * @module
 */
import { readHuffman } from "./huffman.ts";

/** Names in lower case. */
export type Header = readonly [name: string, value: string];

/** Appendix A. Where a header has no value, only its name counts. */
const fixed: readonly Header[] = [
  ...[[":authority"], [":method", "GET"], [":method", "POST"], [":path", "/"]],
  ...[[":path", "/index.html"], [":scheme", "http"], [":scheme", "https"], [":status", "200"]],
  ...["204", "206", "304", "400", "404", "500"].map((status) => [":status", status]),
  ...[["accept-charset"], ["accept-encoding", "gzip, deflate"], ["accept-language"]],
  ...["accept-ranges", "accept", "access-control-allow-origin", "age", "allow", "authorization"]
    .map((name) => [name]),
  ...["cache-control", "content-disposition", "content-encoding", "content-language"]
    .map((name) => [name]),
  ...["content-length", "content-location", "content-range", "content-type", "cookie", "date"]
    .map((name) => [name]),
  ...["etag", "expect", "expires", "from", "host", "if-match", "if-modified-since"]
    .map((name) => [name]),
  ...["if-none-match", "if-range", "if-unmodified-since", "last-modified", "link", "location"]
    .map((name) => [name]),
  ...["max-forwards", "proxy-authenticate", "proxy-authorization", "range", "referer", "refresh"]
    .map((name) => [name]),
  ...["retry-after", "server", "set-cookie", "strict-transport-security", "transfer-encoding"]
    .map((name) => [name]),
  ...["user-agent", "vary", "via", "www-authenticate"].map((name) => [name]),
].map(([name = "", value = ""]) => [name, value]);

/** Indexes of names, and of headers with their values. */
const fixedNames = new Map<string, number>();
const fixedHeaders = new Map<string, number>();
for (const [at, [name, value]] of fixed.entries()) {
  if (!fixedNames.has(name)) fixedNames.set(name, at + 1);
  if (value !== "") fixedHeaders.set(`${name}\n${value}`, at + 1);
}

/** Bytes that a table may take unless its reader says otherwise. */
const usualSize = 4_096;
/** What an entry counts beside its text. */
const entrySize = 32;

const sizeOf = ([name, value]: Header) =>
  Buffer.byteLength(name) + Buffer.byteLength(value) + entrySize;

/** Writes headers. Those that are repeated go into the reader's table, as long as it has room. */
export class HeaderWriter {
  /** Numbers of entries, in the order in which they were added. */
  readonly #entries = new Map<string, number>();
  /** What lists of headers were written as, with the number of entries then: each new one moves the others. */
  #known = new WeakMap<readonly Header[], { count: number; bytes: readonly number[] }>();
  #size = 0;
  /** What the reader's table may take. It is not used before the reader has said so. */
  #room: number | undefined;
  /** Whether the reader is to be told that the table stays empty. */
  #empties = false;

  /** The reader has told the size of its table; undefined where it has not mentioned it. */
  allow(size: number | undefined): void {
    if (this.#room === 0 || (size === undefined && this.#room !== undefined)) return;
    this.#room = (size ?? usualSize) >= usualSize ? usualSize : 0;
    this.#known = new WeakMap();
    if (this.#room > 0) return;
    this.#empties = true;
    this.#entries.clear();
    this.#size = 0;
  }

  /**
   * @param repeated the same list for all requests that have the same headers
   * @param once headers that differ each time
   */
  write(repeated: readonly Header[], once: readonly Header[]): Uint8Array {
    const out: number[] = [];
    if (this.#empties) writeNumber(out, 0x20, 5, 0);
    this.#empties = false;
    out.push(...this.#listed(repeated));
    for (const header of once) literal(out, 0x00, 4, header);
    return new Uint8Array(out);
  }

  #listed(headers: readonly Header[]): readonly number[] {
    const count = this.#entries.size;
    const known = this.#known.get(headers);
    if (known?.count === count) return known.bytes;
    const bytes: number[] = [];
    for (const header of headers) this.#repeated(bytes, header);
    // Bytes that add entries are not written twice.
    if (this.#entries.size === count) this.#known.set(headers, { count, bytes });
    return bytes;
  }

  #repeated(out: number[], header: Header): void {
    const [name, value] = header;
    const key = `${name}\n${value}`;
    const given = fixedHeaders.get(key);
    if (given !== undefined) return writeNumber(out, 0x80, 7, given);
    const number = this.#entries.get(key);
    if (number !== undefined) {
      // The latest entry is the first one behind the fixed ones.
      const index = fixed.length + this.#entries.size - number;
      return writeNumber(out, 0x80, 7, index);
    }
    const size = sizeOf(header);
    if (this.#size + size > (this.#room ?? 0)) return literal(out, 0x00, 4, header);
    this.#entries.set(key, this.#entries.size);
    this.#size += size;
    literal(out, 0x40, 6, header);
  }
}

/** @param bits of the index of a name in the first byte */
function literal(out: number[], pattern: number, bits: number, [name, value]: Header): void {
  const index = fixedNames.get(name) ?? 0;
  writeNumber(out, pattern, bits, index);
  if (index === 0) writeText(out, name);
  writeText(out, value);
}

function writeNumber(out: number[], pattern: number, bits: number, value: number): void {
  const most = (1 << bits) - 1;
  if (value < most) {
    out.push(pattern | value);
    return;
  }
  out.push(pattern | most);
  let rest = value - most;
  for (; rest > 127; rest >>>= 7) out.push(rest & 127 | 128);
  out.push(rest);
}

function writeText(out: number[], text: string): void {
  const begin = out.length;
  writeNumber(out, 0x00, 7, text.length);
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code > 127) {
      out.length = begin;
      return writeBytes(out, Buffer.from(text));
    }
    out.push(code);
  }
}

function writeBytes(out: number[], bytes: Uint8Array): void {
  writeNumber(out, 0x00, 7, bytes.length);
  out.push(...bytes);
}

/** Reads headers, with the table that their writer fills. */
export class HeaderReader {
  /** The latest entry first. */
  #entries: Header[] = [];
  #size = 0;
  #room = usualSize;
  #bytes: Uint8Array = new Uint8Array();
  #at = 0;

  /** @throws RangeError when they are damaged */
  read(bytes: Uint8Array): Record<string, string> {
    this.#bytes = bytes;
    this.#at = 0;
    const headers: Record<string, string> = {};
    while (this.#at < bytes.length) {
      const first = bytes[this.#at]!;
      if (first & 0x80) {
        const [name, value] = this.#entry(this.#number(7));
        headers[name] = value;
      } else if (first & 0x40) {
        const header = this.#literal(6);
        this.#add(header);
        headers[header[0]] = header[1];
      } else if (first & 0x20) {
        this.#resize(this.#number(5));
      } else {
        const [name, value] = this.#literal(4);
        headers[name] = value;
      }
    }
    return headers;
  }

  #entry(index: number): Header {
    const found = index <= fixed.length
      ? fixed[index - 1]
      : this.#entries[index - fixed.length - 1];
    if (!found) throw new RangeError(`there is no header with the index ${index}`);
    return found;
  }

  #literal(bits: number): Header {
    const index = this.#number(bits);
    const name = index === 0 ? this.#text() : this.#entry(index)[0];
    return [name, this.#text()];
  }

  #add(header: Header): void {
    this.#entries.unshift(header);
    this.#size += sizeOf(header);
    this.#evict();
  }

  #resize(room: number): void {
    if (room > usualSize) throw new RangeError("the table of headers is larger than allowed");
    this.#room = room;
    this.#evict();
  }

  #evict(): void {
    while (this.#size > this.#room) this.#size -= sizeOf(this.#entries.pop()!);
  }

  #byte(): number {
    const byte = this.#bytes[this.#at++];
    if (byte === undefined) throw new RangeError("a header is cut short");
    return byte;
  }

  #number(bits: number): number {
    const most = (1 << bits) - 1;
    let value = this.#byte() & most;
    if (value < most) return value;
    for (let shift = 0; shift <= 21; shift += 7) {
      const byte = this.#byte();
      value += (byte & 127) << shift;
      if (byte < 128) return value;
    }
    throw new RangeError("a number of a header is too large");
  }

  #text(): string {
    const coded = (this.#bytes[this.#at] ?? 0) & 0x80;
    const length = this.#number(7);
    const from = this.#at;
    this.#at += length;
    if (this.#at > this.#bytes.length) throw new RangeError("a header is cut short");
    const bytes = this.#bytes.subarray(from, this.#at);
    return coded ? readHuffman(bytes) : Buffer.from(bytes).toString("latin1");
  }
}
