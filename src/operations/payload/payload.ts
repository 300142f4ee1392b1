import { lazy } from "../../registry/lazy.ts";
import { z } from "../../registry/schema.ts";
import { WippyError } from "../../vm/error.ts";
import type { LuaValue } from "../../vm/value.ts";
import { writeJson } from "../json/write.ts";
import { bytesOf, defineOperation, luaString, type Operation } from "../operation.ts";
import { readYaml, writeYaml } from "../yaml/document.ts";
import { hostValue } from "./host-value.ts";
import { readMessagePack, writeMessagePack } from "./msgpack.ts";

const anything = lazy(() => z.custom<LuaValue>(() => true));

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
      return format === "yaml/plain" ? writeYaml(value, [], indent) : writeMessagePack(value);
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
