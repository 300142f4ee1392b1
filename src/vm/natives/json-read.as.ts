// Reads JSON text: it becomes MessagePack, of which unpack.as.ts makes values. All that is wrong, and what is rare
// (text behind the value, halves of surrogates, large numbers), is left to `json.decode` of src/operations/json.
import { decimal, nearDecimal, POWERS, readSlowly, slowly } from "./decimal.as";
import { STATE_TOP, STRING_TEXT, TAG_TABLE, TAG_TRUE, VALUE_SIZE } from "./layout.as";
import { MOST_BYTES, MOST_LEVELS, MOST_VALUES } from "./limits.as";
import { byte, bytes, dropOutput, eight, endOutput, four, room, two, written } from "./output.as";
import { beginScratch, dropScratch, endScratch } from "./scratch.as";
import { HIGH_BITS, isText, lengthOf, matches, ONES } from "./text.as";
import { unpackNoting } from "./unpack.as";
import { argument, kindOf, setTag, STRING, tagOf } from "./values.as";

// Bytes behind what is unpacked that may be read.
const SLACK: u32 = 8;

const PACKED_NIL: u8 = 0xc0;
// The words as they are loaded.
const TRUE: u32 = 0x65757274;
const FALSE: u32 = 0x736c6166;
const NULL: u32 = 0x6c6c756e;
// The last digits of the largest integer, and how many an integer has at most.
const LARGEST: u64 = 9223372036854775807;
const EXACT: u64 = 1 << 53;

// The text, behind whose end is a byte of zero.
let at: usize = 0;
let end: usize = 0;

function space(): u32 {
  while (true) {
    const next = <u32> load<u8>(at);
    if (next > 32 || (next !== 32 && next !== 10 && next !== 13 && next !== 9)) return next;
    at++;
  }
}

// Goes to the next quote, backslash or control character.
function skipPlain(): void {
  while (at + 8 <= end) {
    const word = load<u64>(at);
    const found = matches(word, 0x22) | matches(word, 0x5c) |
      ((word - 0x20 * ONES) & ~word & HIGH_BITS);
    if (found) {
      at += <usize> (ctz(found) >> 3);
      return;
    }
    at += 8;
  }
  for (; at < end; at++) {
    const next = load<u8>(at);
    if (next === 0x22 || next === 0x5c || next < 0x20) return;
  }
}

function hex(): u32 {
  let code: u32 = 0;
  for (let i = 0; i < 4; i++) {
    const next = <u32> load<u8>(at++);
    let digit = next - 48;
    if (digit > 9) {
      digit = (next | 32) - 97;
      if (digit > 5) return 0x110000;
      digit += 10;
    }
    code = (code << 4) | digit;
  }
  return code;
}

function encode(code: u32): void {
  if (code < 0x80) byte(code);
  else if (code < 0x800) {
    byte(0xc0 | (code >> 6));
    byte(0x80 | (code & 63));
  } else if (code < 0x10000) {
    byte(0xe0 | (code >> 12));
    byte(0x80 | ((code >> 6) & 63));
    byte(0x80 | (code & 63));
  } else {
    byte(0xf0 | (code >> 18));
    byte(0x80 | ((code >> 12) & 63));
    byte(0x80 | ((code >> 6) & 63));
    byte(0x80 | (code & 63));
  }
}

// The character of an escape, behind its backslash.
function escape(): bool {
  if (!room(4)) return false;
  switch (<u32> load<u8>(at++)) {
    case 0x22:
      byte(0x22);
      return true;
    case 0x5c:
      byte(0x5c);
      return true;
    case 0x2f:
      byte(0x2f);
      return true;
    case 0x62:
      byte(8);
      return true;
    case 0x66:
      byte(12);
      return true;
    case 0x6e:
      byte(10);
      return true;
    case 0x72:
      byte(13);
      return true;
    case 0x74:
      byte(9);
      return true;
    case 0x75: {
      if (end - at < 4) return false;
      const code = hex();
      if (code < 0xd800 || (code >= 0xe000 && code < 0x10000)) {
        encode(code);
        return true;
      }
      if (code >= 0xdc00 || end - at < 6 || load<u16>(at) !== 0x755c) return false;
      at += 2;
      const low = hex();
      if (low < 0xdc00 || low >= 0xe000) return false;
      encode(0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00));
      return true;
    }
  }
  return false;
}

// A string, whose quote is next.
function readString(): bool {
  const start = ++at;
  skipPlain();
  let length = <u32> (at - start);
  if (load<u8>(at) === 0x22) {
    at++;
    if (!room(5 + length)) return false;
    if (length < 0x20) byte(0xa0 | length);
    else if (length < 0x100) {
      byte(0xd9);
      byte(length);
    } else if (length < 0x10000) {
      byte(0xda);
      two(length);
    } else {
      byte(0xdb);
      four(length);
    }
    bytes(start, length);
    return true;
  }
  if (!room(5 + length)) return false;
  byte(0xdb);
  const place = written();
  four(0);
  bytes(start, length);
  while (load<u8>(at) === 0x5c) {
    at++;
    if (!escape()) return false;
    const run = at;
    skipPlain();
    length = <u32> (at - run);
    if (!room(length)) return false;
    bytes(run, length);
  }
  if (load<u8>(at) !== 0x22 || at >= end) return false;
  at++;
  store<u32>(endOutput() + place, bswap<u32>(written() - place - 4));
  return true;
}

// Reads digits into `digits`, which holds 19 of them at most; more are left to readSlowly.
let digits: u64 = 0;
let significant: u32 = 0;

function readDigits(): u32 {
  const start = at;
  for (;; at++) {
    const digit = <u32> load<u8>(at) - 48;
    if (digit > 9) break;
    if (significant < 19) digits = digits * 10 + digit;
    if (digits !== 0) significant++;
  }
  return <u32> (at - start);
}

function readNumber(L: usize): bool {
  const start = at;
  const negative = load<u8>(at) === 0x2d;
  if (negative) at++;
  const first = load<u8>(at);
  digits = 0;
  significant = 0;
  const whole = readDigits();
  if (whole === 0 || (first === 48 && whole > 1) || !room(9)) return false;
  let next = <u32> load<u8>(at);
  if (next !== 0x2e && (next | 32) !== 0x65) {
    if (significant > 19 || digits > LARGEST) return false;
    if (!negative && digits < 0x80) byte(<u32> digits);
    else {
      byte(0xd3);
      eight(negative ? 0 - digits : digits);
    }
    return true;
  }
  let exponent: i32 = 0;
  if (next === 0x2e) {
    at++;
    exponent = -<i32> readDigits();
    if (exponent === 0) return false;
    next = load<u8>(at);
  }
  if ((next | 32) === 0x65) {
    at++;
    const sign = load<u8>(at);
    if (sign === 0x2d || sign === 0x2b) at++;
    let given: i32 = 0;
    const from = at;
    for (;; at++) {
      const digit = <i32> load<u8>(at) - 48;
      if (<u32> digit > 9) break;
      if (given < 10000) given = given * 10 + digit;
    }
    if (at === from) return false;
    exponent += sign === 0x2d ? -given : given;
  }
  let value: f64 = NaN;
  if (significant <= 19 && exponent >= -POWERS && exponent <= POWERS) {
    value = digits < EXACT ? decimal(digits, exponent) : nearDecimal(digits, exponent);
    if (negative) value = -value;
  }
  if (isNaN(value)) {
    if (!readSlowly(L, start, <u32> (at - start))) return false;
    value = slowly;
  }
  byte(0xcb);
  eight(reinterpret<u64>(value));
  return true;
}

// A list or an object: a word of its header is its size, which is known at its end.
function begin(type: u32): u32 {
  if (!room(5)) return 0;
  byte(type);
  four(0);
  return written();
}

function finish(place: u32, count: u32): bool {
  at++;
  store<u32>(endOutput() + place - 4, bswap<u32>(count));
  return true;
}

function readArray(L: usize, level: u32): bool {
  const place = begin(0xdd);
  at++;
  if (place === 0 || level > MOST_LEVELS) return false;
  if (space() === 0x5d) return finish(place, 0);
  for (let count: u32 = 1; readValue(L, level); count++) {
    const next = space();
    if (next === 0x5d) return finish(place, count);
    if (next !== 0x2c) return false;
    at++;
    space();
  }
  return false;
}

function readObject(L: usize, level: u32): bool {
  const place = begin(0xdf);
  at++;
  if (place === 0 || level > MOST_LEVELS) return false;
  let next = space();
  if (next === 0x7d) return finish(place, 0);
  for (let count: u32 = 1; next === 0x22 && readString() && space() === 0x3a; count++) {
    at++;
    space();
    if (!readValue(L, level)) return false;
    next = space();
    if (next === 0x7d) return finish(place, count);
    if (next !== 0x2c) return false;
    at++;
    next = space();
  }
  return false;
}

function readWord(word: u32, packed: u32): bool {
  if (end - at < 4 || load<u32>(at) !== word || !room(1)) return false;
  at += 4;
  byte(packed);
  return true;
}

// Reads the value that is next.
function readValue(L: usize, level: u32): bool {
  switch (<u32> load<u8>(at)) {
    case 0x22:
      return readString();
    case 0x7b:
      return readObject(L, level + 1);
    case 0x5b:
      return readArray(L, level + 1);
    case 0x74:
      return readWord(TRUE, 0xc3);
    case 0x66:
      return readWord(FALSE, 0xc2) && load<u8>(at++) === 0x65;
    case 0x6e:
      return readWord(NULL, PACKED_NIL);
  }
  return readNumber(L);
}

// host.json_decode(text, empty_objects): `true, value`, and the empty objects in it are keys of the table; or nothing,
// and the host must do it.
export function host_json_decode(L: usize): i32 {
  const text = argument(L, 1);
  if (kindOf(text) !== STRING || tagOf(argument(L, 2)) !== TAG_TABLE) return 0;
  const string = load<usize>(text);
  const length = lengthOf(string, tagOf(text));
  if (length > MOST_BYTES || !isText(string, length) || !beginScratch()) return 0;
  at = string + STRING_TEXT;
  end = at + length;
  space();
  if (!readValue(L, 0) || !room(SLACK) || space() !== 0 || at !== end) {
    dropOutput();
    return 0;
  }
  const size = written();
  const packed = endScratch();
  const top = load<usize>(L + STATE_TOP);
  setTag(top, TAG_TRUE);
  store<usize>(L + STATE_TOP, top + VALUE_SIZE);
  const set = load<usize>(argument(L, 2));
  const done = unpackNoting(L, packed, size, MOST_LEVELS, MOST_VALUES, MOST_BYTES, set);
  dropScratch();
  return done ? 2 : 0;
}
