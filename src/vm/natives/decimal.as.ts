// Numbers as decimal text, and back.
import { digitsOf, writeDigits } from "./integer-text.as";
import { STATE_TOP, VALUE_SIZE } from "./layout.as";
import { lua_stringtonumber } from "./lua.as";
import { byte, endOutput, room, written } from "./output.as";

// Powers of ten that a double holds exactly.
export const POWERS: i32 = 22;
// A double tells numbers of 15 digits apart: at most one of them is its text, and no other text is as short.
const TELLING: f64 = 1e15;
const EXACT: f64 = 9007199254740992;
// Below it JavaScript writes exponents.
const SMALLEST: f64 = 1e-6;

// What `readSlowly` has read.
export let slowly: f64 = 0;

function power(exponent: i32): f64 {
  let value: f64 = 1;
  for (; exponent > 0; exponent--) value *= 10;
  return value;
}

// `digits` times ten to the exponent, both exact as doubles: so the one operation rounds correctly.
export function decimal(digits: u64, exponent: i32): f64 {
  const value = <f64> digits;
  return exponent < 0 ? value / power(-exponent) : value * power(exponent);
}

// Splits a double into halves whose products are exact.
const SPLIT: f64 = 134217729;
// Times a number, this is more than what is neglected in `nearDecimal`.
const NEGLECTED: f64 = 2e-30;

// What `a * b` has lost to rounding, exactly; `product` is that product.
function lost(a: f64, b: f64, product: f64): f64 {
  const scaledA = SPLIT * a;
  const scaledB = SPLIT * b;
  const highA = scaledA - (scaledA - a);
  const highB = scaledB - (scaledB - b);
  const lowA = a - highA;
  const lowB = b - highB;
  return ((highA * highB - product) + highA * lowB + lowA * highB) + lowA * lowB;
}

// `digits`, at most 10 ** 19, times ten to the exponent, which is a power that a double holds: in two doubles, of which
// the second is what the first lacks. Not a number: that is too near the middle of two doubles to tell which is nearer.
export function nearDecimal(digits: u64, exponent: i32): f64 {
  const whole = <f64> digits;
  const rest = <f64> (<i64> (digits - <u64> whole));
  const scale = power(abs(exponent));
  let first: f64 = 0;
  let second: f64 = 0;
  if (exponent < 0) {
    first = whole / scale;
    const back = first * scale;
    second = ((whole - back) - lost(first, scale, back) + rest) / scale;
  } else {
    first = whole * scale;
    second = lost(whole, scale, first) + rest * scale;
  }
  const value = first + second;
  const left = second - (value - first);
  const margin = value * NEGLECTED;
  return value + (left + margin) === value && value + (left - margin) === value ? value : NaN;
}

// Reads any number, by C's `strtod`. False: it is larger than any.
export function readSlowly(L: usize, text: usize, length: u32): bool {
  if (!room(length + 1)) return false;
  const copy = endOutput() + written();
  memory.copy(copy, text, length);
  store<u8>(copy + length, 0);
  if (lua_stringtonumber(L, copy) === 0) return false;
  const top = load<usize>(L + STATE_TOP) - VALUE_SIZE;
  store<usize>(L + STATE_TOP, top);
  slowly = load<f64>(top);
  return abs(slowly) <= f64.MAX_VALUE;
}

// Writes so many digits, the last ones.
function writeFixed(value: u64, count: u32): void {
  const at = endOutput() + written() + count;
  for (let i: u32 = 0; i < count; i++) byte(48);
  if (value > 0) writeDigits(value, at);
}

// Writes an integer.
export function writeInteger(value: i64): bool {
  if (!room(20)) return false;
  if (value < 0) byte(0x2d);
  const size: u64 = value < 0 ? 0 - <u64> value : value;
  writeFixed(size, digitsOf(size));
  return true;
}

// What `findDigits` has found: the digits as an integer, and how many of them are decimals.
export let found: u64 = 0;
export let decimals: u32 = 0;

// Finds the digits of a number that has at most 15, some of them decimals. False: it has more.
export function findDigits(size: f64): bool {
  if (!(size < TELLING)) return false;
  let scale: f64 = 1;
  let scaled: f64 = 0;
  decimals = 0;
  do {
    decimals++;
    scale *= 10;
    scaled = nearest(size * scale);
    if (scaled >= TELLING) return false;
  } while (scaled / scale !== size);
  found = <u64> scaled;
  return true;
}

// Writes a float as JavaScript does. False: it needs more digits, or an exponent.
export function writeFloat(value: f64): bool {
  const size = abs(value);
  if (size < EXACT && floor(size) === size) return writeInteger(<i64> value);
  if (!(size >= SMALLEST && findDigits(size))) return false;
  if (!room(2 + 16 + decimals)) return false;
  if (value < 0) byte(0x2d);
  const digits = found;
  const units = <u64> power(decimals);
  const whole = digits / units;
  writeFixed(whole, digitsOf(whole));
  byte(0x2e);
  writeFixed(digits - whole * units, decimals);
  return true;
}
