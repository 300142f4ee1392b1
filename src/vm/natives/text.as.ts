// Strings: how long they are, and whether they are text.
import {
  STRING_LONG_LENGTH,
  STRING_SHORT_LENGTH,
  STRING_TEXT,
  TAG_SHORT_STRING,
} from "./layout.as";

// A word of eight bytes, each with this bit or this number.
export const HIGH_BITS: u64 = 0x8080808080808080;
export const ONES: u64 = 0x0101010101010101;

// The high bits of the bytes of a word that are `same`: right for the first of them, which the lowest bit is.
export function matches(word: u64, same: u64): u64 {
  const other = word ^ (same * ONES);
  return (other - ONES) & ~other & HIGH_BITS;
}

export function lengthOf(string: usize, tag: u8): u32 {
  return tag === TAG_SHORT_STRING
    ? <u32> load<u8>(string + STRING_SHORT_LENGTH)
    : load<u32>(string + STRING_LONG_LENGTH);
}

// Whether the bytes are valid UTF-8, without surrogates and overlong forms.
function isUtf8(at: usize, end: usize): bool {
  while (at < end) {
    const first = <u32> load<u8>(at++);
    if (first < 0x80) continue;
    let more: usize = 0;
    let least: u32 = 0;
    let code: u32 = 0;
    if (first >= 0xc2 && first < 0xe0) {
      more = 1;
      least = 0x80;
      code = first & 31;
    } else if (first >= 0xe0 && first < 0xf0) {
      more = 2;
      least = 0x800;
      code = first & 15;
    } else if (first >= 0xf0 && first < 0xf5) {
      more = 3;
      least = 0x10000;
      code = first & 7;
    } else return false;
    if (more > end - at) return false;
    for (; more > 0; more--) {
      const next = <u32> load<u8>(at++);
      if ((next & 0xc0) !== 0x80) return false;
      code = (code << 6) | (next & 63);
    }
    if (code < least || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) return false;
  }
  return true;
}

export function isText(string: usize, length: u32): bool {
  const start = string + STRING_TEXT;
  const end = start + length;
  let at = start;
  for (; at + 8 <= end; at += 8) if (load<u64>(at) & HIGH_BITS) return isUtf8(at, end);
  for (; at < end; at++) if (load<u8>(at) & 0x80) return isUtf8(at, end);
  return true;
}

// Whether the text may be the index of an array in JavaScript, which puts such keys of an object first.
export function isDigits(string: usize, length: u32): bool {
  if (length === 0 || length > 10) return false;
  for (let at = string + STRING_TEXT, end = at + length; at < end; at++) {
    const digit = load<u8>(at);
    if (digit < 48 || digit > 57) return false;
  }
  return true;
}
