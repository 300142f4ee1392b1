import { declaredAs } from "../binding.ts";
import { DeclarationParser } from "../declaration-parser.ts";
import {
  mayBe,
  mayBeCast,
  mayBeOperator,
  mayBeSuffix,
  priorities,
  typeMethods,
} from "../expression-parser.ts";
import type { Binding, Expression, Name } from "../tree.ts";

/** What an expression was, as far as that matters. */
const other = 0;
const missing = 1;
export const named = 2;
export const place = 3;
export const called = 4;
const varargs = 5;
export const functionLiteral = 6;

/** Operators in one expression, and statements and expressions in each other; more may be too many levels for Lua. */
const mostOperators = 50;
export const mostNested = 50;

const nothing: Expression = { kind: "Missing", start: 0, end: 0 };

/** Goes over expressions, and notes what is to be erased in them. */
export abstract class ExpressionSkimmer extends DeclarationParser {
  protected readonly cutOperands: { start: number; end: number }[] = [];
  /** How many locals of a name are visible. */
  protected readonly visible = new Map<string, number>();
  /** The name of the `local f = function` that is read, and whether its body reads the name. */
  protected pending: { name: string; read: boolean } | undefined;
  /** Whether a type is read that is described. */
  protected describing = false;
  protected needsTree = false;
  protected nested = 0;

  /** @param method whether it has a `self` */
  protected abstract functionBody(method: boolean): void;

  protected override bindingOf(name: string): Binding | undefined {
    if (name === "as") return this.visible.get(name) ? declaredAs(name, "local", 0, 0) : undefined;
    // What the local requires is in its value.
    if (this.describing) this.needsTree = true;
    return undefined;
  }

  // In types there are expressions behind `typeof`, and as arguments of validators.
  protected override expression(): Expression {
    if (this.describing) this.needsTree = true;
    this.anyExpression();
    return nothing;
  }

  protected override expressionList(): Expression[] {
    const { start, kind, value, end } = this;
    this.anyExpressions();
    if (this.previousEnd === end && kind === "number") {
      return [{ kind: "Number", text: value, start, end }];
    }
    if (this.previousEnd === end && kind === "string") {
      return [{ kind: "String", value, start, end }];
    }
    if (this.describing) this.needsTree = true;
    return [nothing];
  }

  /** A name that stands alone; what it is where no local has it. */
  protected lookUp(name: string, start: number): Name | undefined {
    if (this.visible.get(name)) return undefined;
    if (this.pending?.name === name) this.pending.read = true;
    if (this.typeDepth > 0) return undefined;
    const end = this.previousEnd;
    const found: Name = { kind: "Name", name, local: undefined, used: undefined, start, end };
    this.globals.push(found);
    return found;
  }

  /** @returns how many */
  protected anyExpressions(): number {
    let count = 1;
    for (this.anyExpression(); this.accept(","); this.anyExpression()) count++;
    return count;
  }

  protected anyExpression(): number {
    if (!this.enter()) return missing;
    if (++this.nested > mostNested) this.needsTree = true;
    let kind = other;
    let operators = 0;
    for (;;) {
      while (this.kind === "not" || this.kind === "-" || this.kind === "#" || this.kind === "~") {
        operators++;
        this.advance();
      }
      kind = this.#simple();
      if (!(mayBe[this.code]! & mayBeOperator) || !priorities.has(this.kind)) break;
      operators++;
      this.advance();
    }
    if (operators > mostOperators) this.needsTree = true;
    this.nested--;
    this.leave();
    return operators > 0 ? other : kind;
  }

  #simple(): number {
    const { start } = this;
    let kind = other;
    switch (this.kind) {
      case "name":
        kind = this.suffixed(start);
        break;
      case "number":
      case "string":
      case "nil":
      case "true":
      case "false":
        this.advance();
        break;
      case "...":
        this.advance();
        kind = varargs;
        break;
      case "{":
        this.#table();
        break;
      case "function":
        this.advance();
        this.functionBody(false);
        kind = functionLiteral;
        break;
      default:
        kind = this.suffixed(start);
    }
    return mayBe[this.code]! & mayBeCast ? this.#casted(kind, start) : kind;
  }

  /** `as T`, `:: T` and `!` behind an operand. */
  #casted(operand: number, start: number): number {
    let kind = operand;
    while (mayBe[this.code]! & mayBeCast) {
      const { start: at, previousEnd: end } = this;
      if (this.is("::") || this.isAs()) {
        this.advance();
        this.erasedType(at, () => this.castType());
      } else if (this.is("!")) {
        this.advance();
        this.erase(at);
        if (/^[.[:({]$/.test(this.kind) && this.previousEnd === this.start) this.fault("field");
      } else break;
      if (this.typeDepth === 0 && (kind === called || kind === varargs)) {
        this.cutOperands.push({ start, end });
      }
      kind = other;
    }
    return kind;
  }

  /** A name, or an expression in parentheses, with fields, indices and calls behind it. */
  protected suffixed(start: number): number {
    let kind = other;
    // The global that stands first, while nothing or one field is behind it.
    let global: Name | undefined;
    let field = "";
    if (this.is("name")) {
      const name = this.value;
      this.advance();
      global = this.lookUp(name, start);
      kind = named;
    } else if (this.accept("(")) {
      this.anyExpression();
      this.expect(")");
    } else {
      this.fault("unexpected symbol");
      return missing;
    }
    while (mayBe[this.code]! & mayBeSuffix) {
      switch (this.kind) {
        case ".":
          this.advance();
          if (kind !== named) global = undefined;
          field = this.nameText();
          kind = place;
          break;
        case "[":
          this.advance();
          this.anyExpression();
          this.expect("]");
          global = undefined;
          kind = place;
          break;
        case ":": {
          this.advance();
          const method = this.nameText();
          if (kind === named && global && typeMethods.has(method)) global.used = "method";
          this.#arguments();
          global = undefined;
          kind = called;
          break;
        }
        case "(":
        case "{":
        case "string":
          if (global && kind === named) global.used = "call";
          else if (global && typeMethods.has(field)) global.used = "method";
          this.#arguments();
          global = undefined;
          kind = called;
          break;
        default:
          return kind;
      }
    }
    return kind;
  }

  #arguments(): void {
    if (this.accept("string")) return;
    if (this.is("{")) return this.#table();
    if (!this.expect("(")) return;
    if (this.accept(")")) return;
    this.anyExpressions();
    this.expect(")");
  }

  #table(): void {
    this.advance();
    while (!this.is("}") && this.faults.length === 0) {
      if (this.kind === "name" && this.isFollowedByEquals()) {
        this.advance();
        this.advance();
      } else if (this.accept("[")) {
        this.anyExpression();
        this.expect("]");
        this.expect("=");
      }
      this.anyExpression();
      if (!this.accept(",") && !this.accept(";")) break;
    }
    this.expect("}");
  }
}
