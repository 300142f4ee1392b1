// Where a pattern may match: the places of a text whose byte its first item accepts. C's `match` takes a call and a
// walk through the pattern for every place; most places are passed over here.
import { burn } from "./lua.as";

// Parts of C's MatchState.
const SOURCE_END: usize = 4;
const PATTERN_END: usize = 8;

// Places and bytes of an item that are looked at for one unit of fuel, as a power of two.
const FREE_SHIFT: u32 = 2;

const PERCENT: u32 = 37;
const CARET: u32 = 94;
const CLOSING: u32 = 93;
const MINUS: u32 = 45;

// The bytes that are accepted, a bit each: of one item at a time, and for one search.
let bits0: u64 = 0;
let bits1: u64 = 0;
let bits2: u64 = 0;
let bits3: u64 = 0;
// Where the item ends.
let itemEnd: usize = 0;

function addWord(word: u32, bits: u64): void {
  if (word === 0) bits0 |= bits;
  else if (word === 1) bits1 |= bits;
  else if (word === 2) bits2 |= bits;
  else bits3 |= bits;
}

function addByte(c: u32): void {
  addWord(c >> 6, <u64> 1 << (c & 63));
}

function addRange(low: u32, high: u32): void {
  for (let word = low >> 6; low <= high && word <= high >> 6; word++) {
    const first: u32 = word === low >> 6 ? low & 63 : 0;
    const last: u32 = word === high >> 6 ? high & 63 : 63;
    addWord(word, (~(<u64> 0) >> (63 - (last - first))) << first);
  }
}

// A class as %a, or what stands for itself behind the percent sign. False: not for here.
function addClass(letter: u32): bool {
  let low: u64 = 0;
  let high: u64 = 0;
  switch (letter | 32) {
    case 97: // a
      high = 0x07ff_fffe_07ff_fffe;
      break;
    case 99: // c
      low = 0xffff_ffff;
      high = 0x8000_0000_0000_0000;
      break;
    case 100: // d
      low = 0x03ff_0000_0000_0000;
      break;
    case 103: // g
      low = 0xffff_fffe_0000_0000;
      high = 0x7fff_ffff_ffff_ffff;
      break;
    case 108: // l
      high = 0x07ff_fffe_0000_0000;
      break;
    case 112: // p
      low = 0xfc00_fffe_0000_0000;
      high = 0x7800_0001_f800_0001;
      break;
    case 115: // s
      low = 0x0000_0001_0000_3e00;
      break;
    case 117: // u
      high = 0x0000_0000_07ff_fffe;
      break;
    case 119: // w
      low = 0x03ff_0000_0000_0000;
      high = 0x07ff_fffe_07ff_fffe;
      break;
    case 120: // x
      low = 0x03ff_0000_0000_0000;
      high = 0x0000_007e_0000_007e;
      break;
    default:
      if (isLetter(letter)) return false;
      addByte(letter);
      return true;
  }
  // A capital letter is for all other bytes.
  if (letter & 32) {
    bits0 |= low;
    bits1 |= high;
  } else {
    bits0 |= ~low;
    bits1 |= ~high;
    bits2 = ~(<u64> 0);
    bits3 = ~(<u64> 0);
  }
  return true;
}

function isLetter(c: u32): bool {
  return (c | 32) - 97 < 26;
}

// Adds a set, from behind its bracket; answers where it ends, or 0 when it is not for here.
function addSet(p: usize, end: usize): usize {
  const complement = p < end && load<u8>(p) === CARET;
  if (complement) p++;
  let closing = p;
  do {
    if (closing >= end) return 0;
    if (load<u8>(closing++) === PERCENT) closing++;
    if (closing >= end) return 0;
  } while (load<u8>(closing) !== CLOSING);
  for (; p < closing; p++) {
    const c: u32 = load<u8>(p);
    if (c === PERCENT) {
      if (!addClass(load<u8>(++p))) return 0;
    } else if (load<u8>(p + 1) === MINUS && p + 2 < closing) {
      p += 2;
      addRange(c, load<u8>(p));
    } else addByte(c);
  }
  if (complement) {
    bits0 = ~bits0;
    bits1 = ~bits1;
    bits2 = ~bits2;
    bits3 = ~bits3;
  }
  return closing + 1;
}

// Adds the first item of a pattern; false: it may be left out, or is not for here.
function addFirst(p: usize, end: usize): bool {
  // A capture's item, unless it is that of a position.
  if (p < end && load<u8>(p) === 40) {
    p++;
    if (p < end && load<u8>(p) === 41) return false;
  }
  if (p >= end) return false;
  const c: u32 = load<u8>(p++);
  switch (c) {
    case 91: // [
      p = addSet(p, end);
      if (!p) return false;
      break;
    case PERCENT: {
      if (p >= end) return false;
      const letter: u32 = load<u8>(p++);
      // %b, %f and %1 are no classes.
      if (letter - 48 < 10 || letter === 98 || letter === 102 || !addClass(letter)) return false;
      break;
    }
    case 36: // $, which may be the end
    case 40:
    case 41:
    case 46: // .
      return false;
    default:
      addByte(c);
  }
  itemEnd = p;
  if (p >= end) return true;
  const next: u32 = load<u8>(p);
  return next !== 42 && next !== MINUS && next !== 63; // * - ?
}

// The first place from one on at which a pattern may match; 0: there is none.
export function next_place(state: usize, from: usize, pattern: usize): usize {
  bits0 = 0;
  bits1 = 0;
  bits2 = 0;
  bits3 = 0;
  if (!addFirst(pattern, load<usize>(state + PATTERN_END))) return from;
  const end = load<usize>(state + SOURCE_END);
  const a = bits0;
  const b = bits1;
  const c = bits2;
  const d = bits3;
  let at = from;
  for (; at < end; at++) {
    const byte = <u64> load<u8>(at);
    const word = byte < 128 ? (byte < 64 ? a : b) : byte < 192 ? c : d;
    if ((word >> (byte & 63)) & 1) break;
  }
  // Its loops pay here.
  burn(<u32> (at - from + itemEnd - pattern) >> FREE_SHIFT);
  return at < end ? at : 0;
}
