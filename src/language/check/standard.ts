/**
 * What the functions of Lua's own libraries return, as far as it does not depend on what they are given.
 * @module
 */
import type { Expression } from "../tree.ts";
import { dynamic, expand, madeText, type Type } from "./types.ts";

const boolean: Type = { kind: "boolean" };
const integer: Type = { kind: "integer" };
const number: Type = { kind: "number" };
/** Code without annotations may know that a value is there; where a type is declared, it has to say so. */
const found = (inner: Type): Type => ({ kind: "maybe", inner, declared: true });

/** Types by the names of functions. */
function each(names: string, type: Type): Record<string, Type> {
  return Object.fromEntries(names.split(" ").map((name) => [name, type]));
}

const results: Readonly<Record<string, Readonly<Record<string, Type>>>> = {
  "": {
    ...each("tostring type", madeText),
    ...each("pcall xpcall rawequal", boolean),
    tonumber: found(number),
  },
  string: {
    ...each("char format gsub lower pack rep reverse sub upper", madeText),
    ...each("byte find", found(integer)),
    len: integer,
  },
  table: { concat: madeText },
  math: {
    ...each("ceil floor", integer),
    ...each("acos asin atan cos cosh deg exp log log10 pow rad sin sinh sqrt tan tanh", number),
  },
};

const constants: Readonly<Record<string, Type>> = { huge: number, pi: number };

/** Whether a name is that of a library of Lua whose functions are known here. */
export function isStandard(name: string): boolean {
  return name !== "" && Object.hasOwn(results, name);
}

/** What `math.NAME` holds that is no function. */
export function constantOf(library: string, name: string): Type | undefined {
  return library === "math" && Object.hasOwn(constants, name) ? constants[name] : undefined;
}

/**
 * The first result of a function.
 *
 * @param library empty for functions that belong to none
 * @param args what it is called with; of a method, its receiver first
 * @param isMeasured tells whether the code has asked for the length of a table
 */
export function resultOf(
  library: string,
  name: string,
  args: readonly Expression[],
  known: (expression: Expression) => Type,
  isMeasured: (table: Expression) => boolean,
): Type {
  const [first, second] = args;
  if (library === "" && name === "select") {
    return first?.kind === "String" && first.value === "#" ? integer : dynamic;
  }
  // A capture of a position is a number.
  if (library === "string" && name === "match") {
    return second?.kind === "String" && !second.value.includes("()") ? found(madeText) : dynamic;
  }
  if (library === "table" && name === "remove" && first) {
    const list = expand(known(first));
    if (list.kind !== "array" || list.foreign) return dynamic;
    return isMeasured(first) ? list.element : found(list.element);
  }
  const functions = results[library];
  return functions && Object.hasOwn(functions, name) ? functions[name]! : dynamic;
}
