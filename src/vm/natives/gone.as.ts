// Numbers of the units that have ended, in a block of their own, until the worker notifies the others.
import {
  STATE_TOP,
  STRING_LONG_LENGTH,
  STRING_SHORT_LENGTH,
  STRING_TEXT,
  TAG_INTEGER,
  TAG_LONG_STRING,
  TAG_SHORT_STRING,
  VALUE_SIZE,
} from "./layout.as";
import { free, luaD_throw, reallocate } from "./lua.as";
import { GONE_COUNT, GONE_NUMBERS, GONE_ROOM } from "./memory.as";
import { assignInteger } from "./fields.as";
import { argument, tagOf } from "./values.as";

const NUMBER: usize = 8;
const FIRST_ROOM: u32 = 1024;
const MOST_KEPT: u32 = 65536;
const OUT_OF_MEMORY: i32 = 4;
// The worker is in the low bits of a PID's number.
const WORKER_BITS: u64 = 6;
const SECRET: usize = 8;
const BAR: u8 = 124;
// Its two bytes.
const ZERO_X: u16 = 0x7830;

// Where the text of a string begins that a slot holds; its length is `textLength`.
let textLength: usize = 0;
export function textOf(slot: usize): usize {
  const string = load<usize>(slot);
  textLength = tagOf(slot) === TAG_SHORT_STRING
    ? <usize> load<u8>(string + STRING_SHORT_LENGTH)
    : load<usize>(string + STRING_LONG_LENGTH);
  return string + STRING_TEXT;
}

// The number of a PID with its worker in the low bits; all ones where it has none.
export function pidNumber(text: usize, length: usize): u64 {
  const end = text + length;
  let at = end - 1;
  while (at > text && load<u8>(at) !== BAR) at--;
  // The bar, 0x, the secret.
  if (end - at < 12 || load<u16>(at + 1) !== ZERO_X) return u64.MAX_VALUE;
  at += 3 + SECRET;
  let number: u64 = 0;
  if (at >= end - 1) return u64.MAX_VALUE;
  for (; at < end - 1; at++) {
    const digit = load<u8>(at);
    if (digit >= 48 && digit <= 57) number = (number << 4) | <u64> (digit - 48);
    else if (digit >= 97 && digit <= 102) number = (number << 4) | <u64> (digit - 87);
    else return u64.MAX_VALUE;
  }
  return number;
}

// Records the end of a unit by the slot of its PID. Returns false if memory is exhausted.
export function noteGone(slot: usize): bool {
  const text = textOf(slot);
  const number = pidNumber(text, textLength);
  if (number === u64.MAX_VALUE) return true;
  const count = load<u32>(GONE_COUNT);
  const room = load<u32>(GONE_ROOM);
  if (count === room) {
    const more = room ? room * 2 : FIRST_ROOM;
    const block = reallocate(load<usize>(GONE_NUMBERS), <usize> more * NUMBER);
    if (!block) return false;
    store<usize>(GONE_NUMBERS, block);
    store<u32>(GONE_ROOM, more);
  }
  store<u64>(load<usize>(GONE_NUMBERS) + <usize> count * NUMBER, number >> WORKER_BITS);
  store<u32>(GONE_COUNT, count + 1);
  return true;
}

// host.note_gone(pid): records the end of a unit.
export function host_note_gone(L: usize): i32 {
  const pid = argument(L, 1);
  const tag = tagOf(pid);
  if (load<usize>(L + STATE_TOP) <= pid) return 0;
  if (tag !== TAG_SHORT_STRING && tag !== TAG_LONG_STRING) return 0;
  if (!noteGone(pid)) luaD_throw(L, OUT_OF_MEMORY);
  return 0;
}

// host.take_gone() -> the address of the numbers of ended units, eight bytes each, and their count. The memory is valid
// until the next unit is recorded.
export function host_take_gone(L: usize): i32 {
  const base = load<usize>(L + STATE_TOP);
  assignInteger(base, load<u32>(GONE_NUMBERS), TAG_INTEGER);
  assignInteger(base + VALUE_SIZE, load<u32>(GONE_COUNT), TAG_INTEGER);
  store<usize>(L + STATE_TOP, base + 2 * VALUE_SIZE);
  store<u32>(GONE_COUNT, 0);
  if (load<u32>(GONE_ROOM) > MOST_KEPT && load<u32>(base + VALUE_SIZE) === 0) {
    free(load<usize>(GONE_NUMBERS));
    store<u32>(GONE_NUMBERS, 0);
    store<u32>(GONE_ROOM, 0);
  }
  return 2;
}
