import { lazy } from "../../registry/lazy.ts";
import { z } from "../../registry/schema.ts";
import { WippyError } from "../../vm/error.ts";
import { isTable, type LuaValue } from "../../vm/value.ts";
import { writeJson } from "../json/write.ts";
import { bytesOf, defineOperation, luaString, type Operation } from "../operation.ts";
import { readYaml, writeYaml } from "../yaml/document.ts";
import { readMessagePack, writeMessagePack } from "./msgpack.ts";

const anything = lazy(() => z.custom<LuaValue>(() => true));

/**
 * A value as hosts take it: a table with a positive integer among its keys is a list of what is at 1, 2, 3 and so on,
 * any other has its text keys.
 */
function hostValue(value: LuaValue): LuaValue {
  if (Array.isArray(value)) return value.map(hostValue);
  if (value instanceof Map) {
    const isList = [...value.keys()].some((key) => Number.isInteger(key) && Number(key) > 0);
    if (!isList) {
      const named = [...value].filter(([key]) => typeof key === "string");
      return Object.fromEntries(named.map(([key, item]) => [key, hostValue(item)]));
    }
    const list: LuaValue[] = [];
    for (let at = 1; value.has(at); at++) list.push(hostValue(value.get(at)));
    return list;
  }
  if (!isTable(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, hostValue(item)]));
}

/** Spaces of a level of YAML. */
const indent = 4;

/** Host operations of the module `payload`. */
export const payload: Operation[] = [
  defineOperation({
    name: "payload.encode",
    summary: "Returns a value in JSON, YAML or MessagePack.",
    mode: "pure",
    arguments: () => [
      z.enum(["json/plain", "yaml/plain", "application/msgpack"]),
      anything(),
    ],
    run(_context, format, given) {
      const value = hostValue(given);
      if (format === "json/plain") return writeJson(value, new Set());
      return format === "yaml/plain"
        ? writeYaml(value, [], indent)
        : new Uint8Array(writeMessagePack(value));
    },
  }),
  defineOperation({
    name: "payload.decode",
    summary: "Returns the value of YAML or MessagePack.",
    mode: "pure",
    arguments: () => [z.enum(["yaml/plain", "application/msgpack"]), luaString()],
    run(_context, format, text) {
      if (format === "yaml/plain") {
        if (typeof text === "string") return readYaml(text);
        throw new WippyError("Internal", "YAML: the text must be UTF-8", { retryable: false });
      }
      try {
        return readMessagePack(bytesOf(text));
      } catch (error) {
        const message = `not MessagePack: ${
          error instanceof Error ? error.message : String(error)
        }`;
        throw new WippyError("Internal", message, { retryable: false });
      }
    },
  }),
];
