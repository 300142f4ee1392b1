/**
 * Formats typed Lua, and only formats it: what comes out is the same program with the same types and comments.
 * @module
 */
import type { CompileBytes } from "../app/bytecode.ts";
import { nodesOf } from "../language/scope.ts";
import { lower, parse, positionAt, type Tree } from "../language/language.ts";
import { FormatError, mask } from "./mask.ts";
import type { FormatLua } from "./stylua.ts";

export { FormatError } from "./mask.ts";

/** Lines of a text, from 0; the last one is one of them. */
export interface LineRange {
  first: number;
  last: number;
}

/**
 * Formats a text of typed Lua; a mark of its encoding and the first line of a script stay.
 *
 * @param format for Lua 5.4
 * @param lines what is to be formatted: statements that are wholly in them. Without them all of it
 * @throws FormatError for a text that is not sound, or of which something else would become
 * @example `local x:number=1` becomes `local x: number = 1`
 */
export function formatTyped(
  text: string,
  format: FormatLua,
  compile: CompileBytes,
  lines?: LineRange,
): string {
  const [first] = /^\uFEFF?(?:#[^\n]*(?:\n|$))?/.exec(text)!;
  const code = text.slice(first.length);
  const bytes = Buffer.from(code).toString("latin1");
  const before = lineCount(first);
  const tree = sound(bytes, before);
  const { text: masked, offset, unmask } = mask(tree);
  const source = Buffer.from(masked, "latin1").toString();
  const part = lines && { first: Math.max(0, lines.first - before), last: lines.last - before };
  const range = part && {
    start: offset(lineStart(bytes, part.first)),
    end: offset(lineStart(bytes, part.last + 1)),
  };
  const formatted = Buffer.from(format(source, range)).toString("latin1");
  const result = part ? onlyLines(bytes, unmask(formatted), part) : unmask(formatted);
  if (!isSame(tree, parse(result), compile)) {
    throw new FormatError("the formatted code would not be the same program");
  }
  return first + Buffer.from(result, "latin1").toString();
}

/** The offset of a line, or the end of a text that has fewer. */
function lineStart(text: string, line: number): number {
  let at = 0;
  for (let seen = 0; seen < line; seen++) {
    const found = text.indexOf("\n", at);
    if (found < 0) return text.length;
    at = found + 1;
  }
  return at;
}

/** A text with some lines as they are in its formatted form, which has as many lines before and behind those. */
function onlyLines(text: string, formatted: string, { first, last }: LineRange): string {
  const [before, after] = [text.split("\n"), formatted.split("\n")];
  const behind = Math.max(0, before.length - last - 1);
  return [
    ...before.slice(0, first),
    ...after.slice(first, after.length - behind),
    ...before.slice(before.length - behind),
  ].join("\n");
}

function lineCount(text: string): number {
  return text.split("\n").length - 1;
}

function sound(bytes: string, linesBefore: number): Tree {
  const tree = parse(bytes);
  const [fault] = tree.faults;
  if (!fault) return tree;
  const { line, column } = positionAt(bytes, fault.start);
  throw new FormatError(fault.message, { line: line + linesBefore, column });
}

function isSame(one: Tree, other: Tree, compile: CompileBytes): boolean {
  if (other.faults.length > 0) return false;
  const [before, after] = [one, other].map(({ text }) => {
    const lowered = lower(text);
    if (lowered && "fault" in lowered) return undefined;
    return compile(withoutLines(lowered?.code ?? text));
  });
  return before !== undefined && after !== undefined && Buffer.compare(before, after) === 0 &&
    typesOf(one) === typesOf(other) && commentsOf(one) === commentsOf(other);
}

/** A text of Lua 5.4 without comments and line breaks but those in strings: bytecode has lines of functions. */
function withoutLines(text: string): string {
  const tree = parse(text);
  const kept = [...nodesOf(tree)].filter((node) => "kind" in node && node.kind === "String");
  const parts = [
    ...kept.map(({ start, end }) => ({ start, end, shown: text.slice(start, end) })),
    ...tree.comments.map(({ start, end }) => ({ start, end, shown: " " })),
  ].sort((one, other) => one.start - other.start);
  let code = "";
  let at = 0;
  for (const { start, end, shown } of parts) {
    code += text.slice(at, start).replace(/[\r\n]/g, " ") + shown;
    at = end;
  }
  return code + text.slice(at).replace(/[\r\n]/g, " ");
}

/** All that is erased, without blanks. */
function typesOf({ text, edits }: Tree): string {
  return edits.filter((edit) => edit.text === undefined)
    .toSorted((one, other) => one.start - other.start)
    .map(({ start, end }) => text.slice(start, end).replace(/\s+/g, "")).join("\n");
}

/** Comments without blanks, in no order, as a formatter may move them within a statement. */
function commentsOf({ text, comments }: Tree): string {
  return comments.map(({ start, end }) => text.slice(start, end).replace(/\s+/g, "")).sort()
    .join("\n");
}
