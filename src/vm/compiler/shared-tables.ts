import { indexOfShared, luaFunction } from "./frame.ts";
import { INTEGER, NIL, STRING, TABLE } from "./proto.ts";
import { barrier, findOr, payForMisses, type Search, store, TOIL } from "./shared-fields.ts";
import { ABSENT, FIELDS, NODE } from "./tables.ts";
import { Body, I32, type Shared } from "./wasm.ts";

/** Bit of a table's flags: its array is larger than its limit. */
export const LIMIT_IS_HINT = 0x80;
/**
 * OP_SETTABLE and OP_SETI, as `(L, ci, object, key, value) -> trap`: what `compiled_set_table` does, for an integer
 * within the array of a table without a metatable that holds nothing there yet, or behind it.
 */
export function setIndex(): Shared {
  const [L, ci, object, key, value] = [0, 1, 2, 3, 4] as const;
  const f = new Body<undefined>(5);
  const table = f.local(I32);
  const index = f.local(I32);
  const limit = f.local(I32);
  const other = f.block();
  f.get(object).load("u8", 8).i32(TABLE).do("i32.ne").branchIf(other);
  f.get(key).load("u8", 8).i32(INTEGER).do("i32.ne").branchIf(other);
  f.get(object).load("i32", 0).tee(table).load("i32", FIELDS.metatable).branchIf(other);
  f.get(table).load("i32", FIELDS.arrayLimit).set(limit);
  f.get(key).load("i64", 0).i64(1n).do("i64.sub").get(limit).do("i64.extend_i32_u", "i64.le_u");
  f.do("i32.eqz").branchIf(other);
  f.get(key).load("i64", 0).do("i32.wrap_i64").i32(1).do("i32.sub").tee(index);
  f.get(limit).do("i32.eq").if();
  pushLimitIsHint(f, table, limit);
  f.if();
  f.get(table).get(index).i32(1).do("i32.add").store("i32", FIELDS.arrayLimit).else();
  f.get(table).load("i32", FIELDS.lastFree).branchIf(other);
  payForEmptyNode(f);
  f.get(L).get(table).get(key).get(value).callEntry(luaFunction("luaH_newkey"));
  pushSettled(f, { L, ci, table, value });
  f.do("return").end().end();
  f.get(table).load("i32", FIELDS.array).get(index).i32(4).do("i32.shl", "i32.add").tee(index);
  f.load("u8", 8).i32(15).do("i32.and").branchIf(other);
  f.get(index).get(value).load("i64", 0).store("i64", 0);
  f.get(index).get(value).load("u8", 8).store("u8", 8);
  pushSettled(f, { L, ci, table, value });
  f.do("return").end();
  f.get(L).get(ci).get(object).get(key).get(value).call(indexOfShared("setKey"));
  return { type: "iiiii:i", body: f.finish() };
}

/** Pushes the trap of an instruction that has added a value to a table, as the end of luaV_finishset. */
function pushSettled(
  f: Body<undefined>,
  { L, ci, table, value }: { L: number; ci: number; table: number; value: number },
): void {
  f.get(table).get(table).load("u8", FIELDS.flags).i32(0xff - ABSENT).do("i32.and");
  f.store("u8", FIELDS.flags);
  barrier(f, { L, table, value });
  f.get(L).get(ci).call(indexOfShared("settle"));
}

/** Pays as luaH_getint does for a table without a hash part, which has one node with another key. */
function payForEmptyNode(f: Body<undefined>): void {
  f.global(TOIL).i32(1).do("i32.sub").setGlobal(TOIL);
  f.global(TOIL).i32(0).do("i32.lt_s").if().callEntry(luaFunction("toiled")).end();
}

/** Locals of a search for any key: as of a short string, with the key's address. */
interface KeySearch extends Search {
  readonly at: number;
  readonly limit: number;
}

/**
 * The slot, in `slot`, of a short string or of an integer that is in the hash part, where it holds a value; else
 * branches away.
 */
function findKeyOr(f: Body<undefined>, search: KeySearch, otherwise: number): void {
  const { table, key, slot, step, misses, at, limit } = search;
  const found = f.block();
  f.get(at).load("u8", 8).i32(STRING).do("i32.eq").if();
  f.get(at).load("i32", 0).set(key);
  findOr(f, search, otherwise);
  f.branch(found).end();
  f.get(at).load("u8", 8).i32(INTEGER).do("i32.ne").branchIf(otherwise);
  // Without nodes there is nothing to look for.
  f.get(table).load("i32", FIELDS.lastFree).do("i32.eqz").branchIf(otherwise);
  // luaH_getint may change a limit that is a hint.
  f.get(table).load("i32", FIELDS.arrayLimit).set(limit);
  pushLimitIsHint(f, table, limit);
  f.branchIf(otherwise);
  f.get(at).load("i64", 0).i64(1n).do("i64.sub").get(limit).do("i64.extend_i32_u", "i64.lt_u");
  f.branchIf(otherwise);
  f.get(at).load("i64", 0).i64(0x7fff_ffffn).do("i64.gt_u").branchIf(otherwise);
  f.get(at).load("i32", 0).tee(key);
  f.i32(1).get(table).load("u8", FIELDS.logNodes).do("i32.shl").i32(1).do("i32.sub");
  f.i32(1).do("i32.or", "i32.rem_u").i32(NODE.size).do("i32.mul");
  f.get(table).load("i32", FIELDS.nodes).do("i32.add").set(slot);
  const next = f.loop();
  f.get(slot).load("u8", NODE.keyTag).i32(INTEGER).do("i32.eq").if();
  f.get(slot).load("i64", NODE.key).get(at).load("i64", 0).do("i64.eq").branchIf(found).end();
  f.get(misses).i32(1).do("i32.add").set(misses);
  f.get(slot).load("i32", NODE.next).tee(step).do("i32.eqz").branchIf(otherwise);
  f.get(slot).get(step).i32(NODE.size).do("i32.mul", "i32.add").set(slot).branch(next).end().end();
  f.get(slot).load("u8", NODE.tag).i32(15).do("i32.and", "i32.eqz").branchIf(otherwise);
}

/**
 * OP_GETTABLE and OP_GETI, as `(L, ci, object, key, to) -> trap`: what `compiled_get_table` does, for what is in the
 * hash part of a table, and for an integer without a value in or behind the array of one that has no such part and no
 * metatable.
 */
export function getIndex(): Shared {
  return atKey("compiled_get_table", getAbsent, (f, { slot, last: to }) => {
    f.get(to).get(slot).load("i64", 0).store("i64", 0);
    f.get(to).get(slot).load("u8", 8).store("u8", 8);
  });
}

/** Returns with nil where it is certain that an integer has no value in a table. */
function getAbsent(f: Body<undefined>, { L, ci, table, at, last: to, limit }: Keyed): void {
  const other = f.block();
  f.get(at).load("u8", 8).i32(INTEGER).do("i32.ne").branchIf(other);
  f.get(table).load("i32", FIELDS.metatable).branchIf(other);
  f.get(table).load("i32", FIELDS.lastFree).branchIf(other);
  f.get(table).load("i32", FIELDS.arrayLimit).set(limit);
  f.get(at).load("i64", 0).i64(1n).do("i64.sub").get(limit).do("i64.extend_i32_u", "i64.lt_u").if();
  f.get(table).load("i32", FIELDS.array).get(at).load("i32", 0).i32(1).do("i32.sub").i32(4);
  f.do("i32.shl", "i32.add").load("u8", 8).i32(15).do("i32.and").branchIf(other).else();
  pushLimitIsHint(f, table, limit);
  f.branchIf(other);
  payForEmptyNode(f);
  f.end();
  f.get(to).i32(NIL).store("u8", 8);
  f.get(L).get(ci).call(indexOfShared("settle")).do("return").end();
}

/** The same of OP_SETTABLE and OP_SETI, as `(L, ci, object, key, value) -> trap`. */
export function setKey(): Shared {
  return atKey(
    "compiled_set_table",
    () => {},
    (f, { L, table, slot, last: value }) => store(f, { L, table, slot, value }),
  );
}

/** Locals of an instruction with any key: its last operand is a value or where one goes. */
interface Keyed extends KeySearch {
  readonly L: number;
  readonly ci: number;
  readonly last: number;
}

/**
 * Does something with the slot of a key in the hash part of a table, unless what comes first has returned; a function
 * of the Lua wasm does all else.
 */
function atKey(
  otherwise: Parameters<typeof luaFunction>[0],
  first: (f: Body<undefined>, keyed: Keyed) => void,
  found: (f: Body<undefined>, keyed: Keyed) => void,
): Shared {
  const [L, ci, object, at, last] = [0, 1, 2, 3, 4] as const;
  const f = new Body<undefined>(5);
  const keyed = { ...searchOf(f, at), L, ci, last };
  const { table } = keyed;
  const other = f.block();
  f.get(object).load("u8", 8).i32(TABLE).do("i32.ne").branchIf(other);
  f.get(object).load("i32", 0).set(table);
  first(f, keyed);
  findKeyOr(f, keyed, other);
  payForMisses(f, keyed.misses);
  found(f, keyed);
  f.i32(0).do("return").end();
  f.get(L).get(ci).get(object).get(at).get(last).callEntry(luaFunction(otherwise));
  return { type: "iiiii:i", body: f.finish() };
}

function searchOf(f: Body<undefined>, at: number): KeySearch {
  return {
    at,
    table: f.local(I32),
    key: f.local(I32),
    slot: f.local(I32),
    step: f.local(I32),
    misses: f.local(I32),
    limit: f.local(I32),
  };
}

/** The negation of limitequalsasize: the array is as large as the next power of two. */
function pushLimitIsHint(f: Body<undefined>, table: number, limit: number): void {
  f.get(table).load("u8", FIELDS.flags).i32(LIMIT_IS_HINT).do("i32.and").i32(0).do("i32.ne");
  f.get(limit).get(limit).i32(1).do("i32.sub", "i32.and").i32(0).do("i32.ne", "i32.and");
}

/** OP_LEN of a table without a metatable, as `(table) -> length`: luaH_getn, where its last guess holds. */
export function length(): Shared {
  const table = 0;
  const f = new Body<undefined>(1);
  const limit = f.local(I32);
  const slot = f.local(I32);
  const other = f.block();
  f.get(table).load("i32", FIELDS.arrayLimit).tee(limit).do("i32.eqz").branchIf(other);
  pushLimitIsHint(f, table, limit);
  f.do("i32.eqz").branchIf(other);
  f.get(table).load("i32", FIELDS.array).get(limit).i32(4).do("i32.shl", "i32.add").tee(slot);
  f.load("u8", 8).i32(15).do("i32.and").branchIf(other);
  f.get(slot).i32(16).do("i32.sub").load("u8", 8).i32(15).do("i32.and", "i32.eqz").branchIf(other);
  f.get(limit).do("i64.extend_i32_u", "return").end();
  f.get(table).callEntry(luaFunction("luaH_getn"));
  return { type: "i:l", body: f.finish() };
}
