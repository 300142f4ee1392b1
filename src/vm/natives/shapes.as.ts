// Objects one after another mostly have the same keys. While a value is unpacked, the keys of the last object of each
// level are noted: the next one's are compared with them, and its nodes are copied, in place of looking up each key and
// of finding its node. What comes out is the same, with the same nodes.
import { assign, fieldOf } from "./fields.as";
import {
  NODE_KEY,
  NODE_SIZE,
  STATE_TOP,
  STRING_SHORT_LENGTH,
  STRING_TEXT,
  TABLE_LAST_FREE,
  TABLE_LOG_NODES,
  TABLE_NODES,
  TAG_EMPTY,
  TAG_FALSE,
  TAG_SHORT_STRING,
  VALUE_SIZE,
  VALUE_TAG,
} from "./layout.as";
import { luaH_newkey } from "./lua.as";
import { UNPACKED_KEY } from "./memory.as";
import { SHAPES_SIZE, shapesBlock } from "./scratch.as";
import { setTag } from "./values.as";

// Levels that have a shape, and keys of one.
const LEVELS: u32 = 8;
const MOST_KEYS: u32 = 16;
// A shape: the last table, 0 if there is none; its number of keys; whether the places of its keys are known. Then the
// string of each key, and the place of its node among the nodes, or that it is in no node, as it has no value.
const COUNT: usize = 4;
const PLACED: usize = 8;
const KEYS: usize = 12;
const PLACE: usize = 4;
const KEY_SIZE: usize = 8;
const NOWHERE: usize = 1;
const SHAPE_SIZE: usize = 144;

let shapes: usize = 0;

// At the beginning of each value: the tables of the one before may be gone.
export function beginShapes(): void {
  shapes = shapesBlock();
  if (!shapes) return;
  for (let at: usize = 0; at < SHAPES_SIZE; at += SHAPE_SIZE) store<usize>(shapes + at, 0);
}

// The shape of objects of a level, from 1; 0: there is none.
export function shapeOf(level: u32, count: u32): usize {
  if (level > LEVELS || count === 0 || count > MOST_KEYS || !shapes) return 0;
  return shapes + (level - 1) * SHAPE_SIZE;
}

// Notes the n-th key of an object that is read.
export function noteKey(shape: usize, n: u32, string: usize, absent: bool): void {
  const key = shape + KEYS + n * KEY_SIZE;
  store<usize>(key, string);
  store<usize>(key + PLACE, absent ? NOWHERE : 0);
}

// The string of the n-th key.
export function keyOf(shape: usize, n: u32): usize {
  return load<usize>(shape + KEYS + n * KEY_SIZE);
}

export function isAbsent(shape: usize, n: u32): bool {
  return load<usize>(shape + KEYS + n * KEY_SIZE + PLACE) === NOWHERE;
}

// Notes an object whose keys are all noted. Before it is read, and if its keys are not to be noted: 0 for the table.
export function noteShape(shape: usize, table: usize, count: u32): void {
  store<usize>(shape, table);
  store<u32>(shape + COUNT, count);
  store<u32>(shape + PLACED, 0);
}

// Gives a table without keys those of the shape, with a value of false. False: the shape has another number of them.
export function adopt(shape: usize, table: usize, count: u32): bool {
  const last = load<usize>(shape);
  if (!last || load<u32>(shape + COUNT) !== count) return false;
  const from = load<usize>(last + TABLE_NODES);
  if (!load<u32>(shape + PLACED)) {
    for (let key = shape + KEYS, end = key + count * KEY_SIZE; key < end; key += KEY_SIZE) {
      if (load<usize>(key + PLACE) === NOWHERE) continue;
      store<usize>(key + PLACE, fieldOf(last, load<usize>(key)) - from);
    }
    store<u32>(shape + PLACED, 1);
  }
  const to = load<usize>(table + TABLE_NODES);
  const size = NODE_SIZE << load<u8>(table + TABLE_LOG_NODES);
  for (let at: usize = 0; at < size; at += NODE_SIZE) {
    const tags = load<u64>(from + at + VALUE_TAG);
    const free = <u8> tags === TAG_EMPTY;
    store<u64>(to + at + VALUE_TAG, free ? tags : (tags & ~0xff) | TAG_FALSE);
    store<usize>(to + at + NODE_KEY, load<usize>(from + at + NODE_KEY));
  }
  store<usize>(table + TABLE_LAST_FREE, to + (load<usize>(last + TABLE_LAST_FREE) - from));
  return true;
}

// The slot of the n-th key in a table that has adopted the shape.
export function adopted(shape: usize, table: usize, n: u32): usize {
  return load<usize>(table + TABLE_NODES) + load<usize>(shape + KEYS + n * KEY_SIZE + PLACE);
}

// Leaves a table that has adopted the shape its first keys alone, with their values, as if it had never had others.
export function keepFirst(L: usize, shape: usize, table: usize, count: u32): void {
  // The slots above the top of the stack hold the values meanwhile: a C function has twenty of them.
  const values = load<usize>(L + STATE_TOP);
  for (let n: u32 = 0; n < count; n++) {
    if (!isAbsent(shape, n)) assign(values + n * VALUE_SIZE, adopted(shape, table, n));
  }
  const nodes = load<usize>(table + TABLE_NODES);
  const end = nodes + (NODE_SIZE << load<u8>(table + TABLE_LOG_NODES));
  for (let node = nodes; node < end; node += NODE_SIZE) store<u64>(node + VALUE_TAG, TAG_EMPTY);
  store<usize>(table + TABLE_LAST_FREE, end);
  for (let n: u32 = 0; n < count; n++) {
    if (isAbsent(shape, n)) continue;
    store<usize>(UNPACKED_KEY, keyOf(shape, n));
    setTag(UNPACKED_KEY, TAG_SHORT_STRING);
    luaH_newkey(L, table, UNPACKED_KEY, values + n * VALUE_SIZE);
  }
}

// Whether a text, behind which eight bytes may be read, is the n-th key.
export function isKey(shape: usize, n: u32, text: usize, length: u32): bool {
  const string = keyOf(shape, n);
  if (length !== load<u8>(string + STRING_SHORT_LENGTH)) return false;
  const own = string + STRING_TEXT;
  let at: u32 = 0;
  for (; at + 8 <= length; at += 8) {
    if (load<u64>(text + at) !== load<u64>(own + at)) return false;
  }
  const rest = length & 7;
  return rest === 0 || (load<u64>(text + at) ^ load<u64>(own + at)) << (64 - rest * 8) === 0;
}
