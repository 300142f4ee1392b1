import { readJson } from "../../operations/json/read.ts";
import { writeJson } from "../../operations/json/write.ts";
import { hostValue } from "../../operations/payload/host-value.ts";
import { readMessagePack, writeMessagePack } from "../../operations/payload/msgpack.ts";
import { pack, unpack } from "../../vm/codec.ts";
import type { QueueSettings } from "./schema.ts";

/** How a queue's data is written for a broker. */
export type CodecName = QueueSettings["codec"];

/**
 * Writes a packed Lua value for a broker, as `payload:transcode` does.
 *
 * @throws WippyError Internal for what the codec cannot write: deep nesting in JSON
 */
export function encodeBody(body: Uint8Array, codec: CodecName): Buffer {
  const value = hostValue(unpack(body));
  if (codec === "json/plain") return Buffer.from(writeJson(value, new Set()));
  return Buffer.from(writeMessagePack(value));
}

/** The packed Lua value of what a broker has; what the codec cannot read is a string of these bytes. */
export function decodeBody(content: Uint8Array, codec: CodecName): Uint8Array {
  try {
    if (codec === "json/plain") {
      return pack(readJson(new TextDecoder("utf-8", { fatal: true }).decode(content)).value);
    }
    return pack(readMessagePack(content));
  } catch {
    return pack(new Uint8Array(content));
  }
}
