import type { WippyError } from "./error.ts";

/**
 * A Lua value on JavaScript's side.
 *
 * - A Lua integer is a number when that is exact (up to 2^53 - 1), else a bigint.
 * - A Lua float is a number, but a `LuaFloat` when it could be taken for an integer.
 * - A Lua string is a string when it is valid UTF-8, else a Uint8Array.
 * - A table with the keys 1..n only is an array; one with string keys only is an object without
 *   prototype; any other is a Map. The empty table is an object.
 * - nil is undefined; null and undefined both become nil.
 * - An Error object of Lua is a WippyError.
 * - Functions, coroutines and other objects of Lua become undefined.
 * - A metatable is none of the value: `metatableOf` knows it where the value is only passed on.
 *
 * Cycles and shared references are kept.
 */
export type LuaValue =
  | undefined
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | LuaFloat
  | WippyError
  | LuaValue[]
  | { [key: string]: LuaValue }
  | Map<LuaValue, LuaValue>;

/**
 * `Value`, where every part of it is a Lua value; a part that is none becomes `never`, so that the compiler names it.
 * What an entry says in YAML is `unknown`, and plain.
 */
type Marshallable<Value> = unknown extends Value ? Value
  : Value extends LuaValue ? Value
  : Value extends (...args: never) => unknown ? never
  : Value extends ReadonlyMap<infer Key, infer Item>
    ? ReadonlyMap<Marshallable<Key>, Marshallable<Item>>
  : { [Key in keyof Value]: Marshallable<Value[Key]> };

/**
 * A record of ours as the Lua table that it becomes. `LuaValue` asks for an index signature, which an interface never
 * has; the compiler checks every field instead.
 *
 * @example
 * ```ts
 * interface Policy { id: string; actions: readonly string[] }
 * const table: LuaValue = asLua<Policy>({ id: "app:read", actions: ["fs.get"] });
 * ```
 */
export function asLua<Value>(value: Value & Marshallable<Value>): LuaValue {
  return value as LuaValue;
}

/**
 * What the Lua kernel answered, in the form that it gives it. The kernel is ours and is not checked here; what comes
 * from application code is, by the schema of its operation.
 *
 * @example
 * ```ts
 * const problems = ofKernel<Problem[]>(await pool.ask(worker, "check"));
 * ```
 */
export function ofKernel<Value>(value: LuaValue): Value {
  return value as Value;
}

/** A Lua float whose value is an integer that a number would stand for: 1.0, -0.0. */
export class LuaFloat {
  constructor(readonly value: number) {}
}

/** Empty tables of Lua, as objects, that had keys that are strings: in JSON they are objects, and no arrays. */
export const onceNamed = new WeakSet<object>();

const metatables = new WeakMap<object, object>();
/** Whether there was one: few programs pass on tables that have metatables. */
let hasMetatables = false;

/** Notes the metatable of a table, for whoever makes a table of Lua from it. */
export function setMetatable(table: object, metatable: object): void {
  metatables.set(table, metatable);
  hasMetatables = true;
}

/** The metatable that was noted for a table, undefined for none. */
export function metatableOf(table: object): LuaValue {
  return hasMetatables ? metatables.get(table) as LuaValue : undefined;
}

/** A Lua value that stays in the VM: a function, a table, kept alive until the VM closes. */
export class LuaRef {
  constructor(readonly id: number) {}
}

/**
 * A packed Lua value (`pack` of `codec.ts`) that becomes a value of the VM where it is pushed, in one call and without
 * JavaScript values in between. Damaged bytes raise a WippyError Invalid there.
 *
 * @example
 * ```ts
 * vm.call(fn, 1, { rows: new Packed(bytes) });
 * ```
 */
export class Packed {
  constructor(readonly bytes: Uint8Array) {}
}

/** A packed list whose items are pushed one after another, as so many arguments. */
export class PackedList {
  constructor(readonly bytes: Uint8Array) {}
}

/** Packed rows of a database (`src/vm/rows.ts`), which become a list of tables when they are pushed into a VM. */
export class PackedRows {
  constructor(readonly bytes: Uint8Array) {}
}

/** Several return values of a host function; a plain array is one table. */
export class MultiReturn {
  constructor(readonly values: readonly LuaValue[]) {}
}

/** A Lua number as a JavaScript number; NaN for anything else. */
export function numberOf(value: LuaValue): number {
  if (typeof value === "number") return value;
  if (value instanceof LuaFloat) return value.value;
  return typeof value === "bigint" ? Number(value) : NaN;
}

/** Whether a value is a table with text keys, and neither a list nor an object of the runtime. */
export function isTable(value: unknown): value is { [key: string]: LuaValue } {
  if (typeof value !== "object" || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype;
}
