/**
 * One request of a worker to the node: what fields it has, and what answers it.
 *
 * The fields are read by functions of a few lines instead of a zod schema: a script that registers a name would wait
 * five milliseconds for zod, and the other side is our own kernel, so that a wrong field is our fault.
 * @module
 */
import { WippyError } from "../../vm/error.ts";
import { LuaFloat, type LuaValue } from "../../vm/value.ts";

/** Reads a field. @throws WippyError Invalid, which names the field */
export type Reader<Value> = (value: LuaValue, field: string) => Value;

function typeOf(value: LuaValue): string {
  if (value === undefined || value === null) return "nil";
  if (value instanceof Uint8Array) return "bytes";
  if (value instanceof LuaFloat || typeof value === "bigint") return "number";
  return typeof value === "object" ? "table" : typeof value;
}

function wrong(field: string, expected: string, value: LuaValue): never {
  throw new WippyError("Invalid", `${field}: ${expected} expected, got ${typeOf(value)}`, {
    retryable: false,
  });
}

/** Text in UTF-8. */
export const text: Reader<string> = (value, field) =>
  typeof value === "string" ? value : wrong(field, "text in UTF-8", value);

/** A whole number that JavaScript can hold. */
export const integer: Reader<number> = (value, field) => {
  const number = value instanceof LuaFloat ? value.value : Number(value);
  const numeric = typeof value === "number" || typeof value === "bigint" ||
    value instanceof LuaFloat;
  return numeric && Number.isSafeInteger(number) ? number : wrong(field, "whole number", value);
};

/** `true` or `false`; absent is `false`. */
export const flag: Reader<boolean> = (value, field) =>
  value === undefined || value === null
    ? false
    : typeof value === "boolean"
    ? value
    : wrong(field, "boolean", value);

/** One of these words. */
export function oneOf<const Word extends string>(words: readonly Word[]): Reader<Word> {
  return (value, field) =>
    words.find((word) => word === value) ?? wrong(field, `one of ${words.join(", ")}`, value);
}

/** Any value. */
export const any: Reader<LuaValue> = (value) => value;

/** What is absent is undefined. */
export function optional<Value>(reader: Reader<Value>): Reader<Value | undefined> {
  return (value, field) => value === undefined || value === null ? undefined : reader(value, field);
}

/** A field of a Lua table, which arrives as an object or, with other keys than text, as a map. */
function fieldOf(table: LuaValue, name: string): LuaValue {
  if (table instanceof Map) return table.get(name);
  return (table as Record<string, LuaValue>)[name];
}

function isTable(value: LuaValue): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value) &&
    !(value instanceof Uint8Array) && !(value instanceof WippyError) &&
    !(value instanceof LuaFloat);
}

/** A list; Lua's empty table is one. */
export function list<Value>(item: Reader<Value>): Reader<Value[]> {
  return (value, field) => {
    if (Array.isArray(value)) return value.map((each, at) => item(each, `${field}.${at + 1}`));
    const empty = isTable(value) &&
      (value instanceof Map ? value.size : Object.keys(value as object).length) === 0;
    return empty ? [] : wrong(field, "list", value);
  };
}

/** Values as `table.pack` gives them: with nils, and their number as `n`. */
export const packed: Reader<LuaValue[]> = (value, field) => {
  if (Array.isArray(value)) return value;
  if (!isTable(value)) return wrong(field, "packed values", value);
  const count = integer(fieldOf(value, "n"), `${field}.n`);
  return Array.from(
    { length: count },
    (_, at) => value instanceof Map ? value.get(at + 1) : undefined,
  );
};

/** Readers by field. */
export type Fields = Record<string, Reader<unknown>>;

/** What the readers make of a table. */
export type Read<Given extends Fields> = { [Name in keyof Given]: ReturnType<Given[Name]> };

/** A table with these fields. */
export function table<Given extends Fields>(fields: Given): Reader<Read<Given>> {
  return (value, field) => {
    if (!isTable(value)) return wrong(field, "table", value);
    const read = Object.entries(fields).map(([name, reader]) => [
      name,
      reader(fieldOf(value, name), `${field}.${name}`),
    ]);
    return Object.fromEntries(read) as Read<Given>;
  };
}

/** One request by name. */
export interface NodeRequest {
  /**
   * @param origin index of the worker that asks
   * @param args one table of named fields or, for what is targeted, positions
   */
  answer(name: string, origin: number, args: readonly LuaValue[]): LuaValue | Promise<LuaValue>;
}

/** Requests by name. */
export type Requests = Readonly<Record<string, NodeRequest>>;

/** A request whose argument is a table of named fields. */
export function request<Given extends Fields>(
  fields: Given,
  run: (input: Read<Given>, origin: number) => LuaValue | Promise<LuaValue>,
): NodeRequest {
  const read = table(fields);
  return {
    answer: (name, origin, args) => run(read(args[0] === undefined ? {} : args[0], name), origin),
  };
}

/**
 * A request that is also one between workers, with positions instead of a table: packing and unpacking a `send` so
 * takes 4 to 9 µs instead of 13 to 17 (400,000 times through `src/vm/codec.ts`, four runs), and no other work is done
 * for it. The positions have the fields' names and order; with `rest`, `values` is what follows them.
 */
export function targeted<Given extends Fields>(
  fields: Given,
  rest: "values" | undefined,
  run: (input: Read<Given> & { values: LuaValue[] }, origin: number) =>
    | LuaValue
    | Promise<LuaValue>,
): NodeRequest {
  const readers = Object.entries(fields);
  return {
    answer: (name, origin, args) => {
      const read = readers.map(([field, reader], at) => [
        field,
        reader(args[at], `${name}.${field}`),
      ]);
      const values = rest === undefined ? [] : args.slice(readers.length);
      return run({ ...Object.fromEntries(read) as Read<Given>, values }, origin);
    },
  };
}
