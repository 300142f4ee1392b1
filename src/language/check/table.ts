import type { Expression } from "../tree.ts";
import {
  acceptsNil,
  expand,
  type Field,
  fits,
  membersOf,
  textOf,
  type Type,
  union,
} from "./types.ts";

type Table = Extract<Expression, { kind: "Table" }>;
type Known = (expression: Expression) => Type;

/**
 * Compares a table that is written down with the type of its place.
 *
 * @returns why it does not fit, empty where nothing more is to be said; undefined when it fits
 */
export function checkTable(table: Table, expected: Type, known: Known): string | undefined {
  const members = membersOf(expected);
  if (members.length > 1) {
    const reasons = members.map((member) => checkTable(table, member, known));
    if (reasons.includes(undefined)) return undefined;
    const told = reasons.filter((reason) => reason !== "");
    return told.length === 1 ? told[0] : "";
  }
  const type = expand(expected);
  switch (type.kind) {
    case "array":
      return checkElements(table, type.element, known);
    case "map":
      return checkEntries(table, type.key, type.value, known);
    case "record":
      return checkFields(table, type.fields, known, type.open !== true);
    case "intersection": {
      const fields = new Map<string, Field>();
      for (const member of type.members) {
        const part = expand(member);
        if (part.kind !== "record") return undefined;
        for (const [name, field] of part.fields) fields.set(name, field);
      }
      return checkFields(table, fields, known, false);
    }
    case "interface":
      // What is empty is filled later.
      return table.fields.length === 0 ? undefined : checkFields(table, type.fields, known, false);
    case "dynamic":
    case "any":
    case "unknown":
    case "table":
    case "userdata":
      return undefined;
    default:
      return "";
  }
}

/** What is wrong with a value in a table; undefined when it fits. */
function checkPart(what: string, value: Expression, type: Type, known: Known): string | undefined {
  let inner = value;
  while (inner.kind === "Paren") inner = inner.inner;
  if (inner.kind === "Table") {
    const why = checkTable(inner, type, known);
    return why === undefined
      ? undefined
      : why === ""
      ? `${what} must be ${textOf(type)}, got table`
      : why;
  }
  const found = known(value);
  return fits(found, type) ? undefined : `${what} must be ${textOf(type)}, got ${textOf(found)}`;
}

function first(reasons: Iterable<string | undefined>): string | undefined {
  for (const reason of reasons) if (reason !== undefined) return reason;
  return undefined;
}

function checkElements({ fields }: Table, element: Type, known: Known): string | undefined {
  return first(fields.map(({ key, value }, index) => {
    if (key?.kind === "String") return `unexpected field '${key.value}'`;
    // Holes are nil, and what is more in a call's results is not known.
    return checkPart(`element ${index + 1}`, value, union([element, { kind: "nil" }]), known);
  }));
}

function checkEntries({ fields }: Table, key: Type, value: Type, known: Known): string | undefined {
  return first(fields.map((field) => {
    const given: Type = field.key ? known(field.key) : { kind: "integer" };
    if (!fits(given, key)) return `key ${textOf(given)} must be ${textOf(key)}`;
    return checkPart("a value", field.value, union([value, { kind: "nil" }]), known);
  }));
}

function checkFields(
  { fields }: Table,
  wanted: Map<string, Field>,
  known: Known,
  closed: boolean,
): string | undefined {
  const given = new Set<string>();
  let open = false;
  const wrong = first(fields.map(({ key, value }) => {
    if (!key) {
      if (/^(?:Call|Vararg|MethodCall)$/.test(value.kind)) open = true;
      return closed && wanted.size > 0 ? "unexpected element" : undefined;
    }
    if (key.kind !== "String") {
      open = true;
      return undefined;
    }
    given.add(key.value);
    const field = wanted.get(key.value);
    if (!field) return closed ? `unexpected field '${key.value}'` : undefined;
    const type = field.optional ? union([field.type, { kind: "nil" }]) : field.type;
    return checkPart(`field '${key.value}'`, value, type, known);
  }));
  if (wrong !== undefined || open) return wrong;
  return first(
    [...wanted].map(([name, { optional, type }]) =>
      given.has(name) || optional || acceptsNil(type) ? undefined : `missing field '${name}'`
    ),
  );
}
