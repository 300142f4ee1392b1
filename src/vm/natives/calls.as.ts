// Calls of functions of the same worker, as most programs make them: of a function without options whose pool has a
// free instance, with one plain value at most, and a plain result. All else is left to lua/kernel/functions.
import {
  ABSENT_SLOT,
  STATE_TOP,
  TAG_EMPTY,
  TAG_FALSE,
  TAG_INTEGER,
  TAG_NIL,
  TAG_SHORT_STRING,
  TAG_TABLE,
  TAG_TRUE,
  VALUE_SIZE,
} from "./layout.as";
import {
  burn,
  can_suspend,
  host_park,
  luaH_getint,
  luaH_getn,
  luaH_newkey,
  luaH_setint,
} from "./lua.as";
import { copyRecord } from "./clone.as";
import {
  CALLEE,
  CALLER,
  CALLS,
  CO,
  CONTEXT,
  CURRENT,
  DONE,
  ENDED,
  ENTRY,
  FIRST_QUEUED,
  FRAME,
  FREE,
  FUNCTIONS,
  INSTANCE,
  INSTANCES,
  knownCall,
  LAST_QUEUED,
  LIMIT,
  LIVE,
  MAIN,
  N,
  OBSERVER,
  ON,
  PID,
  POOL,
  PROCESSES,
  QUIET,
  RECORD,
  SCHEDULER,
  SCOPE,
  SECURITY,
  SIMPLE,
  SINCE,
  SIZE,
  STRICT,
  TIMING,
  UNIT,
  UNIT_OF,
  WAITER,
} from "./kept.as";
import {
  assign,
  assignInteger,
  entryOf,
  field,
  fieldOf,
  hasObligations,
  truthy,
  unitOf,
} from "./fields.as";
import { instead } from "./mailbox.as";
import { KEY } from "./memory.as";
import { enqueue, makeRoom } from "./queue.as";
import {
  argument,
  barrier,
  collect,
  kindOf,
  LIGHT_USERDATA,
  setTag,
  STRING,
  TABLE,
  tagOf,
  THREAD,
} from "./values.as";

// Fuel of a call, and of its end.
const CALL: u32 = 8;

function isPlain(value: usize): bool {
  const kind = kindOf(value);
  return kind <= STRING && kind !== LIGHT_USERDATA;
}

// A field by the number of its name in the second list of `host.know`.
export function part(table: usize, name: usize): usize {
  return fieldOf(table, knownCall(name));
}

// Puts a table into a field of a record, which has all of its fields.
export function refer(record: usize, name: usize, table: usize): void {
  const slot = fieldOf(record, name);
  store<usize>(slot, table);
  setTag(slot, TAG_TABLE);
}

// Starts the call of the function whose id is at `base`, with the value behind it if there is one (`n`).
function begin(L: usize, base: usize, n: u64): bool {
  if (n === 1 && !isPlain(base + VALUE_SIZE)) return false;
  const called = fieldOf(knownCall(SIMPLE), load<usize>(base));
  const scheduler = load<usize>(SCHEDULER);
  const current = field(scheduler, CURRENT);
  const waiter = field(scheduler, CO);
  if (kindOf(called) !== TABLE || kindOf(current) !== TABLE || kindOf(waiter) !== THREAD) {
    return false;
  }
  const entry = load<usize>(called);
  const caller = load<usize>(current);
  const frame = field(caller, FRAME);
  const context = field(caller, CONTEXT);
  const owned = part(caller, CALLS);
  if (kindOf(frame) !== TABLE || kindOf(context) !== TABLE || kindOf(owned) !== TABLE) return false;
  const handlers = load<usize>(context);
  if (
    (handlers !== load<usize>(PROCESSES) && handlers !== knownCall(FUNCTIONS)) ||
    truthy(field(load<usize>(frame), SCOPE)) || truthy(field(load<usize>(SECURITY), STRICT)) ||
    truthy(part(knownCall(TIMING), ON))
  ) return false;
  const all = load<usize>(UNIT);
  const live = field(all, LIVE);
  const pool = part(entry, INSTANCES);
  if (truthy(field(all, OBSERVER)) || tagOf(live) !== TAG_INTEGER || kindOf(pool) !== TABLE) {
    return false;
  }
  const free = part(load<usize>(pool), FREE);
  if (kindOf(free) !== TABLE) return false;
  const list = load<usize>(free);
  const count = luaH_getn(list);
  if (count === 0) return false;
  const last = luaH_getint(list, count);
  if (kindOf(last) !== TABLE) return false;
  const instance = load<usize>(last);
  const co = field(instance, CO);
  const serves = part(instance, CALLEE);
  const given = field(instance, N);
  if (kindOf(co) !== THREAD || tagOf(serves) !== TAG_FALSE || tagOf(given) !== TAG_INTEGER) {
    return false;
  }
  // The place of a coroutine that has served before, unless the collector has taken it.
  const unit = unitOf(load<usize>(co));
  if (unit === ABSENT_SLOT) return false;

  makeRoom(L);
  const top = load<usize>(L + STATE_TOP);
  const callee = copyRecord(L, knownCall(RECORD));
  setTag(KEY, TAG_TRUE);
  luaH_newkey(L, load<usize>(owned), top, KEY);
  // Nothing fails from here on.
  refer(callee, knownCall(ENTRY), entry);
  refer(callee, load<usize>(CONTEXT), knownCall(FUNCTIONS));
  refer(callee, load<usize>(FRAME), load<usize>(frame));
  assign(field(callee, MAIN), co);
  refer(callee, knownCall(INSTANCE), instance);
  refer(callee, knownCall(CALLER), caller);
  assign(part(callee, WAITER), waiter);
  barrier(L, callee);
  refer(instance, knownCall(CALLEE), callee);
  barrier(L, instance);
  store<u64>(given, n);
  assign(unit, top);
  barrier(L, load<usize>(UNIT_OF));
  store<u64>(live, load<u64>(live) + 1);
  const queued = enqueue(L);
  assign(queued, co);
  if (n === 1) assign(queued + VALUE_SIZE, base + VALUE_SIZE);
  else setTag(queued + VALUE_SIZE, TAG_NIL);
  setTag(queued + 2 * VALUE_SIZE, TAG_NIL);
  setTag(last, TAG_EMPTY);
  store<usize>(L + STATE_TOP, top);
  burn(CALL);
  collect(L);
  return true;
}

// funcs.call(id) and funcs.call(id, value), bound to that in Lua.
export function host_call_plain(L: usize): i32 {
  const base = argument(L, 1);
  const given = load<usize>(L + STATE_TOP) - base;
  if (
    given < VALUE_SIZE || given > 2 * VALUE_SIZE || tagOf(base) !== TAG_SHORT_STRING ||
    !can_suspend(L) || !begin(L, base, given > VALUE_SIZE ? 1 : 0)
  ) return instead(L, base);
  store<usize>(L + STATE_TOP, argument(L, 1));
  return host_park(L);
}

// Of a call that has ended: the slot of its future; 0: a coroutine waits for it.
let future: usize = 0;

// Ends the call that the instance at `base` serves, with the value behind it if there is one.
function end(L: usize, base: usize, empty: bool): bool {
  const value = base + VALUE_SIZE;
  if (tagOf(base) !== TAG_TABLE || (!empty && !isPlain(value))) return false;
  const instance = load<usize>(base);
  const serves = part(instance, CALLEE);
  const co = field(load<usize>(SCHEDULER), CO);
  if (kindOf(serves) !== TABLE || kindOf(co) !== THREAD) return false;
  const callee = load<usize>(serves);
  const context = field(callee, CONTEXT);
  const main = field(callee, MAIN);
  const ended = field(callee, ENDED);
  const waiter = part(callee, WAITER);
  const caller = part(callee, CALLER);
  if (
    kindOf(context) !== TABLE || load<usize>(context) !== knownCall(FUNCTIONS) ||
    kindOf(main) !== THREAD || load<usize>(main) !== load<usize>(co) ||
    tagOf(ended) !== TAG_FALSE || (kindOf(waiter) !== THREAD && kindOf(waiter) !== TABLE) ||
    kindOf(caller) !== TABLE ||
    hasObligations(callee) || truthy(field(callee, PID)) || truthy(part(instance, SINCE))
  ) return false;
  const owned = part(load<usize>(caller), CALLS);
  const slot = part(instance, POOL);
  const all = load<usize>(UNIT);
  const live = field(all, LIVE);
  if (
    kindOf(owned) !== TABLE || kindOf(slot) !== TABLE || tagOf(live) !== TAG_INTEGER ||
    truthy(field(all, OBSERVER))
  ) return false;
  const mine = entryOf(load<usize>(owned), callee, TAG_TABLE);
  const pool = load<usize>(slot);
  const free = part(pool, FREE);
  const size = part(pool, SIZE);
  const limit = part(pool, LIMIT);
  const first = part(pool, FIRST_QUEUED);
  const last = part(pool, LAST_QUEUED);
  const quiet = part(pool, QUIET);
  const done = part(pool, DONE);
  if (
    mine === ABSENT_SLOT || kindOf(free) !== TABLE || tagOf(size) !== TAG_INTEGER ||
    tagOf(limit) !== TAG_INTEGER || tagOf(first) !== TAG_INTEGER || tagOf(last) !== TAG_INTEGER ||
    tagOf(quiet) !== TAG_INTEGER || tagOf(done) !== TAG_INTEGER
  ) return false;
  // Whoever waits for the instance gets it, and a pool that has shrunk drops it.
  if (load<i64>(size) > load<i64>(limit) || load<i64>(first) <= load<i64>(last)) return false;

  makeRoom(L);
  const list = load<usize>(free);
  luaH_setint(L, list, luaH_getn(list) + 1, base);
  barrier(L, list);
  // Nothing fails from here on.
  setTag(ended, TAG_TRUE);
  store<u64>(live, load<u64>(live) - 1);
  const unit = unitOf(load<usize>(co));
  if (unit !== ABSENT_SLOT) setTag(unit, TAG_EMPTY);
  setTag(serves, TAG_FALSE);
  setTag(mine, TAG_EMPTY);
  assignInteger(quiet, 0, TAG_INTEGER);
  store<u64>(done, load<u64>(done) + 1);
  burn(CALL);
  future = kindOf(waiter) === TABLE ? waiter : 0;
  if (future !== 0) return true;
  const queued = enqueue(L);
  assign(queued, waiter);
  if (empty) setTag(queued + VALUE_SIZE, TAG_NIL);
  else assign(queued + VALUE_SIZE, value);
  setTag(queued + 2 * VALUE_SIZE, TAG_NIL);
  collect(L);
  return true;
}

// returned(instance) and returned(instance, value) of lua/kernel/functions/functions.lua, bound to that. Where the call
// has a future, Lua completes it: returned(false, value, future).
export function host_returned(L: usize): i32 {
  const base = argument(L, 1);
  const given = load<usize>(L + STATE_TOP) - base;
  const empty = given === VALUE_SIZE;
  if (given < VALUE_SIZE || given > 2 * VALUE_SIZE || !can_suspend(L) || !end(L, base, empty)) {
    return instead(L, base);
  }
  if (future !== 0) {
    setTag(base, TAG_FALSE);
    if (empty) setTag(base + VALUE_SIZE, TAG_NIL);
    assign(base + 2 * VALUE_SIZE, future);
    store<usize>(L + STATE_TOP, base + 3 * VALUE_SIZE);
    return instead(L, base);
  }
  store<usize>(L + STATE_TOP, argument(L, 1));
  return host_park(L);
}
