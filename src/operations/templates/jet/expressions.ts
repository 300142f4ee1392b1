import { readNumber } from "../../../registry/expression/number.ts";
import type { Token } from "./lexer.ts";
import type { Argument, Command, Expression } from "./tree.ts";

/** The words of an action, read one after the other. */
export interface Words {
  readonly token: Token;
  at: number;
  is(text: string): boolean;
  take(text: string): boolean;
  expect(text: string): void;
  fail(reason?: string): never;
}

/** Operators of two operands, from those that bind weakest, with what they are called. */
const levels: readonly Readonly<Record<string, string>>[] = [
  { "||": "||", "or": "||" },
  { "&&": "&&", "and": "&&" },
  { "==": "==", "!=": "!=" },
  { "<": "<", "<=": "<=", ">": ">", ">=": ">=" },
  { "+": "+", "-": "-" },
  { "*": "*", "/": "/", "%": "%" },
];

const keywords = new Set(["content", "end", "else", "catch"]);
const deepest = 100;

/** Reads a value with what it is piped into. @throws TemplateError */
export function parseExpression(words: Words): Expression {
  return new Reader(words).pipeline();
}

class Reader {
  #depth = 0;
  readonly #words: Words;

  constructor(words: Words) {
    this.#words = words;
  }

  pipeline(): Expression {
    const words = this.#words;
    const { line } = words.token;
    let value = this.#ternary();
    if (words.is(":") && (value.type === "name" || value.type === "fields")) {
      words.at++;
      value = { type: "call", callee: value, arguments: this.#list(), line };
    }
    const into: Command[] = [];
    while (words.take("|")) into.push(this.#command());
    return into.length === 0 ? value : { type: "pipe", value, into, line };
  }

  #command(): Command {
    const words = this.#words;
    const { line } = words.token;
    const callee = this.#postfix();
    if (words.take(":")) return { callee, arguments: this.#list(), line };
    // A call in a pipeline gets the piped value too.
    if (callee.type === "call") return { callee: callee.callee, arguments: callee.arguments, line };
    return { callee, arguments: [], line };
  }

  #list(): Argument[] {
    const found = [this.#argument()];
    while (this.#words.take(",")) found.push(this.#argument());
    return found;
  }

  #argument(): Argument {
    return this.#words.take("_") ? "slot" : this.#ternary();
  }

  #ternary(): Expression {
    if (++this.#depth > deepest) this.#words.fail(`expressions nest deeper than ${deepest} levels`);
    const test = this.#binary(0);
    const { line } = this.#words.token;
    let result = test;
    if (this.#words.take("?")) {
      const then = this.#ternary();
      this.#words.expect(":");
      result = { type: "ternary", test, then, otherwise: this.#ternary(), line };
    }
    this.#depth--;
    return result;
  }

  #binary(level: number): Expression {
    const operators = levels[level];
    if (!operators) return this.#unary();
    let left = this.#binary(level + 1);
    for (;;) {
      const { kind, text, line } = this.#words.token;
      const operator = kind === "sign" || kind === "name" ? operators[text] : undefined;
      if (operator === undefined) return left;
      this.#words.at++;
      left = { type: "binary", operator, left, right: this.#binary(level + 1), line };
    }
  }

  #unary(): Expression {
    const words = this.#words;
    const { line } = words.token;
    for (const [text, operator] of [["!", "!"], ["not", "!"], ["-", "-"], ["+", "+"]] as const) {
      if (!words.take(text)) continue;
      if (++this.#depth > deepest) words.fail(`expressions nest deeper than ${deepest} levels`);
      const operand = this.#unary();
      this.#depth--;
      return { type: "unary", operator, operand, line };
    }
    return this.#postfix();
  }

  #postfix(): Expression {
    let value = this.#primary();
    for (;;) {
      const { kind, text, spaced, line } = this.#words.token;
      // After a space, another value begins: `include "user" .owner`.
      if (spaced) return value;
      if (kind === "field") {
        this.#words.at++;
        if (value.type === "fields") value.names.push(text);
        else value = { type: "fields", of: value, names: [text], leading: false, line };
      } else if (this.#words.take("(")) {
        value = { type: "call", callee: value, arguments: this.#arguments(), line };
      } else if (this.#words.take("[")) {
        value = this.#index(value, line);
      } else return value;
    }
  }

  #arguments(): Argument[] {
    const found: Argument[] = [];
    while (!this.#words.is(")")) {
      found.push(this.#argument());
      if (!this.#words.take(",")) break;
    }
    this.#words.expect(")");
    return found;
  }

  #index(of: Expression, line: number): Expression {
    const words = this.#words;
    const from = words.is(":") ? undefined : this.#ternary();
    if (from && words.take("]")) return { type: "index", of, key: from, line };
    words.expect(":");
    const to = words.is("]") ? undefined : this.#ternary();
    words.expect("]");
    return { type: "slice", of, from, to, line };
  }

  #primary(): Expression {
    const words = this.#words;
    const { kind, text, value, line } = words.token;
    if (words.take("(")) {
      const inside = this.pipeline();
      words.expect(")");
      return inside;
    }
    if (words.take(".")) return { type: "context", line };
    switch (kind) {
      case "field":
        words.at++;
        return {
          type: "fields",
          of: { type: "context", line },
          names: [text],
          leading: true,
          line,
        };
      case "string":
        words.at++;
        return { type: "constant", value: value!, line };
      case "number": {
        const read = readNumber(text);
        if (read === undefined) return words.fail(`the integer ${text} does not fit 64 bits`);
        words.at++;
        return { type: "constant", value: read, line };
      }
      case "name":
        if (keywords.has(text)) words.fail();
        words.at++;
        if (text === "true" || text === "false") {
          return { type: "constant", value: text === "true", line };
        }
        if (text === "nil") return { type: "constant", value: null, line };
        return { type: "name", name: text, line };
      default:
        return words.fail();
    }
  }
}
