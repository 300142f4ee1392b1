import type { Expression } from "../tree.ts";
import { Narrowing } from "./narrow.ts";
import { checkTable } from "./table.ts";
import {
  dynamic,
  expand,
  fits,
  luaType,
  mayBeNil,
  membersOf,
  nil,
  textOf,
  type Type,
  widen,
} from "./types.ts";

/** Compares values with the places where they are put. */
export abstract class Values extends Narrowing {
  /** The types of the values of a list, as many as there are places; and the expression of each, where it has one. */
  protected values(
    values: readonly Expression[],
    count: number,
  ): { type: Type; from?: Expression }[] {
    for (const value of values) this.infer(value);
    return Array.from({ length: count }, (_, index) => {
      const value = values[index];
      const isLast = index >= values.length - 1;
      const last = values.at(-1);
      const many = last && /^(?:Call|MethodCall|Vararg)$/.test(last.kind);
      if (value && !(isLast && many)) return { type: this.known(value), from: value };
      if (!last || !many) return { type: values.length === 0 ? dynamic : nil };
      const results = this.resultsOf(last);
      const at = index - values.length + 1;
      if (at === 0) return { type: this.known(last), from: last };
      return { type: results ? results[at] ?? nil : dynamic, from: last };
    });
  }

  /** Says what is wrong with putting something into a value. */
  protected refuseTarget(object: Type, at: Extract<Expression, { kind: "Member" | "Index" }>) {
    const { object: from } = at;
    // Whether an element of a table is there is for the code to know.
    const element = from.kind === "Member" || from.kind === "Index"
      ? ["array", "map"].includes(expand(this.known(from.object)).kind)
      : false;
    if (element && mayBeNil(object)) return;
    if (
      this.refuseIndex(object, at) || !membersOf(object).some((each) => luaType(each) === "string")
    ) {
      return;
    }
    this.report("E0000", at, `cannot index type ${textOf(widen(object))}`);
  }

  /** @param further the value is not the expression's first: another result of a call, or nil */
  protected override checkValue(
    expression: Expression,
    type: Type,
    expected: Type,
    message: (value: string) => string,
    further = false,
  ): void {
    let inner = expression;
    while (inner.kind === "Paren") inner = inner.inner;
    if (inner.kind === "Table" && !further) {
      const why = checkTable(inner, expected, (each) => this.known(each));
      if (why !== undefined) {
        this.report("E0000", expression, `${message("table")}${why && `: ${why}`}`);
      }
      return;
    }
    if (!fits(type, expected)) this.report("E0000", expression, message(textOf(type)));
  }
}
