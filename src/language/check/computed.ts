/**
 * Types that are computed of others: `keyof`, `T["field"]`, conditions, and what `typeof` finds in a value.
 * @module
 */
import type { Expression } from "../tree.ts";
import { numeral } from "../type-parser.ts";
import { dynamic, expand, type Field, fits, nil, type Type, union, widen } from "./types.ts";

/** The names of the fields of a type. */
export function keysOf(type: Type): Type {
  const found = expand(type);
  if (found.kind === "map") return found.key;
  if (found.kind !== "record" && found.kind !== "interface" || found.fields.size === 0) {
    return dynamic;
  }
  return union([...found.fields.keys()].map((value): Type => ({ kind: "literal", value })));
}

/** What a type has under a key. */
export function indexed(type: Type, index: Type): Type {
  const [found, key] = [expand(type), expand(index)];
  if (found.kind === "array") return found.element;
  if (found.kind === "map") return found.value;
  if (found.kind !== "record" && found.kind !== "interface" || key.kind !== "literal") {
    return dynamic;
  }
  const field = found.fields.get(String(key.value));
  if (!field) return dynamic;
  return field.optional ? union([field.type, nil]) : field.type;
}

/** Whether a type extends another; undefined where that is not known. */
export function extendsType(left: Type, right: Type): boolean | undefined {
  const isKnown = [left, right].every((type) => expand(type).kind !== "dynamic");
  return isKnown ? fits(left, right) : undefined;
}

/**
 * The type of a value as `typeof` takes it: tables literal by literal, and literals as what they are of.
 *
 * @param typeOf what other expressions are
 */
export function typeOfValue(value: Expression, typeOf: (value: Expression) => Type): Type {
  switch (value.kind) {
    case "Name": {
      const { type, assigned, value: made } = value.local ?? {};
      const isMade = !type && !assigned && made?.kind === "Table" && made.fields.length > 0;
      return isMade ? typeOfTable(made, typeOf) : widen(typeOf(value));
    }
    case "Paren":
      return typeOfValue(value.inner, typeOf);
    case "Number":
      return widen({ kind: "literal", value: numeral(value.text) });
    case "String":
      return { kind: "string" };
    case "True":
    case "False":
      return { kind: "boolean" };
    case "Table":
      return typeOfTable(value, typeOf);
    default:
      return widen(typeOf(value));
  }
}

function typeOfTable(
  { fields }: Extract<Expression, { kind: "Table" }>,
  typeOf: (value: Expression) => Type,
): Type {
  const types = fields.map(({ value }) => typeOfValue(value, typeOf));
  if (fields.length > 0 && fields.every(({ key }) => key === undefined)) {
    return { kind: "array", element: union(types) };
  }
  const named = new Map<string, Field>();
  fields.forEach(({ key }, index) => {
    if (key?.kind === "String") named.set(key.value, { type: types[index]!, optional: false });
  });
  // More may be put into it than it was declared with.
  return named.size === fields.length ? { kind: "record", fields: named, open: true } : dynamic;
}
