/**
 * Hides the types of a text from a formatter of Lua 5.4, and puts them back into what it has made.
 * @module
 */
import { positionAt } from "../language/language.ts";
import type { Edit, Tree } from "../language/tree.ts";

/** A text in which types are hidden. */
export interface Masked {
  /** Lua 5.4, with a name for each type that is hidden. */
  text: string;
  /** Where an offset of the original text is in this one. */
  offset(original: number): number;
  /** Puts the types into a formatted text, with the indentation of their new lines. @throws FormatError */
  unmask(formatted: string): string;
}

/** A text that cannot be formatted. */
export class FormatError extends Error {
  override name = "FormatError";

  /** @param position counts from 1, columns in bytes */
  constructor(message: string, readonly position?: { line: number; column: number }) {
    super(message);
  }
}

/** What stands for a type, and what it stands for. */
interface Placeholder {
  /** What is hidden of the text. */
  start: number;
  end: number;
  kind: "name" | "results" | "cast" | "statement";
  /** What comes back in its place. */
  text: string;
  /** What comes back behind the parenthesis that follows. */
  results?: string;
}

/** A name is hidden by one that is as long, up to this: beyond, the line is too long in any case. */
const longestName = 90;

/** Names and blanks in front of a type that are longer are not found, so that the type is refused. */
const longestToken = 500;

/**
 * Hides the types of a sound tree: `x: T` behind a name as long, `f(): T` behind a parameter, a cast behind a power,
 * which binds as tightly, and declarations behind a declaration of a local.
 *
 * @throws FormatError for a type in a place for which there is no such name
 */
export function mask(tree: Tree): Masked {
  const placeholders: Placeholder[] = [];
  for (const edit of tree.edits.toSorted((one, other) => one.start - other.start)) {
    if (edit.text === undefined) hide(tree.text, edit, placeholders);
  }
  const prefix = freePrefix(tree.text);
  const parts: string[] = [];
  let at = 0;
  for (const [index, placeholder] of placeholders.entries()) {
    parts.push(tree.text.slice(at, placeholder.start), nameFor(placeholder, prefix, index));
    at = placeholder.end;
  }
  const text = parts.join("") + tree.text.slice(at);
  return {
    text,
    offset: (original) => {
      let moved = original;
      for (const [index, placeholder] of placeholders.entries()) {
        const { start, end } = placeholder;
        if (end > original) break;
        moved += nameFor(placeholder, prefix, index).length - (end - start);
      }
      return moved;
    },
    unmask: (formatted) => unmask(formatted, prefix, placeholders, tree.text),
  };
}

function hide(text: string, { start, end }: Edit, found: Placeholder[]): void {
  const hidden = text.slice(start, end);
  const before = textBefore(text, start);
  const refuse = () => {
    const message = "the type in this place cannot be formatted";
    return new FormatError(message, positionAt(text, start));
  };
  if (/^(?:type|interface)\b/.test(hidden)) {
    found.push({ start, end, kind: "statement", text: hidden });
  } else if (/^(?:::|as\b|!)/.test(hidden)) {
    // A statement that begins with a parenthesis must not become arguments.
    const semicolon = /^\s*\(/.test(text.slice(end)) && /\n/.test(/^\s*/.exec(text.slice(end))![0]);
    const from = start - /[ \t]*$/.exec(before)![0].length;
    found.push({ start: from, end, kind: "cast", text: hidden + (semicolon ? ";" : "") });
  } else if (hidden.startsWith(":") && /\)\s*$/.test(before)) {
    const closing = text.lastIndexOf(")", start - 1);
    hideResults(text, closing, end, hidden, found, refuse);
  } else {
    const name = /(?:[A-Za-z_]\w*|\.\.\.)[ \t]*$/.exec(before)?.[0];
    if (name === undefined || name.trim() === "function") throw refuse();
    const separator = hidden.startsWith(":") ? `: ${hidden.slice(1).trim()}` : hidden;
    found.push({
      start: start - name.length,
      end,
      kind: "name",
      text: name.trim() + separator,
    });
  }
}

/** What is right before a place. All of it would be read again for each type. */
function textBefore(text: string, end: number): string {
  return text.slice(Math.max(0, end - longestToken), end);
}

/** Hides the results of a function behind its last parameter, or behind one that it does not have. */
function hideResults(
  text: string,
  closing: number,
  end: number,
  hidden: string,
  found: Placeholder[],
  refuse: () => FormatError,
): void {
  const results = `: ${hidden.slice(1).trim()}`;
  const inside = textBefore(text, closing);
  const last = found.at(-1);
  if (last?.kind === "name" && last.end <= closing && text.slice(last.end, closing).trim() === "") {
    last.results = results;
    last.end = end;
    return;
  }
  const name = /(?:[A-Za-z_]\w*|\.\.\.)\s*$/.exec(inside)?.[0];
  if (name !== undefined) {
    found.push({
      start: closing - name.length,
      end,
      kind: "results",
      text: name.trim(),
      results,
    });
  } else if (/\(\s*$/.test(inside)) {
    found.push({ start: closing, end, kind: "results", text: "", results });
  } else throw refuse();
}

/** The beginning of names that the text does not have. */
function freePrefix(text: string): string {
  for (let number = 0;; number++) {
    const prefix = `z${number.toString(36)}q`;
    if (!text.includes(prefix)) return prefix;
  }
}

function nameFor({ kind, text, results = "" }: Placeholder, prefix: string, index: number): string {
  const name = `${prefix}${index}`;
  const width = Math.min(longestName, text.length + results.length);
  if (kind === "statement") return `local ${name}`;
  if (kind === "cast") return ` ^ ${name.padEnd(width - 2, "_")}${text.endsWith(";") ? ";" : ""}`;
  return `${name.padEnd(width, "_")}${results === "" ? "" : ")"}`;
}

function unmask(
  formatted: string,
  prefix: string,
  placeholders: readonly Placeholder[],
  original: string,
): string {
  const pattern = new RegExp(`(local |\\s*\\^ *)?\\b${prefix}(\\d+)_*(\\s*\\))?(;)?`, "g");
  const seen = new Set<number>();
  const text = formatted.replace(
    pattern,
    (whole, before = "", digits: string, closing = "", semicolon = "", offset: number) => {
      const index = Number(digits);
      const placeholder = placeholders[index];
      if (!placeholder || seen.has(index)) throw new FormatError(`${whole} is there twice`);
      seen.add(index);
      const { kind, results, start } = placeholder;
      const line = formatted.slice(formatted.lastIndexOf("\n", offset) + 1);
      const shown = reindent(placeholder.text, indentAt(original, start), indentOf(line));
      if (kind === "statement") return shown + closing;
      if (kind === "cast") {
        const written = shown.replace(/;$/, "");
        return (written === "!" ? "!" : ` ${written}`) + closing + semicolon;
      }
      if (results === undefined) return before + shown + closing + semicolon;
      if (closing === "") throw new FormatError("the results of a function have moved");
      const after = reindent(results, indentAt(original, start), indentOf(line));
      return before + shown + (shown === "" ? ")" : closing) + after + semicolon;
    },
  );
  if (seen.size < placeholders.length) throw new FormatError("a type was lost");
  return text;
}

function indentOf(line: string): string {
  return /^[ \t]*/.exec(line)![0];
}

function indentAt(text: string, offset: number): string {
  return indentOf(text.slice(text.lastIndexOf("\n", offset - 1) + 1));
}

/** Moves the lines behind the first one from one indentation to another. */
function reindent(text: string, from: string, to: string): string {
  return text.split(/\r?\n/).map((line, index) => {
    if (index === 0) return line.trimEnd();
    const inner = line.startsWith(from) ? line.slice(from.length) : line.trimStart();
    return inner.trim() === "" ? "" : (to + inner).trimEnd();
  }).join("\n");
}
