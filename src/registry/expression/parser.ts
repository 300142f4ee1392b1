import { argumentCounts, predicated } from "./signatures.ts";
import { type Token, tokensOf } from "./lexer.ts";
import { readNumber } from "./number.ts";
import { ExpressionError } from "./source.ts";
import type { BinaryOperator, Node } from "./tree.ts";

/** How strongly an operator binds, and whether from the right. */
const binary: Readonly<Record<string, { binds: number; right?: boolean; as?: BinaryOperator }>> = {
  "|": { binds: 0 },
  "or": { binds: 10 },
  "||": { binds: 10, as: "or" },
  "and": { binds: 15 },
  "&&": { binds: 15, as: "and" },
  "==": { binds: 20 },
  "!=": { binds: 20 },
  "<": { binds: 20 },
  ">": { binds: 20 },
  "<=": { binds: 20 },
  ">=": { binds: 20 },
  "in": { binds: 20 },
  "matches": { binds: 20 },
  "contains": { binds: 20 },
  "startsWith": { binds: 20 },
  "endsWith": { binds: 20 },
  "..": { binds: 25 },
  "+": { binds: 30 },
  "-": { binds: 30 },
  "*": { binds: 60 },
  "/": { binds: 60 },
  "%": { binds: 60 },
  "**": { binds: 100, right: true },
  "^": { binds: 100, right: true, as: "**" },
  "??": { binds: 500 },
};

const negatable = new Set(["in", "matches", "contains", "startsWith", "endsWith"]);
const ordering = new Set(["<", "<=", ">", ">="]);

const unary: Readonly<Record<string, { binds: number; as: "not" | "-" | "+" }>> = {
  "not": { binds: 50, as: "not" },
  "!": { binds: 50, as: "not" },
  "-": { binds: 90, as: "-" },
  "+": { binds: 90, as: "+" },
};

const mostNodes = 10_000;
const deepest = 200;

/** The tree of an expression. @throws ExpressionError */
export function parse(source: string): Node {
  return new Parser(tokensOf(source)).program();
}

class Parser {
  #at = 0;
  #depth = 0;
  #nodes = 0;
  /** Predicates around the place. */
  #predicates = 0;
  readonly #tokens: Token[];

  constructor(tokens: Token[]) {
    this.#tokens = tokens;
  }

  get #token(): Token {
    return this.#tokens[this.#at]!;
  }

  program(): Node {
    const node = this.#sequence();
    if (this.#token.kind !== "end") this.#unexpected();
    return node;
  }

  #unexpected(): never {
    const { kind, text, place } = this.#token;
    const what = kind === "end" ? "end of the expression" : `token ${JSON.stringify(text)}`;
    throw new ExpressionError(`unexpected ${what}`, place);
  }

  #is(text: string): boolean {
    const { kind } = this.#token;
    return (kind === "operator" || kind === "bracket") && this.#token.text === text;
  }

  #take(text: string): boolean {
    const found = this.#is(text);
    if (found) this.#at++;
    return found;
  }

  #expect(text: string): void {
    if (!this.#take(text)) this.#unexpected();
  }

  #name(): string {
    const { kind, text } = this.#token;
    if (kind !== "name" || text.startsWith("#")) this.#unexpected();
    this.#at++;
    return text;
  }

  #made(node: Node): Node {
    if (++this.#nodes > mostNodes) {
      throw new ExpressionError(`the expression has more than ${mostNodes} parts`, node.place);
    }
    return node;
  }

  /** Parses what nests, and refuses what nests too deep for the stack. */
  #deeper<Result>(inside: () => Result): Result {
    if (++this.#depth > deepest) {
      const message = `the expression nests deeper than ${deepest} levels`;
      throw new ExpressionError(message, this.#token.place);
    }
    try {
      return inside();
    } finally {
      this.#depth--;
    }
  }

  /** Expressions with `;` between them, `let` among them. */
  #sequence(): Node {
    const { place } = this.#token;
    if (this.#is("let")) return this.#let();
    const items = [this.#expression()];
    while (this.#take(";")) {
      if (this.#token.kind === "end" || this.#is(")") || this.#is("}")) break;
      if (this.#is("let")) {
        items.push(this.#let());
        break;
      }
      items.push(this.#expression());
    }
    return items.length === 1 ? items[0]! : this.#made({ type: "sequence", items, place });
  }

  #let(): Node {
    const { place } = this.#token;
    this.#expect("let");
    const name = this.#name();
    this.#expect("=");
    const value = this.#expression();
    this.#expect(";");
    const body = this.#deeper(() => this.#sequence());
    return this.#made({ type: "let", name, value, body, place });
  }

  #expression(): Node {
    return this.#deeper(() => {
      if (this.#is("if")) return this.#if();
      const node = this.#binary(0);
      return this.#conditional(node);
    });
  }

  #if(): Node {
    const { place } = this.#token;
    this.#expect("if");
    const test = this.#binary(0);
    this.#expect("{");
    const then = this.#sequence();
    this.#expect("}");
    this.#expect("else");
    if (this.#is("if")) {
      const otherwise = this.#deeper(() => this.#if());
      return this.#made({ type: "conditional", test, then, otherwise, place });
    }
    this.#expect("{");
    const otherwise = this.#sequence();
    this.#expect("}");
    return this.#made({ type: "conditional", test, then, otherwise, place });
  }

  #conditional(test: Node): Node {
    const { place } = this.#token;
    if (!this.#take("?")) return test;
    if (this.#take(":")) {
      return this.#made({
        type: "conditional",
        test,
        then: test,
        otherwise: this.#expression(),
        place,
      });
    }
    const then = this.#expression();
    this.#expect(":");
    return this.#made({ type: "conditional", test, then, otherwise: this.#expression(), place });
  }

  /** An expression whose operators bind at least so strongly. */
  #binary(binds: number): Node {
    let left = this.#unary();
    let previous = "";
    while (this.#token.kind === "operator") {
      const token = this.#token;
      const begin = this.#at;
      let negated = false;
      let text = token.text;
      if (text === "not") {
        this.#at++;
        text = this.#token.text;
        negated = true;
        if (this.#token.kind !== "operator" || !negatable.has(text)) this.#unexpected();
      }
      const operator = binary[text];
      if (!operator || operator.binds < binds) {
        this.#at = begin;
        break;
      }
      this.#at++;
      if (previous === "??" && text !== "??") {
        throw new ExpressionError(
          `operator (${text}) and coalesce expressions (??) cannot be mixed; wrap either by parentheses`,
          token.place,
        );
      }
      if (text === "|") {
        const name = this.#name();
        left = this.#postfix(this.#call(name, token.place, [left]));
      } else if (ordering.has(text)) {
        left = this.#ordered(left, token);
      } else {
        left = this.#made({
          type: "binary",
          operator: operator.as ?? text as BinaryOperator,
          left,
          right: this.#binary(operator.right ? operator.binds : operator.binds + 1),
          place: token.place,
        });
        if (negated) {
          left = this.#made({ type: "unary", operator: "not", operand: left, place: token.place });
        }
      }
      previous = text;
    }
    return left;
  }

  /** `a < b < c`, which means `a < b and b < c`. */
  #ordered(first: Node, token: Token): Node {
    let left = first;
    let result: Node | undefined;
    for (let operator = token;;) {
      const right = this.#binary(21);
      const { place, text } = operator;
      const comparison = this.#made({
        type: "binary",
        operator: text as BinaryOperator,
        left,
        right,
        place,
      });
      result = result
        ? this.#made({ type: "binary", operator: "and", left: result, right: comparison, place })
        : comparison;
      if (this.#token.kind !== "operator" || !ordering.has(this.#token.text)) return result;
      operator = this.#token;
      this.#at++;
      left = right;
    }
  }

  #unary(): Node {
    const token = this.#token;
    const operator = token.kind === "operator" ? unary[token.text] : undefined;
    if (!operator) return this.#postfix(this.#primary());
    this.#at++;
    const operand = this.#deeper(() => this.#binary(operator.binds));
    return this.#made({ type: "unary", operator: operator.as, operand, place: token.place });
  }

  #primary(): Node {
    const token = this.#token;
    const { place } = token;
    if (this.#take("(")) {
      const inside = this.#deeper(() => this.#sequence());
      this.#expect(")");
      return inside;
    }
    if (this.#is("[")) return this.#array();
    if (this.#is("{")) return this.#map();
    if (this.#take("::")) return this.#call(this.#name(), place, []);
    if (this.#is(".") && this.#predicates > 0) {
      // `.name` of the item; the sign itself is read by what follows.
      return this.#made({ type: "pointer", name: "", place });
    }
    switch (token.kind) {
      case "number": {
        this.#at++;
        const value = readNumber(token.text);
        if (value === undefined) {
          throw new ExpressionError(`integer literal is too large: ${token.text}`, place);
        }
        return this.#made({ type: "constant", value, place });
      }
      case "string":
        this.#at++;
        return this.#made({ type: "constant", value: token.value!, place });
      case "name":
        this.#at++;
        return this.#named(token);
      default:
        return this.#unexpected();
    }
  }

  #named({ text, place }: Token): Node {
    if (text.startsWith("#")) {
      const name = text.slice(1);
      if (this.#predicates === 0) {
        throw new ExpressionError(`cannot use pointer ${text} outside of a predicate`, place);
      }
      if (name !== "" && name !== "acc" && name !== "index") {
        throw new ExpressionError(`unknown pointer ${text}`, place);
      }
      return this.#made({ type: "pointer", name, place });
    }
    switch (text) {
      case "true":
      case "false":
        return this.#made({ type: "constant", value: text === "true", place });
      case "nil":
        return this.#made({ type: "constant", value: null, place });
    }
    if (this.#is("(")) return this.#call(text, place, []);
    return this.#made({ type: "name", name: text, place });
  }

  /** A call of a builtin, whose arguments before the brackets are there already. */
  #call(name: string, place: number, given: Node[]): Node {
    const begin = this.#token.place;
    this.#expect("(");
    const found = [...given];
    this.#deeper(() => {
      while (!this.#is(")")) {
        found.push(
          predicated(name) && found.length === 1 ? this.#predicate() : this.#expression(),
        );
        if (!this.#take(",")) break;
      }
    });
    this.#expect(")");
    const counts = argumentCounts(name);
    if (!counts) throw new ExpressionError(`unknown name ${name}`, place);
    const [least, most] = counts;
    if (found.length < least) {
      throw new ExpressionError(`not enough arguments to call ${name}`, begin);
    }
    if (found.length > most) {
      throw new ExpressionError(`too many arguments to call ${name}`, begin);
    }
    return this.#made({ type: "call", name, arguments: found, place });
  }

  #predicate(): Node {
    const { place } = this.#token;
    this.#predicates++;
    try {
      if (!this.#take("{")) {
        return this.#made({ type: "predicate", body: this.#expression(), place });
      }
      const body = this.#sequence();
      this.#expect("}");
      return this.#made({ type: "predicate", body, place });
    } finally {
      this.#predicates--;
    }
  }

  #arguments(): Node[] {
    const found: Node[] = [];
    this.#expect("(");
    while (!this.#is(")")) {
      found.push(this.#expression());
      if (!this.#take(",")) break;
    }
    this.#expect(")");
    return found;
  }

  #array(): Node {
    const { place } = this.#token;
    const items: Node[] = [];
    this.#expect("[");
    while (!this.#is("]")) {
      items.push(this.#expression());
      if (!this.#take(",")) break;
    }
    this.#expect("]");
    return this.#made({ type: "array", items, place });
  }

  #map(): Node {
    const { place } = this.#token;
    const pairs: [Node, Node][] = [];
    this.#expect("{");
    while (!this.#is("}")) {
      const key = this.#key();
      this.#expect(":");
      pairs.push([key, this.#expression()]);
      if (!this.#take(",")) break;
    }
    this.#expect("}");
    return this.#made({ type: "map", pairs, place });
  }

  #key(): Node {
    const { kind, text, value, place } = this.#token;
    if (this.#is("(")) return this.#expression();
    const word = kind === "operator" && /^[a-z]/i.test(text);
    if (kind !== "name" && kind !== "string" && kind !== "number" && !word) this.#unexpected();
    this.#at++;
    return this.#made({ type: "constant", value: kind === "string" ? value! : text, place });
  }

  /** What follows a value: members, items, slices, calls of methods. */
  #postfix(start: Node): Node {
    let node = start;
    let optional = false;
    for (;;) {
      const { place } = this.#token;
      if (this.#take("[")) {
        node = this.#item(node, place, false);
      } else if (this.#is(".") || this.#is("?.")) {
        const maybe = this.#is("?.");
        this.#at++;
        optional ||= maybe;
        if (maybe && this.#take("[")) node = this.#item(node, place, true);
        else node = this.#member(node, maybe);
      } else break;
    }
    return optional ? this.#made({ type: "chain", of: node, place: node.place }) : node;
  }

  #member(of: Node, optional: boolean): Node {
    const { kind, text, place } = this.#token;
    const word = kind === "operator" && /^[a-z]/i.test(text);
    if ((kind !== "name" && !word) || text.startsWith("#")) this.#unexpected();
    this.#at++;
    if (this.#is("(")) {
      return this.#made({ type: "method", of, name: text, arguments: this.#arguments(), place });
    }
    const key = this.#made({ type: "constant", value: text, place });
    return this.#made({ type: "member", of, key, optional, place });
  }

  #item(of: Node, place: number, optional: boolean): Node {
    let from: Node | undefined;
    if (!this.#is(":")) {
      from = this.#expression();
      if (this.#take("]")) {
        return this.#made({ type: "member", of, key: from, optional, place });
      }
    }
    this.#expect(":");
    const to = this.#is("]") ? undefined : this.#expression();
    this.#expect("]");
    return this.#made({ type: "slice", of, from, to, place });
  }
}
