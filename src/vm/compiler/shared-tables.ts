import { indexOfImport, indexOfShared } from "./frame.ts";
import { INTEGER, TABLE } from "./proto.ts";
import { barrier } from "./shared-fields.ts";
import { ABSENT, FIELDS } from "./tables.ts";
import { Body, I32, type Shared } from "./wasm.ts";

/** Bit of a table's flags: its array is larger than its limit. */
export const LIMIT_IS_HINT = 0x80;
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
  barrier(f, { L, table, value });
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
