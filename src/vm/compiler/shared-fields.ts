import { ROUNDS } from "../transform/loops.ts";
import { indexOfShared, luaFunction, STATE } from "./frame.ts";
import { COLLECTABLE, LONG_STRING, NIL, STRING, TABLE } from "./proto.ts";
import { ABSENT, BLACK, FIELDS, NODE, WHITE } from "./tables.ts";
import { Body, I32, type Shared } from "./wasm.ts";

/** Offsets in the global state: the metatable of strings, and the name "__index". */
const GLOBAL = { metatableOfStrings: 288, nameOfIndex: 172 } as const;
/** Bit of a table's flags: it has no __index. */
const NO_INDEX = 1;
/** Offset of a string's hash. */
const HASH = 8;
/** Tables that are looked through for a field. */
const LONGEST_CHAIN = 16;

/** The global that counts rounds of loops down. */
export const TOIL = 1;

/** Locals: a table, a short string, the node that is looked at, scratch, and how many held another key. */
export interface Search {
  readonly table: number;
  readonly key: number;
  readonly slot: number;
  readonly step: number;
  readonly misses: number;
}

/** Finds a short string's slot, which is left in `slot`, or branches away where there is none. */
export function findOr(f: Body<undefined>, search: Search, otherwise: number): void {
  const { table, key, slot, step, misses } = search;
  pushMainPosition(f, table, key);
  f.set(slot);
  const found = f.block();
  const next = f.loop();
  f.get(slot).load("i32", NODE.key).get(key).do("i32.eq").if();
  f.get(slot).load("u8", NODE.keyTag).i32(STRING).do("i32.eq").branchIf(found).end();
  f.get(misses).i32(1).do("i32.add").set(misses);
  // The distance to the chain's next node is in nodes.
  f.get(slot).load("i32", NODE.next).tee(step).do("i32.eqz").branchIf(otherwise);
  f.get(slot).get(step).i32(NODE.size).do("i32.mul", "i32.add").set(slot).branch(next).end().end();
}

/** Pays for the nodes of searches that held another key, as the loop of luaH_getshortstr does. */
export function payForMisses(f: Body<undefined>, misses: number): void {
  f.get(misses).if();
  f.global(TOIL).get(misses).do("i32.sub").tee(misses).setGlobal(TOIL);
  f.get(misses).i32(0).do("i32.lt_s").if().callEntry(luaFunction("toiled"));
  f.get(misses).i32(ROUNDS + 1).do("i32.add").setGlobal(TOIL).end().end();
}

/**
 * The slot of a short string that holds a value in a table, behind the first node of its chain, as
 * `(table, key) -> slot`: 0, and nothing is paid, where there is none.
 */
export function findSlot(): Shared {
  const [table, key] = [0, 1] as const;
  const f = new Body<undefined>(2);
  const slot = f.local(I32);
  const step = f.local(I32);
  const misses = f.local(I32);
  const absent = f.block();
  findOr(f, { table, key, slot, step, misses }, absent);
  f.get(slot).load("u8", 8).i32(15).do("i32.and", "i32.eqz").branchIf(absent);
  payForMisses(f, misses);
  f.get(slot).do("return").end().i32(0);
  return { type: "ii:i", body: f.finish() };
}

/**
 * OP_GETFIELD and its like, as `(L, ci, object, key, to) -> trap`: what `compiled_get_field` does, for a field of a
 * table or of tables that it reaches by `__index`, and for methods of strings.
 */
export function getField(): Shared {
  const [L, ci, object, keyAddress, to] = [0, 1, 2, 3, 4] as const;
  const f = new Body<undefined>(5);
  const key = f.local(I32);
  const table = f.local(I32);
  const slot = f.local(I32);
  const step = f.local(I32);
  const misses = f.local(I32);
  const at = f.local(I32);
  const indexName = f.local(I32);
  const rounds = f.local(I32);
  f.get(keyAddress).load("i32", 0).set(key);
  f.get(object).set(at);
  const other = f.block();
  const absent = f.block();
  const found = f.block();
  const next = f.loop();
  f.get(rounds).i32(1).do("i32.add").tee(rounds).i32(LONGEST_CHAIN).do("i32.gt_s").branchIf(other);
  f.get(at).load("u8", 8).i32(TABLE).do("i32.eq").if();
  f.get(at).load("i32", 0).set(table);
  const missing = f.block();
  findOr(f, { table, key, slot, step, misses }, missing);
  f.get(slot).load("u8", 8).i32(15).do("i32.and").branchIf(found).end();
  f.get(table).load("i32", FIELDS.metatable).tee(table).do("i32.eqz").branchIf(absent);
  f.get(table).load("u8", FIELDS.flags).i32(NO_INDEX).do("i32.and").branchIf(absent);
  f.else();
  f.get(at).load("u8", 8).i32(STRING ^ LONG_STRING).do("i32.or").i32(LONG_STRING).do("i32.ne");
  f.branchIf(other);
  f.get(L).load("i32", STATE.global).load("i32", GLOBAL.metatableOfStrings).tee(table);
  f.do("i32.eqz").branchIf(other).end();
  f.get(L).load("i32", STATE.global).load("i32", GLOBAL.nameOfIndex).set(indexName);
  findOr(f, { table, key: indexName, slot, step, misses }, other);
  f.get(slot).set(at).branch(next).end().end();
  // luaV_finishget pays for each further table.
  f.get(rounds).i32(2).do("i32.gt_s").if();
  f.get(misses).get(rounds).do("i32.add").i32(2).do("i32.sub").set(misses).end();
  payForMisses(f, misses);
  f.get(to).get(slot).load("i64", 0).store("i64", 0);
  f.get(to).get(slot).load("u8", 8).store("u8", 8);
  f.get(rounds).i32(1).do("i32.eq").if().i32(0).do("return").end();
  f.get(L).get(ci).call(indexOfShared("settle")).do("return").end();
  f.get(misses).get(rounds).do("i32.add").i32(1).do("i32.sub").set(misses);
  payForMisses(f, misses);
  f.get(to).i32(NIL).store("u8", 8);
  f.get(L).get(ci).call(indexOfShared("settle")).do("return").end();
  f.get(L).get(ci).get(object).get(keyAddress).get(to);
  f.callEntry(luaFunction("compiled_get_field"));
  return { type: "iiiii:i", body: f.finish() };
}

/**
 * OP_SETFIELD and its like, as `(L, ci, object, key, value) -> trap`: what `compiled_set_field` does, for a field that
 * is there, and for one that is added to a table without a metatable where its place is free.
 */
export function setField(): Shared {
  const [L, ci, object, keyAddress, value] = [0, 1, 2, 3, 4] as const;
  const f = new Body<undefined>(5);
  const key = f.local(I32);
  const table = f.local(I32);
  const slot = f.local(I32);
  const step = f.local(I32);
  const misses = f.local(I32);
  const other = f.block();
  f.get(object).load("u8", 8).i32(TABLE).do("i32.ne").branchIf(other);
  f.get(keyAddress).load("i32", 0).set(key);
  f.get(object).load("i32", 0).set(table);
  const added = f.block();
  const absent = f.block();
  findOr(f, { table, key, slot, step, misses }, absent);
  f.get(slot).load("u8", 8).i32(15).do("i32.and").if();
  payForMisses(f, misses);
  store(f, { L, table, slot, value });
  f.i32(0).do("return").end();
  f.get(table).load("i32", FIELDS.metatable).branchIf(other);
  f.branch(added).end();
  // A new key, for which luaH_newkey takes its main position if that is free.
  f.get(table).load("i32", FIELDS.metatable).branchIf(other);
  f.get(table).load("i32", FIELDS.lastFree).do("i32.eqz").branchIf(other);
  f.get(value).load("u8", 8).i32(15).do("i32.and", "i32.eqz").branchIf(other);
  pushMainPosition(f, table, key);
  f.tee(slot).load("u8", 8).i32(15).do("i32.and").branchIf(other);
  f.get(slot).get(key).store("i32", NODE.key);
  f.get(slot).i32(STRING).store("u8", NODE.keyTag);
  barrier(f, { L, table, value: keyAddress });
  f.end();
  payForMisses(f, misses);
  f.get(table).get(table).load("u8", FIELDS.flags).i32(0xff - ABSENT).do("i32.and");
  f.store("u8", FIELDS.flags);
  store(f, { L, table, slot, value });
  f.get(L).get(ci).call(indexOfShared("settle")).do("return").end();
  f.get(L).get(ci).get(object).get(keyAddress).get(value);
  f.callEntry(luaFunction("compiled_set_field"));
  return { type: "iiiii:i", body: f.finish() };
}

/** Pushes the address of the node where a short string belongs. */
export function pushMainPosition(f: Body<undefined>, table: number, key: number): void {
  f.get(table).load("i32", FIELDS.nodes);
  f.i32(1).get(table).load("u8", FIELDS.logNodes).do("i32.shl").i32(1).do("i32.sub");
  f.get(key).load("i32", HASH).do("i32.and").i32(NODE.size).do("i32.mul", "i32.add");
}

/** Copies the value at an address to a slot of a table. */
export function store(
  f: Body<undefined>,
  { L, table, slot, value }: { L: number; table: number; slot: number; value: number },
): void {
  f.get(slot).get(value).load("i64", 0).store("i64", 0);
  f.get(slot).get(value).load("u8", 8).store("u8", 8);
  barrier(f, { L, table, value });
}

/** luaC_barrierback of a table for the value at an address. */
export function barrier(
  f: Body<undefined>,
  { L, table, value }: { L: number; table: number; value: number },
): void {
  f.get(value).load("u8", 8).i32(COLLECTABLE).do("i32.and").if();
  f.get(table).load("u8", FIELDS.marked).i32(BLACK).do("i32.and").if();
  f.get(value).load("i32", 0).load("u8", FIELDS.marked).i32(WHITE).do("i32.and").if();
  f.get(L).get(table).callEntry(luaFunction("luaC_barrierback_")).end().end().end();
}
