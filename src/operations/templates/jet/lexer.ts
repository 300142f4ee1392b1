import { TemplateError } from "./failure.ts";

/** What an action begins and ends with. */
export interface Delimiters {
  left: string;
  right: string;
}

/** A word or a sign of an action. */
export interface Token {
  kind: "name" | "field" | "number" | "string" | "sign" | "end";
  text: string;
  /** Of a string: what it stands for. */
  value?: string;
  /** Whether space stands before it. */
  spaced: boolean;
  line: number;
}

/** A text between actions, or the words of an action. */
export type Piece = { text: string; line: number } | { tokens: Token[]; line: number };

const space = /[ \t\r\n]+/y;
const number = /0[xX][\da-fA-F]+|\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const name = /[\p{L}_][\p{L}\p{Nd}_]*/uy;
const field = /\.[\p{L}_][\p{L}\p{Nd}_]*/uy;
const sign = /:=|==|!=|<=|>=|&&|\|\||[.,;:=<>!+\-*/%?|()[\]]/y;
const comment = { left: "{*", right: "*}" };

/** Splits a template into texts and actions. @throws TemplateError */
export function piecesOf(template: string, source: string, delimiters: Delimiters): Piece[] {
  const pieces: Piece[] = [];
  const fail = (line: number, reason: string) => new TemplateError(template, line, reason);
  const { left, right } = delimiters;
  let line = 1;
  let trimNext = false;
  const addText = (raw: string, trimEnd: boolean) => {
    let text = raw;
    if (trimNext) text = text.replace(/^[ \t\r\n]+/, "");
    if (trimEnd) text = withoutEnd(text);
    if (text !== "") pieces.push({ text, line });
    line += countLines(raw);
    trimNext = false;
  };
  for (let at = 0; at < source.length;) {
    const action = source.indexOf(left, at);
    const note = source.indexOf(comment.left, at);
    if (note >= 0 && (action < 0 || note <= action) && !source.startsWith(left, note)) {
      addText(source.slice(at, note), false);
      const end = source.indexOf(comment.right, note + 2);
      if (end < 0) throw fail(line, "unclosed comment");
      line += countLines(source.slice(note, end));
      at = end + comment.right.length;
      continue;
    }
    if (action < 0) {
      addText(source.slice(at), false);
      break;
    }
    let begin = action + left.length;
    const trims = source[begin] === "-" && isSpace(source[begin + 1]);
    addText(source.slice(at, action), trims);
    if (trims) begin++;
    const found = tokensOf(source, begin, right, line, fail);
    pieces.push({ tokens: found.tokens, line });
    line = found.line;
    trimNext = found.trims;
    at = found.end;
  }
  return pieces;
}

function withoutEnd(text: string): string {
  let end = text.length;
  while (end > 0 && isSpace(text[end - 1])) end--;
  return text.slice(0, end);
}

function isSpace(sign: string | undefined): boolean {
  return sign === " " || sign === "\t" || sign === "\r" || sign === "\n";
}

function countLines(text: string): number {
  let count = 0;
  for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) count++;
  return count;
}

function tokensOf(
  source: string,
  begin: number,
  right: string,
  first: number,
  fail: (line: number, reason: string) => TemplateError,
): { tokens: Token[]; end: number; line: number; trims: boolean } {
  const tokens: Token[] = [];
  let at = begin;
  let line = first;
  const take = (pattern: RegExp) => {
    pattern.lastIndex = at;
    const text = pattern.exec(source)?.[0];
    if (text !== undefined) at += text.length;
    return text;
  };
  let spaced = false;
  const add = (kind: Token["kind"], text: string, value?: string) => {
    tokens.push({ kind, text, spaced, line, ...(value !== undefined && { value }) });
  };
  for (;;) {
    const before = take(space) ?? "";
    spaced = before !== "";
    line += countLines(before);
    const trims = before !== "" && source[at] === "-" && source.startsWith(right, at + 1);
    if (trims) at++;
    if (source.startsWith(right, at)) {
      add("end", right);
      return { tokens, end: at + right.length, line, trims };
    }
    if (at >= source.length) throw fail(first, "unclosed action");
    const mark = source[at]!;
    if (mark === '"' || mark === "`" || mark === "'") {
      const end = stringEnd(source, at);
      if (end === undefined) throw fail(line, "unterminated string");
      const text = source.slice(at, end);
      const value = mark === "`" ? text.slice(1, -1) : unescaped(text.slice(1, -1));
      if (value === undefined) throw fail(line, `invalid escape in ${text}`);
      if (mark === "'") add("number", String(value.codePointAt(0) ?? 0));
      else add("string", text, value);
      line += countLines(text);
      at = end;
      continue;
    }
    let text = take(number);
    if (text !== undefined) {
      add("number", text);
      continue;
    }
    text = take(field);
    if (text !== undefined) {
      add("field", text.slice(1));
      continue;
    }
    text = take(name);
    if (text !== undefined) {
      add("name", text);
      continue;
    }
    text = take(sign);
    if (text === undefined) throw fail(line, `unexpected character ${JSON.stringify(mark)}`);
    add("sign", text);
  }
}

function stringEnd(source: string, begin: number): number | undefined {
  const mark = source[begin];
  for (let at = begin + 1; at < source.length; at++) {
    if (source[at] === mark) return at + 1;
    if (mark !== "`" && source[at] === "\\") at++;
    else if (mark !== "`" && source[at] === "\n") return undefined;
  }
  return undefined;
}

const escapes: Readonly<Record<string, string>> = {
  a: "\x07",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
  "\\": "\\",
  "'": "'",
  '"': '"',
};

/** The text of a string's inside; undefined for an escape that there is not. */
function unescaped(inside: string): string | undefined {
  let valid = true;
  const pattern = /\\(?:x([\da-fA-F]{2})|u([\da-fA-F]{4})|U([\da-fA-F]{8})|([0-7]{3})|([^]?))/g;
  const text = inside.replace(pattern, (_all, x, u, wide, octal, plain) => {
    const code = octal ? parseInt(octal, 8) : parseInt(x ?? u ?? wide ?? "", 16);
    if (code >= 0 && code <= 0x10ffff) return String.fromCodePoint(code);
    const sign = escapes[plain ?? ""];
    if (sign === undefined) valid = false;
    return sign ?? "";
  });
  return valid ? text : undefined;
}
