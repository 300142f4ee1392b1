// Fields of the kernel's tables, found without a search by Lua. A slot that is not there is ABSENT_SLOT, which all
// searches share: nothing may be written to it.
import {
  ABSENT_SLOT,
  NODE_KEY,
  NODE_KEY_TAG,
  NODE_NEXT,
  NODE_SIZE,
  STRING_HASH,
  TABLE_LOG_NODES,
  TABLE_NODES,
  TAG_FALSE,
  TAG_SHORT_STRING,
  TAG_TABLE,
  TAG_THREAD,
} from "./layout.as";
import { OBLIGATION_COUNT, OBLIGATIONS, UNIT_OF } from "./kept.as";
import { kindOf, NIL, setTag, tagOf } from "./values.as";

// The slot of the field whose name is the short string at an address.
export function fieldOf(table: usize, name: usize): usize {
  const mask = (<u32> 1 << load<u8>(table + TABLE_LOG_NODES)) - 1;
  let node = load<usize>(table + TABLE_NODES) + (load<u32>(name + STRING_HASH) & mask) * NODE_SIZE;
  while (true) {
    if (
      load<usize>(node + NODE_KEY) === name && load<u8>(node + NODE_KEY_TAG) === TAG_SHORT_STRING
    ) return node;
    const next = load<i32>(node + NODE_NEXT);
    if (next === 0) return ABSENT_SLOT;
    node += next * NODE_SIZE;
  }
}

// The slot whose key is the object at an address.
export function entryOf(table: usize, key: usize, keyTag: u8): usize {
  const odd = ((<u32> 1 << load<u8>(table + TABLE_LOG_NODES)) - 1) | 1;
  let node = load<usize>(table + TABLE_NODES) + (<u32> key % odd) * NODE_SIZE;
  while (true) {
    if (load<usize>(node + NODE_KEY) === key && load<u8>(node + NODE_KEY_TAG) === keyTag) {
      return node;
    }
    const next = load<i32>(node + NODE_NEXT);
    if (next === 0) return ABSENT_SLOT;
    node += next * NODE_SIZE;
  }
}

// The same by the place that keeps the address of the name (kept.as.ts).
export function field(table: usize, known: usize): usize {
  return fieldOf(table, load<usize>(known));
}

// The same for keys that are tables, which no program can name.
export function hidden(table: usize, known: usize): usize {
  return entryOf(table, load<usize>(known), TAG_TABLE);
}

// The unit of a coroutine.
export function unitOf(co: usize): usize {
  return entryOf(load<usize>(UNIT_OF), co, TAG_THREAD);
}

export function truthy(slot: usize): bool {
  return kindOf(slot) !== NIL && tagOf(slot) !== TAG_FALSE;
}

export function assign(to: usize, from: usize): void {
  store<u64>(to, load<u64>(from));
  setTag(to, tagOf(from));
}

export function assignInteger(to: usize, value: u64, tag: u8): void {
  store<u64>(to, value);
  setTag(to, tag);
}

// Whether the end of a unit has more to do, or somebody is to be told of it.
export function hasObligations(unit: usize): bool {
  for (let i: usize = 0; i < OBLIGATION_COUNT; i++) {
    if (truthy(field(unit, OBLIGATIONS + i * 4))) return true;
  }
  return false;
}
