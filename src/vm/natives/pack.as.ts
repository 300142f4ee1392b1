// Packs values as MessagePack, in the same format as `Reader` in src/vm/read.ts and `pack` in src/vm/codec.ts. Rare
// cases are left to those two: Error objects, tables as keys, strings of digits as keys, weak tables, metatables of
// metatables, values that are too large or too deep, and everything when memory is exhausted.
import {
  NODE_KEY,
  NODE_KEY_TAG,
  NODE_SIZE,
  STRING_TEXT,
  TABLE_ARRAY,
  TABLE_LOG_NODES,
  TABLE_METATABLE,
  TABLE_NODES,
  TAG_FALSE,
  TAG_FLOAT,
  TAG_INTEGER,
  TAG_LONG_STRING,
  TAG_SHORT_STRING,
  TAG_TABLE,
  TAG_TRUE,
  VALUE_SIZE,
} from "./layout.as";
import { burn, luaH_getint } from "./lua.as";
import { PACKED_LENGTH } from "./memory.as";
import {
  beginOutput,
  byte,
  bytes,
  dropOutput,
  eight,
  endOutput,
  four,
  room,
  two,
  written,
} from "./output.as";
import { beginSeen, endSeen, isTracking, recall, remember, track } from "./seen.as";
import { isDigits, isText, lengthOf } from "./text.as";
import {
  argument,
  arraySize,
  isMarked,
  isWeak,
  kindOf,
  LIGHT_USERDATA,
  NIL,
  STRING,
  TABLE,
  tagOf,
} from "./values.as";

// Integers below it are exact as a double.
const EXACT: i64 = 9007199254740992;
const NOT_A_NUMBER: u64 = 0x7ff8000000000000;
const PACKED_NIL: u32 = 0xc0;
const HEADER: usize = 5;
// Bytes, as a power of two, that cost one unit of fuel.
const BYTES_SHIFT: u32 = 6;

// Extension types of src/vm/codec.ts.
const FLOAT_TYPE: u32 = 1;
const AGAIN_TYPE: u32 = 2;
const PAIRS_TYPE: u32 = 3;
const METATABLE_TYPE: u32 = 5;
const TWO_ITEMS: u32 = 0x92;

let errorMetatable: usize = 0;
let mostLevels: u32 = 0;
let mostValues: u32 = 0;
let mostBytes: u32 = 0;
let values: u32 = 0;
// Tables are numbered in the order of packing.
let tables: u32 = 0;
let root: usize = 0;
let rootNumber: u32 = 0;
// Whether something was packed as nil, or for what it is not, that a copy of the value does not stand for.
let changed: bool = false;

function header(fixed: u32, most: u32, wide: u32, count: u32): bool {
  if (!room(HEADER)) return false;
  if (count <= most) byte(fixed | count);
  else if (count < 0x10000) {
    byte(wide);
    two(count);
  } else {
    byte(wide + 1);
    four(count);
  }
  return true;
}

function extension(type: u32): bool {
  if (!room(3)) return false;
  byte(0xd4);
  byte(type);
  byte(0);
  return true;
}

function packInteger(value: i64): bool {
  if (!room(9)) return false;
  if (value >= 0 && value < 0x100000000) {
    const small = <u32> value;
    if (small < 0x80) byte(small);
    else if (small < 0x100) {
      byte(0xcc);
      byte(small);
    } else if (small < 0x10000) {
      byte(0xcd);
      two(small);
    } else {
      byte(0xce);
      four(small);
    }
  } else if (value < 0 && value >= -0x80000000) {
    const small = <i32> value;
    if (small >= -0x20) byte(small);
    else if (small >= -0x80) {
      byte(0xd0);
      byte(small);
    } else if (small >= -0x8000) {
      byte(0xd1);
      two(small);
    } else {
      byte(0xd2);
      four(small);
    }
  } else if (value < EXACT && value > -EXACT) {
    byte(0xcb);
    eight(reinterpret<u64>(<f64> value));
  } else {
    byte(0xd3);
    eight(value);
  }
  return true;
}

// A float that could be taken for an integer is marked.
function packFloat(bits: u64): bool {
  if (!room(10)) return false;
  const value = reinterpret<f64>(bits);
  if (value === floor(value) && value < <f64> EXACT && value > -<f64> EXACT) {
    byte(0xd7);
    byte(FLOAT_TYPE);
    eight(bits);
  } else {
    byte(0xcb);
    eight(isNaN(value) ? NOT_A_NUMBER : bits);
  }
  return true;
}

function packString(string: usize, tag: u8): bool {
  const length = lengthOf(string, tag);
  if (written() + length > mostBytes || !room(HEADER + length)) return false;
  const text = isText(string, length);
  if (text && length < 0x20) byte(0xa0 | length);
  else if (length < 0x100) {
    byte(text ? 0xd9 : 0xc4);
    byte(length);
  } else if (length < 0x10000) {
    byte(text ? 0xda : 0xc5);
    two(length);
  } else {
    byte(text ? 0xdb : 0xc6);
    four(length);
  }
  bytes(string + STRING_TEXT, length);
  return true;
}

// Whether a value leaves the VM as nil: functions, coroutines and objects other than Errors.
function isAbsent(at: usize): bool {
  const kind = kindOf(at);
  if (kind === NIL) return true;
  if (kind < TABLE && kind !== LIGHT_USERDATA) return false;
  if (kind === TABLE) {
    const metatable = load<usize>(load<usize>(at) + TABLE_METATABLE);
    if (
      metatable === 0 || metatable === errorMetatable || !isMarked(metatable) ||
      tagOf(luaH_getint(metatable, 1)) !== TAG_TRUE
    ) return false;
  }
  changed = true;
  return true;
}

function packValue(at: usize, level: u32): bool {
  const tag = tagOf(at);
  if (tag === TAG_INTEGER) return packInteger(load<i64>(at));
  if (tag === TAG_SHORT_STRING || tag === TAG_LONG_STRING) return packString(load<usize>(at), tag);
  if (tag === TAG_FLOAT) return packFloat(load<u64>(at));
  if (tag === TAG_TABLE && !isAbsent(at)) return packTable(load<usize>(at), level + 1);
  if (!room(1)) return false;
  byte(tag === TAG_TRUE ? 0xc3 : tag === TAG_FALSE ? 0xc2 : PACKED_NIL);
  return true;
}

// The keys of nodes, which lie in them without a tag behind.
function packKey(node: usize): bool {
  const tag = load<u8>(node + NODE_KEY_TAG);
  if (tag === TAG_INTEGER) return packInteger(load<i64>(node + NODE_KEY));
  if ((tag & 15) === STRING) return packString(load<usize>(node + NODE_KEY), tag);
  if (tag === TAG_FLOAT) return packFloat(load<u64>(node + NODE_KEY));
  if (!room(1)) return false;
  byte(tag === TAG_TRUE ? 0xc3 : 0xc2);
  return true;
}

function hasKey(node: usize): bool {
  const kind = load<u8>(node + NODE_KEY_TAG) & 15;
  if (kind >= TABLE || kind === LIGHT_USERDATA) {
    if (kindOf(node) !== NIL) changed = true;
    return false;
  }
  return !isAbsent(node);
}

// 1, 2, 3… of the array and of the nodes behind it.
function packArray(array: usize, items: u32, table: usize, behind: u32, level: u32): bool {
  if (!header(0x90, 15, 0xdc, items + behind)) return false;
  for (let at = array, end = array + items * VALUE_SIZE; at < end; at += VALUE_SIZE) {
    if (!packValue(at, level)) return false;
  }
  for (let i = items + 1; i <= items + behind; i++) {
    if (!packValue(luaH_getint(table, i), level)) return false;
  }
  return true;
}

function packObject(first: usize, end: usize, level: u32): bool {
  let present: u32 = 0;
  for (let node = first; node < end; node += NODE_SIZE) if (!isAbsent(node)) present++;
  if (!header(0x80, 15, 0xde, present)) return false;
  for (let node = first; node < end; node += NODE_SIZE) {
    if (isAbsent(node)) continue;
    if (!packString(load<usize>(node + NODE_KEY), load<u8>(node + NODE_KEY_TAG))) return false;
    if (!packValue(node, level)) return false;
  }
  return true;
}

function packPairs(array: usize, size: u32, first: usize, end: usize, level: u32): bool {
  let pairs: u32 = 0;
  for (let i: u32 = 0; i < size; i++) if (!isAbsent(array + i * VALUE_SIZE)) pairs++;
  for (let node = first; node < end; node += NODE_SIZE) if (hasKey(node)) pairs++;
  if (!extension(PAIRS_TYPE) || !header(0x90, 15, 0xdc, pairs * 2)) return false;
  for (let i: u32 = 0; i < size; i++) {
    const at = array + i * VALUE_SIZE;
    if (isAbsent(at)) continue;
    if (!packInteger(i + 1) || !packValue(at, level)) return false;
  }
  for (let node = first; node < end; node += NODE_SIZE) {
    if (hasKey(node) && (!packKey(node) || !packValue(node, level))) return false;
  }
  return true;
}

function packTable(table: usize, level: u32): bool {
  // A flat table, the usual value, needs no map.
  if (level > 1) {
    if (!isTracking()) {
      track();
      remember(root, rootNumber);
    }
    const known = recall(table);
    if (known) return extension(AGAIN_TYPE) && packInteger(load<u32>(known));
  } else {
    root = table;
    rootNumber = tables;
  }
  const metatable = load<usize>(table + TABLE_METATABLE);
  if (level > mostLevels) return false;
  if (isTracking() && !remember(table, tables)) return false;
  tables++;
  if (!metatable) return packContents(table, level);
  // A read-only view stands for another table, and an Error is no table for others.
  if (metatable === errorMetatable || isMarked(metatable)) return false;
  if (load<usize>(metatable + TABLE_METATABLE) || isWeak(metatable)) return false;
  if (!extension(METATABLE_TYPE) || !room(1)) return false;
  byte(TWO_ITEMS);
  return packContents(table, level) && packTable(metatable, level + 1);
}

function packContents(table: usize, level: u32): bool {
  const array = load<usize>(table + TABLE_ARRAY);
  const size = arraySize(table);
  let items: u32 = 0;
  while (items < size && kindOf(array + items * VALUE_SIZE) !== NIL) items++;
  let sparse = false;
  for (let i = items; i < size; i++) if (kindOf(array + i * VALUE_SIZE) !== NIL) sparse = true;
  const first = load<usize>(table + TABLE_NODES);
  const end = first + (NODE_SIZE << load<u8>(table + TABLE_LOG_NODES));
  let nodes: u32 = 0;
  let strings: u32 = 0;
  let integers: u32 = 0;
  let texts = true;
  for (let node = first; node < end; node += NODE_SIZE) {
    if (kindOf(node) === NIL) continue;
    nodes++;
    const tag = load<u8>(node + NODE_KEY_TAG);
    if ((tag & 15) === TABLE) return false;
    if (tag === TAG_INTEGER) integers++;
    if ((tag & 15) !== STRING) continue;
    strings++;
    const key = load<usize>(node + NODE_KEY);
    const length = lengthOf(key, tag);
    if (isDigits(key, length)) return false;
    if (texts) texts = isText(key, length);
  }
  values += size + nodes;
  if (values > mostValues) return false;
  if (!sparse && items === 0 && nodes === strings && texts) return packObject(first, end, level);
  if (!sparse && integers === nodes) {
    let i = items + 1;
    while (i <= items + nodes && kindOf(luaH_getint(table, i)) !== NIL) i++;
    if (i > items + nodes) return packArray(array, items, table, nodes, level);
  }
  return packPairs(array, size, first, end, level);
}

// Packs `count` arguments of the C function that runs, from the n-th on, as a list; with a count of -1 the n-th alone.
// Returns the address of the bytes: `block`, which has `size` bytes, or one that the caller frees; 0 if JavaScript must
// pack the values. Their number is at PACKED_LENGTH.
export function pack_values(
  L: usize,
  n: u32,
  count: i32,
  metatable: usize,
  levels: u32,
  most: u32,
  mostBytesOfAll: u32,
  block: usize,
  size: usize,
): usize {
  beginOutput(block, size);
  mostLevels = levels;
  mostValues = most;
  mostBytes = mostBytesOfAll;
  errorMetatable = metatable;
  tables = 0;
  let done = true;
  let left = 1;
  if (count >= 0) {
    done = header(0x90, 15, 0xdc, count);
    tables = 1;
    left = count;
  }
  for (let at = argument(L, n); done && left > 0; left--, at += VALUE_SIZE) {
    // Tables that two arguments share are packed twice.
    beginSeen();
    values = 0;
    done = packValue(at, 0);
  }
  endSeen();
  if (!done) {
    dropOutput();
    return 0;
  }
  burn(written() >> BYTES_SHIFT);
  store<u32>(PACKED_LENGTH, written());
  return endOutput();
}

// Packs what the request `send` has (PID, topic, sender, 1 and a value, in these slots) behind what is written. False:
// it cannot, or the value has parts that a copy is made of by Lua.
export function packMessage(
  pid: usize,
  topic: usize,
  from: usize,
  value: usize,
  metatable: usize,
  levels: u32,
  most: u32,
  mostBytesOfAll: u32,
): bool {
  mostLevels = levels;
  mostValues = most;
  mostBytes = mostBytesOfAll;
  errorMetatable = metatable;
  // The list is the first.
  tables = 1;
  values = 0;
  changed = false;
  if (!header(0x90, 15, 0xdc, 5)) return false;
  if (!packValue(pid, 0) || !packValue(topic, 0) || !packValue(from, 0) || !packInteger(1)) {
    return false;
  }
  beginSeen();
  const done = packValue(value, 0);
  endSeen();
  return done && !changed;
}
