import { luaFunction } from "./frame.ts";
import { INTEGER, STRING } from "./proto.ts";
import { pushMainPosition, TOIL } from "./shared-fields.ts";
import { LIMIT_IS_HINT } from "./shared-tables.ts";
import { FIELDS, NODE } from "./tables.ts";
import { Body, I32, type Shared } from "./wasm.ts";

/** Tag of the key of a node whose key was collected. */
const DEAD_KEY = 11;

/** One round of a loop of C, which pays. */
export function payForRound(f: Body<undefined>): void {
  f.global(TOIL).i32(1).do("i32.sub").setGlobal(TOIL).global(TOIL).i32(0).do("i32.lt_s").if()
    .callEntry(
      luaFunction("toiled"),
    ).end();
}

/**
 * luaH_next, as `(L, table, key) -> found`: the key and value behind the key at an address, where keys are nil, short
 * strings, or indices of the array; `compiled_next` has the others. 0: there are no more; 2: the key is not in the
 * table.
 */
export function nextEntry(): Shared {
  const [L, table, key] = [0, 1, 2] as const;
  const f = new Body<undefined>(3);
  const tag = f.local(I32);
  const array = f.local(I32);
  const at = f.local(I32);
  const end = f.local(I32);
  const step = f.local(I32);
  const text = f.local(I32);
  const other = f.block();
  f.get(table).load("i32", FIELDS.arrayLimit).set(array);
  f.get(table).load("u8", FIELDS.flags).i32(LIMIT_IS_HINT).do("i32.and").get(array);
  f.do("i32.eqz", "i32.eqz", "i32.and").if();
  // The array has the next power of two.
  f.i32(1).i32(32).get(array).i32(1).do("i32.sub", "i32.clz", "i32.sub", "i32.shl").set(array);
  f.end();
  const nodes = f.block();
  const items = f.block();
  f.get(table).load("i32", FIELDS.array).set(at);
  f.get(key).load("u8", 8).tee(tag).i32(15).do("i32.and", "i32.eqz").branchIf(items);
  f.get(tag).i32(INTEGER).do("i32.eq").if();
  f.get(key).load("i64", 0).i64(1n).do("i64.sub").get(array).do("i64.extend_i32_u", "i64.ge_u");
  f.branchIf(other);
  f.get(at).get(key).load("i32", 0).i32(4).do("i32.shl", "i32.add").set(at).branch(items).end();
  f.get(tag).i32(STRING).do("i32.ne").branchIf(other);
  f.get(key).load("i32", 0).set(text);
  pushMainPosition(f, table, text);
  f.set(at);
  const known = f.block();
  const chain = f.loop();
  f.get(at).load("i32", NODE.key).get(text).do("i32.eq").if();
  f.get(at).load("u8", NODE.keyTag).tee(tag).i32(STRING).do("i32.eq");
  f.get(tag).i32(DEAD_KEY).do("i32.eq", "i32.or").branchIf(known).end();
  f.get(at).load("i32", NODE.next).tee(step).do("i32.eqz").if().i32(2).do("return").end();
  payForRound(f);
  f.get(at).get(step).i32(NODE.size).do("i32.mul", "i32.add").set(at).branch(chain).end().end();
  f.get(at).i32(NODE.size).do("i32.add").set(at).branch(nodes).end();
  // The array from `at` on.
  f.get(table).load("i32", FIELDS.array).get(array).i32(4).do("i32.shl", "i32.add").set(end);
  const ended = f.block();
  const item = f.loop();
  f.get(at).get(end).do("i32.ge_u").branchIf(ended);
  f.get(at).load("u8", 8).i32(15).do("i32.and").if();
  f.get(key).get(at).get(table).load("i32", FIELDS.array).do("i32.sub").i32(4).do("i32.shr_u");
  f.i32(1).do("i32.add", "i64.extend_i32_u").store("i64", 0).get(key).i32(INTEGER).store("u8", 8);
  copyValue(f, key, at);
  f.end();
  f.get(at).i32(16).do("i32.add").set(at);
  payForRound(f);
  f.branch(item).end().end();
  f.get(table).load("i32", FIELDS.nodes).set(at).end();
  // The nodes from `at` on.
  f.get(table).load("i32", FIELDS.nodes).i32(NODE.size).get(table).load("u8", FIELDS.logNodes);
  f.do("i32.shl", "i32.add").set(end);
  const last = f.block();
  const node = f.loop();
  f.get(at).get(end).do("i32.ge_u").branchIf(last);
  f.get(at).load("u8", NODE.tag).i32(15).do("i32.and").if();
  f.get(key).get(at).load("i64", NODE.key).store("i64", 0);
  f.get(key).get(at).load("u8", NODE.keyTag).store("u8", 8);
  copyValue(f, key, at);
  f.end();
  f.get(at).i32(NODE.size).do("i32.add").set(at);
  payForRound(f);
  f.branch(node).end().end();
  f.i32(0).do("return").end();
  f.get(L).get(table).get(key).callEntry(luaFunction("compiled_next"));
  return { type: "iii:i", body: f.finish() };
}

/** The value at an address goes behind the key, and there is one. */
function copyValue(f: Body<undefined>, key: number, from: number): void {
  f.get(key).get(from).load("i64", 0).store("i64", 16);
  f.get(key).get(from).load("u8", 8).store("u8", 24);
  f.i32(1).do("return");
}
