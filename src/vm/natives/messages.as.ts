// Methods of messages and payloads, which a program calls for each message: of messages of one value, and of payloads
// of Lua values. Each is bound to the method in Lua, which has the rest.
import {
  SHARED_NODE,
  STATE_TOP,
  TABLE_ARRAY,
  TABLE_LIMIT,
  TABLE_METATABLE,
  TABLE_NODES,
  TAG_NIL,
  TAG_TABLE,
  VALUE_SIZE,
} from "./layout.as";
import { luaH_new, luaM_malloc_ } from "./lua.as";
import { knownCall, MESSAGE_META, PAYLOAD_META } from "./kept.as";
import { assign } from "./fields.as";
import { instead } from "./mailbox.as";
import { argument, barrier, collect, setTag, tagOf } from "./values.as";

const TOPIC: u32 = 0;
const FROM: u32 = 1;
const VALUE: u32 = 2;
// Bits of a tag that say the type.
const TYPE: u8 = 15;

// The slot of the n-th item of the table that a method is called with, if it has the metatable; else 0.
function itemOf(L: usize, base: usize, metatable: usize, n: u32): usize {
  if (load<usize>(L + STATE_TOP) <= base || tagOf(base) !== TAG_TABLE) return 0;
  const table = load<usize>(base);
  if (load<usize>(table + TABLE_METATABLE) !== metatable || load<u32>(table + TABLE_LIMIT) <= n) {
    return 0;
  }
  return load<usize>(table + TABLE_ARRAY) + n * VALUE_SIZE;
}

// Whether the table has no fields: neither a message of more or fewer values nor a payload of another format.
function isSingle(base: usize): bool {
  return load<usize>(load<usize>(base) + TABLE_NODES) === SHARED_NODE;
}

function answer(L: usize, base: usize, item: usize): i32 {
  if (item === 0) return instead(L, base);
  assign(base, item);
  // An empty slot of a table has another tag than nil, which no variable may have.
  if (!(tagOf(base) & TYPE)) setTag(base, TAG_NIL);
  store<usize>(L + STATE_TOP, base + VALUE_SIZE);
  return 1;
}

// message:topic()
export function host_message_topic(L: usize): i32 {
  const base = argument(L, 1);
  return answer(L, base, itemOf(L, base, load<usize>(MESSAGE_META), TOPIC));
}

// message:from()
export function host_message_from(L: usize): i32 {
  const base = argument(L, 1);
  return answer(L, base, itemOf(L, base, load<usize>(MESSAGE_META), FROM));
}

// message:payload()
export function host_message_payload(L: usize): i32 {
  const base = argument(L, 1);
  if (itemOf(L, base, load<usize>(MESSAGE_META), VALUE) === 0 || !isSingle(base)) {
    return instead(L, base);
  }
  const payload = luaH_new(L);
  const top = base + VALUE_SIZE;
  store<usize>(top, payload);
  setTag(top, TAG_TABLE);
  store<usize>(L + STATE_TOP, top + VALUE_SIZE);
  const array = luaM_malloc_(L, VALUE_SIZE, 0);
  assign(array, itemOf(L, base, load<usize>(MESSAGE_META), VALUE));
  store<usize>(payload + TABLE_ARRAY, array);
  store<u32>(payload + TABLE_LIMIT, 1);
  store<usize>(payload + TABLE_METATABLE, knownCall(PAYLOAD_META));
  barrier(L, payload);
  collect(L);
  return 1;
}

// payload:data(), payload:unmarshal()
export function host_payload_data(L: usize): i32 {
  const base = argument(L, 1);
  const item = itemOf(L, base, knownCall(PAYLOAD_META), 0);
  return answer(L, base, item !== 0 && isSingle(base) ? item : 0);
}
