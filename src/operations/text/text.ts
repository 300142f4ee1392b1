import { lazy } from "../../registry/lazy.ts";
import { z } from "../../registry/schema.ts";
import { asLua, LuaFloat } from "../../vm/value.ts";
import { bytesOf, defineOperation, luaString, type Operation } from "../operation.ts";
import { lowerCase, upperCase } from "./cases.ts";
import { groupNames, matchesOf, regexpOf, replaceAll, splitBy } from "./regexp.ts";
import { splitMarkdown } from "./markdown.ts";
import { splitRecursively } from "./splitter.ts";

const integer = lazy(() => z.number().int());
const text_ = lazy(() => z.string({ error: "UTF-8 text is expected" }));
const limits = lazy(() => z.object({ size: z.number().int(), overlap: z.number().int() }));
const diffOptions = lazy(() => {
  const number = z.union([z.number(), z.instanceof(LuaFloat).transform(({ value }) => value)]);
  return z.object({
    diffTimeout: number,
    diffEditCost: number,
    matchThreshold: number,
    matchDistance: number,
    patchDeleteThreshold: number,
    patchMargin: number,
  });
});

/** Host operations of the module `text`. */
export const text: Operation[] = [
  defineOperation({
    name: "text.compile",
    summary: "Returns the names of a regular expression's groups, the whole match first.",
    mode: "pure",
    arguments: () => [z.string({ error: "a regular expression is UTF-8 text" })],
    run: (_context, pattern) => groupNames(regexpOf(pattern)),
  }),
  defineOperation({
    name: "text.matches",
    summary: "Returns the byte offsets of matches and of their groups.",
    mode: "pure",
    arguments: () => [z.string(), luaString(), integer()],
    run: (_context, pattern, text, most) =>
      asLua(matchesOf(regexpOf(pattern), bytesOf(text), most)),
  }),
  defineOperation({
    name: "text.replace",
    summary: "Returns a text with every match replaced.",
    mode: "pure",
    arguments: () => [z.string(), luaString(), luaString()],
    run: (_context, pattern, text, replacement) =>
      replaceAll(regexpOf(pattern), bytesOf(text), bytesOf(replacement)),
  }),
  defineOperation({
    name: "text.split",
    summary: "Returns the parts of a text between matches.",
    mode: "pure",
    arguments: () => [z.string(), luaString(), integer()],
    run: (_context, pattern, text, most) => splitBy(regexpOf(pattern), bytesOf(text), most),
  }),
  defineOperation({
    name: "text.upper",
    summary: "Returns a text in upper case, letter by letter.",
    mode: "pure",
    arguments: () => [luaString()],
    run: (_context, text) => upperCase(bytesOf(text)),
  }),
  defineOperation({
    name: "text.lower",
    summary: "Returns a text in lower case, letter by letter.",
    mode: "pure",
    arguments: () => [luaString()],
    run: (_context, text) => lowerCase(bytesOf(text)),
  }),
  defineOperation({
    name: "text.diff",
    summary: "Returns how one text becomes another.",
    // Gives up early by the clock, so a replay could see another result.
    mode: "async",
    arguments: () => [diffOptions(), text_(), text_()],
    async run(_context, options, one, other) {
      const { compareTexts } = await import("./diff.ts");
      return asLua(compareTexts(one, other, options));
    },
  }),
  defineOperation({
    name: "text.make_patches",
    summary: "Returns patches, as texts, that make one text another.",
    mode: "async",
    arguments: () => [diffOptions(), text_(), text_()],
    async run(_context, options, one, other) {
      const { makePatches } = await import("./diff.ts");
      return makePatches(one, other, options);
    },
  }),
  defineOperation({
    name: "text.apply_patches",
    summary: "Returns a text with patches applied, and whether all could be.",
    mode: "async",
    arguments: () => [diffOptions(), z.array(text_()).or(z.object({})), text_()],
    async run(_context, options, patches, text) {
      const { applyPatches } = await import("./diff.ts");
      return asLua(applyPatches(Array.isArray(patches) ? patches : [], text, options));
    },
  }),
  defineOperation({
    name: "text.split_recursively",
    summary:
      "Returns chunks of a text, cut at the coarsest separator that makes them small enough.",
    mode: "pure",
    arguments: () => [limits(), z.array(z.string()), z.boolean(), text_()],
    run: (_context, { size, overlap }, separators, keep, text) =>
      splitRecursively(text, { size, overlap, separators, keep }),
  }),
  defineOperation({
    name: "text.split_markdown",
    summary: "Returns chunks of Markdown, cut at headings and between blocks.",
    mode: "pure",
    arguments: () => [
      limits().extend({
        codeBlocks: z.boolean(),
        referenceLinks: z.boolean(),
        headingHierarchy: z.boolean(),
        joinTableRows: z.boolean(),
      }),
      text_(),
    ],
    run: (_context, options, text) => splitMarkdown(text, options),
  }),
];
