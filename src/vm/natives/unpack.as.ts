// Unpacks MessagePack into values, as `unpack` in src/vm/codec.ts and `Pusher` in src/vm/push.ts do together: keys are
// added in the same order to tables of the same size, so that `next` goes the same way. Rare, damaged or
// oversized input is left to those two.
import {
  ABSENT_SLOT,
  COLLECTABLE,
  OBJECT_TAG,
  STATE_TOP,
  TABLE_ARRAY,
  TABLE_METATABLE,
  TAG_FALSE,
  TAG_FLOAT,
  TAG_INTEGER,
  TAG_NIL,
  TAG_SHORT_STRING,
  TAG_TABLE,
  TAG_TRUE,
  VALUE_SIZE,
} from "./layout.as";
import {
  lua_checkstack,
  luaD_throw,
  luaH_get,
  luaH_newkey,
  luaH_resize,
  luaS_newlstr,
  OUT_OF_MEMORY,
} from "./lua.as";
import { addKey, isObjectKey, isPairKey } from "./keys.as";
import { UNPACKED_BYTES, UNPACKED_KEY, UNPACKED_VALUE, UNPACKED_VALUES } from "./memory.as";
import {
  adopt,
  adopted,
  beginShapes,
  isAbsent,
  isKey,
  keepFirst,
  keyOf,
  noteKey,
  noteShape,
  shapeOf,
} from "./shapes.as";
import { beginSeen, endSeen, isTracking, recall, remember, track } from "./seen.as";
import { barrier, collect, newTable, placeTable, setTag, tagOf } from "./values.as";

const EXACT: f64 = 9007199254740992;
const PACKED_NIL: u8 = 0xc0;
// Stack slots that are guaranteed to a C function.
const FREE_SLOTS: u32 = 20;
const FLOAT_TYPE: u8 = 1;
const AGAIN_TYPE: u8 = 2;
const PAIRS_TYPE: u8 = 3;
const METATABLE_TYPE: u8 = 5;
const TWO_ITEMS: u32 = 0x92;

let from: usize = 0;
let end: usize = 0;
let mostLevels: u32 = 0;
let mostValues: u32 = 0;
let mostBytes: u32 = 0;
let values: u32 = 0;
let bytesOfTexts: u32 = 0;
// Tables are numbered in the order of packing; that is noted only where one is repeated.
let tables: u32 = 0;
// How many there were before the value of a list that is read.
let before: u32 = 0;
let repeats: bool = false;
// A table whose keys are the objects that have no keys; 0: nobody wants to know.
let keyless: usize = 0;

function left(): usize {
  return from < end ? end - from : 0;
}

// The numbers may lie behind the end, where the block has room for one more: it is found at the end of all.
function one(): u32 {
  return load<u8>(from++);
}

function two(): u32 {
  from += 2;
  return bswap<u16>(load<u16>(from - 2));
}

function four(): u32 {
  from += 4;
  return bswap<u32>(load<u32>(from - 4));
}

function eight(): u64 {
  from += 8;
  return bswap<u64>(load<u64>(from - 8));
}

function putInteger(at: usize, value: i64): bool {
  store<i64>(at, value);
  setTag(at, TAG_INTEGER);
  return true;
}

function putFloat(at: usize, bits: u64): bool {
  store<u64>(at, bits);
  setTag(at, TAG_FLOAT);
  return true;
}

function putString(L: usize, at: usize, owner: usize, length: u32): bool {
  bytesOfTexts += length;
  if (length > left() || bytesOfTexts > mostBytes) return false;
  const string = luaS_newlstr(L, from, length);
  from += length;
  store<usize>(at, string);
  setTag(at, load<u8>(string + OBJECT_TAG) | COLLECTABLE);
  if (owner) barrier(L, owner);
  return true;
}

// The n-th table, from 1, in the map of what was seen: as far from its neighbours as addresses are.
function numbered(n: usize): usize {
  return n << 3;
}

// Whether a list or an object begins so.
function beginsTable(first: u32): bool {
  return (first >= 0x80 && first < 0xa0) || (first >= 0xdc && first < 0xe0);
}

function putTable(L: usize, at: usize, owner: usize, array: u32, hash: u32): usize {
  const table = newTable(L);
  placeTable(L, at, owner, table);
  tables++;
  if (isTracking() && keyless === 0 && !remember(numbered(tables), <u32> table)) {
    luaD_throw(L, OUT_OF_MEMORY);
  }
  if (array | hash) luaH_resize(L, table, array, hash);
  return table;
}

// Whether the rest of the input can hold a table of that many values, each of that many bytes at least.
function accepts(count: u32, bytes: u32, level: u32): bool {
  values += count;
  return level <= mostLevels && values <= mostValues && <u64> count * bytes <= <u64> left();
}

function readArray(L: usize, at: usize, owner: usize, count: u32, level: u32): bool {
  if (!accepts(count, 1, level)) return false;
  const table = putTable(L, at, owner, count, 0);
  const array = load<usize>(table + TABLE_ARRAY);
  for (let i: u32 = 0; i < count; i++) {
    if (!read(L, array + i * VALUE_SIZE, table, level)) return false;
  }
  return true;
}

// Whether an object of JSON text has the key at UNPACKED_KEY for the first time: its last value counts, and the size of
// its table is the number of its keys. Those without a value are in no table: they are known by their address and the
// level of the object, with the last object that had them.
function isFirst(table: usize, absent: bool, level: u32): bool {
  const string = load<usize>(UNPACKED_KEY);
  if (absent) {
    if (tagOf(UNPACKED_KEY) !== TAG_SHORT_STRING || string >= 1 << 28) return false;
    if (!isTracking()) track();
  } else if (!isTracking()) return true;
  const key = (string >> 3) | ((level - 1) << 25);
  const known = recall(key);
  if (known && load<u32>(known) === <u32> table) return false;
  if (!absent) return true;
  if (luaH_get(table, UNPACKED_KEY) !== ABSENT_SLOT) return false;
  if (!known) return remember(key, <u32> table);
  store<u32>(known, <u32> table);
  return true;
}

function noteKeyless(L: usize, table: usize): void {
  store<usize>(UNPACKED_KEY, table);
  setTag(UNPACKED_KEY, TAG_TABLE);
  setTag(UNPACKED_VALUE, TAG_TRUE);
  luaH_newkey(L, keyless, UNPACKED_KEY, UNPACKED_VALUE);
  barrier(L, keyless);
}

// Goes behind the next key, if it is the n-th of the shape and has a value.
function skipKey(shape: usize, n: u32): bool {
  let text = from + 1;
  let length = <u32> load<u8>(from) - 0xa0;
  if (length === 0xd9 - 0xa0) length = <u32> load<u8>(text++);
  else if (length > 31) return false;
  const behind = text + length;
  if (behind >= end || !isKey(shape, n, text, length)) return false;
  if ((load<u8>(behind) === PACKED_NIL) !== isAbsent(shape, n)) return false;
  if (bytesOfTexts + length > mostBytes) return false;
  bytesOfTexts += length;
  from = behind;
  return true;
}

// Remembers those of the first keys of the shape that have no value, for `isFirst`.
function rememberAbsent(shape: usize, table: usize, count: u32, level: u32): bool {
  for (let n: u32 = 0; n < count; n++) {
    if (!isAbsent(shape, n)) continue;
    store<usize>(UNPACKED_KEY, keyOf(shape, n));
    setTag(UNPACKED_KEY, TAG_SHORT_STRING);
    if (!isFirst(table, true, level)) return false;
  }
  return true;
}

function readPairs(
  L: usize,
  at: usize,
  owner: usize,
  count: u32,
  object: bool,
  level: u32,
): bool {
  if (!accepts(count, 2, level)) return false;
  const table = putTable(L, at, owner, 0, count);
  const shape = object ? shapeOf(level, count) : 0;
  let i: u32 = 0;
  let added = false;
  let noting = shape !== 0;
  if (noting) {
    if (adopt(shape, table, count)) {
      barrier(L, table);
      for (; i < count && skipKey(shape, i); i++) {
        if (isAbsent(shape, i)) from++;
        else if (read(L, adopted(shape, table, i), table, level)) added = true;
        else return false;
      }
      if (i === count) return true;
      keepFirst(L, shape, table, i);
      if (keyless !== 0 && !rememberAbsent(shape, table, i, level)) return false;
    }
    noteShape(shape, 0, count);
  }
  for (; i < count; i++) {
    // Tables as keys are left to JavaScript: nothing would keep them from the collector.
    const first = <u32> load<u8>(from);
    const isTable = beginsTable(first) || (first >= 0xd4 && first < 0xd9);
    if (left() === 0 || isTable || !read(L, UNPACKED_KEY, 0, level)) return false;
    if (!(object ? isObjectKey() : isPairKey())) return false;
    if (left() === 0) return false;
    const absent = load<u8>(from) === PACKED_NIL;
    if (keyless !== 0 && !isFirst(table, absent, level)) return false;
    if (tagOf(UNPACKED_KEY) !== TAG_SHORT_STRING) noting = false;
    if (noting) noteKey(shape, i, load<usize>(UNPACKED_KEY), absent);
    if (absent) {
      from++;
      continue;
    }
    const slot = addKey(L, table);
    if (!slot || !read(L, slot, table, level)) return false;
    added = true;
  }
  if (noting && added) noteShape(shape, table, count);
  if (!added && keyless !== 0) noteKeyless(L, table);
  return true;
}

function readAgain(L: usize, at: usize, owner: usize, level: u32): bool {
  if (!isTracking()) {
    repeats = true;
    return false;
  }
  if (!read(L, UNPACKED_VALUE, 0, level) || tagOf(UNPACKED_VALUE) !== TAG_INTEGER) return false;
  const number = load<u64>(UNPACKED_VALUE);
  if (number >= <u64> tables || number < <u64> before) return false;
  const known = recall(numbered(<usize> number + 1));
  if (!known) return false;
  placeTable(L, at, owner, load<u32>(known));
  return true;
}

// A table and its metatable, which is read to where it belongs: nothing else keeps it from the collector.
function readWithMetatable(L: usize, at: usize, owner: usize, level: u32): bool {
  if (one() !== TWO_ITEMS) return false;
  if (!read(L, at, owner, level) || tagOf(at) !== TAG_TABLE || left() === 0) return false;
  const first = <u32> load<u8>(from);
  const isTable = beginsTable(first) ||
    (first === 0xd4 && load<u8>(from + 1) !== METATABLE_TYPE);
  const table = load<usize>(at);
  return isTable && read(L, table + TABLE_METATABLE, table, level + 1);
}

function readExtension(L: usize, at: usize, owner: usize, level: u32): bool {
  const type = load<u8>(from);
  from += 2;
  if (type === AGAIN_TYPE) return readAgain(L, at, owner, level);
  if (type === METATABLE_TYPE) return readWithMetatable(L, at, owner, level);
  if (type !== PAIRS_TYPE) return false;
  const first = one();
  let count: u32 = 0;
  if (first === 0xdc) count = two();
  else if (first === 0xdd) count = four();
  else if (first >= 0x90 && first < 0xa0) count = first & 15;
  else return false;
  return (count & 1) === 0 && readPairs(L, at, owner, count >> 1, false, level + 1);
}

// Reads one value into the slot `at` of the table `owner` (0: none). Returns false if JavaScript must do it.
function read(L: usize, at: usize, owner: usize, level: u32): bool {
  if (left() === 0) return false;
  const first = one();
  if (first < 0x80) return putInteger(at, first);
  if (first >= 0xe0) return putInteger(at, <i64> first - 256);
  if (first < 0x90) return readPairs(L, at, owner, first & 15, true, level + 1);
  if (first < 0xa0) return readArray(L, at, owner, first & 15, level + 1);
  if (first < 0xc0) return putString(L, at, owner, first & 31);
  switch (first) {
    case 0xc0:
      setTag(at, TAG_NIL);
      return true;
    case 0xc2:
      setTag(at, TAG_FALSE);
      return true;
    case 0xc3:
      setTag(at, TAG_TRUE);
      return true;
    case 0xcb: {
      const bits = eight();
      const value = reinterpret<f64>(bits);
      if (value === floor(value) && value < EXACT && value > -EXACT) {
        return putInteger(at, <i64> value);
      }
      return putFloat(at, bits);
    }
    case 0xcc:
      return putInteger(at, one());
    case 0xcd:
      return putInteger(at, two());
    case 0xce:
      return putInteger(at, four());
    case 0xd0:
      return putInteger(at, <i8> one());
    case 0xd1:
      return putInteger(at, <i16> two());
    case 0xd2:
      return putInteger(at, <i32> four());
    case 0xd3:
      return putInteger(at, eight());
    case 0xc4:
    case 0xd9:
      return putString(L, at, owner, one());
    case 0xc5:
    case 0xda:
      return putString(L, at, owner, two());
    case 0xc6:
    case 0xdb:
      return putString(L, at, owner, four());
    case 0xdc:
      return readArray(L, at, owner, two(), level + 1);
    case 0xdd:
      return readArray(L, at, owner, four(), level + 1);
    case 0xde:
      return readPairs(L, at, owner, two(), true, level + 1);
    case 0xdf:
      return readPairs(L, at, owner, four(), true, level + 1);
    case 0xd4:
      return readExtension(L, at, owner, level);
    case 0xd7:
      return one() === FLOAT_TYPE && putFloat(at, eight());
  }
  return false;
}

// Reads all values of a list, or one value, into slots of the stack.
function readAll(L: usize, bytes: usize, length: usize, list: bool, count: u32): bool {
  from = bytes;
  end = bytes + length;
  tables = 0;
  if (list) {
    const first = one();
    if (first === 0xdc) two();
    else if (first === 0xdd) four();
    tables = 1;
  }
  beginShapes();
  for (let i: u32 = 0; i < count; i++) {
    values = 0;
    bytesOfTexts = 0;
    before = tables;
    // The stack stays where it is: it moves only when a collection ends.
    if (!read(L, load<usize>(L + STATE_TOP) - (count - i) * VALUE_SIZE, 0, 0)) return false;
  }
  return from === end;
}

// Pushes the value of the bytes, behind which eight more can be read; of a list all its items, one after another.
// Returns their number; -1: nothing is pushed, and JavaScript must do it. What the last one holds is at UNPACKED_VALUES
// and UNPACKED_BYTES.
export function unpack_values(
  L: usize,
  bytes: usize,
  length: usize,
  list: bool,
  levels: u32,
  most: u32,
  mostBytesOfTexts: u32,
): i32 {
  keyless = 0;
  return pushUnpacked(L, bytes, length, list, levels, most, mostBytesOfTexts);
}

// Pushes one value, as `unpack_values`, and adds its objects that have no keys to the keys of the table `set`. False:
// nothing is pushed.
export function unpackNoting(
  L: usize,
  bytes: usize,
  length: usize,
  levels: u32,
  most: u32,
  mostBytesOfTexts: u32,
  set: usize,
): bool {
  keyless = set;
  return pushUnpacked(L, bytes, length, false, levels, most, mostBytesOfTexts) === 1;
}

function pushUnpacked(
  L: usize,
  bytes: usize,
  length: usize,
  list: bool,
  levels: u32,
  most: u32,
  mostBytesOfTexts: u32,
): i32 {
  from = bytes;
  end = bytes + length;
  mostLevels = levels;
  mostValues = most;
  mostBytes = mostBytesOfTexts;
  let count: u32 = 1;
  if (list) {
    if (length === 0) return -1;
    const first = one();
    if (first === 0xdc) count = two();
    else if (first === 0xdd) count = four();
    else if (first >= 0x90 && first < 0xa0) count = first & 15;
    else return -1;
    if (count > left()) return -1;
  }
  if (!lua_checkstack(L, count + FREE_SLOTS)) return -1;
  for (let i: u32 = 0; i < count; i++) {
    const top = load<usize>(L + STATE_TOP);
    setTag(top, TAG_NIL);
    store<usize>(L + STATE_TOP, top + VALUE_SIZE);
  }
  beginSeen();
  repeats = false;
  let done = readAll(L, bytes, length, list, count);
  if (!done && repeats) {
    track();
    done = readAll(L, bytes, length, list, count);
  }
  endSeen();
  if (!done) {
    store<usize>(L + STATE_TOP, load<usize>(L + STATE_TOP) - count * VALUE_SIZE);
    return -1;
  }
  store<u32>(UNPACKED_VALUES, values);
  store<u32>(UNPACKED_BYTES, bytesOfTexts);
  collect(L);
  return count;
}
