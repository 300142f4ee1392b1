import { Lexer } from "./lexer.ts";
import type {
  Binding,
  Edit,
  Expression,
  FunctionParameter,
  Name,
  RecordField,
  TypeNode,
  TypeParameter,
  Validator,
} from "./tree.ts";

/** What a name followed by `as` is when it is no cast: the beginning of a statement. */
const afterVariable: ReadonlySet<string> = new Set(["=", ",", ".", ":", "["]);

/** Levels of nesting at most, as in Lua. */
const mostLevels = 195;

/** Reads types. What it reads of expressions in them makes no edits: all of it is erased. */
export abstract class TypeParser extends Lexer {
  readonly edits: Edit[] = [];
  readonly globals: Name[] = [];
  /** Where the last erased text ended. */
  protected erasedEnd = -1;
  /** How many types the parser is inside of. */
  protected typeDepth = 0;
  #level = 0;

  protected abstract expression(): Expression;
  protected abstract expressionList(): Expression[];
  protected abstract bindingOf(name: string): Binding | undefined;

  /** Enters a part of the grammar that may hold itself; `leave` must follow. False, with a fault: it is too deep. */
  protected enter(): boolean {
    if (this.#level < mostLevels) {
      this.#level++;
      return true;
    }
    this.fault(`chunk has too many syntax levels near ${this.near()}`);
    // All that follows would be wrong for the same reason.
    this.end = this.text.length;
    this.advance();
    return false;
  }

  protected leave(): void {
    this.#level--;
  }

  protected near(): string {
    if (this.kind === "eof") return "<eof>";
    // As Lua shows what no token begins with.
    if (this.kind === "unknown" && (this.code < 32 || this.code > 126)) return `'<\\${this.code}>'`;
    return `'${this.text.slice(this.start, this.end)}'`;
  }

  /** Whether the current token is of the kind; a method, as each token changes it. */
  protected is(kind: string): boolean {
    return this.kind === kind;
  }

  /** Goes on if the current token is of the kind. */
  protected accept(kind: string): boolean {
    if (this.kind !== kind) return false;
    this.advance();
    return true;
  }

  protected isWord(word: string): boolean {
    return this.kind === "name" && this.value === word;
  }

  protected expect(kind: string): boolean {
    if (this.accept(kind)) return true;
    this.fault(`'${kind}' expected near ${this.near()}`);
    return false;
  }

  /** A closing token; where it is missing, the fault says what it closes. */
  protected expectClosing(kind: string, opening: string, start: number): void {
    if (this.accept(kind)) return;
    const line = this.lineAt(start);
    const near = this.near();
    if (line === this.lineAt(this.start)) this.fault(`'${kind}' expected near ${near}`);
    else this.fault(`'${kind}' expected (to close '${opening}' at line ${line}) near ${near}`);
  }

  protected lineAt(offset: number): number {
    let line = 1;
    for (let at = this.text.indexOf("\n"); at >= 0 && at < offset;) {
      line++;
      at = this.text.indexOf("\n", at + 1);
    }
    return line;
  }

  protected nameText(): string {
    const name = this.value;
    if (this.kind === "name") {
      this.advance();
      return name;
    }
    this.fault(`<name> expected near ${this.near()}`);
    return "";
  }

  /** Erases what the dialect adds. */
  protected erase(start: number, end = this.previousEnd): void {
    this.typed = true;
    this.erasedEnd = end;
    if (this.typeDepth === 0) this.edits.push({ start, end });
  }

  protected insert(at: number, text: string): void {
    if (this.typeDepth === 0) this.edits.push({ start: at, end: at, text });
  }

  /** Whether the current token is the `as` of a cast. */
  protected isAs(): boolean {
    if (!this.isWord("as") || this.bindingOf("as") !== undefined) return false;
    const next = this.peek();
    if (afterVariable.has(next.kind)) return false;
    // `as` may be a function of the program's own, on a line of its own.
    return !(this.onNewLine() && /\bfunction\s+as\b|\bas\s*=[^=]/.test(this.text));
  }

  /** Reads a type in a place where all of it is erased, from `start`, which may be before it. */
  protected erasedType(start: number, parse: () => TypeNode = () => this.type()): TypeNode {
    this.typeDepth++;
    const type = parse();
    this.typeDepth--;
    this.erase(start);
    return type;
  }

  /** `: Type`, erased; undefined when there is none. */
  protected annotation(): TypeNode | undefined {
    if (this.kind !== ":") return undefined;
    const { start } = this;
    this.advance();
    return this.erasedType(start);
  }

  /** `: Results` of a function, erased. */
  protected resultAnnotation(): TypeNode[] | undefined {
    if (this.kind !== ":") return undefined;
    const { start } = this;
    this.advance();
    this.typeDepth++;
    let results: TypeNode[] = [];
    const emptyList = this.is("(") && this.peek().kind === ")" &&
      !/^\(\s*\)\s*->/.test(this.text.slice(this.start, this.start + 80));
    if (emptyList) {
      this.advance();
      this.advance();
    } else {
      const first = this.type();
      results = first.kind === "Tuple" ? first.members : [first];
      while (first.kind !== "Tuple" && this.accept(",")) results.push(this.type());
    }
    this.typeDepth--;
    this.erase(start);
    return results;
  }

  /** `<T, U: Bound>`, erased; none: an empty list. */
  protected typeParameters(): TypeParameter[] {
    if (this.kind !== "<") return [];
    const opening = this.start;
    this.typeDepth++;
    this.advance();
    const parameters: TypeParameter[] = [];
    do {
      const { start } = this;
      const name = this.nameText();
      const bound = this.accept(":") ? this.type() : undefined;
      parameters.push({ name, ...(bound && { bound }), start, end: this.previousEnd });
    } while (this.accept(","));
    this.#closeArguments(opening);
    this.typeDepth--;
    this.erase(opening);
    return parameters;
  }

  /** Reads a type of any form. */
  protected type(): TypeNode {
    const { start } = this;
    if (!this.enter()) return { kind: "MissingType", start, end: this.previousEnd };
    const type = this.#union();
    this.leave();
    return type;
  }

  #union(): TypeNode {
    const { start } = this;
    let type = this.#optional(false);
    if (this.isWord("extends")) {
      this.advance();
      const right = this.#optional(true);
      this.expect("?");
      const then = this.type();
      this.expect(":");
      const otherwise = this.type();
      const end = this.previousEnd;
      return { kind: "Conditional", left: type, right, then, otherwise, start, end };
    }
    while (this.kind === "|" || this.kind === "&") {
      const kind = this.kind === "|" ? "Union" : "Intersection";
      this.advance();
      const right = this.#optional(false);
      const end = this.previousEnd;
      if (type.kind === kind) type = { kind, members: [...type.members, right], start, end };
      else type = { kind, members: [type, right], start, end };
    }
    return type;
  }

  /** The part of a type before `|` and `&`, which is what a cast takes. */
  protected castType(): TypeNode {
    const { start } = this;
    if (!this.enter()) return { kind: "MissingType", start, end: this.previousEnd };
    const type = this.#optional(false);
    this.leave();
    return type;
  }

  /** @param ofCondition the last `?` belongs to the conditional type around */
  #optional(ofCondition: boolean): TypeNode {
    const { start } = this;
    let type = this.#suffixed();
    for (;;) {
      if (this.kind === "@") {
        type = this.#validated(type, start);
      } else if (this.kind === "?" && (!ofCondition || this.peek().kind === "?")) {
        this.advance();
        type = { kind: "Optional", inner: type, start, end: this.previousEnd };
      } else return type;
    }
  }

  #validated(base: TypeNode, start: number): TypeNode {
    const validators: Validator[] = [];
    while (this.kind === "@") {
      const at = this.start;
      this.advance();
      const name = this.nameText();
      let argument: Expression | undefined;
      if (this.is("(")) {
        const opening = this.start;
        this.advance();
        if (!this.is(")")) [argument] = this.expressionList();
        this.expectClosing(")", "(", opening);
      }
      validators.push({ name, ...(argument && { argument }), start: at, end: this.previousEnd });
    }
    return { kind: "Validated", base, validators, start, end: this.previousEnd };
  }

  #suffixed(): TypeNode {
    const { start } = this;
    let type = this.#primary();
    while (this.kind === "[") {
      const opening = this.start;
      this.advance();
      if (this.accept("]")) {
        type = { kind: "Array", element: type, start, end: this.previousEnd };
      } else {
        const index = this.type();
        this.expectClosing("]", "[", opening);
        type = { kind: "Indexed", object: type, index, start, end: this.previousEnd };
      }
    }
    return type;
  }

  #primary(): TypeNode {
    const { start, kind, value } = this;
    const literal = (of: string | number | bigint | boolean): TypeNode => {
      this.advance();
      return { kind: "Literal", value: of, start, end: this.previousEnd };
    };
    switch (kind) {
      case "nil":
        this.advance();
        return { kind: "TypeName", name: "nil", args: [], start, end: this.previousEnd };
      case "true":
      case "false":
        return literal(kind === "true");
      case "string":
        return literal(value);
      case "number":
        return literal(numeral(value));
      case "{":
        return this.#table();
      case "(":
        return this.#parenthesized();
      case "name":
        return this.#named();
      default:
        this.fault(`type expected near ${this.near()}`);
        return { kind: "MissingType", start, end: start };
    }
  }

  #named(): TypeNode {
    const { start, value: name } = this;
    const next = this.peek().kind;
    if (name === "fun" && next === "(") return this.#functionType();
    if (name === "readonly" && next === "{") {
      this.advance();
      const inner = this.#table();
      return { kind: "Readonly", inner, start, end: this.previousEnd };
    }
    if (name === "interface" && next === "{") {
      this.advance();
      return { ...this.#table(), start };
    }
    if (name === "typeof" && next === "(") {
      this.advance();
      const opening = this.start;
      this.advance();
      const expression = this.expression();
      this.expectClosing(")", "(", opening);
      return { kind: "Typeof", expression, start, end: this.previousEnd };
    }
    if (name === "keyof" && next === "(") {
      this.advance();
      const opening = this.start;
      this.advance();
      const type = this.type();
      this.expectClosing(")", "(", opening);
      return { kind: "Keyof", type, start, end: this.previousEnd };
    }
    this.advance();
    if (name === "asserts" && next === "name") {
      const asserted = this.nameText();
      const is = this.isWord("is");
      if (is) this.advance();
      const type = is ? this.#union() : undefined;
      const end = this.previousEnd;
      return { kind: "Asserts", name: asserted, ...(type && { type }), start, end };
    }
    if (this.kind === ".") {
      this.advance();
      const member = this.nameText();
      const local = this.bindingOf(name);
      const end = this.previousEnd;
      return {
        kind: "TypeName",
        module: name,
        name: member,
        args: [],
        ...(local && { local }),
        start,
        end,
      };
    }
    const args = this.kind === "<" ? this.#typeArguments() : [];
    return { kind: "TypeName", name, args, start, end: this.previousEnd };
  }

  #typeArguments(): TypeNode[] {
    const opening = this.start;
    this.advance();
    const args: TypeNode[] = [];
    do args.push(this.type()); while (this.accept(","));
    this.#closeArguments(opening);
    return args;
  }

  /** A `>`, which may be the beginning of a longer token. */
  #closeArguments(opening: number): void {
    if (this.kind === ">>" || this.kind === ">=") this.split();
    else this.expectClosing(">", "<", opening);
  }

  #table(): TypeNode {
    const { start } = this;
    this.advance();
    let type: TypeNode;
    if (this.kind === "}") type = { kind: "Record", fields: [], start, end: start };
    else if (this.kind === "[") {
      const opening = this.start;
      this.advance();
      const key = this.type();
      this.expectClosing("]", "[", opening);
      this.expect(":");
      type = { kind: "Map", key, value: this.type(), start, end: start };
      // One more separator does no harm.
      if (this.is(",")) this.advance();
    } else if (this.kind === "name" && /^\??:$/.test(this.peek().kind)) {
      type = { kind: "Record", fields: this.#fields(), start, end: start };
    } else type = { kind: "Array", element: this.type(), start, end: start };
    this.expectClosing("}", "{", start);
    return { ...type, end: this.previousEnd };
  }

  #fields(): RecordField[] {
    const fields: RecordField[] = [];
    do {
      const { start } = this;
      if (this.kind !== "name") break;
      const name = this.nameText();
      const optional = this.accept("?:");
      if (!optional) this.expect(":");
      fields.push({ name, optional, type: this.type(), start, end: this.previousEnd });
    } while (this.accept(",") || this.accept(";"));
    return fields;
  }

  /** `fun(a: T): R`. */
  #functionType(): TypeNode {
    const { start } = this;
    this.advance();
    const list = this.#parameters();
    const results = this.accept(":") ? this.#functionResults() : undefined;
    const end = this.previousEnd;
    return { kind: "FunctionType", ...list, ...(results && { results }), start, end };
  }

  #parameters(): { parameters: FunctionParameter[]; vararg?: TypeNode } {
    const opening = this.start;
    this.advance();
    const parameters: FunctionParameter[] = [];
    let vararg: TypeNode | undefined;
    while (this.kind !== ")" && this.kind !== "eof") {
      if (this.accept("...")) {
        this.accept(":");
        const { start, end } = this;
        vararg = this.kind === ")" ? anyType(start, end) : this.type();
        break;
      }
      const name = this.kind === "name" && /^\??:$/.test(this.peek().kind)
        ? this.nameText()
        : undefined;
      const optional = name !== undefined && this.kind === "?:";
      if (name !== undefined) this.advance();
      const { start } = this;
      const type = this.type();
      const end = this.previousEnd;
      parameters.push({
        ...(name !== undefined && { name }),
        type: optional ? { kind: "Optional", inner: type, start, end } : type,
      });
      if (!this.accept(",")) break;
    }
    this.expectClosing(")", "(", opening);
    return { parameters, ...(vararg && { vararg }) };
  }

  #functionResults(): TypeNode[] {
    if (this.kind === "(" && this.peek().kind === ")") {
      this.advance();
      this.advance();
      if (!this.is("->")) return [];
      this.advance();
      const results = this.#functionResults();
      const at = this.previousEnd;
      return [{ kind: "FunctionType", parameters: [], results, start: at, end: at }];
    }
    const type = this.type();
    return type.kind === "Tuple" ? type.members : [type];
  }

  /** A function type, a type in parentheses, or the list of a function's results. */
  #parenthesized(): TypeNode {
    const { start } = this;
    const { parameters, vararg } = this.#parameters();
    const named = vararg !== undefined || parameters.some(({ name }) => name !== undefined);
    if (this.kind === "->" || named || parameters.length === 0) {
      this.expect("->");
      const results = this.#functionResults();
      const end = this.previousEnd;
      return { kind: "FunctionType", parameters, ...(vararg && { vararg }), results, start, end };
    }
    const [first] = parameters;
    if (parameters.length === 1) return { ...first!.type, start, end: this.previousEnd };
    const members = parameters.map(({ type }) => type);
    return { kind: "Tuple", members, start, end: this.previousEnd };
  }
}

function anyType(start: number, end: number): TypeNode {
  return { kind: "TypeName", name: "any", args: [], start, end };
}

const largest = 2n ** 63n;

/** The value of a numeral: an integer of 64 bits as a bigint, or a float. */
export function numeral(text: string): number | bigint {
  if (/^0[xX][0-9a-fA-F]+$/.test(text)) return BigInt.asIntN(64, BigInt(text));
  if (!/^\d+$/.test(text)) return Number(text);
  const value = BigInt(text);
  return value < largest ? value : Number(text);
}
