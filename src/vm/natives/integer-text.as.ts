// Texts of integers. The engine divides by a constant as by any number, which takes as long as some ten
// multiplications; so what has 32 bits is divided by multiplication, and digits are counted by it.

// Decimal digits of an integer of at most 2 ** 63: beyond 10 ** 19, the next power would not fit.
export function digitsOf(size: u64): u32 {
  let count: u32 = 1;
  for (let end: u64 = 10; size >= end; end *= 10) count++;
  return count;
}

// Writes an integer, so that it ends before an address.
export function writeDigits(size: u64, end: usize): void {
  let rest = size;
  let at = end;
  while (rest > 0xffff_ffff) {
    const tenth = rest / 10;
    store<u8>(--at, <u8> (48 + rest - tenth * 10));
    rest = tenth;
  }
  let low = <u32> rest;
  do {
    // Exact for all of 32 bits.
    const tenth = <u32> ((<u64> low * 0xcccc_cccd) >> 35);
    store<u8>(--at, <u8> (48 + low - tenth * 10));
    low = tenth;
  } while (low);
}

// Bytes of an integer's text.
export function integerLength(value: i64): u32 {
  return value < 0 ? 1 + digitsOf(<u64> -value) : digitsOf(<u64> value);
}

// Writes an integer, and returns how many bytes it is long; `lua_Integer` as "%lld".
export function write_integer(to: usize, value: i64): i32 {
  const length = integerLength(value);
  if (value < 0) store<u8>(to, 45);
  writeDigits(<u64> (value < 0 ? -value : value), to + length);
  return <i32> length;
}
