import { Packr } from "msgpackr/pack";
import { Unpackr } from "msgpackr/unpack";
import { readJson } from "../../operations/json/read.ts";
import { writeJson } from "../../operations/json/write.ts";
import { pack, unpack } from "../../vm/codec.ts";
import { WippyError } from "../../vm/error.ts";
import { LuaFloat, type LuaValue } from "../../vm/value.ts";
import type { QueueSettings } from "./schema.ts";

/** How a queue's data is written for a broker. */
export type CodecName = QueueSettings["codec"];

const packr = new Packr({ useRecords: false, mapsAsObjects: false });
const unpackr = new Unpackr({ useRecords: false, mapsAsObjects: true });

/** A value without what MessagePack as others read it does not have. */
function plain(value: LuaValue): unknown {
  if (value instanceof LuaFloat) return value.value;
  if (value instanceof WippyError) return value.message;
  if (value instanceof Uint8Array) return value;
  if (Array.isArray(value)) return value.map(plain);
  if (value instanceof Map) {
    return new Map([...value].map(([key, item]) => [plain(key), plain(item)]));
  }
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)]));
}

/**
 * Writes a packed Lua value for a broker.
 *
 * @throws WippyError Internal for what the codec cannot write: mixed keys in JSON
 */
export function encodeBody(body: Uint8Array, codec: CodecName): Buffer {
  const value = unpack(body);
  if (codec === "json/plain") return Buffer.from(writeJson(value, new Set()));
  return Buffer.from(packr.pack(plain(value)));
}

/** The packed Lua value of what a broker has; what the codec cannot read is a string of these bytes. */
export function decodeBody(content: Uint8Array, codec: CodecName): Uint8Array {
  try {
    if (codec === "json/plain") {
      return pack(readJson(new TextDecoder("utf-8", { fatal: true }).decode(content)).value);
    }
    return pack(unpackr.unpack(content) as LuaValue);
  } catch {
    return pack(new Uint8Array(content));
  }
}
