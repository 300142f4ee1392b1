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

export function instead(L: usize, base: usize): i32 {
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

// Whether a topic is neither empty nor one of the kernel's.
export function isPlainTopic(topic: usize): bool {
  const begin = load<u8>(topic + STRING_TEXT);
  return load<u8>(topic + STRING_SHORT_LENGTH) !== 0 && begin !== AT && begin !== DOLLAR;
}

// Whether natives send values of a kind; others arrive as nil, which Lua sees to.
export function isSendable(kind: u8): bool {
  return kind <= TABLE && kind !== LIGHT_USERDATA;
}

// The PID of the unit that sends, a slot.
let sender: usize = 0;
export function senderPid(): usize {
  return sender;
}

// Whether the running unit sends to whom it likes, at once. Notes its PID.
export function canSend(): bool {
  const current = field(load<usize>(SCHEDULER), CURRENT);
  if (kindOf(current) !== TABLE) return false;
  const unit = load<usize>(current);
  const frame = field(unit, FRAME);
  const context = field(unit, CONTEXT);
  sender = field(unit, PID);
  return kindOf(frame) === TABLE && kindOf(context) === TABLE && kindOf(sender) === STRING &&
    !truthy(field(load<usize>(frame), SCOPE)) && !truthy(field(load<usize>(SECURITY), STRICT)) &&
    truthy(field(load<usize>(context), DELIVERS));
}

// What `takes` has found: the first waiter of the inbox, whether there is one, and the items.
let first: usize = 0;
let waits: bool = false;
let items: usize = 0;

// Whether a unit takes a message as it comes. Makes room in the run queue for one that waits.
function takes(L: usize, target: usize): bool {
  if (truthy(field(target, LIMITS)) || truthy(field(target, LISTENERS))) return false;
  const inbox = field(target, INBOX);
  if (kindOf(inbox) !== TABLE) return false;
  const ch = load<usize>(inbox);
  if (truthy(hidden(ch, DECODE)) || truthy(hidden(ch, RECEIVERS))) return false;
  first = hidden(ch, FIRST);
  waits = kindOf(first) === THREAD;
  items = hidden(ch, ITEMS);
  if (!waits) return tagOf(first) === TAG_FALSE && kindOf(items) === TABLE;
  if (kindOf(unitOf(load<usize>(first))) === NIL) return false;
  makeRoom(L);
  return true;
}

// Puts a new message on the stack, where it is until it is where it belongs. Returns its array.
function newMessage(L: usize, topic: usize, from: usize, empty: bool): usize {
  const top = load<usize>(L + STATE_TOP);
  const message = luaH_new(L);
  store<usize>(top, message);
  setTag(top, TAG_TABLE);
  store<usize>(L + STATE_TOP, top + VALUE_SIZE);
  const array = layOut(L, message, empty);
  assign(array, topic);
  assign(array + VALUE_SIZE, from);
  setTag(array + 2 * VALUE_SIZE, TAG_NIL);
  setTag(array + 3 * VALUE_SIZE, TAG_NIL);
  return array;
}

// Gives the message on top of the stack to the unit that `takes` has looked at.
function deliver(L: usize, array: usize): void {
  const top = load<usize>(L + STATE_TOP) - VALUE_SIZE;
  const message = load<usize>(top);
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
}

// Whether a message was sent of the arguments at `base`, of which the third, the value, may be absent (`empty`). It is
// made first, which may fail for want of memory, and then delivered.
export function send(L: usize, base: usize, empty: bool): bool {
  if (!isPlainTopic(load<usize>(base + VALUE_SIZE))) return false;
  const to = fieldOf(load<usize>(BY_PID), load<usize>(base));
  if (kindOf(to) !== TABLE) return false;
  const value = base + 2 * VALUE_SIZE;
  const kind = empty ? NIL : kindOf(value);
  if (!isSendable(kind)) return false;
  if (!canSend() || !takes(L, load<usize>(to))) return false;
  const top = load<usize>(L + STATE_TOP);
  const array = newMessage(L, base + VALUE_SIZE, sender, empty);
  if (kind === TABLE) {
    if (!copyInto(L, value, array + 2 * VALUE_SIZE, load<usize>(top))) {
      store<usize>(L + STATE_TOP, top);
      return false;
    }
  } else if (!empty) assign(array + 2 * VALUE_SIZE, value);
  deliver(L, array);
  burn(SEND);
  collect(L);
  return true;
}

// Whether a message of a unit elsewhere was given to one of this worker; its value is nobody else's.
export function post(L: usize, target: usize, topic: usize, from: usize, value: usize): bool {
  if (!takes(L, target)) return false;
  const array = newMessage(L, topic, from, false);
  assign(array + 2 * VALUE_SIZE, value);
  deliver(L, array);
  return true;
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
