import type { Expression } from "../tree.ts";
import {
  dynamic,
  expand,
  luaType,
  madeText,
  membersOf,
  textOf,
  type Type,
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

  /** Whether one of the operands may be an object that brings operators of its own. */
  #mayBring(operands: readonly Expression[]): boolean {
    return operands.some((operand) =>
      membersOf(this.known(operand)).some((member) => {
        const kind = luaType(member);
        return kind === undefined || kind === "table" || kind === "userdata";
      })
    );
  }

  protected arithmetic(operator: string, operands: readonly Expression[]): Type {
    let integer = operator !== "/" && operator !== "^";
    if (this.#mayBring(operands)) return dynamic;
    for (const operand of operands) {
      const type = this.known(operand);
      for (const member of membersOf(type)) {
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
    if (this.#mayBring(operands)) return dynamic;
    for (const operand of operands) {
      const type = this.known(operand);
      const wrong = membersOf(type).some((member) =>
        ["nil", "boolean", "function"].includes(luaType(member) ?? "")
      );
      if (wrong) {
        const text = textOf(widen(type));
        this.report("E0019", operand, `cannot concatenate ${text}, expected string or number`);
      }
    }
    return madeText;
  }

  protected comparison(left: Expression, right: Expression): Type {
    if (this.#mayBring([left, right])) return { kind: "boolean" };
    const kinds = [left, right].map((operand) => {
      const type = this.known(operand);
      const found = membersOf(type).map((member) => luaType(member));
      if (found.some((kind) => kind === "nil" || kind === "boolean" || kind === "function")) {
        const text = textOf(widen(type));
        this.report("E0019", operand, `cannot compare ${text}, expected orderable type`);
        return undefined;
      }
      return found.every((kind) => kind === found[0]) ? found[0] : undefined;
    });
    const [a, b] = kinds;
    const mixed = a !== b && [a, b].every((kind) => kind === "number" || kind === "string");
    if (mixed) this.report("E0019", left, `cannot compare ${a} with ${b}`);
    return { kind: "boolean" };
  }
}
