// table.concat of a list of strings and integers: they are joined where they lie, where C pushes each of them on the
// stack and copies it from there. Lists with a metatable, floats, bounds and errors are C's.
import { integerLength, write_integer } from "./integer-text.as";
import {
  COLLECTABLE,
  OBJECT_TAG,
  STATE_TOP,
  STRING_TEXT,
  TABLE_ARRAY,
  TABLE_METATABLE,
  TAG_INTEGER,
  TAG_LONG_STRING,
  TAG_SHORT_STRING,
  TAG_TABLE,
  VALUE_SIZE,
} from "./layout.as";
import { burn, luaH_getn, luaS_newlstr } from "./lua.as";
import { dropOutput, room, skip } from "./output.as";
import { beginScratch, dropScratch, endScratch } from "./scratch.as";
import { lengthOf } from "./text.as";
import { argument, arraySize, collect, kindOf, NIL, setTag, STRING, tagOf } from "./values.as";

// What is joined here at most.
const MOST_ITEMS: u32 = 65_536;
const MOST_BYTES: u32 = 1 << 20;
// Fuel for each item, as for each that C reads (src/vm/transform/fuel.ts).
const ITEM: u32 = 4;

// Copies in words: there is room behind the text here, and a string is followed by bytes that may be read.
function copy(to: usize, from: usize, length: u32): usize {
  if (length > 64) memory.copy(to, from, length);
  else for (let i: usize = 0; i < length; i += 8) store<u64>(to + i, load<u64>(from + i));
  return to + length;
}

// Bytes of all the texts; MOST_BYTES: not for here.
function lengthOfItems(from: usize, count: u32): u32 {
  let total: u32 = 0;
  for (let i: u32 = 0; i < count; i++) {
    const item = from + i * VALUE_SIZE;
    const tag = tagOf(item);
    if (tag === TAG_INTEGER) total += integerLength(load<i64>(item));
    else if (tag === TAG_SHORT_STRING || tag === TAG_LONG_STRING) {
      const length = lengthOf(load<usize>(item), tag);
      if (length >= MOST_BYTES) return MOST_BYTES;
      total += length;
    } else return MOST_BYTES;
    if (total >= MOST_BYTES) return MOST_BYTES;
  }
  return total;
}

// Pushes the text of the list that is the first argument of the C function that runs; false, and nothing is done, when
// that is not for here.
export function concat_list(L: usize): bool {
  const first = argument(L, 1);
  const given = <u32> ((load<usize>(L + STATE_TOP) - first) / VALUE_SIZE);
  if (given < 1 || given > 2 || tagOf(first) !== TAG_TABLE) return false;
  const table = load<usize>(first);
  if (load<usize>(table + TABLE_METATABLE)) return false;
  let separator: usize = 0;
  let between: u32 = 0;
  if (given === 2 && kindOf(first + VALUE_SIZE) !== NIL) {
    if (kindOf(first + VALUE_SIZE) !== STRING) return false;
    separator = load<usize>(first + VALUE_SIZE);
    between = lengthOf(separator, tagOf(first + VALUE_SIZE));
    if (between >= MOST_BYTES) return false;
  }
  const count = luaH_getn(table);
  if (count === 0 || count > MOST_ITEMS || count > arraySize(table)) return false;
  const items = load<usize>(table + TABLE_ARRAY);
  const texts = lengthOfItems(items, <u32> count);
  const total = <u64> texts + (count - 1) * <u64> between;
  if (texts >= MOST_BYTES || total >= MOST_BYTES || !beginScratch()) return false;
  const length = <u32> total;
  if (!room(length + 8)) {
    dropOutput();
    return false;
  }
  burn(<u32> count * ITEM);
  let to = skip(length);
  for (let i: u32 = 0; i < <u32> count; i++) {
    const item = items + i * VALUE_SIZE;
    if (i > 0 && between > 0) to = copy(to, separator + STRING_TEXT, between);
    if (tagOf(item) === TAG_INTEGER) {
      to += write_integer(to, load<i64>(item));
    } else {
      const text = load<usize>(item);
      to = copy(to, text + STRING_TEXT, lengthOf(text, tagOf(item)));
    }
  }
  const joined = luaS_newlstr(L, endScratch(), length);
  const top = load<usize>(L + STATE_TOP);
  store<u32>(top, <u32> joined);
  setTag(top, load<u8>(joined + OBJECT_TAG) | COLLECTABLE);
  store<usize>(L + STATE_TOP, top + VALUE_SIZE);
  dropScratch();
  collect(L);
  return true;
}
