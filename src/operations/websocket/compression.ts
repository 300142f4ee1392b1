/**
 * Compression of messages, RFC 7692 (`permessage-deflate`), on zlib's threads.
 * @module
 */
import zlib from "node:zlib";
import { ProtocolError } from "./frames.ts";

/** What ends the data of each message, and is left out on the way. */
const tail = new Uint8Array([0, 0, 255, 255]);

/** What was agreed on in the handshake. */
export interface Agreement {
  /** Whether the client forgets each message before it compresses the next. */
  clientForgets: boolean;
  serverForgets: boolean;
}

/** What a client offers. */
export function offer(forgetful: boolean): string {
  return forgetful
    ? "permessage-deflate; client_no_context_takeover; server_no_context_takeover"
    : "permessage-deflate";
}

/**
 * Reads the server's answer to an offer.
 *
 * @throws Error for what was not offered
 */
export function agreed(header: string, forgetful: boolean): Agreement {
  const [name, ...parameters] = header.split(";").map((part) => part.trim());
  const refused = new Error(`the server wants the extension "${header}", which was not offered`);
  if (name !== "permessage-deflate") throw refused;
  const result = { clientForgets: forgetful, serverForgets: false };
  const seen = new Set<string>();
  for (const parameter of parameters) {
    const [key, value] = parameter.split("=").map((part) => part.trim()) as [string, string?];
    const bits = Number(value?.replace(/^"(.*)"$/, "$1"));
    if (seen.has(key)) throw refused;
    seen.add(key);
    if (key === "client_no_context_takeover" && value === undefined) result.clientForgets = true;
    else if (key === "server_no_context_takeover" && value === undefined) {
      result.serverForgets = true;
    } else if (key !== "server_max_window_bits" || !(bits >= 8 && bits <= 15)) throw refused;
  }
  return result;
}

/** Compresses and decompresses the messages of one connection, each direction one message at a time. */
export class Compression {
  readonly #agreement: Agreement;
  readonly #limit: number;
  readonly #deflate = zlib.createDeflateRaw();
  #inflate = zlib.createInflateRaw();

  /** @param limit bytes of a message at most */
  constructor(agreement: Agreement, limit: number) {
    this.#agreement = agreement;
    this.#limit = limit;
    for (const stream of [this.#deflate, this.#inflate]) stream.on("error", () => {});
  }

  /** Writes into a stream and collects what comes out of it. */
  async #through(
    stream: zlib.DeflateRaw | zlib.InflateRaw,
    input: Uint8Array,
    limit: number,
  ): Promise<Buffer> {
    const parts: Buffer[] = [];
    let length = 0;
    const done = Promise.withResolvers<void>();
    const collect = (part: Buffer) => {
      parts.push(part);
      length += part.length;
      if (length > limit) done.reject(new ProtocolError(1009, `a message above ${limit} bytes`));
    };
    const failed = () => done.reject(new ProtocolError(1007, "the compressed data is damaged"));
    // A message may end the whole stream of data, which is not damage.
    stream.on("data", collect).once("end", done.resolve);
    stream.once("error", failed).once("close", failed);
    stream.write(input);
    stream.flush(zlib.constants.Z_SYNC_FLUSH, () => done.resolve());
    try {
      await done.promise;
      return Buffer.concat(parts);
    } catch (error) {
      this.close();
      throw error;
    } finally {
      stream.off("data", collect).off("end", done.resolve);
      stream.off("error", failed).off("close", failed);
    }
  }

  async compress(message: Uint8Array): Promise<Uint8Array> {
    const data = await this.#through(this.#deflate, message, Infinity);
    if (this.#agreement.clientForgets) this.#deflate.reset();
    return data.subarray(0, data.length - tail.length);
  }

  /** @throws ProtocolError 1009 as soon as the message is too long, 1007 when it is damaged */
  async decompress(message: Uint8Array): Promise<Uint8Array> {
    const data = await this.#through(this.#inflate, Buffer.concat([message, tail]), this.#limit);
    if (this.#inflate.readableEnded) {
      this.#inflate.destroy();
      this.#inflate = zlib.createInflateRaw();
      this.#inflate.on("error", () => {});
    } else if (this.#agreement.serverForgets) this.#inflate.reset();
    return data;
  }

  close(): void {
    this.#deflate.destroy();
    this.#inflate.destroy();
  }
}
