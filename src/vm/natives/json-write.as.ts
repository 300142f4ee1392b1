// Writes JSON text as `writeJson` in src/operations/json/write.ts does, keys in order. What is rare is left to it:
// tables with a metatable, bytes that are not text, floats of many digits, keys that are digits or beyond U+DFFF, and
// all that is an error.
import { writeFloat, writeInteger } from "./decimal.as";
import {
  COLLECTABLE,
  NODE_KEY,
  NODE_KEY_TAG,
  NODE_SIZE,
  OBJECT_TAG,
  STATE_TOP,
  STRING_TEXT,
  TABLE_ARRAY,
  TABLE_LOG_NODES,
  TABLE_METATABLE,
  TABLE_NODES,
  TAG_DEAD_KEY,
  TAG_FALSE,
  TAG_FLOAT,
  TAG_INTEGER,
  TAG_TABLE,
  TAG_TRUE,
  VALUE_SIZE,
} from "./layout.as";
import { MOST_BYTES, MOST_LEVELS, MOST_VALUES } from "./limits.as";
import { free, luaH_get, luaH_getint, luaS_newlstr, reallocate } from "./lua.as";
import { KEY } from "./memory.as";
import { byte, bytes, dropOutput, four, room, written } from "./output.as";
import { beginScratch, dropScratch, endScratch } from "./scratch.as";
import { HIGH_BITS, isDigits, isText, lengthOf, matches, ONES } from "./text.as";
import { argument, arraySize, collect, kindOf, NIL, setTag, STRING, tagOf } from "./values.as";

// The words as they are stored.
const TRUE: u32 = 0x74727565;
const NULL: u32 = 0x6e756c6c;
const FALSE: u32 = 0x66616c73;
// `\u00` as it is stored.
const UNICODE: u32 = 0x5c753030;
// Keys that are put in order by insertion; more by a heap.
const FEW: u32 = 12;
// A key to be put in order: its first eight bytes, and its node.
const ENTRY: usize = 16;
const ENTRY_NODE: usize = 8;

let values: u32 = 0;
// Empty tables that are objects.
let objects: usize = 0;
// Keys of the objects that are being written, the innermost last.
let entries: usize = 0;
let entriesUsed: u32 = 0;
let entriesRoom: u32 = 0;

// The first byte from `at` on that is not ASCII, or that JSON or HTML wants escaped. A string is followed by bytes that
// may be read.
function skipPlain(at: usize, end: usize): usize {
  while (at < end) {
    let word = load<u64>(at);
    const left = end - at;
    if (left < 8) word &= (<u64> 1 << (left * 8)) - 1;
    // `"` and `&`, `<` and `>`, a backslash, control characters, and all beyond ASCII.
    const found = matches(word & ~(4 * ONES), 0x22) | matches(word & ~(2 * ONES), 0x3c) |
      matches(word, 0x5c) | (((word - 0x20 * ONES) | word) & HIGH_BITS);
    if (found) return at + <usize> (ctz(found) >> 3);
    at += 8;
  }
  return end;
}

function hex(digit: u32): void {
  byte(digit + (digit < 10 ? 48 : 87));
}

function escape(character: u32): void {
  let short: u32 = 0;
  if (character === 0x22 || character === 0x5c) short = character;
  else if (character === 8) short = 0x62;
  else if (character === 9) short = 0x74;
  else if (character === 10) short = 0x6e;
  else if (character === 12) short = 0x66;
  else if (character === 13) short = 0x72;
  if (short) {
    byte(0x5c);
    byte(short);
  } else {
    four(UNICODE);
    hex(character >> 4);
    hex(character & 15);
  }
}

// U+2028 and U+2029.
function isSeparator(at: usize, end: usize): bool {
  return end - at >= 3 && load<u8>(at) === 0xe2 && load<u8>(at + 1) === 0x80 &&
    (load<u8>(at + 2) & 0xfe) === 0xa8;
}

function writeString(string: usize, tag: u8): bool {
  const length = lengthOf(string, tag);
  if (written() + length > MOST_BYTES || !room(length + 2)) return false;
  let at = string + STRING_TEXT;
  const end = at + length;
  let checked = false;
  byte(0x22);
  while (true) {
    const next = skipPlain(at, end);
    bytes(at, <u32> (next - at));
    at = next;
    if (at >= end) break;
    // An escape, the rest of the string and its quote.
    if (!room(6 + <u32> (end - at) + 1)) return false;
    const character = load<u8>(at);
    if (character < 0x80) {
      at++;
      escape(character);
      continue;
    }
    if (!checked && !isText(string, length)) return false;
    checked = true;
    if (isSeparator(at, end)) {
      four(0x5c753230);
      byte(0x32);
      byte(0x38 + (load<u8>(at + 2) & 1));
      at += 3;
    } else {
      do byte(load<u8>(at++)); while ((load<u8>(at) & 0xc0) === 0x80);
    }
  }
  byte(0x22);
  return true;
}

// Whether the text of a node's key is before that of another's.
function isBefore(a: usize, b: usize): bool {
  const prefix = load<u64>(a);
  const other = load<u64>(b);
  if (prefix !== other) return prefix < other;
  const nodeA = load<usize>(a + ENTRY_NODE);
  const nodeB = load<usize>(b + ENTRY_NODE);
  const keyA = load<usize>(nodeA + NODE_KEY);
  const keyB = load<usize>(nodeB + NODE_KEY);
  const lengthA = lengthOf(keyA, load<u8>(nodeA + NODE_KEY_TAG));
  const lengthB = lengthOf(keyB, load<u8>(nodeB + NODE_KEY_TAG));
  const shorter = min(lengthA, lengthB);
  for (let i: u32 = 0; i < shorter; i++) {
    const x = load<u8>(keyA + STRING_TEXT + i);
    const y = load<u8>(keyB + STRING_TEXT + i);
    if (x !== y) return x < y;
  }
  return lengthA < lengthB;
}

function move(to: usize, from: usize): void {
  store<u64>(to, load<u64>(from));
  store<usize>(to + ENTRY_NODE, load<usize>(from + ENTRY_NODE));
}

// Lets an entry of a heap sink to its place. The one behind the last is free.
function sink(first: usize, root: u32, count: u32): void {
  const held = first + count * ENTRY;
  move(held, first + root * ENTRY);
  while (true) {
    let child = root * 2 + 1;
    if (child >= count) break;
    if (child + 1 < count && isBefore(first + child * ENTRY, first + (child + 1) * ENTRY)) child++;
    if (!isBefore(held, first + child * ENTRY)) break;
    move(first + root * ENTRY, first + child * ENTRY);
    root = child;
  }
  move(first + root * ENTRY, held);
}

function order(first: usize, count: u32): void {
  const spare = first + count * ENTRY;
  if (count > FEW) {
    for (let root = count >> 1; root > 0; root--) sink(first, root - 1, count);
    for (let left = count - 1; left > 0; left--) {
      const largest = load<u64>(first);
      const node = load<usize>(first + ENTRY_NODE);
      move(first, first + left * ENTRY);
      sink(first, 0, left);
      store<u64>(first + left * ENTRY, largest);
      store<usize>(first + left * ENTRY + ENTRY_NODE, node);
    }
    return;
  }
  for (let i: u32 = 1; i < count; i++) {
    let at = first + i * ENTRY;
    if (!isBefore(at, at - ENTRY)) continue;
    move(spare, at);
    do {
      move(at, at - ENTRY);
      at -= ENTRY;
    } while (at > first && isBefore(spare, at - ENTRY));
    move(at, spare);
  }
}

// The first eight bytes of a text, which compare as it does.
function prefixOf(string: usize, length: u32): u64 {
  const word = bswap<u64>(load<u64>(string + STRING_TEXT));
  return length >= 8 ? word : length === 0 ? 0 : word & (<u64> -1 << <u64> ((8 - length) * 8));
}

// Whether JavaScript puts the key where its bytes belong: not if it is digits, or has characters beyond U+DFFF.
function isPlainKey(string: usize, length: u32): bool {
  if (isDigits(string, length)) return false;
  for (let i: u32 = 0; i < length; i++) {
    if (load<u8>(string + STRING_TEXT + i) >= 0xee) return false;
  }
  return true;
}

function reserve(count: u32): bool {
  if (entriesUsed + count <= entriesRoom) return true;
  const grown = max<u32>(entriesRoom * 2, entriesUsed + count);
  const moved = reallocate(entries, grown * ENTRY);
  if (!moved) return false;
  entries = moved;
  entriesRoom = grown;
  return true;
}

function writeObject(nodes: usize, end: usize, count: u32, level: u32): bool {
  if (!reserve(count + 1)) return false;
  const base = entriesUsed;
  let used = base;
  for (let node = nodes; node < end; node += NODE_SIZE) {
    if (kindOf(node) === NIL) continue;
    const key = load<usize>(node + NODE_KEY);
    const length = lengthOf(key, load<u8>(node + NODE_KEY_TAG));
    if (!isPlainKey(key, length)) return false;
    store<u64>(entries + used * ENTRY, prefixOf(key, length));
    store<usize>(entries + used * ENTRY + ENTRY_NODE, node);
    used++;
  }
  order(entries + base * ENTRY, used - base);
  entriesUsed = used;
  if (!room(1)) return false;
  byte(0x7b);
  for (let i = base; i < used; i++) {
    const node = load<usize>(entries + i * ENTRY + ENTRY_NODE);
    if (i > base) {
      if (!room(1)) return false;
      byte(0x2c);
    }
    if (!writeString(load<usize>(node + NODE_KEY), load<u8>(node + NODE_KEY_TAG))) return false;
    if (!room(1)) return false;
    byte(0x3a);
    if (!writeValue(node, level)) return false;
  }
  entriesUsed = base;
  if (!room(1)) return false;
  byte(0x7d);
  return true;
}

function writeArray(array: usize, items: u32, table: usize, behind: u32, level: u32): bool {
  if (!room(1)) return false;
  byte(0x5b);
  for (let i: u32 = 0; i < items + behind; i++) {
    if (i > 0) {
      if (!room(1)) return false;
      byte(0x2c);
    }
    const at = i < items ? array + i * VALUE_SIZE : luaH_getint(table, i + 1);
    if (!writeValue(at, level)) return false;
  }
  if (!room(1)) return false;
  byte(0x5d);
  return true;
}

// Whether an empty table is an object: it was one when it was decoded, or its keys were once strings.
function wasObject(table: usize, nodes: usize, end: usize): bool {
  for (let node = nodes; node < end; node += NODE_SIZE) {
    const tag = load<u8>(node + NODE_KEY_TAG);
    if ((tag & 63) === TAG_DEAD_KEY || (tag & COLLECTABLE) !== 0) return true;
  }
  store<usize>(KEY, table);
  setTag(KEY, TAG_TABLE);
  return kindOf(luaH_get(objects, KEY)) !== NIL;
}

function writeTable(table: usize, level: u32): bool {
  if (level > MOST_LEVELS || load<usize>(table + TABLE_METATABLE) !== 0) return false;
  const array = load<usize>(table + TABLE_ARRAY);
  const size = arraySize(table);
  let items: u32 = 0;
  while (items < size && kindOf(array + items * VALUE_SIZE) !== NIL) items++;
  for (let i = items; i < size; i++) if (kindOf(array + i * VALUE_SIZE) !== NIL) return false;
  const first = load<usize>(table + TABLE_NODES);
  const end = first + (NODE_SIZE << load<u8>(table + TABLE_LOG_NODES));
  let nodes: u32 = 0;
  let strings: u32 = 0;
  for (let node = first; node < end; node += NODE_SIZE) {
    if (kindOf(node) === NIL) continue;
    nodes++;
    const tag = load<u8>(node + NODE_KEY_TAG);
    if ((tag & 15) === STRING) strings++;
    else if (tag !== TAG_INTEGER) return false;
  }
  values += items + nodes;
  if (values > MOST_VALUES || written() > MOST_BYTES) return false;
  if (nodes === 0) {
    if (items > 0) return writeArray(array, items, table, 0, level);
    if (!room(2)) return false;
    const object = wasObject(table, first, end);
    byte(object ? 0x7b : 0x5b);
    byte(object ? 0x7d : 0x5d);
    return true;
  }
  if (strings === nodes) return items === 0 && writeObject(first, end, nodes, level);
  if (strings > 0) return false;
  for (let i = items + 1; i <= items + nodes; i++) {
    if (kindOf(luaH_getint(table, i)) === NIL) return false;
  }
  return writeArray(array, items, table, nodes, level);
}

function writeValue(at: usize, level: u32): bool {
  const tag = tagOf(at);
  if (tag === TAG_INTEGER) return writeInteger(load<i64>(at));
  if ((tag & 15) === STRING) return writeString(load<usize>(at), tag);
  if (tag === TAG_TABLE) return writeTable(load<usize>(at), level + 1);
  if (tag === TAG_FLOAT) return writeFloat(load<f64>(at));
  if (!room(5)) return false;
  if (tag === TAG_FALSE) {
    four(FALSE);
    byte(0x65);
  } else four(tag === TAG_TRUE ? TRUE : NULL);
  return true;
}

// host.json_encode(value, empty_objects): the text; or nothing, and the host must write it.
export function host_json_encode(L: usize): i32 {
  if (tagOf(argument(L, 2)) !== TAG_TABLE || !beginScratch()) return 0;
  values = 0;
  objects = load<usize>(argument(L, 2));
  entries = 0;
  entriesUsed = 0;
  entriesRoom = 0;
  const done = writeValue(argument(L, 1), 0);
  free(entries);
  if (!done) {
    dropOutput();
    return 0;
  }
  const length = written();
  const string = luaS_newlstr(L, endScratch(), length);
  const top = load<usize>(L + STATE_TOP);
  store<usize>(top, string);
  setTag(top, load<u8>(string + OBJECT_TAG) | COLLECTABLE);
  store<usize>(L + STATE_TOP, top + VALUE_SIZE);
  dropScratch();
  collect(L);
  return 1;
}
