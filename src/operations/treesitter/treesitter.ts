import { z } from "../../registry/schema.ts";
import type { LuaValue } from "../../vm/value.ts";
import { defineOperation, luaString, type Operation } from "../operation.ts";
import { invalid, languageNames } from "./grammars.ts";
import { compileQuery, findMatches } from "./query.ts";
import { parseText, treeData } from "./tree.ts";

function textOf(value: string | Uint8Array, what: string): string {
  if (typeof value === "string") return value;
  throw invalid(`${what} must be UTF-8`);
}

/** Host operations of the module `treesitter`. */
export const treesitter: Operation[] = [
  defineOperation({
    name: "treesitter.languages",
    summary: "Returns the names of all languages.",
    mode: "pure",
    arguments: () => [],
    run: () => languageNames(),
  }),
  defineOperation({
    name: "treesitter.parse",
    summary: "Returns the tree of a text as plain data.",
    mode: "pure",
    arguments: () => [z.string(), luaString()],
    run: (_context, language, text) => treeData(parseText(language, textOf(text, "the text"))),
  }),
  defineOperation({
    name: "treesitter.query",
    summary: "Checks a query; returns the names of its captures, and of each pattern what it sets.",
    mode: "pure",
    arguments: () => [z.string(), luaString()],
    run(_context, language, source) {
      const { query } = compileQuery(language, textOf(source, "the query"));
      const properties: LuaValue[] = [];
      for (let at = 0; at < query.patternCount(); at++) {
        properties.push({ ...(query.setProperties[at] as Record<string, string> | undefined) });
      }
      return { captures: query.captureNames, properties };
    },
  }),
  defineOperation({
    name: "treesitter.matches",
    summary: "Returns what a query finds in a text.",
    mode: "pure",
    arguments: () => [
      z.string(),
      luaString(),
      luaString(),
      z.object({
        node: z.int().min(0),
        start: z.int().min(0).optional(),
        end: z.int().min(0).optional(),
      }),
    ],
    run: (_context, language, text, source, range) =>
      findMatches(
        parseText(language, textOf(text, "the text")),
        compileQuery(language, textOf(source, "the query")),
        range,
      ),
  }),
];
