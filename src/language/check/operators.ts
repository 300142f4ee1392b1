import type { Expression } from "../tree.ts";
import { mayHave, metamethodOf } from "./metatables.ts";
import {
  dynamic,
  expand,
  luaType,
  madeText,
  membersOf,
  someTable,
  textOf,
  type Type,
  usedMembersOf,
  widen,
} from "./types.ts";

/** What the checker says of a place. */
export interface Diagnostic {
  start: number;
  end: number;
  /** `E0000` for example. */
  code: string;
  message: string;
  /** A field that is not there, and those that are. */
  lost?: { name: string; known: readonly string[] };
}

/** Whether values of a kind can neither be compared nor be a part of a text. */
function isWrong(kind: string | undefined): boolean {
  return ["nil", "boolean", "function", "table"].includes(kind ?? "");
}

/** What is made of values of which one is declared as `any`; of others nothing is known. */
export function anyOf(types: readonly Type[]): Type {
  const found = types.map(expand);
  return found.find(({ kind }) => kind === "any" || kind === "unknown") ?? dynamic;
}

/** The place of a node alone. */
export function spanOf({ start, end }: { start: number; end: number }) {
  return { start, end };
}

/** Finds what operators yield, and what is wrong with their operands. */
export abstract class Operators {
  readonly diagnostics: Diagnostic[] = [];
  protected readonly found = new Map<Expression, Type>();

  protected report(code: string, at: { start: number; end: number }, message: string): void {
    this.diagnostics.push({ code, ...spanOf(at), message });
  }

  /** The type that an expression was found to have. */
  protected known(expression: Expression): Type {
    return this.found.get(expression) ?? dynamic;
  }

  /** Whether the text mentions a metamethod. */
  protected abstract mentions(metamethod: string): boolean;

  /** Whether an expression is a table that gets no metatable. */
  protected abstract isPlain(expression: Expression): boolean;

  /** Whether a value may be an object that has a metamethod. */
  protected mayBring(expression: Expression, metamethod: string, type: Type): boolean {
    return membersOf(type).some((member) =>
      mayHave(member, metamethod, () => this.mentions(metamethod)) &&
      !(expand(member) === someTable && this.isPlain(expression))
    );
  }

  #anyBrings(operands: readonly Expression[], metamethod: string): boolean {
    return operands.some((operand) => this.mayBring(operand, metamethod, this.known(operand)));
  }

  protected arithmetic(operator: string, operands: readonly Expression[]): Type {
    let integer = operator !== "/" && operator !== "^";
    const metamethod = metamethodOf(operator, operands.length);
    if (this.#anyBrings(operands, metamethod)) {
      return anyOf(operands.map((operand) => this.known(operand)));
    }
    for (const operand of operands) {
      const type = this.known(operand);
      for (const member of usedMembersOf(type)) {
        const found = expand(member);
        const numeric = found.kind === "literal" && typeof found.value === "string" &&
          found.value.trim() !== "" && !Number.isNaN(Number(found.value));
        const kind = found === madeText || numeric ? undefined : luaType(found);
        if (kind !== undefined && kind !== "number") {
          this.report(
            "E0019",
            operand,
            `cannot perform arithmetic on ${textOf(widen(type))}, expected number`,
          );
          return dynamic;
        }
        integer &&= found.kind === "integer" ||
          found.kind === "literal" && typeof found.value === "bigint";
      }
    }
    return { kind: integer ? "integer" : "number" };
  }

  protected concatenation(operands: readonly Expression[]): Type {
    if (this.#anyBrings(operands, "__concat")) return dynamic;
    for (const operand of operands) {
      const type = this.known(operand);
      const wrong = usedMembersOf(type).some((member) => isWrong(luaType(member)));
      if (wrong) {
        const text = textOf(widen(type));
        this.report("E0019", operand, `cannot concatenate ${text}, expected string or number`);
      }
    }
    return madeText;
  }

  protected comparison(operator: string, left: Expression, right: Expression): Type {
    const metamethod = metamethodOf(operator, 2);
    if (this.#anyBrings([left, right], metamethod)) {
      return { kind: "boolean" };
    }
    const operands = [left, right].map((operand) => {
      const type = this.known(operand);
      return { operand, type, kinds: usedMembersOf(type).map((member) => luaType(member)) };
    });
    const wrong = operands.find(({ kinds }) => kinds.some(isWrong));
    if (wrong) {
      const text = textOf(widen(wrong.type));
      this.report("E0019", wrong.operand, `cannot compare ${text}, expected orderable type`);
      return { kind: "boolean" };
    }
    const [a, b] = operands.map(({ kinds: [first, ...others] }) =>
      others.every((kind) => kind === first) ? first : undefined
    );
    const mixed = a !== b && [a, b].every((kind) => kind === "number" || kind === "string");
    if (mixed) this.report("E0019", left, `cannot compare ${a} with ${b}`);
    return { kind: "boolean" };
  }

  /** Checks a bound of a numeric `for`, whose type is known. */
  protected bound(expression: Expression): void {
    const type = this.known(expression);
    const wrong = membersOf(type).some((member) => {
      const kind = luaType(member);
      return kind !== undefined && kind !== "number";
    });
    if (!wrong) return;
    const text = textOf(widen(type));
    this.report("E0000", expression, `a bound of 'for' must be a number, got ${text}`);
  }
}
