// What the natives know of the kernel: addresses of its tables and of the strings and tables that are keys of its
// fields. `host.know(list)` notes them; the kernel keeps the list, so that they stay where they are.
import { STATE_TOP, TABLE_ARRAY, TAG_TABLE, VALUE_SIZE } from "./layout.as";
import { COUNTERS, KNOWN, KNOWN_CALLS, KNOWN_HERE, MORE_KNOWN, MOST_KNOWN } from "./memory.as";
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

// What calls use, by its number in the list that `host.know` gets second.
export const SIMPLE: usize = 0;
export const FUNCTIONS: usize = 1;
export const TIMING: usize = 2;
export const RECORD: usize = 3;
export const INSTANCES: usize = 4;
export const FREE: usize = 5;
export const CALLEE: usize = 6;
export const CALLER: usize = 7;
export const WAITER: usize = 8;
export const ENTRY: usize = 9;
export const INSTANCE: usize = 10;
export const SINCE: usize = 11;
export const CALLS: usize = 12;
export const SIZE: usize = 13;
export const LIMIT: usize = 14;
export const FIRST_QUEUED: usize = 15;
export const LAST_QUEUED: usize = 16;
export const QUIET: usize = 17;
export const DONE: usize = 18;
export const ON: usize = 19;
export const POOL: usize = 20;

// What spawns use, in the same list, and the metatable of payloads.
export const SANDBOX: usize = 21;
export const PLACEMENT: usize = 22;
export const ROOM: usize = 23;
export const HOSTS: usize = 24;
export const LIMITED: usize = 25;
export const PREFIXES: usize = 26;
export const NUMBERS: usize = 27;
export const BLANK: usize = 28;
export const COMPLETE: usize = 29;
export const LOADING: usize = 30;
export const ALONE: usize = 31;
export const FULL: usize = 32;
export const LEFT: usize = 33;
export const ENTRIES: usize = 34;
export const LOADED: usize = 35;
export const VARARG: usize = 36;
export const IMPORTS: usize = 37;
export const LOAD: usize = 38;
export const FACTORY: usize = 39;
export const ENVIRONMENT: usize = 40;
export const METHOD: usize = 41;
export const KIND: usize = 42;
export const PROCESS_HOST: usize = 43;
export const STATE: usize = 44;
export const RUNNING_HOST: usize = 45;
export const INDEX: usize = 46;
export const SEQUENCE: usize = 47;
export const SECRETS: usize = 48;
export const AT: usize = 49;
export const TURN: usize = 50;
export const STARTED: usize = 51;
export const PARENT: usize = 52;
export const ENV: usize = 53;
export const PAYLOAD_META: usize = 54;

// The slot of one of them.
export function knownSlot(n: usize): usize {
  return load<usize>(KNOWN_CALLS) + n * VALUE_SIZE;
}

// Its address.
export function knownCall(n: usize): usize {
  return load<usize>(knownSlot(n));
}

// Counters: of the messages that arrived.
export const ARRIVALS: usize = COUNTERS;

// host.know(list, calls)
export function host_know(L: usize): i32 {
  const list = argument(L, 1);
  const calls = argument(L, 2);
  if (tagOf(list) !== TAG_TABLE || tagOf(calls) !== TAG_TABLE) return 0;
  store<usize>(KNOWN_CALLS, load<usize>(load<usize>(calls) + TABLE_ARRAY));
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
