// Spawns as most programs make them: without arguments, of an entry without imports of which a process has run before,
// on a host without limits, by the only worker. It does what lua/kernel/processes/plain.lua does; all else is left to
// Lua.
import {
  ABSENT_SLOT,
  COLLECTABLE,
  OBJECT_TAG,
  STATE_TOP,
  TABLE_METATABLE,
  TAG_FALSE,
  TAG_INTEGER,
  TAG_LONG_STRING,
  TAG_NIL,
  TAG_SHORT_STRING,
  TAG_TABLE,
  TAG_TRUE,
  VALUE_SIZE,
} from "./layout.as";
import { burn, call_instead, lua_pcallk, luaH_newkey } from "./lua.as";
import { part, refer } from "./calls.as";
import { copyRecord } from "./clone.as";
import {
  ALONE,
  AT,
  BLANK,
  BY_PID,
  COMPLETE,
  CONTEXT,
  CURRENT,
  ENTRIES,
  ENTRY,
  ENV,
  ENVIRONMENT,
  FACTORY,
  FRAME,
  FULL,
  FUNCTIONS,
  HOSTS,
  IMPORTS,
  INDEX,
  KIND,
  knownCall,
  knownSlot,
  LEFT,
  LIMITED,
  LIVE,
  LOAD,
  LOADED,
  LOADING,
  MAIN,
  METHOD,
  NUMBERS,
  OBSERVER,
  PARENT,
  PID,
  PLACEMENT,
  PREFIXES,
  PROCESS_HOST,
  PROCESSES,
  ROOM,
  RUNNING_HOST,
  SANDBOX,
  SCHEDULER,
  SCOPE,
  SECRETS,
  SECURITY,
  SEQUENCE,
  STARTED,
  STATE,
  STRICT,
  TURN,
  UNIT,
  UNIT_OF,
  VARARG,
} from "./kept.as";
import { assign, field, fieldOf, truthy, unitOf } from "./fields.as";
import { instead } from "./mailbox.as";
import { pidText, SECRET } from "./pid.as";
import { enqueue, makeRoom } from "./queue.as";
import { host_coroutine } from "./spare.as";
import {
  argument,
  barrier,
  collect,
  FUNCTION,
  kindOf,
  newTable,
  setTag,
  TABLE,
  tagOf,
} from "./values.as";

// Fuel of a spawn: what the calls burn that Lua makes for it.
const SPAWN: u32 = 24;
const WORKER_BITS: u64 = 6;
// Where a spawn has what, on the stack: the function last, where a coroutine expects it.
const ID: usize = 0;
const PARENT_UNIT: usize = 2;
const CHILD: usize = 3;
const GLOBALS: usize = 4;
const VALUE: usize = 5;

function isText(slot: usize, known: usize): bool {
  return tagOf(slot) === TAG_SHORT_STRING && load<usize>(slot) === knownCall(known);
}

// Whether units are started as the native does it, at this moment.
function isPlainMoment(): bool {
  const all = load<usize>(UNIT);
  const room = knownCall(ROOM);
  const left = part(room, LEFT);
  return !truthy(field(load<usize>(SECURITY), STRICT)) && !truthy(field(all, OBSERVER)) &&
    tagOf(field(all, LIVE)) === TAG_INTEGER &&
    tagOf(part(knownCall(SANDBOX), LOADING)) === TAG_FALSE &&
    truthy(part(knownCall(PLACEMENT), ALONE)) && !truthy(part(room, FULL)) &&
    tagOf(left) === TAG_INTEGER && load<i64>(left) > 1;
}

// Whether a host starts any number of processes.
function isPlainHost(id: usize): bool {
  const host = fieldOf(knownCall(HOSTS), id);
  return kindOf(host) === TABLE && isText(part(load<usize>(host), KIND), PROCESS_HOST) &&
    isText(part(load<usize>(host), STATE), RUNNING_HOST) &&
    !truthy(fieldOf(knownCall(LIMITED), id)) &&
    tagOf(fieldOf(knownCall(PREFIXES), id)) === TAG_SHORT_STRING;
}

// Whether all is known of an entry: its code has run, and takes no notice of how many arguments there are.
function isPlainEntry(entry: usize): bool {
  return truthy(part(entry, LOADED)) && tagOf(part(entry, VARARG)) === TAG_FALSE &&
    !truthy(part(entry, IMPORTS)) && kindOf(part(entry, LOAD)) === TABLE &&
    kindOf(part(entry, FACTORY)) === FUNCTION && kindOf(part(entry, ENVIRONMENT)) === TABLE &&
    tagOf(part(entry, METHOD)) === TAG_SHORT_STRING;
}

// Puts a value on the stack, which has room for what a C function needs.
function put(L: usize, at: usize): void {
  const top = load<usize>(L + STATE_TOP);
  assign(top, at);
  store<usize>(L + STATE_TOP, top + VALUE_SIZE);
}

function slot(L: usize, n: usize): usize {
  return argument(L, 1) + n * VALUE_SIZE;
}

// The address of the table there.
function held(L: usize, n: usize): usize {
  return load<usize>(slot(L, n));
}

// Puts the parent, the new unit and its globals behind the two arguments. False: it is nothing for the native, and
// nothing has changed.
function prepare(L: usize, base: usize): bool {
  const scheduler = load<usize>(SCHEDULER);
  const current = field(scheduler, CURRENT);
  if (kindOf(current) !== TABLE) return false;
  const parent = load<usize>(current);
  const frame = field(parent, FRAME);
  const context = field(parent, CONTEXT);
  if (kindOf(frame) !== TABLE || kindOf(context) !== TABLE) return false;
  const handlers = load<usize>(context);
  const known = fieldOf(load<usize>(part(knownCall(SANDBOX), ENTRIES)), load<usize>(base));
  const host = load<usize>(base + VALUE_SIZE);
  if (
    (handlers !== load<usize>(PROCESSES) && handlers !== knownCall(FUNCTIONS)) ||
    truthy(field(load<usize>(frame), SCOPE)) || !isPlainMoment() || !isPlainHost(host) ||
    kindOf(known) !== TABLE || !isPlainEntry(load<usize>(known))
  ) return false;
  const numbers = knownCall(NUMBERS);
  const secrets = part(numbers, SECRETS);
  const at = part(numbers, AT);
  if (tagOf(secrets) !== TAG_LONG_STRING) return false;
  const sequence = part(numbers, SEQUENCE);
  const number = load<u64>(sequence) + 1;
  const prefix = load<usize>(fieldOf(knownCall(PREFIXES), host));

  put(L, current);
  const unit = copyRecord(L, knownCall(BLANK));
  const pid = pidText(
    L,
    prefix,
    load<usize>(secrets),
    load<u32>(at),
    (number << WORKER_BITS) + load<u64>(part(numbers, INDEX)),
  );
  // The end of a process is native for short ones only, and they are what by_pid is searched for.
  if (!pid || load<u8>(pid + OBJECT_TAG) !== (TAG_SHORT_STRING & ~COLLECTABLE)) return false;
  const name = field(unit, PID);
  store<usize>(name, pid);
  setTag(name, TAG_SHORT_STRING);
  const entry = load<usize>(known);
  refer(unit, knownCall(ENTRY), entry);
  refer(unit, load<usize>(CONTEXT), load<usize>(PROCESSES));
  refer(unit, load<usize>(FRAME), load<usize>(frame));
  const from = field(parent, PID);
  if (truthy(from)) assign(part(unit, PARENT), from);
  assign(part(unit, STARTED), part(scheduler, TURN));
  barrier(L, unit);
  const top = load<usize>(L + STATE_TOP);
  const globals = newTable(L);
  store<usize>(top, globals);
  setTag(top, TAG_TABLE);
  store<usize>(L + STATE_TOP, top + VALUE_SIZE);
  store<usize>(globals + TABLE_METATABLE, load<usize>(part(entry, ENVIRONMENT)));
  barrier(L, globals);
  // Nothing of it fails from here on.
  store<u64>(sequence, number);
  store<u64>(at, load<u64>(at) + <u64> SECRET);
  const left = part(knownCall(ROOM), LEFT);
  store<u64>(left, load<u64>(left) - 1);
  return true;
}

// Runs the chunk in the new unit's name, below which nothing may stop. Its value, or what it has raised, is on top of
// the stack then. Returns what went well: 0: nothing, 1: the chunk was made, 2: it has returned.
function runChunk(L: usize): i32 {
  const scheduler = load<usize>(SCHEDULER);
  const sandbox = knownCall(SANDBOX);
  assign(field(scheduler, CURRENT), slot(L, CHILD));
  barrier(L, scheduler);
  assign(part(sandbox, LOADING), slot(L, GLOBALS));
  barrier(L, sandbox);
  put(L, part(load<usize>(fieldOf(held(L, CHILD), knownCall(ENTRY))), FACTORY));
  put(L, slot(L, GLOBALS));
  let went = 0;
  if (lua_pcallk(L, 1, 1, 0, 0, 0) === 0) {
    went = lua_pcallk(L, 0, 1, 0, 0, 0) === 0 ? 2 : 1;
  }
  setTag(part(sandbox, LOADING), TAG_FALSE);
  assign(field(scheduler, CURRENT), slot(L, PARENT_UNIT));
  barrier(L, scheduler);
  return went;
}

// Has Lua complete it: plain.complete(unit, globals or nil, whether the chunk has returned, its value).
function completeInLua(L: usize, went: i32): i32 {
  const base = argument(L, 1);
  assign(base, base + CHILD * VALUE_SIZE);
  assign(base + VALUE_SIZE, base + GLOBALS * VALUE_SIZE);
  if (went === 0) setTag(base + VALUE_SIZE, TAG_NIL);
  setTag(base + 2 * VALUE_SIZE, went === 2 ? TAG_TRUE : TAG_FALSE);
  assign(base + 3 * VALUE_SIZE, base + VALUE * VALUE_SIZE);
  store<usize>(L + STATE_TOP, base + 4 * VALUE_SIZE);
  return call_instead(L, knownSlot(COMPLETE));
}

// process.spawn(id, host), bound to that in Lua.
export function host_spawn_plain(L: usize): i32 {
  const base = argument(L, 1);
  if (
    load<usize>(L + STATE_TOP) !== base + 2 * VALUE_SIZE || tagOf(base) !== TAG_SHORT_STRING ||
    tagOf(base + VALUE_SIZE) !== TAG_SHORT_STRING
  ) return instead(L, base);
  if (!prepare(L, base)) {
    store<usize>(L + STATE_TOP, base + 2 * VALUE_SIZE);
    return instead(L, base);
  }
  const went = runChunk(L);
  const unit = held(L, CHILD);
  let fn = slot(L, VALUE);
  if (went === 2 && kindOf(fn) === TABLE) {
    const entry = load<usize>(fieldOf(unit, knownCall(ENTRY)));
    fn = fieldOf(load<usize>(fn), load<usize>(part(entry, METHOD)));
  }
  if (went !== 2 || kindOf(fn) !== FUNCTION) return completeInLua(L, went);

  // The id makes room for the function.
  assign(slot(L, ID), fn);
  host_coroutine(L);
  const co = load<usize>(L + STATE_TOP) - VALUE_SIZE;
  makeRoom(L);
  const known = unitOf(load<usize>(co));
  const units = load<usize>(UNIT_OF);
  if (known === ABSENT_SLOT) luaH_newkey(L, units, co, slot(L, CHILD));
  else assign(known, slot(L, CHILD));
  barrier(L, units);
  const processes = load<usize>(BY_PID);
  luaH_newkey(L, processes, field(unit, PID), slot(L, CHILD));
  barrier(L, processes);
  // Nothing fails from here on.
  refer(unit, knownCall(ENV), held(L, GLOBALS));
  assign(field(unit, MAIN), co);
  barrier(L, unit);
  const live = field(load<usize>(UNIT), LIVE);
  store<u64>(live, load<u64>(live) + 1);
  const queued = enqueue(L);
  assign(queued, co);
  setTag(queued + VALUE_SIZE, TAG_NIL);
  setTag(queued + 2 * VALUE_SIZE, TAG_NIL);
  burn(SPAWN);
  collect(L);
  const result = slot(L, ID);
  assign(result, field(unit, PID));
  setTag(result + VALUE_SIZE, TAG_NIL);
  store<usize>(L + STATE_TOP, result + 2 * VALUE_SIZE);
  return 2;
}
