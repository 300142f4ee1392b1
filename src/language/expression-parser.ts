import type { Binding, Expression, FunctionBody, Name, TableField, Tree } from "./tree.ts";
import { DeclarationParser } from "./declaration-parser.ts";

/** Priorities to the left and to the right, as in Lua. */
export const priorities = new Map<string, readonly [left: number, right: number]>([
  ["or", [1, 1]],
  ["and", [2, 2]],
  ["|", [4, 4]],
  ["~", [5, 5]],
  ["&", [6, 6]],
  ["<<", [7, 7]],
  [">>", [7, 7]],
  ["..", [9, 8]],
  ["+", [10, 10]],
  ["-", [10, 10]],
  ["^", [14, 13]],
]);
for (const operator of ["<", ">", "<=", ">=", "~=", "=="]) priorities.set(operator, [3, 3]);
for (const operator of ["*", "/", "//", "%"]) priorities.set(operator, [11, 11]);
const unaryPriority = 12;
/** What a token may be by its first byte. Most tokens behind operands are nothing of this. */
export const mayBeOperator = 1;
export const mayBeCast = 2;
export const mayBeSuffix = 4;
export const mayBe = new Uint8Array(256);
// `!=` is read as `~=`.
for (const key of [...priorities.keys(), "!="]) mayBe[key.charCodeAt(0)]! |= mayBeOperator;
for (const key of ["::", "as", "!"]) mayBe[key.charCodeAt(0)]! |= mayBeCast;
for (const key of [".", "[", ":", "(", "{", '"', "'"]) mayBe[key.charCodeAt(0)]! |= mayBeSuffix;

/** Methods of type values. */
export const typeMethods: ReadonlySet<string> = new Set(
  "is kind name elem key val inner ret fields variants params tparams".split(" "),
);

/** Reads expressions, and resolves the names in them. */
export abstract class ExpressionParser extends DeclarationParser {
  readonly cutOperands: Tree["cutOperands"] = [];
  /** Bindings that are visible, by name. */
  protected readonly visible = new Map<string, Binding | undefined>();
  /** The name of the `local f = function` that is being read, and whether its body reads the name. */
  protected pending: { name: string; read: boolean } | undefined;

  protected abstract functionBody(start: number, self?: Binding): FunctionBody;

  protected override bindingOf(name: string): Binding | undefined {
    return this.visible.get(name);
  }

  protected override expressionList(): Expression[] {
    const list = [this.expression()];
    while (this.accept(",")) list.push(this.expression());
    return list;
  }

  protected override expression(): Expression {
    const { start } = this;
    if (!this.enter()) return { kind: "Missing", start, end: this.previousEnd };
    const found = this.#binary(0);
    this.leave();
    return found;
  }

  #binary(limit: number): Expression {
    const { start } = this;
    let left: Expression;
    if (this.kind === "not" || this.kind === "-" || this.kind === "#" || this.kind === "~") {
      const operator = this.kind;
      this.advance();
      const operand = this.#deeper(unaryPriority);
      left = { kind: "Unary", operator, operand, start, end: this.previousEnd };
    } else left = this.#simple();
    while (mayBe[this.code]! & mayBeOperator) {
      const priority = priorities.get(this.kind);
      if (priority === undefined || priority[0] <= limit) break;
      const operator = this.kind;
      this.advance();
      const right = this.#deeper(priority[1]);
      left = { kind: "Binary", operator, left, right, start, end: this.previousEnd };
    }
    return left;
  }

  #deeper(limit: number): Expression {
    const { start } = this;
    if (!this.enter()) return { kind: "Missing", start, end: this.previousEnd };
    const found = this.#binary(limit);
    this.leave();
    return found;
  }

  #simple(): Expression {
    const { start } = this;
    let simple: Expression;
    if (this.kind === "name") return this.#casted(this.suffixed(), start);
    switch (this.kind) {
      case "number":
        simple = { kind: "Number", text: this.value, start, end: this.end };
        this.advance();
        break;
      case "string":
        simple = { kind: "String", value: this.value, start, end: this.end };
        this.advance();
        break;
      case "nil":
        simple = { kind: "Nil", start, end: this.end };
        this.advance();
        break;
      case "true":
        simple = { kind: "True", start, end: this.end };
        this.advance();
        break;
      case "false":
        simple = { kind: "False", start, end: this.end };
        this.advance();
        break;
      case "...":
        simple = { kind: "Vararg", start, end: this.end };
        this.advance();
        break;
      case "{":
        simple = this.#table();
        break;
      case "function":
        this.advance();
        simple = this.functionBody(start);
        break;
      default:
        simple = this.suffixed();
    }
    return this.#casted(simple, start);
  }

  /** `as T`, `:: T` and `!` behind an operand. */
  #casted(operand: Expression, start: number): Expression {
    while (mayBe[this.code]! & mayBeCast) {
      const at = this.start;
      const { previousEnd: end } = this;
      const { kind } = operand;
      if (this.kind === "::" || this.isAs()) {
        this.advance();
        const type = this.erasedType(at, () => this.castType());
        operand = { kind: "Cast", operand, type, start, end: this.previousEnd };
      } else if (this.kind === "!") {
        this.advance();
        this.erase(at);
        if (/^[.[:({]$/.test(this.kind) && this.previousEnd === this.start) {
          const text = this.text.slice(start, at);
          const shown = /^[\w.]+$/.test(text) ? text : "v";
          this.fault(`parentheses are needed: write (${shown}!)${this.kind}… near ${this.near()}`);
        }
        operand = { kind: "NonNil", operand, start, end: this.previousEnd };
      } else break;
      if (this.typeDepth > 0) continue;
      if (kind === "Call" || kind === "MethodCall" || kind === "Vararg") {
        this.cutOperands.push({ start, end });
      }
    }
    return operand;
  }

  protected lookUp(name: string, start: number): Name {
    const local = this.visible.get(name);
    if (this.pending?.name === name && local === undefined) this.pending.read = true;
    const end = this.previousEnd;
    const found: Name = { kind: "Name", name, local, used: undefined, start, end };
    if (local === undefined && this.typeDepth === 0) this.globals.push(found);
    return found;
  }

  #primary(): Expression {
    const { start } = this;
    if (this.kind === "name") {
      const name = this.value;
      this.advance();
      return this.lookUp(name, start);
    }
    if (this.kind === "(") {
      this.advance();
      const inner = this.expression();
      this.expectClosing(")", "(", start);
      return { kind: "Paren", inner, start, end: this.previousEnd };
    }
    this.fault(`unexpected symbol near ${this.near()}`);
    return { kind: "Missing", start, end: start };
  }

  /** A name, or an expression in parentheses, with fields, indices and calls behind it. */
  protected suffixed(): Expression {
    const { start } = this;
    let object = this.#primary();
    while (mayBe[this.code]! & mayBeSuffix) {
      switch (this.kind) {
        case ".": {
          this.advance();
          const nameStart = this.start;
          const name = this.nameText();
          object = { kind: "Member", object, name, nameStart, start, end: this.previousEnd };
          break;
        }
        case "[": {
          const opening = this.start;
          this.advance();
          const key = this.expression();
          this.expectClosing("]", "[", opening);
          object = { kind: "Index", object, key, start, end: this.previousEnd };
          break;
        }
        case ":": {
          this.advance();
          const name = this.nameText();
          if (object.kind === "Name" && this.is("=")) {
            this.typed = true;
            this.fault(`a type needs a declaration; write local ${object.name}: ${name}`);
            return { kind: "Missing", start, end: start };
          }
          if (object.kind === "Name" && typeMethods.has(name)) object.used = "method";
          const args = this.#arguments();
          object = { kind: "MethodCall", object, name, args, start, end: this.previousEnd };
          break;
        }
        case "(":
        case "{":
        case "string": {
          if (object.kind === "Missing") return object;
          if (object.kind === "Name") object.used = "call";
          else if (
            object.kind === "Member" && object.object.kind === "Name" &&
            typeMethods.has(object.name)
          ) object.object.used = "method";
          const args = this.#arguments();
          object = { kind: "Call", callee: object, args, start, end: this.previousEnd };
          break;
        }
        default:
          return object;
      }
    }
    return object;
  }

  #arguments(): Expression[] {
    const { start, end, kind, value } = this;
    if (kind === "string") {
      this.advance();
      return [{ kind: "String", value, start, end }];
    }
    if (kind === "{") return [this.#table()];
    if (kind !== "(") {
      this.fault(`function arguments expected near ${this.near()}`);
      return [];
    }
    this.advance();
    const args = this.kind === ")" ? [] : this.expressionList();
    this.expectClosing(")", "(", start);
    return args;
  }

  #table(): Expression {
    const { start } = this;
    this.advance();
    const fields: TableField[] = [];
    while (this.kind !== "}" && this.kind !== "eof") {
      fields.push(this.#field());
      if (!this.accept(",") && !this.accept(";")) break;
    }
    this.expectClosing("}", "{", start);
    return { kind: "Table", fields, start, end: this.previousEnd };
  }

  #field(): TableField {
    const { start } = this;
    if (this.kind === "name" && this.isFollowedByEquals()) {
      const key: Expression = { kind: "String", value: this.value, start, end: this.end };
      this.advance();
      this.advance();
      return { key, value: this.expression(), start, end: this.previousEnd };
    }
    if (this.kind === "[") {
      this.advance();
      const key = this.expression();
      this.expectClosing("]", "[", start);
      this.expect("=");
      return { key, value: this.expression(), start, end: this.previousEnd };
    }
    return { value: this.expression(), start, end: this.previousEnd };
  }
}
