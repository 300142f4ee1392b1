// The run queue: a ring of entries, a coroutine and two values each, in the array of one Lua table; where it begins and
// how many there are is counted in the first KiB. lua/kernel/core/scheduler.lua has the rest of the scheduler.
import {
  ABSENT_SLOT,
  STATE_TOP,
  TABLE_ARRAY,
  TABLE_LIMIT,
  TAG_EMPTY,
  TAG_FALSE,
  TAG_INTEGER,
  TAG_NIL,
  TAG_SHORT_STRING,
  TAG_TABLE,
  TAG_TRUE,
  VALUE_SIZE,
} from "./layout.as";
import { can_suspend, host_park, host_resume, luaH_resize, step_fuel } from "./lua.as";
import {
  BY_PID,
  CO,
  CONTEXT,
  CURRENT,
  ENDED,
  GONE,
  LIVE,
  MAIN,
  NOTHING,
  OBSERVER,
  PID,
  PROCESSES,
  RUNNING,
  SCHEDULER,
  STEPS,
  UNIT,
} from "./kept.as";
import { keepSpare } from "./spare.as";
import { COUNTERS, FUEL_TAKEN, STEPS_TAKEN } from "./memory.as";
import { noteGone } from "./gone.as";
import { assign, assignInteger, field, fieldOf, hasObligations, truthy, unitOf } from "./fields.as";
import { argument, barrier, kindOf, NIL, setTag, TABLE, tagOf, THREAD } from "./values.as";

const QUEUE: usize = COUNTERS + 8;
const HEAD: usize = COUNTERS + 12;
const COUNT: usize = COUNTERS + 16;
const LEFT: usize = COUNTERS + 20;

const VALUES: u32 = 3;
const ENTRY: usize = 48;
const FIRST_ROOM: u32 = 1024;
// Room that an empty queue keeps.
const MOST_KEPT: u32 = 65536;
// Steps between two looks at the clock.
const STEPS_AT_ONCE: u32 = 64;
// Steps after which the fuel of a coroutine, which is counted in a word of it, is asked for.
const STEPS_COUNTED: u64 = 8191;
const RETURNED: i32 = 0;
const PARKED: i32 = 2;
const SPENT: i32 = 3;
// What `host.steps` answers beside the statuses of `host.resume`.
const COUNT_FUEL: i32 = 4;
// Fuel of a step from which on the kernel hears of it; lua/kernel/core/scheduler.lua has the same.
const COSTLY: i32 = 16384;

function room(queue: usize): u32 {
  return load<u32>(queue + TABLE_LIMIT) / VALUES;
}

function entryAt(queue: usize, i: u32): usize {
  let at = load<u32>(HEAD) + i;
  const size = room(queue);
  if (at >= size) at -= size;
  return load<usize>(queue + TABLE_ARRAY) + at * ENTRY;
}

// Makes room for one more entry. It may fail for want of memory: then nothing has changed.
export function makeRoom(L: usize): void {
  const queue = load<usize>(QUEUE);
  const size = room(queue);
  const count = load<u32>(COUNT);
  if (count < size) return;
  luaH_resize(L, queue, (size ? size * 2 : FIRST_ROOM) * VALUES, 0);
  // What was before the head is behind the rest now.
  const array = load<usize>(queue + TABLE_ARRAY);
  const head = load<u32>(HEAD);
  memory.copy(array + size * ENTRY, array, head * ENTRY);
  for (let at = array, end = array + head * ENTRY; at < end; at += VALUE_SIZE) setTag(at, TAG_NIL);
}

// The place of a new entry at the end; `makeRoom` was called before.
export function enqueue(L: usize): usize {
  const queue = load<usize>(QUEUE);
  const count = load<u32>(COUNT);
  store<u32>(COUNT, count + 1);
  barrier(L, queue);
  return entryAt(queue, count);
}

function given(base: usize, n: usize, top: usize, to: usize): void {
  const at = base + n * VALUE_SIZE;
  if (top > at) assign(to, at);
  else setTag(to, TAG_NIL);
}

// host.ready(co, a, b): makes a coroutine runnable.
export function host_ready(L: usize): i32 {
  makeRoom(L);
  const base = argument(L, 1);
  const top = load<usize>(L + STATE_TOP);
  const entry = enqueue(L);
  given(base, 0, top, entry);
  given(base, 1, top, entry + VALUE_SIZE);
  given(base, 2, top, entry + 2 * VALUE_SIZE);
  return 0;
}

// host.ready_first(co, a, b): the same, before all the others.
export function host_ready_first(L: usize): i32 {
  makeRoom(L);
  const queue = load<usize>(QUEUE);
  const head = load<u32>(HEAD);
  store<u32>(HEAD, (head ? head : room(queue)) - 1);
  store<u32>(COUNT, load<u32>(COUNT) + 1);
  barrier(L, queue);
  const base = argument(L, 1);
  const top = load<usize>(L + STATE_TOP);
  const entry = entryAt(queue, 0);
  given(base, 0, top, entry);
  given(base, 1, top, entry + VALUE_SIZE);
  given(base, 2, top, entry + 2 * VALUE_SIZE);
  return 0;
}

function push(L: usize, value: u64): i32 {
  const top = load<usize>(L + STATE_TOP);
  assignInteger(top, value, TAG_INTEGER);
  store<usize>(L + STATE_TOP, top + VALUE_SIZE);
  return 1;
}

// host.waiting() -> how many are runnable.
export function host_waiting(L: usize): i32 {
  return push(L, load<u32>(COUNT));
}

// host.entry_at(i) -> the i-th runnable coroutine, from 0; nothing behind the last.
export function host_entry_at(L: usize): i32 {
  const base = argument(L, 1);
  const i = load<u32>(base);
  if (i >= load<u32>(COUNT)) return 0;
  assign(base, entryAt(load<usize>(QUEUE), i));
  store<usize>(L + STATE_TOP, base + VALUE_SIZE);
  return 1;
}

// host.exchange(i): the first entry and the i-th, from 0, take each other's place.
export function host_exchange(L: usize): i32 {
  const i = load<u32>(argument(L, 1));
  if (i === 0 || i >= load<u32>(COUNT)) return 0;
  const first = entryAt(load<usize>(QUEUE), 0);
  const other = entryAt(load<usize>(QUEUE), i);
  for (let at: usize = 0; at < ENTRY; at += 8) {
    const word = load<u64>(first + at);
    store<u64>(first + at, load<u64>(other + at));
    store<u64>(other + at, word);
  }
  return 0;
}

// host.queue(table, head, count) -> head and count before: from now on the table is the queue.
export function host_queue(L: usize): i32 {
  const base = argument(L, 1);
  const head = load<u32>(HEAD);
  const count = load<u32>(COUNT);
  if (tagOf(base) !== TAG_TABLE) unreachable();
  store<usize>(QUEUE, load<usize>(base));
  store<u32>(HEAD, load<u32>(base + VALUE_SIZE));
  store<u32>(COUNT, load<u32>(base + 2 * VALUE_SIZE));
  store<usize>(L + STATE_TOP, base);
  push(L, head);
  return push(L, count) + 1;
}

// host.tidy(): gives the room of a queue back that was long and is empty.
export function host_tidy(L: usize): i32 {
  const queue = load<usize>(QUEUE);
  if (load<u32>(COUNT) === 0 && room(queue) > MOST_KEPT) {
    store<u32>(HEAD, 0);
    luaH_resize(L, queue, FIRST_ROOM * VALUES, 0);
  }
  return 0;
}

// Ends a process whose main coroutine has returned nothing and whose end nobody is to be told of. False: Lua does it.
function endPlain(L: usize, unit: usize, co: usize): bool {
  const main = field(unit, MAIN);
  const context = field(unit, CONTEXT);
  const pid = field(unit, PID);
  const ended = field(unit, ENDED);
  if (
    kindOf(main) !== THREAD || load<usize>(main) !== co || tagOf(ended) !== TAG_FALSE ||
    tagOf(pid) !== TAG_SHORT_STRING || kindOf(context) !== TABLE ||
    load<usize>(context) !== load<usize>(PROCESSES)
  ) return false;
  if (hasObligations(unit)) return false;
  const all = load<usize>(UNIT);
  if (truthy(field(all, OBSERVER))) return false;
  const live = field(all, LIVE);
  const known = fieldOf(load<usize>(BY_PID), load<usize>(pid));
  if (tagOf(live) !== TAG_INTEGER || kindOf(known) !== TABLE) return false;
  if (truthy(field(all, GONE)) && !noteGone(pid)) return false;
  setTag(ended, TAG_TRUE);
  store<u64>(live, load<u64>(live) - 1);
  setTag(known, TAG_EMPTY);
  const owner = unitOf(co);
  if (owner !== ABSENT_SLOT) setTag(owner, TAG_EMPTY);
  keepSpare(L, co);
  return true;
}

function current(scheduler: usize): usize {
  const slot = field(scheduler, CURRENT);
  if (slot === ABSENT_SLOT) unreachable();
  return slot;
}

function currentCo(scheduler: usize): usize {
  const slot = field(scheduler, CO);
  if (slot === ABSENT_SLOT) unreachable();
  return slot;
}

// host.waiter() -> what `host.park()` suspends: the outermost coroutine, for whoever is to wake it. Raises what that
// would where nothing may stop, so that nobody is told of a coroutine which then does not wait.
export function host_waiter(L: usize): i32 {
  if (!can_suspend(L)) return host_park(L);
  const top = load<usize>(L + STATE_TOP);
  assign(top, currentCo(load<usize>(SCHEDULER)));
  store<usize>(L + STATE_TOP, top + VALUE_SIZE);
  return 1;
}

// host.steps_taken() -> how many steps were taken since the last call, but for those that spent a slice, and what they
// burnt. Of a costly one no more counts than makes it one: a few of them are to say little about all that wait.
export function host_steps_taken(L: usize): i32 {
  const steps = load<u32>(STEPS_TAKEN);
  const fuel = load<u32>(FUEL_TAKEN);
  store<u64>(STEPS_TAKEN, 0);
  push(L, steps);
  return push(L, fuel) + 1;
}

// host.steps(most): resumes what is runnable, one after another. Nothing: nobody is, or `most` steps are over (without
// a number: it is time to look at the clock); else what `host.resume` answered, unless that parked, or 4: the unit's
// fuel is to be counted, or the step was a costly one. `scheduler.current` and `co` say whose.
export function host_steps(L: usize): i32 {
  const scheduler = load<usize>(SCHEDULER);
  const limited = load<usize>(L + STATE_TOP) > argument(L, 1);
  let most: u32 = limited ? load<u32>(argument(L, 1)) : 0;
  while (load<u32>(COUNT) !== 0) {
    if (limited) {
      if (most-- === 0) break;
    } else {
      const left = load<u32>(LEFT);
      if (left === 0) {
        store<u32>(LEFT, STEPS_AT_ONCE);
        break;
      }
      store<u32>(LEFT, left - 1);
    }
    const queue = load<usize>(QUEUE);
    const entry = entryAt(queue, 0);
    const head = load<u32>(HEAD) + 1;
    store<u32>(HEAD, head === room(queue) ? 0 : head);
    store<u32>(COUNT, load<u32>(COUNT) - 1);
    // The stack may move while something runs.
    const base = argument(L, 1);
    assign(base, entry);
    assign(base + VALUE_SIZE, entry + VALUE_SIZE);
    assign(base + 2 * VALUE_SIZE, entry + 2 * VALUE_SIZE);
    setTag(entry, TAG_NIL);
    setTag(entry + VALUE_SIZE, TAG_NIL);
    setTag(entry + 2 * VALUE_SIZE, TAG_NIL);
    const unit = unitOf(load<usize>(base));
    if (kindOf(unit) === NIL) continue;
    // Kept alive in a list of the kernel's while they run: current and co change meanwhile.
    const running = load<usize>(RUNNING);
    const kept = load<usize>(running + TABLE_ARRAY);
    assign(kept, unit);
    assign(kept + VALUE_SIZE, base);
    barrier(L, running);
    assign(current(scheduler), unit);
    assign(currentCo(scheduler), base);
    barrier(L, scheduler);
    let counted = false;
    const steps = field(load<usize>(unit), STEPS);
    if (tagOf(steps) === TAG_INTEGER) {
      const n = load<u64>(steps) + 1;
      store<u64>(steps, n);
      counted = (n & STEPS_COUNTED) === 0;
    }
    // What yielded by itself is resumed without values.
    const plain = tagOf(base + VALUE_SIZE) === TAG_TABLE &&
      load<usize>(base + VALUE_SIZE) === load<usize>(NOTHING);
    store<usize>(L + STATE_TOP, base + (plain ? 1 : 3) * VALUE_SIZE);
    const results = host_resume(L);
    const first = argument(L, 1);
    const status = load<i32>(first);
    const fuel = step_fuel();
    const costly = fuel >= COSTLY;
    if (status !== SPENT) {
      store<u32>(STEPS_TAKEN, load<u32>(STEPS_TAKEN) + 1);
      store<u32>(FUEL_TAKEN, load<u32>(FUEL_TAKEN) + (costly ? COSTLY : fuel));
    }
    if (status === PARKED && !counted && !costly) {
      store<usize>(L + STATE_TOP, first);
      continue;
    }
    if (
      status === RETURNED && results === 1 && !costly &&
      endPlain(L, load<usize>(kept), load<usize>(kept + VALUE_SIZE))
    ) {
      store<usize>(L + STATE_TOP, first);
      continue;
    }
    assign(current(scheduler), kept);
    assign(currentCo(scheduler), kept + VALUE_SIZE);
    barrier(L, scheduler);
    if (status !== PARKED) return results;
    assignInteger(first, COUNT_FUEL, TAG_INTEGER);
    store<usize>(L + STATE_TOP, first + VALUE_SIZE);
    return 1;
  }
  store<usize>(L + STATE_TOP, argument(L, 1));
  return 0;
}
