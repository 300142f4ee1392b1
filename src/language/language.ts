/**
 * Typed Lua: reads it, and turns it into Lua 5.4 with the same lines and descriptions of the types that are values at
 * run time. A text is bytes: each character of the strings here is one of them.
 * @module
 */
import { type DeclaredType, describeTypes } from "./describe.ts";
import { castsOnly, erase } from "./erase.ts";
import { lineOf } from "./lexer.ts";
import { parse } from "./parser.ts";
import { skim } from "./skim/skim.ts";
import type { Tree } from "./tree.ts";

export { parse } from "./parser.ts";
export type { Tree } from "./tree.ts";

/** Where something is: both count from 1, columns in bytes. */
export interface Position {
  line: number;
  column: number;
}

/** A text of typed Lua in Lua 5.4. */
export interface Lowered {
  code: string;
  /** What the chunk declares at its top level. */
  types: DeclaredType[];
  /** Whether the code uses the table of type values, which it knows as `__ty`. */
  usesTypes: boolean;
}

/** What is wrong with a text. */
export interface SyntaxFault extends Position {
  message: string;
}

/** The position of an offset in a text. */
export function positionAt(text: string, offset: number): Position {
  return { line: lineOf(text, offset), column: offset - text.lastIndexOf("\n", offset - 1) };
}

/**
 * Turns a text into Lua 5.4.
 *
 * @returns undefined for a text in which nothing is typed: it is for Lua's own compiler, and so are its faults
 */
export function lower(text: string): Lowered | { fault: SyntaxFault } | undefined {
  const skimmed = skim(text);
  if (skimmed) return skimmed === "untyped" ? undefined : skimmed;
  return lowerTree(text);
}

/** The same with a tree, which knows what is wrong with a text. */
export function lowerTree(text: string): Lowered | { fault: SyntaxFault } | undefined {
  const tree: Tree = parse(text);
  const [fault] = tree.faults;
  // A fault of Lua itself is told in the words of its compiler.
  if (!tree.typed && (fault || !castsOnly(tree.globals))) return undefined;
  if (fault) return { fault: { ...positionAt(text, fault.start), message: fault.message } };
  return { ...erase(tree), types: describeTypes(tree) };
}

/** A local that its own function means, and how many characters of the text end with its name. */
export interface SelfCall {
  name: string;
  last: number;
}

/**
 * The locals of `local f = function` whose bodies mean them, in the order of the text: those that `lower` declares
 * before. None in a text that is typed or faulty.
 *
 * @example
 * selfCalls("local f = function(n) return f(n - 1) end"); // [{ name: "f", last: 7 }]
 */
export function selfCalls(text: string): SelfCall[] {
  const tree = parse(text);
  if (tree.typed || tree.faults.length > 0) return [];
  return tree.selfReferences.map(({ bindings: [binding] }) => ({
    name: binding!.name,
    last: binding!.end,
  }));
}
