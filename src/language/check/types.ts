/**
 * Types as the checker compares them.
 * @module
 */
import type { LiteralValue } from "../describe.ts";

export interface Field {
  type: Type;
  optional: boolean;
}

export interface FunctionShape {
  kind: "function";
  params: Type[];
  /** Names of the parameters, as far as they are known. */
  names?: readonly (string | undefined)[];
  /** Absent: a call may not have more arguments; `dynamic` for functions without annotations. */
  vararg?: Type;
  /** Absent: nothing is known of them. */
  results?: Type[];
  /** Results as the code shows them, where nothing is written of them. */
  shown?: readonly Type[];
  /** The first parameter is the receiver. */
  method?: boolean;
  /** No call of it comes back. */
  never?: boolean;
  /** The results of a call with arguments of these types, where there are type parameters. */
  generic?: (args: readonly Type[]) => Type[];
  /** What holds of an argument after a call: its place, and the type (absent: not nil). */
  asserts?: { place: number; type?: Type };
}

/** `dynamic` is what the checker does not know: it fits everything, and everything fits it. */
export type Type =
  | { kind: "dynamic" | "any" | "unknown" | "never" }
  | {
    kind:
      | "nil"
      | "boolean"
      | "number"
      | "integer"
      | "string"
      | "table"
      | "error"
      | "userdata"
      | "thread";
  }
  | { kind: "literal"; value: LiteralValue }
  /** Foreign: what is in it may be nil for reasons that only its module knows. */
  | { kind: "array"; element: Type; foreign?: boolean }
  | { kind: "map"; key: Type; value: Type; foreign?: boolean }
  /**
   * Open: it may have other fields, of which nothing is known. Foreign: another text made it, and whoever requires it
   * may give it fields. Metamethods: those that the text mentions which declares it.
   */
  | {
    kind: "record";
    fields: Map<string, Field>;
    name?: string;
    open?: boolean;
    foreign?: boolean;
    metamethods?: ReadonlySet<string>;
  }
  /** Closed: an object of the runtime, which has these methods and no others. */
  | {
    kind: "interface";
    fields: Map<string, Field>;
    name: string;
    closed?: boolean;
    /** The built-in module that declares it. */
    module?: string;
  }
  | { kind: "union" | "intersection"; members: Type[] }
  /** Generic: what a generic type is made of, and the arguments. */
  | {
    kind: "named";
    name: string;
    get: () => Type;
    generic?: { of: object; args: readonly Type[] };
  }
  /**
   * The type or nil, where the code may have reasons to know which: until it asks, nothing is told of it. Declared: it
   * does not go where a type is declared that is not nil.
   */
  | { kind: "maybe"; inner: Type; declared?: boolean }
  /** A value that is a type, as a library exports it. */
  | { kind: "type"; of: Type }
  | FunctionShape;

export const dynamic: Type = { kind: "dynamic" };
export const nil: Type = { kind: "nil" };
export const never: Type = { kind: "never" };
/** A text that was made of other values: it may be a numeral. */
export const madeText: Type = { kind: "string" };
/** What `a and b` is where a boolean `a` does not hold: who goes on with `b` has asked for `a`, or knows it. */
export const notTaken: Type = { kind: "literal", value: false };
/** What is declared as `table`. */
export const declaredTable: Type = { kind: "table" };
/** A table of which nothing is known. */
export const someTable: Type = { kind: "table" };

/** The type that a name stands for. */
export function expand(type: Type): Type {
  let seen = 0;
  while (type.kind === "named") {
    type = type.get();
    if (++seen > 32) return dynamic;
  }
  return type.kind === "maybe" ? dynamic : type;
}

/** The union of types, flat. */
export function union(types: readonly Type[]): Type {
  const members: Type[] = [];
  for (const type of types) {
    const flat = type.kind === "union" ? type.members : [type];
    for (const member of flat) {
      if (member.kind === "maybe") return types.length === 1 ? member : dynamic;
      if (member.kind === "dynamic" || member.kind === "any") return member;
      if (member.kind === "never" || members.includes(member)) continue;
      if (member.kind in simple && members.some(({ kind }) => kind === member.kind)) continue;
      members.push(member);
    }
  }
  return members.length === 0
    ? never
    : members.length === 1
    ? members[0]!
    : { kind: "union", members };
}

const simple = { nil: 1, boolean: 1, number: 1, integer: 1, string: 1, any: 1 };

/** The members of a union; of any other type itself. */
export function membersOf(type: Type): Type[] {
  const found = expand(type);
  return found.kind === "union" ? found.members.flatMap(membersOf) : [type];
}

/** The members of a union that a value may be of when something is done with it. */
export function usedMembersOf(type: Type): Type[] {
  const members = membersOf(type);
  return members.length === 1 ? members : members.filter((member) => member !== notTaken);
}

/** The names of the fields that a record has. */
export function fieldNames(type: Type): string[] {
  const found = expand(type);
  return found.kind === "record" ? [...found.fields.keys()] : [];
}

/** Keeps the members that pass. */
export function filter(type: Type, keep: (member: Type) => boolean): Type {
  const members = membersOf(type);
  const kept = members.filter((member) => keep(expand(member)));
  return kept.length === members.length ? type : union(kept);
}

/** The type without nil. */
export function withoutNil(type: Type): Type {
  if (type.kind === "maybe") return type.inner;
  return filter(type, ({ kind }) => kind !== "nil");
}

/** Whether nil is one of its values for certain; `any` and what is unknown are not asked. */
export function mayBeNil(type: Type): boolean {
  return membersOf(type).some((member) => expand(member).kind === "nil");
}

/** Whether a place of the type may be left empty. */
export function acceptsNil(type: Type): boolean {
  return membersOf(type).some((member) =>
    ["dynamic", "any", "unknown", "nil"].includes(expand(member).kind)
  );
}

/** How many arguments a call must have. */
export function requiredOf({ params }: FunctionShape): number {
  let required = params.length;
  while (required > 0 && acceptsNil(params[required - 1]!)) required--;
  return required;
}

/** What `type(v)` says of the values of a type; undefined: it is not known. */
export function luaType(type: Type): string | undefined {
  const found = expand(type);
  switch (found.kind) {
    case "nil":
    case "boolean":
    case "number":
    case "string":
    case "table":
    case "function":
    case "userdata":
    case "thread":
      return found.kind;
    case "integer":
      return "number";
    case "literal":
      return typeof found.value === "bigint" ? "number" : typeof found.value;
    case "array":
    case "map":
    case "record":
      return "table";
    case "error":
      return "userdata";
    default:
      return undefined;
  }
}

/** The type of which a literal is one. */
export function widen(type: Type): Type {
  if (type.kind !== "literal") return type;
  const { value } = type;
  if (typeof value === "bigint") return { kind: "integer" };
  return { kind: typeof value as "string" | "number" | "boolean" };
}

/** The type of the variable of `for i = first, last, step`. */
export function counterOf([first, , step]: readonly Type[]): Type {
  const whole = [first, step].every((type) =>
    type === undefined || widen(expand(type)).kind === "integer"
  );
  return { kind: whole ? "integer" : "number" };
}

/** Whether every value of `from` is one of `to`. What is not known fits. */
export function fits(from: Type, to: Type, depth = 0): boolean {
  if (from === to || depth > 24) return true;
  const [a, b] = [expand(from), expand(to)];
  const next = depth + 1;
  if (from.kind === "maybe" && from.declared) {
    return acceptsNil(to) && fits(from.inner, withoutNil(to), depth + 1);
  }
  const applied = fitsGeneric(from, to, next);
  if (applied !== undefined) return applied;
  if (a === b || a.kind === "dynamic" || b.kind === "dynamic" || a.kind === "never") return true;
  if (a.kind === "type" || b.kind === "type") return true;
  if (b.kind === "any" || b.kind === "unknown") return true;
  if (a.kind === "union") return a.members.every((member) => fits(member, b, next));
  if (b.kind === "union") return b.members.some((member) => fits(a, member, next));
  if (b.kind === "intersection") return b.members.every((member) => fits(a, member, next));
  if (a.kind === "intersection") return a.members.some((member) => fits(member, b, next));
  if (a.kind === "any" || a.kind === "unknown") return false;
  if (a.kind === "literal") {
    if (b.kind === "literal") return a.value === b.value;
    const wide = widen(a).kind;
    return wide === b.kind || wide === "integer" && b.kind === "number" ||
      typeof a.value === "number" && Number.isInteger(a.value) && b.kind === "integer";
  }
  if (a.kind === "integer" && b.kind === "number") return true;
  return fitsTable(a, b, next);
}

/** Whether one generic type fits another; undefined: they are not of the same. */
function fitsGeneric(from: Type, to: Type, next: number): boolean | undefined {
  const [a, b] = [from, to].map((type) => type.kind === "named" ? type.generic : undefined);
  if (!a || !b || a.of !== b.of || a.args.length !== b.args.length) return undefined;
  return a.args.every((arg, index) => isSame(arg, b.args[index]!, next));
}

function fitsTable(a: Type, b: Type, next: number): boolean {
  const table = ["array", "map", "record", "table"].includes(a.kind);
  // What else is in a table of which nothing is known, or behind an interface, is not known.
  if (b.kind === "interface") {
    if (a.kind === "record" && !a.open && !a.foreign || a.kind === "interface") {
      return hasMethods(a, b, next);
    }
    return table || a.kind === "userdata";
  }
  if (a.kind === "interface") return !(b.kind in simple) && b.kind !== "function";
  if (a.kind === "table") return ["array", "map", "record", "table"].includes(b.kind);
  if (b.kind === "table") return table;
  if (a.kind === "array" && b.kind === "array") return fits(a.element, b.element, next);
  if (a.kind === "array" && b.kind === "map") {
    return fits({ kind: "integer" }, b.key, next) && fits(a.element, b.value, next);
  }
  if (a.kind === "map" && b.kind === "map") {
    return isSame(a.key, b.key, next) && isSame(a.value, b.value, next);
  }
  if (a.kind === "record") {
    // What else an open one has is not known.
    if (b.kind === "map") {
      return a.open === true || fits({ kind: "string" }, b.key, next) &&
          [...a.fields.values()].every(({ type }) => fits(type, b.value, next));
    }
    if (b.kind === "array") return a.open === true || a.fields.size === 0;
    if (b.kind === "record") return fitsRecord(a.fields, b.fields, a.open === true, next);
  }
  if (a.kind === "function" && b.kind === "function") return fitsFunction(a, b, next);
  return a.kind === b.kind;
}

/** Interfaces without methods are told apart by their names. */
function hasMethods(
  a: Extract<Type, { kind: "record" | "interface" }>,
  b: Extract<Type, { kind: "interface" }>,
  next: number,
): boolean {
  if (a.kind === "interface" && b.fields.size === 0) {
    return a.name === b.name && a.module === b.module;
  }
  return [...b.fields].every(([name, { type }]) => {
    const own = a.fields.get(name);
    return own !== undefined && fits(own.type, type, next);
  });
}

function fitsRecord(
  a: Map<string, Field>,
  b: Map<string, Field>,
  open: boolean,
  next: number,
): boolean {
  for (const [name, wanted] of b) {
    const given = a.get(name);
    if (!given) {
      if (open) continue;
      if (!wanted.optional && !fits(nil, wanted.type, next)) return false;
    } else if (given.optional && !wanted.optional && !fits(nil, wanted.type, next)) return false;
    else if (!fits(given.type, wanted.type, next)) return false;
    else if (!fitsBack(given.type, wanted.type, next)) return false;
  }
  return true;
}

/**
 * Whether a place of one type may stand where one of the other is asked for, although what is put into it there must
 * fit it here. What may be anything is not asked.
 */
function isSame(a: Type, b: Type, next: number): boolean {
  return fits(a, b, next) && (isFree(b) || fits(b, a, next));
}

function isFree(type: Type): boolean {
  return ["any", "unknown", "dynamic"].includes(expand(type).kind);
}

/** Whether values of the wider type may be put where the narrower is: they fit, or it is only widened. */
function fitsBack(from: Type, to: Type, next: number): boolean {
  if (from === to || isFree(to) || widens(from, to, next) || fits(to, from, next)) return true;
  return mayBeNil(to) && fitsBack(from, withoutNil(to), next);
}

/** Whether a type that fits another is only a narrower form of it: a literal, an integer, or a table of such. */
function widens(from: Type, to: Type, next: number): boolean {
  if (next > 24) return true;
  const a = expand(from);
  if (a.kind === "union") return a.members.every((member) => fitsBack(member, to, next + 1));
  const b = expand(to);
  if (a.kind === "array" && b.kind === "array") return fitsBack(a.element, b.element, next + 1);
  if (a.kind === "array" || a.kind === "map") return b.kind !== a.kind && b.kind !== "union";
  if (a.kind === "number" || a.kind === "string" || a.kind === "boolean") return false;
  if (a.kind === "integer") return b.kind === "number";
  // Fields are asked for one by one where the records are compared.
  return a.kind === "literal" || b.kind !== "union";
}

function fitsFunction(a: FunctionShape, b: FunctionShape, next: number): boolean {
  if (requiredOf(a) > b.params.length && !b.vararg) return false;
  const parameters = b.params.every((param, index) => {
    const own = a.params[index] ?? a.vararg;
    return !own || fits(param, own, next);
  });
  // Of what nothing is written the code shows some.
  const given = a.results ?? a.shown;
  const rest = a.results ? nil : dynamic;
  const results = !b.results || !given ||
    b.results.every((result, index) => fits(given[index] ?? rest, result, next));
  return parameters && results;
}

/** The text of a type, for messages. */
export function textOf(type: Type, depth = 0): string {
  if (depth > 4) return "…";
  const next = depth + 1;
  switch (type.kind) {
    case "named": {
      const args = type.generic?.args.map((arg) => textOf(arg, next)).join(", ");
      return args === undefined ? type.name : `${type.name}<${args}>`;
    }
    case "dynamic":
      return "any";
    case "maybe":
      return `${textOf(type.inner, next)}?`;
    case "type":
      return `type ${textOf(type.of, next)}`;
    case "literal":
      return typeof type.value === "string" ? JSON.stringify(type.value) : String(type.value);
    case "array":
      return `{${textOf(type.element, next)}}`;
    case "map":
      return `{[${textOf(type.key, next)}]: ${textOf(type.value, next)}}`;
    case "record":
    case "interface":
      return type.name ??
        `{${
          [...type.fields].map(([name, field]) =>
            `${name}${field.optional ? "?" : ""}: ${textOf(field.type, next)}`
          ).join(", ")
        }}`;
    case "union": {
      const rest = type.members.filter(({ kind }) => kind !== "nil");
      const text = rest.map((member) => textOf(member, next)).join(" | ");
      if (rest.length === type.members.length) return text;
      return rest.length === 1 ? `${text}?` : `(${text})?`;
    }
    case "intersection":
      return type.members.map((member) => textOf(member, next)).join(" & ");
    case "function": {
      return `(${parametersOf(type, next).join(", ")}) -> ${resultsOf(type, next)}`;
    }
    default:
      return type.kind;
  }
}

/** The text of each parameter of a function: `name: type`, or the type alone. */
export function parametersOf(
  { params, names, vararg, method }: FunctionShape,
  depth = 0,
): string[] {
  const shown = params.map((param, index) => {
    const name = names?.[index];
    if (index === 0 && method && name === "self") return name;
    return name === undefined ? textOf(param, depth) : `${name}: ${textOf(param, depth)}`;
  });
  return vararg ? [...shown, `...${textOf(vararg, depth)}`] : shown;
}

/** The text of what a function returns: one type, or a list in parentheses. */
export function resultsOf(
  { shown: inferred = [], results = [...inferred] }: FunctionShape,
  depth = 0,
): string {
  const shown = results.map((result) => textOf(result, depth));
  return shown.length === 1 ? shown[0]! : `(${shown.join(", ")})`;
}
