// Copies a table that has only fields and no metatable. Faster than a constructor, since its nodes are copied as they
// are. For records of the kernel.
import {
  NODE_SIZE,
  SHARED_NODE,
  STATE_TOP,
  TABLE_LAST_FREE,
  TABLE_LOG_NODES,
  TABLE_NODES,
  TAG_TABLE,
  VALUE_SIZE,
} from "./layout.as";
import { luaM_malloc_ } from "./lua.as";
import { argument, arraySize, barrier, collect, newTable, setTag, tagOf } from "./values.as";

// Puts a copy of a record on the stack.
export function copyRecord(L: usize, source: usize): usize {
  const nodes = load<usize>(source + TABLE_NODES);
  const table = newTable(L);
  const top = load<usize>(L + STATE_TOP);
  store<usize>(top, table);
  setTag(top, TAG_TABLE);
  store<usize>(L + STATE_TOP, top + VALUE_SIZE);
  const logNodes = load<u8>(source + TABLE_LOG_NODES);
  const bytes = NODE_SIZE << logNodes;
  const copy = luaM_malloc_(L, bytes, 0);
  memory.copy(copy, nodes, bytes);
  store<usize>(table + TABLE_NODES, copy);
  store<u8>(table + TABLE_LOG_NODES, logNodes);
  store<usize>(table + TABLE_LAST_FREE, load<usize>(source + TABLE_LAST_FREE) - nodes + copy);
  barrier(L, table);
  return table;
}

// host.clone(record)
export function host_clone(L: usize): i32 {
  const from = argument(L, 1);
  const source = load<usize>(from);
  if (
    tagOf(from) !== TAG_TABLE || arraySize(source) !== 0 ||
    load<usize>(source + TABLE_NODES) === SHARED_NODE
  ) unreachable();
  copyRecord(L, source);
  collect(L);
  return 1;
}
