// Keys of tables that are unpacked: the one at UNPACKED_KEY.
import {
  ABSENT_SLOT,
  NODE_KEY,
  NODE_KEY_TAG,
  NODE_SIZE,
  STRING_HASH,
  STRING_SHORT_LENGTH,
  TABLE_LOG_NODES,
  TABLE_NODES,
  TAG_FALSE,
  TAG_FLOAT,
  TAG_NIL,
  TAG_SHORT_STRING,
} from "./layout.as";
import { luaH_get, luaH_newkey } from "./lua.as";
import { UNPACKED_KEY, UNPACKED_VALUE } from "./memory.as";
import { isDigits } from "./text.as";
import { barrier, kindOf, NIL, setTag, STRING, TABLE, tagOf } from "./values.as";

// The slot for a new key, the one at UNPACKED_KEY: false until it has its value. 0: the table has the key.
export function addKey(L: usize, table: usize): usize {
  if (tagOf(UNPACKED_KEY) === TAG_SHORT_STRING) {
    const string = load<usize>(UNPACKED_KEY);
    const mask = (<u32> 1 << load<u8>(table + TABLE_LOG_NODES)) - 1;
    const node = load<usize>(table + TABLE_NODES) +
      (load<u32>(string + STRING_HASH) & mask) * NODE_SIZE;
    if (kindOf(node) === NIL && load<u8>(node + NODE_KEY_TAG) === TAG_NIL) {
      store<usize>(node + NODE_KEY, string);
      store<u8>(node + NODE_KEY_TAG, TAG_SHORT_STRING);
      setTag(node, TAG_FALSE);
      barrier(L, table);
      return node;
    }
  }
  if (luaH_get(table, UNPACKED_KEY) !== ABSENT_SLOT) return 0;
  setTag(UNPACKED_VALUE, TAG_FALSE);
  luaH_newkey(L, table, UNPACKED_KEY, UNPACKED_VALUE);
  barrier(L, table);
  return luaH_get(table, UNPACKED_KEY);
}

// Keys of objects are texts; JavaScript puts those first that are indices.
export function isObjectKey(): bool {
  if (kindOf(UNPACKED_KEY) !== STRING) return false;
  if (tagOf(UNPACKED_KEY) !== TAG_SHORT_STRING) return true;
  const string = load<usize>(UNPACKED_KEY);
  return !isDigits(string, load<u8>(string + STRING_SHORT_LENGTH));
}

export function isPairKey(): bool {
  const kind = kindOf(UNPACKED_KEY);
  if (kind === NIL || kind >= TABLE) return false;
  return tagOf(UNPACKED_KEY) !== TAG_FLOAT || !isNaN(load<f64>(UNPACKED_KEY));
}
