// The text of a float as applications see it: an integral one like an integer, any other with the fewest digits that
// read back as the same number. Off, it is what Lua writes ("%.14g", and `.0` behind an integral one).
import { decimals, findDigits, found } from "./decimal.as";
import { TAG_TRUE } from "./layout.as";
import { write_integer } from "./integer-text.as";
import { exponent_text, strtod } from "./lua.as";
import { RELAXED } from "./memory.as";
import { argument, tagOf } from "./values.as";

// Between them 15 digits are looked for first.
const LEAST_USUAL: f64 = 1e-4;
const MOST_USUAL: f64 = 1e15;
const INTEGERS_END: f64 = 9.223372036854775808e18;
// From here downwards numbers have fewer than 15 digits.
const SUBNORMAL: f64 = 2.2250738585072014e-308;
// Exponents from which and below which it is written.
const FIRST_EXPONENT: i32 = 21;
const LAST_FRACTION: i32 = -4;
const MOST_DIGITS: i32 = 17;
const MANTISSA: u64 = 0x000f_ffff_ffff_ffff;

// host.relaxed(on): whether libraries are those of applications, see src/vm/transform/relaxed.ts.
export function host_relaxed(L: usize): i32 {
  store<u8>(RELAXED, tagOf(argument(L, 1)) === TAG_TRUE ? 1 : 0);
  return 0;
}

// Digits of a number from its text in `exponent_text`, and their decimal exponent.
let digits: u64 = 0;
let exponent: i32 = 0;

function readExponentText(at: usize): void {
  if (load<u8>(at) === 45) at++;
  digits = 0;
  let value = load<u8>(at);
  for (; value !== 101; value = load<u8>(++at)) {
    if (value !== 46) digits = digits * 10 + (value - 48);
  }
  const below = load<u8>(++at) === 45;
  exponent = 0;
  for (value = load<u8>(++at); value !== 0; value = load<u8>(++at)) {
    exponent = exponent * 10 + (value - 48);
  }
  if (below) exponent = -exponent;
}

function zeros(to: usize, count: i32): usize {
  for (; count > 0; count--) store<u8>(to++, 48);
  return to;
}

// Writes the digits with a point behind the first `before` of them, and none behind the last.
function pointed(to: usize, before: i32): usize {
  const length = write_integer(to, digits);
  if (before >= length) return to + length;
  memory.copy(to + before + 1, to + before, length - before);
  store<u8>(to + before, 46);
  return to + length + 1;
}

// Writes `digits` with their exponent. Returns the end of the text.
function layOut(to: usize): usize {
  while (digits % 10 === 0) digits /= 10;
  if (exponent >= LAST_FRACTION && exponent < 0) {
    store<u16>(to, 0x2e30);
    to = zeros(to + 2, -exponent - 1);
    return to + write_integer(to, digits);
  } else if (exponent >= 0 && exponent < FIRST_EXPONENT) {
    const from = to;
    to = pointed(to, exponent + 1);
    return zeros(to, exponent + 1 - <i32> (to - from));
  }
  to = pointed(to, 1);
  store<u8>(to++, 101);
  store<u8>(to++, exponent < 0 ? 45 : 43);
  const size = abs(exponent);
  if (size < 10) store<u8>(to++, 48);
  return to + write_integer(to, size);
}

// A number of 15 digits at most, some of them decimals. 0: it has more.
function fewDigits(to: usize, size: f64): usize {
  if (!findDigits(size)) return 0;
  digits = found;
  let length: i32 = 0;
  for (let rest = digits; rest > 0; rest /= 10) length++;
  exponent = length - <i32> decimals - 1;
  return layOut(to);
}

// One more in the last of 16 digits. Below a power of two numbers are closer than above, so that this may be the
// number's text though the nearest one of so many digits is not.
function nextReads(to: usize, size: f64): bool {
  if ((reinterpret<u64>(size) & MANTISSA) !== 0) return false;
  exponent_text(to, size, MOST_DIGITS - 2);
  readExponentText(to);
  digits++;
  store<u8>(layOut(to), 0);
  if (strtod(to, 0) !== size) return false;
  exponent_text(to, size, MOST_DIGITS - 2);
  readExponentText(to);
  digits++;
  return true;
}

// Writes a float. Returns the length of the text; 0: Lua writes it. `to` has room for 44 bytes.
export function float_text(to: usize, value: f64): i32 {
  const size = abs(value);
  if (!load<u8>(RELAXED) || !(size <= f64.MAX_VALUE)) return 0;
  if (size < INTEGERS_END && floor(size) === size) return write_integer(to, <i64> value);
  let start = to;
  if (value < 0) store<u8>(start++, 45);
  const usual = size >= LEAST_USUAL && size < MOST_USUAL;
  if (usual) {
    const end = fewDigits(start, size);
    if (end) return <i32> (end - to);
  }
  let precision = size < SUBNORMAL ? 0 : MOST_DIGITS - (usual ? 2 : 3);
  for (; precision < MOST_DIGITS; precision++) {
    if (precision === MOST_DIGITS - 1 && nextReads(start, size)) break;
    exponent_text(start, size, precision);
    readExponentText(start);
    if (strtod(start, 0) === size) break;
  }
  return <i32> (layOut(start) - to);
}
