// The output buffer of packing: a block of the caller, then one that grows. If memory is exhausted, nothing is packed.
import { free, reallocate } from "./lua.as";

// Bytes of a block behind `end`: short texts are copied in words, which reach beyond their last byte.
const SLACK: usize = 8;
// Longer texts are copied by WebAssembly's `memory.copy`, which leaves the wasm.
const SHORT: u32 = 64;

let start: usize = 0;
let out: usize = 0;
let end: usize = 0;
let owned: bool = false;

export function beginOutput(block: usize, size: usize): void {
  start = block;
  out = block;
  end = block + size - SLACK;
  owned = false;
}

// Goes on behind the bytes that a block of its own has already.
export function resumeOutput(block: usize, used: usize, size: usize): void {
  start = block;
  out = block + used;
  end = block + size - SLACK;
  owned = true;
}

// The block of such an output, which may have grown: where it is and how many bytes it has.
export function outputStart(): usize {
  return start;
}

export function outputSize(): usize {
  return end + SLACK - start;
}

// Number of written bytes.
export function written(): u32 {
  return <u32> (out - start);
}

// The address of the output, which the caller frees unless it is its own block.
export function endOutput(): usize {
  return start;
}

export function dropOutput(): void {
  if (owned) free(start);
  owned = false;
}

function grow(bytes: usize): bool {
  const used = out - start;
  let size = (end + SLACK - start) * 2;
  while (size < used + bytes + SLACK) size *= 2;
  const moved = reallocate(owned ? start : 0, size);
  if (!moved) return false;
  if (!owned) memory.copy(moved, start, used);
  owned = true;
  start = moved;
  out = moved + used;
  end = moved + size - SLACK;
  return true;
}

// Makes room for bytes; must succeed before they are written.
export function room(bytes: usize): bool {
  return bytes <= end - out || grow(bytes);
}

// Where so many bytes are to be written by somebody else.
export function skip(length: u32): usize {
  const from = out;
  out += length;
  return from;
}

export function byte(value: u32): void {
  store<u8>(out++, <u8> value);
}

export function two(value: u32): void {
  store<u16>(out, bswap<u16>(<u16> value));
  out += 2;
}

export function four(value: u32): void {
  store<u32>(out, bswap<u32>(value));
  out += 4;
}

export function eight(value: u64): void {
  store<u64>(out, bswap<u64>(value));
  out += 8;
}

export function bytes(from: usize, length: u32): void {
  if (length > SHORT) memory.copy(out, from, length);
  else for (let at: u32 = 0; at < length; at += 8) store<u64>(out + at, load<u64>(from + at));
  out += length;
}
