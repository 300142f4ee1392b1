import { ExpressionError, type Place } from "./source.ts";

/** One word or sign of an expression. */
export interface Token {
  kind: "number" | "string" | "name" | "operator" | "bracket" | "end";
  text: string;
  place: Place;
  /** Of a string: what it stands for. */
  value?: string;
}

const words = new Set([
  "and",
  "or",
  "not",
  "in",
  "matches",
  "contains",
  "startsWith",
  "endsWith",
  "let",
  "if",
  "else",
]);

const space = /[ \t\r\n]+/y;
const comment = /\/\/[^\n]*|\/\*[^]*?\*\//y;
const number =
  /0[xX][\da-fA-F_]+|0[oO][0-7_]+|0[bB][01_]+|(?:\d[\d_]*(?:\.(?!\.)[\d_]*)?|\.\d[\d_]*)(?:[eE][+-]?\d+)?/y;
const name = /[\p{L}_$][\p{L}\p{Nd}_$]*/uy;
const pointer = /#[A-Za-z_]*/y;
const operator = /\*\*|\.\.|&&|\|\||==|!=|<=|>=|\?\.(?!\d)|\?\?|::|[+\-*/%^<>!?:|.,;=]/y;
const bracket = /[()[\]{}]/y;

/** Longest text of an expression, in UTF-16 units. */
export const longestSource = 100_000;

/** Splits an expression into its words and signs. @throws ExpressionError */
export function tokensOf(source: string): Token[] {
  if (source.length > longestSource) {
    throw new ExpressionError(`the expression is longer than ${longestSource} characters`, 0);
  }
  const tokens: Token[] = [];
  let at = 0;
  const take = (pattern: RegExp) => {
    pattern.lastIndex = at;
    const found = pattern.exec(source)?.[0];
    if (found !== undefined) at += found.length;
    return found;
  };
  while (at < source.length) {
    if (take(space) !== undefined || take(comment) !== undefined) continue;
    const place = at;
    const sign = source[at]!;
    if (sign === '"' || sign === "'" || sign === "`") {
      const [value, end] = sign === "`" ? rawString(source, at) : quoted(source, at);
      tokens.push({ kind: "string", text: source.slice(at, end), value, place });
      at = end;
      continue;
    }
    let text = take(number);
    if (text !== undefined) {
      tokens.push({ kind: "number", text, place });
      if (take(name) !== undefined) {
        throw new ExpressionError(`bad number syntax: ${source.slice(place, at)}`, place);
      }
      continue;
    }
    text = take(pointer) ?? take(name);
    if (text !== undefined) {
      tokens.push({ kind: words.has(text) ? "operator" : "name", text, place });
      continue;
    }
    text = take(operator);
    if (text !== undefined) {
      tokens.push({ kind: "operator", text, place });
      continue;
    }
    text = take(bracket);
    if (text === undefined) {
      const character = String.fromCodePoint(source.codePointAt(at)!);
      throw new ExpressionError(`unrecognized character: ${JSON.stringify(character)}`, place);
    }
    tokens.push({ kind: "bracket", text, place });
  }
  tokens.push({ kind: "end", text: "the end", place: source.length });
  return tokens;
}

function rawString(source: string, start: number): [string, number] {
  let text = "";
  for (let at = start + 1;;) {
    const end = source.indexOf("`", at);
    if (end < 0) throw new ExpressionError("literal not terminated", start);
    text += source.slice(at, end);
    if (source[end + 1] !== "`") return [text, end + 1];
    text += "`";
    at = end + 2;
  }
}

const simple: Readonly<Record<string, string>> = {
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
  "`": "`",
};

const numeric =
  /x([\da-fA-F]{2})|u([\da-fA-F]{4})|u\{([\da-fA-F]{1,6})\}|U([\da-fA-F]{8})|([0-7]{3})/y;

function quoted(source: string, start: number): [string, number] {
  const quote = source[start];
  let text = "";
  for (let at = start + 1; at < source.length; at++) {
    const sign = source[at]!;
    if (sign === quote) return [text, at + 1];
    if (sign === "\n") break;
    if (sign !== "\\") {
      text += sign;
      continue;
    }
    const plain = simple[source[at + 1] ?? ""];
    if (plain !== undefined) {
      text += plain;
      at++;
      continue;
    }
    numeric.lastIndex = at + 1;
    const found = numeric.exec(source);
    const code = found &&
      (found[5]
        ? parseInt(found[5], 8)
        : parseInt(found[1] ?? found[2] ?? found[3] ?? found[4]!, 16));
    if (!found || code === null || code > 0x10ffff) {
      throw new ExpressionError("invalid escape sequence in a string", at);
    }
    // Two escaped halves of a surrogate pair join by themselves.
    text += code > 0xffff ? String.fromCodePoint(code) : String.fromCharCode(code);
    at += found[0].length;
  }
  throw new ExpressionError("literal not terminated", start);
}
