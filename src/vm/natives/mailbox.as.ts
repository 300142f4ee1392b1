// Sending to a unit of this worker and receiving from a channel, as most programs do. All else is left to Lua.
import {
  ABSENT_SLOT,
  CLOSURE_UPVALUES,
  NODE_KEY,
  NODE_KEY_TAG,
  STATE_TOP,
  STRING_SHORT_LENGTH,
  STRING_TEXT,
  TABLE_ARRAY,
  TABLE_LIMIT,
  TABLE_METATABLE,
  TABLE_NODES,
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
  call_instead,
  can_suspend,
  host_park,
  lua_pushcclosure,
  luaH_getint,
  luaH_new,
  luaH_resize,
  luaH_setint,
  luaM_malloc_,
} from "./lua.as";
import { copyInto } from "./copy.as";
import {
  ARRIVALS,
  BY_PID,
  CHANNEL_META,
  CLOSED,
  CO,
  CONTEXT,
  CURRENT,
  DECODE,
  DELIVERS,
  FIRST,
  FRAME,
  INBOX,
  ITEMS,
  LIMITS,
  LISTENERS,
  MESSAGE_META,
  N,
  PID,
  QUEUE_BEHIND,
  QUEUE_FIRST,
  RECEIVERS,
  SCHEDULER,
  SCOPE,
  SECURITY,
  SENDERS,
  STRICT,
} from "./kept.as";
import { assign, assignInteger, field, fieldOf, hidden, truthy, unitOf } from "./fields.as";
import { enqueue, makeRoom } from "./queue.as";
import {
  argument,
  barrier,
  collect,
  kindOf,
  LIGHT_USERDATA,
  NIL,
  setTag,
  STRING,
  TABLE,
  tagOf,
  THREAD,
} from "./values.as";

// Characters that topics of the kernel begin with.
const AT: u8 = 64;
const DOLLAR: u8 = 36;
// Topic, sender, value, number of arrival.
const MESSAGE_VALUES: u32 = 4;
// Fuel of a message.
const SEND: u32 = 4;

// host.bind(native, fn): the native as a function that calls `fn` in its place for what it does not do.
export function host_bind(L: usize): i32 {
  const native = load<usize>(argument(L, 1));
  store<usize>(L + STATE_TOP, argument(L, 3));
  lua_pushcclosure(L, native, 1);
  return 1;
}

function instead(L: usize, base: usize): i32 {
  return call_instead(L, load<usize>(base - VALUE_SIZE) + CLOSURE_UPVALUES);
}

// host.arrival() -> the number of a message that arrives now.
export function host_arrival(L: usize): i32 {
  const top = load<usize>(L + STATE_TOP);
  const arrival = load<u64>(ARRIVALS) + 1;
  store<u64>(ARRIVALS, arrival);
  assignInteger(top, arrival, TAG_INTEGER);
  store<usize>(L + STATE_TOP, top + VALUE_SIZE);
  return 1;
}

// Gives a new message its array; one without a value has the number of its values beside it, too.
function layOut(L: usize, message: usize, empty: bool): usize {
  if (!empty) {
    const array = luaM_malloc_(L, MESSAGE_VALUES * VALUE_SIZE, 0);
    store<usize>(message + TABLE_ARRAY, array);
    store<u32>(message + TABLE_LIMIT, MESSAGE_VALUES);
    return array;
  }
  luaH_resize(L, message, MESSAGE_VALUES, 1);
  const node = load<usize>(message + TABLE_NODES);
  store<usize>(node + NODE_KEY, load<usize>(N));
  store<u8>(node + NODE_KEY_TAG, TAG_SHORT_STRING);
  assignInteger(node, 0, TAG_INTEGER);
  return load<usize>(message + TABLE_ARRAY);
}

// Whether a message was sent of the arguments at `base`, of which the third, the value, may be absent (`empty`). It is
// made first, which may fail for want of memory, and then delivered.
function send(L: usize, base: usize, empty: bool): bool {
  const topic = load<usize>(base + VALUE_SIZE);
  const begin = load<u8>(topic + STRING_TEXT);
  if (load<u8>(topic + STRING_SHORT_LENGTH) === 0 || begin === AT || begin === DOLLAR) return false;
  const to = fieldOf(load<usize>(BY_PID), load<usize>(base));
  if (kindOf(to) !== TABLE) return false;
  const value = base + 2 * VALUE_SIZE;
  const kind = empty ? NIL : kindOf(value);
  if (kind === LIGHT_USERDATA || kind > TABLE) return false;
  const target = load<usize>(to);
  if (truthy(field(target, LIMITS)) || truthy(field(target, LISTENERS))) return false;
  const current = field(load<usize>(SCHEDULER), CURRENT);
  if (kindOf(current) !== TABLE) return false;
  const sender = load<usize>(current);
  const frame = field(sender, FRAME);
  const context = field(sender, CONTEXT);
  const pid = field(sender, PID);
  const inbox = field(target, INBOX);
  if (
    kindOf(frame) !== TABLE || kindOf(context) !== TABLE || kindOf(pid) !== STRING ||
    kindOf(inbox) !== TABLE
  ) return false;
  if (
    truthy(field(load<usize>(frame), SCOPE)) || truthy(field(load<usize>(SECURITY), STRICT)) ||
    !truthy(field(load<usize>(context), DELIVERS))
  ) return false;
  const ch = load<usize>(inbox);
  if (truthy(hidden(ch, DECODE)) || truthy(hidden(ch, RECEIVERS))) return false;
  const first = hidden(ch, FIRST);
  const waits = kindOf(first) === THREAD;
  const items = hidden(ch, ITEMS);
  if (waits) {
    if (kindOf(unitOf(load<usize>(first))) === NIL) return false;
    makeRoom(L);
  } else if (tagOf(first) !== TAG_FALSE || kindOf(items) !== TABLE) return false;

  // On the stack until it is where it belongs.
  const top = load<usize>(L + STATE_TOP);
  const message = luaH_new(L);
  store<usize>(top, message);
  setTag(top, TAG_TABLE);
  store<usize>(L + STATE_TOP, top + VALUE_SIZE);
  const array = layOut(L, message, empty);
  assign(array, base + VALUE_SIZE);
  assign(array + VALUE_SIZE, pid);
  setTag(array + 2 * VALUE_SIZE, TAG_NIL);
  setTag(array + 3 * VALUE_SIZE, TAG_NIL);
  if (kind === TABLE) {
    if (!copyInto(L, value, array + 2 * VALUE_SIZE, message)) {
      store<usize>(L + STATE_TOP, top);
      return false;
    }
  } else if (!empty) assign(array + 2 * VALUE_SIZE, value);
  store<usize>(message + TABLE_METATABLE, load<usize>(MESSAGE_META));
  barrier(L, message);
  const arrival = load<u64>(ARRIVALS) + 1;
  assignInteger(array + 3 * VALUE_SIZE, arrival, TAG_INTEGER);
  if (waits) {
    const entry = enqueue(L);
    assign(entry, first);
    assign(entry + VALUE_SIZE, top);
    setTag(entry + 2 * VALUE_SIZE, TAG_TRUE);
    setTag(first, TAG_FALSE);
  } else {
    // It is in the list once there is room for it.
    const list = load<usize>(items);
    const next = load<i64>(field(list, QUEUE_BEHIND)) + 1;
    luaH_setint(L, list, next, top);
    barrier(L, list);
    store<i64>(field(list, QUEUE_BEHIND), next);
  }
  store<u64>(ARRIVALS, arrival);
  store<usize>(L + STATE_TOP, top);
  burn(SEND);
  collect(L);
  return true;
}

// process.send(dest, topic) and process.send(dest, topic, value), bound to that in Lua.
export function host_send(L: usize): i32 {
  const base = argument(L, 1);
  const given = load<usize>(L + STATE_TOP) - base;
  if (
    given > 3 * VALUE_SIZE || given < 2 * VALUE_SIZE || tagOf(base) !== TAG_SHORT_STRING ||
    tagOf(base + VALUE_SIZE) !== TAG_SHORT_STRING || !send(L, base, given < 3 * VALUE_SIZE)
  ) return instead(L, base);
  // The stack may have moved.
  const result = argument(L, 1);
  setTag(result, TAG_TRUE);
  setTag(result + VALUE_SIZE, TAG_NIL);
  store<usize>(L + STATE_TOP, result + 2 * VALUE_SIZE);
  return 2;
}

// channel:receive(), bound to that in Lua.
export function host_receive(L: usize): i32 {
  const base = argument(L, 1);
  if (
    load<usize>(L + STATE_TOP) <= base || tagOf(base) !== TAG_TABLE ||
    load<usize>(load<usize>(base) + TABLE_METATABLE) !== load<usize>(CHANNEL_META)
  ) return instead(L, base);
  const ch = load<usize>(base);
  if (truthy(hidden(ch, SENDERS)) || truthy(hidden(ch, DECODE))) return instead(L, base);
  const items = hidden(ch, ITEMS);
  if (kindOf(items) === TABLE) {
    const list = load<usize>(items);
    const first = field(list, QUEUE_FIRST);
    const behind = field(list, QUEUE_BEHIND);
    const at = load<i64>(first);
    if (at <= load<i64>(behind)) {
      const slot = luaH_getint(list, at);
      store<usize>(L + STATE_TOP, base + 2 * VALUE_SIZE);
      // A nil may wait, too, for which there is no slot.
      if (kindOf(slot) !== NIL) {
        assign(base, slot);
        setTag(slot, TAG_EMPTY);
      } else setTag(base, TAG_NIL);
      setTag(base + VALUE_SIZE, TAG_TRUE);
      if (at === load<i64>(behind)) {
        store<i64>(first, 1);
        store<i64>(behind, 0);
      } else store<i64>(first, at + 1);
      return 2;
    }
  }
  const waiter = hidden(ch, FIRST);
  const co = field(load<usize>(SCHEDULER), CO);
  if (
    truthy(hidden(ch, CLOSED)) || waiter === ABSENT_SLOT || tagOf(waiter) !== TAG_FALSE ||
    kindOf(co) !== THREAD || !can_suspend(L)
  ) return instead(L, base);
  assign(waiter, co);
  barrier(L, ch);
  store<usize>(L + STATE_TOP, base);
  return host_park(L);
}
