// Values, tables and strings of Lua, as they lie in memory.
import {
  CALL_INFO_FUNCTION,
  GLOBAL_DEBT,
  NODE_KEY,
  NODE_KEY_TAG,
  NODE_SIZE,
  OBJECT_MARKED,
  STATE_CALL_INFO,
  STATE_GLOBAL,
  STRING_SHORT_LENGTH,
  STRING_TEXT,
  TABLE_FLAGS,
  TABLE_LIMIT,
  TABLE_LOG_NODES,
  TABLE_METATABLE,
  TABLE_NODES,
  TAG_SHORT_STRING,
  TAG_TABLE,
  VALUE_SIZE,
  VALUE_TAG,
} from "./layout.as";
import { luaC_barrierback_, luaC_step, luaH_new } from "./lua.as";

// Kinds: the low four bits of a tag, without the variant.
export const NIL: u8 = 0;
export const LIGHT_USERDATA: u8 = 2;
export const STRING: u8 = 4;
export const TABLE: u8 = 5;
export const FUNCTION: u8 = 6;
export const THREAD: u8 = 8;

const BLACK: u8 = 32;
// The flag of a table whose array limit is a hint, and not its array's size.
const LIMIT_IS_HINT: u8 = 128;
// The flag of a metatable of objects or views, which says at 1 of which.
const MARKED: u8 = 64;

export function tagOf(at: usize): u8 {
  return load<u8>(at + VALUE_TAG);
}

export function kindOf(at: usize): u8 {
  return load<u8>(at + VALUE_TAG) & 15;
}

export function setTag(at: usize, tag: u8): void {
  store<u8>(at + VALUE_TAG, tag);
}

// Tells the collector that something new is in a table that it has looked at.
export function barrier(L: usize, table: usize): void {
  if (load<u8>(table + OBJECT_MARKED) & BLACK) luaC_barrierback_(L, table);
}

// A new table, to which natives add keys as they are. Lua remembers of a new one that it has no metamethods until a key
// is set in its own way: then `__index` in it would not count when it serves as a metatable.
export function newTable(L: usize): usize {
  const table = luaH_new(L);
  store<u8>(table + TABLE_FLAGS, 0);
  return table;
}

// Puts a table into the slot `at` of `owner` (0: of the stack), or to where `owner` has its metatable, which is the
// address of a table and no value with a tag.
export function placeTable(L: usize, at: usize, owner: usize, table: usize): void {
  store<usize>(at, table);
  if (at !== owner + TABLE_METATABLE) setTag(at, TAG_TABLE);
  if (owner) barrier(L, owner);
}

// Collects garbage, if it is time. What is not reachable from Lua does not survive.
export function collect(L: usize): void {
  if (load<i32>(load<usize>(L + STATE_GLOBAL) + GLOBAL_DEBT) > 0) luaC_step(L);
}

// Address of the n-th argument of the C function that runs.
export function argument(L: usize, n: usize): usize {
  return load<usize>(load<usize>(L + STATE_CALL_INFO) + CALL_INFO_FUNCTION) + n * VALUE_SIZE;
}

export function arraySize(table: usize): u32 {
  const limit = load<u32>(table + TABLE_LIMIT);
  if (!(load<u8>(table + TABLE_FLAGS) & LIMIT_IS_HINT) || limit === 0) return limit;
  return <u32> 1 << (32 - clz(limit - 1));
}

// `__mode` as two numbers: the bytes of the text from the first on, and from the third.
const MODE_FIRST: u32 = 0x6f6d5f5f;
const MODE_LAST: u32 = 0x65646f6d;
const MODE_LENGTH: u8 = 6;

// Whether a metatable makes tables weak.
export function isWeak(metatable: usize): bool {
  const first = load<usize>(metatable + TABLE_NODES);
  const end = first + (NODE_SIZE << load<u8>(metatable + TABLE_LOG_NODES));
  for (let node = first; node < end; node += NODE_SIZE) {
    if (kindOf(node) === NIL || load<u8>(node + NODE_KEY_TAG) !== TAG_SHORT_STRING) continue;
    const key = load<usize>(node + NODE_KEY);
    if (load<u8>(key + STRING_SHORT_LENGTH) !== MODE_LENGTH) continue;
    const text = key + STRING_TEXT;
    if (load<u32>(text) === MODE_FIRST && load<u32>(text + 2) === MODE_LAST) return true;
  }
  return false;
}

// Whether a metatable is that of the kernel's objects and views.
export function isMarked(metatable: usize): bool {
  return (load<u8>(metatable + TABLE_FLAGS) & MARKED) !== 0;
}
