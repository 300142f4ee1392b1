import type { Binding, Expression } from "../tree.ts";
import { numeral } from "../type-parser.ts";
import { join, lengthOf, measuredIn, pathOf } from "./facts.ts";
import { Inference } from "./infer.ts";
import {
  dynamic,
  expand,
  filter,
  luaType,
  membersOf,
  nil,
  type Type,
  union,
  withoutNil,
} from "./types.ts";

/** What conditions say of the values in them. */
export abstract class Narrowing extends Inference {
  /** Bindings that say of each other whether they are nil: `local value, err = …`. */
  protected readonly pairs = new Map<Binding, Binding>();
  /** What `local value, err = T:is(v)` says of v. */
  protected readonly asked = new Map<Binding, { path: string; type: Type; when: boolean }>();

  protected override narrow(condition: Expression, holds: boolean): void {
    switch (condition.kind) {
      case "Paren":
        return this.narrow(condition.inner, holds);
      case "Unary":
        if (condition.operator === "not") this.narrow(condition.operand, !holds);
        return;
      case "Binary":
        return this.#narrowBinary(condition, holds);
      case "Call":
      case "MethodCall": {
        const asked = this.askedBy(condition);
        if (asked && holds) this.facts.set(asked.path, asked.type);
        return;
      }
      case "Name":
      case "Member":
      case "Index":
        this.#keep(condition, ({ kind, ...member }) => {
          const falsy = kind === "nil" ||
            kind === "literal" && "value" in member && member.value === false;
          const unsure = kind === "boolean" || isUnknown(kind);
          return unsure || falsy !== holds;
        });
        if (condition.kind === "Name" && condition.local) this.#narrowPair(condition.local, holds);
        this.#keepRecords(
          condition,
          (type) =>
            membersOf(type).some((member) => {
              const found = expand(member);
              const falsy = found.kind === "nil" ||
                found.kind === "literal" && found.value === false;
              const unsure = found.kind === "boolean" || found.kind === "never" ||
                isUnknown(found.kind);
              return unsure || falsy !== holds;
            }),
        );
    }
  }

  /** Keeps those members of the type of a path that pass. */
  #keep(expression: Expression, keep: (member: Type) => boolean): void {
    const path = pathOf(expression);
    if (path === undefined) return;
    const type = this.#typeOf(expression);
    if (type.kind === "maybe") {
      if (!keep(nil)) this.facts.set(path, type.inner);
    } else this.facts.set(path, filter(type, keep));
  }

  #typeOf(expression: Expression): Type {
    const known = this.typeOfPath(expression);
    if (known) return known;
    if (expression.kind === "Name") {
      return expression.local ? this.bindings.get(expression.local) ?? dynamic : dynamic;
    }
    if (expression.kind === "Index") return this.known(expression);
    if (expression.kind === "Member") {
      return this.fieldType(
        withoutNil(this.#typeOf(expression.object)),
        expression.name,
        expression,
        false,
      );
    }
    return expression.kind === "Paren" ? this.#typeOf(expression.inner) : dynamic;
  }

  /** One of `value, err` is there when the other is not. */
  #narrowPair(binding: Binding, holds: boolean): void {
    const asked = this.asked.get(binding);
    if (asked && asked.when === holds) this.facts.set(asked.path, asked.type);
    const other = this.pairs.get(binding);
    if (!other || holds) return;
    const name: Expression = {
      kind: "Name",
      name: other.name,
      local: other,
      used: undefined,
      ...place(other),
    };
    this.#keep(name, ({ kind }) => kind !== "nil");
  }

  #narrowBinary(condition: Extract<Expression, { kind: "Binary" }>, holds: boolean): void {
    const { operator, left, right } = condition;
    if (operator === "and" || operator === "or") {
      if ((operator === "and") === holds) {
        this.narrow(left, holds);
        this.narrow(right, holds);
        return;
      }
      const before = this.facts;
      this.facts = new Map(before);
      this.narrow(left, holds);
      const first = this.facts;
      this.facts = new Map(before);
      this.narrow(left, !holds);
      this.narrow(right, holds);
      this.facts = join([first, this.facts])!;
      return;
    }
    // Code that asks for a length knows what is in the table, whatever it does with the answer.
    if (/^[<>=~]=?$/.test(operator)) {
      for (const path of measuredIn(condition)) this.facts.set(lengthOf(path), dynamic);
    }
    if (operator !== "==" && operator !== "~=") return;
    const same = (operator === "==") === holds;
    this.#narrowEqual(left, right, same);
    this.#narrowEqual(right, left, same);
  }

  #narrowEqual(subject: Expression, value: Expression, same: boolean): void {
    if (value.kind === "Nil") {
      this.#keep(subject, ({ kind }) => isUnknown(kind) || (kind === "nil") === same);
      if (subject.kind === "Name" && subject.local) this.#narrowPair(subject.local, !same);
      this.#keepRecords(
        subject,
        (type) =>
          membersOf(type).some((member) => {
            const { kind } = expand(member);
            return isUnknown(kind) || (kind === "nil") === same;
          }),
      );
      return;
    }
    if (subject.kind === "Call" && value.kind === "String") {
      const [arg] = subject.args;
      const isType = subject.callee.kind === "Name" && subject.callee.name === "type";
      if (isType && arg) this.#narrowType(arg, value.value, same);
      return;
    }
    const literal = value.kind === "String"
      ? value.value
      : value.kind === "True" || value.kind === "False"
      ? value.kind === "True"
      : value.kind === "Number"
      ? numeral(value.text)
      : undefined;
    if (literal === undefined) return;
    if (same) this.#keep(subject, (member) => member.kind !== "nil");
    this.#keepRecords(
      subject,
      (type) =>
        membersOf(type).some((member) => {
          const found = expand(member);
          if (found.kind === "nil") return !same;
          return found.kind !== "literal" || (found.value === literal) === same;
        }),
    );
  }

  /** Of the records that `object.field` may be of, keeps those whose field passes. */
  #keepRecords(field: Expression, keep: (type: Type) => boolean): void {
    if (field.kind !== "Member" && field.kind !== "Index") return;
    const name = field.kind === "Member"
      ? field.name
      : field.key.kind === "String"
      ? field.key.value
      : undefined;
    if (name === undefined || pathOf(field.object) === undefined) return;
    this.#keep(field.object, (member) => {
      if (member.kind !== "record") return true;
      const found = member.fields.get(name);
      if (!found) return member.open === true || member.foreign === true || keep(nil);
      return keep(found.optional ? union([found.type, nil]) : found.type);
    });
  }

  #narrowType(subject: Expression, name: string, same: boolean): void {
    const path = pathOf(subject);
    if (path === undefined) return;
    const type = this.#typeOf(subject);
    const found = expand(type);
    const known = { string: 1, number: 1, boolean: 1, table: 1, nil: 1 };
    if (same && isUnknown(found.kind)) {
      if (name in known) this.facts.set(path, { kind: name as "string" });
      return;
    }
    this.#keep(subject, (member) => {
      const kind = luaType(member);
      return kind === undefined || (kind === name) === same;
    });
  }

  /** What `T:is(v)` asks of v. */
  protected askedBy(call: Expression): { path: string; type: Type } | undefined {
    const object = call.kind === "MethodCall" && call.name === "is"
      ? call.object
      : call.kind === "Call" && call.callee.kind === "Member" && call.callee.name === "is"
      ? call.callee.object
      : undefined;
    const type = object && this.asType(object);
    const [arg] = call.kind === "Call" || call.kind === "MethodCall" ? call.args : [];
    const path = arg && pathOf(arg);
    return type && path ? { path, type } : undefined;
  }
}

function isUnknown(kind: Type["kind"]): boolean {
  return kind === "dynamic" || kind === "any" || kind === "unknown";
}

export function place(
  { start, end }: { start: number; end: number },
): { start: number; end: number } {
  return { start, end };
}
