// Tables that were seen, by their addresses, with a word for each: a hash table with open addressing. It begins in the
// first KiB and moves to a block of its own when it grows. Globals are set anew by each call.
import { free, reallocate } from "./lua.as";
import { FIRST_MAP } from "./memory.as";

const FIRST_SLOTS: u32 = 32;
const SLOT: usize = 8;
// The size and bytes of a slot's parts: address, word.
const WORD: usize = 4;

let map: usize = 0;
let mask: u32 = 0;
let used: u32 = 0;
let tracking: bool = false;

// At the beginning of each call: an error may have cut off the one before, and left its block.
export function beginSeen(): void {
  endSeen();
}

export function endSeen(): void {
  if (tracking && map !== FIRST_MAP) free(map);
  tracking = false;
}

export function isTracking(): bool {
  return tracking;
}

export function track(): void {
  map = FIRST_MAP;
  mask = FIRST_SLOTS - 1;
  used = 0;
  tracking = true;
  memory.fill(FIRST_MAP, 0, FIRST_SLOTS * SLOT);
}

// The slot of a table, or where it belongs.
function slotOf(table: usize): usize {
  let i = (<u32> (table >> 3) * 0x9E3779B1) >> 8;
  let at = map + (i & mask) * SLOT;
  while (load<usize>(at) !== 0 && load<usize>(at) !== table) at = map + (++i & mask) * SLOT;
  return at;
}

function grow(): bool {
  const old = map;
  const slots = mask + 1;
  const fresh = reallocate(0, slots * 2 * SLOT);
  if (!fresh) return false;
  mask = slots * 2 - 1;
  map = fresh;
  memory.fill(map, 0, slots * 2 * SLOT);
  for (let i: u32 = 0; i < slots; i++) {
    const table = load<usize>(old + i * SLOT);
    if (!table) continue;
    const at = slotOf(table);
    store<usize>(at, table);
    store<u32>(at + WORD, load<u32>(old + i * SLOT + WORD));
  }
  if (old !== FIRST_MAP) free(old);
  return true;
}

// False: there is not enough memory.
export function remember(table: usize, word: u32): bool {
  if ((used + 1) * 2 > mask && !grow()) return false;
  used++;
  const at = slotOf(table);
  store<usize>(at, table);
  store<u32>(at + WORD, word);
  return true;
}

// Address of a table's word; 0: it was not seen.
export function recall(table: usize): usize {
  const at = slotOf(table);
  return load<usize>(at) ? at + WORD : 0;
}
