import { indexOfImport, indexOfShared, STATE } from "./frame.ts";
import { COLLECTABLE, INTEGER, LONG_STRING, NIL, STRING, TABLE } from "./proto.ts";
import { BLACK, FIELDS, NODE, WHITE } from "./tables.ts";
import { Body, I32, type Shared } from "./wasm.ts";

/** Offsets in the global state: the metatable of strings, and the name "__index". */
const GLOBAL = { metatableOfStrings: 288, nameOfIndex: 172 } as const;
/** Bit of a table's flags: it has no __index. */
const NO_INDEX = 1;
/** Bits of a table's flags that say which metamethods are absent, and that its array is larger than its limit. */
const ABSENT = 0x3f;
const LIMIT_IS_HINT = 0x80;
/** Offset of a string's hash. */
const HASH = 8;
/** Tables that are looked through for a field. */
const LONGEST_CHAIN = 16;

/** Finds a short string's slot, which is left in `slot`, or branches away where there is none. */
function findOr(
  f: Body<undefined>,
  { table, key, slot, step }: { table: number; key: number; slot: number; step: number },
  otherwise: number,
): void {
  f.get(table).load("i32", FIELDS.nodes);
  f.i32(1).get(table).load("u8", FIELDS.logNodes).do("i32.shl").i32(1).do("i32.sub");
  f.get(key).load("i32", HASH).do("i32.and").i32(NODE.size).do("i32.mul", "i32.add").set(slot);
  const found = f.block();
  const next = f.loop();
  f.get(slot).load("i32", NODE.key).get(key).do("i32.eq").if();
  f.get(slot).load("u8", NODE.keyTag).i32(STRING).do("i32.eq").branchIf(found).end();
  // The distance to the chain's next node is in nodes.
  f.get(slot).load("i32", NODE.next).tee(step).do("i32.eqz").branchIf(otherwise);
  f.get(slot).get(step).i32(NODE.size).do("i32.mul", "i32.add").set(slot).branch(next).end().end();
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
  findOr(f, { table, key, slot, step }, missing);
  f.get(slot).load("u8", 8).i32(15).do("i32.and").branchIf(found).end();
  f.get(table).load("i32", FIELDS.metatable).tee(table).do("i32.eqz").branchIf(absent);
  f.get(table).load("u8", FIELDS.flags).i32(NO_INDEX).do("i32.and").branchIf(absent);
  f.else();
  f.get(at).load("u8", 8).i32(STRING ^ LONG_STRING).do("i32.or").i32(LONG_STRING).do("i32.ne");
  f.branchIf(other);
  f.get(L).load("i32", STATE.global).load("i32", GLOBAL.metatableOfStrings).tee(table);
  f.do("i32.eqz").branchIf(other).end();
  f.get(L).load("i32", STATE.global).load("i32", GLOBAL.nameOfIndex).set(indexName);
  findOr(f, { table, key: indexName, slot, step }, other);
  f.get(slot).set(at).branch(next).end().end();
  f.get(to).get(slot).load("i64", 0).store("i64", 0);
  f.get(to).get(slot).load("u8", 8).store("u8", 8);
  f.get(rounds).i32(1).do("i32.eq").if().i32(0).do("return").end();
  f.get(L).get(ci).call(indexOfShared("settle")).do("return").end();
  f.get(to).i32(NIL).store("u8", 8);
  f.get(L).get(ci).call(indexOfShared("settle")).do("return").end();
  f.get(L).get(ci).get(object).get(keyAddress).get(to);
  f.call(indexOfImport("compiled_get_field"));
  return { type: "iiiii:i", body: f.finish() };
}

/**
 * OP_SETTABLE and OP_SETI, as `(L, ci, object, key, value) -> trap`: what `compiled_set_table` does, for an integer
 * within the array of a table without a metatable that holds nothing there yet.
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
  f.do("i32.eqz").branchIf(other);
  f.get(table).get(index).i32(1).do("i32.add").store("i32", FIELDS.arrayLimit).end();
  f.get(table).load("i32", FIELDS.array).get(index).i32(4).do("i32.shl", "i32.add").tee(index);
  f.load("u8", 8).i32(15).do("i32.and").branchIf(other);
  f.get(index).get(value).load("i64", 0).store("i64", 0);
  f.get(index).get(value).load("u8", 8).store("u8", 8);
  f.get(table).get(table).load("u8", FIELDS.flags).i32(0xff - ABSENT).do("i32.and");
  f.store("u8", FIELDS.flags);
  f.get(value).load("u8", 8).i32(COLLECTABLE).do("i32.and").if();
  f.get(table).load("u8", FIELDS.marked).i32(BLACK).do("i32.and").if();
  f.get(value).load("i32", 0).load("u8", FIELDS.marked).i32(WHITE).do("i32.and").if();
  f.get(L).get(table).call(indexOfImport("luaC_barrierback_")).end().end().end();
  f.get(L).get(ci).call(indexOfShared("settle")).do("return").end();
  f.get(L).get(ci).get(object).get(key).get(value).call(indexOfImport("compiled_set_table"));
  return { type: "iiiii:i", body: f.finish() };
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
  f.get(table).call(indexOfImport("luaH_getn"));
  return { type: "i:l", body: f.finish() };
}
