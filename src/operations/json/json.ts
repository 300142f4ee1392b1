import { z } from "../../registry/schema.ts";
import { lazy } from "../../registry/lazy.ts";
import type { LuaValue } from "../../vm/value.ts";
import { defineOperation, luaString, type Operation } from "../operation.ts";
import { readJson } from "./read.ts";
import { validateJson } from "./schema.ts";
import { jsonError, writeJson } from "./write.ts";

const anything = lazy(() => z.custom<LuaValue>(() => true));

/**
 * Host operations of the module `json`. An empty table is an object or an array, which Lua cannot
 * tell apart: so both ways carry a list of those that are objects, besides the value.
 */
export const json: Operation[] = [
  defineOperation({
    name: "json.decode",
    summary:
      "The value of JSON text; with empty objects in it, `{[true] = value, [false] = them}`.",
    mode: "pure",
    arguments: () => [luaString()],
    run(_context, data) {
      if (typeof data !== "string") throw jsonError("JSON text must be UTF-8");
      const { value, emptyObjects } = readJson(data);
      if (emptyObjects.length === 0) return value;
      // No JSON value has boolean keys, so Lua knows this table from every other.
      return new Map<LuaValue, LuaValue>([[true, value], [false, emptyObjects]]);
    },
  }),
  defineOperation({
    name: "json.encode",
    summary: "JSON text of a value, or of `{value, list of its empty objects}` when told so.",
    mode: "pure",
    arguments: () => [anything(), z.boolean().optional()],
    run(_context, given, withObjects) {
      if (!withObjects) return writeJson(given, new Set());
      const [value, emptyObjects] = given as [LuaValue, LuaValue[]];
      return writeJson(value, new Set(emptyObjects));
    },
  }),
  defineOperation({
    name: "json.validate",
    summary: "True if `{schema, value, list of their empty objects}` match; the value may be text.",
    mode: "pure",
    arguments: () => [z.array(z.custom<LuaValue>(() => true)).length(3), z.boolean()],
    run(_context, [schema, data, emptyObjects], asText) {
      validateJson(schema, data, {
        asText,
        emptyObjects: Array.isArray(emptyObjects) ? emptyObjects : [],
      });
      return true;
    },
  }),
];
