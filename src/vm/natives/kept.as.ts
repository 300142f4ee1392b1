// What the natives know of the kernel: addresses of its tables and of the strings and tables that are keys of its
// fields. `host.know(list)` notes them; the kernel keeps the list, so that they stay where they are.
import { STATE_TOP, TABLE_ARRAY, TAG_TABLE, VALUE_SIZE } from "./layout.as";
import { COUNTERS, KNOWN, KNOWN_HERE, MORE_KNOWN, MOST_KNOWN } from "./memory.as";
import { argument, arraySize, tagOf } from "./values.as";

// In the order of lua/kernel/core/known.lua.
export const BY_PID: usize = KNOWN;
export const UNIT_OF: usize = KNOWN + 4;
export const SCHEDULER: usize = KNOWN + 8;
export const SECURITY: usize = KNOWN + 12;
export const MESSAGE_META: usize = KNOWN + 16;
export const CHANNEL_META: usize = KNOWN + 20;
export const NOTHING: usize = KNOWN + 24;
export const FIRST: usize = KNOWN + 28;
export const ITEMS: usize = KNOWN + 32;
export const RECEIVERS: usize = KNOWN + 36;
export const SENDERS: usize = KNOWN + 40;
export const CLOSED: usize = KNOWN + 44;
export const DECODE: usize = KNOWN + 48;
export const LIMITS: usize = KNOWN + 52;
export const FRAME: usize = KNOWN + 56;
export const SCOPE: usize = KNOWN + 60;
export const STRICT: usize = KNOWN + 64;
export const CONTEXT: usize = KNOWN + 68;
export const DELIVERS: usize = KNOWN + 72;
export const PID: usize = KNOWN + 76;
export const LISTENERS: usize = KNOWN + 80;
export const INBOX: usize = KNOWN + 84;
export const CURRENT: usize = KNOWN + 88;
export const CO: usize = KNOWN + 92;
export const QUEUE_FIRST: usize = KNOWN + 96;
export const QUEUE_BEHIND: usize = KNOWN + 100;
export const STEPS: usize = KNOWN + 104;
export const RUNNING: usize = KNOWN + 108;
export const UNIT: usize = KNOWN + 112;
export const LIVE: usize = KNOWN + 116;
export const OBSERVER: usize = KNOWN + 120;
export const GONE: usize = KNOWN + 124;
export const PROCESSES: usize = MORE_KNOWN;
export const MAIN: usize = MORE_KNOWN + 4;
export const ENDED: usize = MORE_KNOWN + 8;
export const SPARE: usize = MORE_KNOWN + 12;
export const N: usize = MORE_KNOWN + 16;
export const ROUTES: usize = MORE_KNOWN + 20;
// Fields of a unit that its end has to look at, to the end of the list.
export const OBLIGATIONS: usize = MORE_KNOWN + 24;
export const OBLIGATION_COUNT: usize = 10;

// Counters: of the messages that arrived.
export const ARRIVALS: usize = COUNTERS;

// host.know(list)
export function host_know(L: usize): i32 {
  const list = argument(L, 1);
  if (tagOf(list) !== TAG_TABLE) return 0;
  const table = load<usize>(list);
  const count = arraySize(table);
  if (count > MOST_KNOWN) unreachable();
  for (let i: u32 = 0; i < count; i++) {
    const place = i < KNOWN_HERE ? KNOWN + i * 4 : MORE_KNOWN + (i - KNOWN_HERE) * 4;
    store<usize>(place, load<usize>(load<usize>(table + TABLE_ARRAY) + i * VALUE_SIZE));
  }
  store<usize>(L + STATE_TOP, list);
  return 0;
}
