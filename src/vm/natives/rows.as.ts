// Creates the rows of a query from the buffer in which src/vm/rows.ts packs them. The first row is a pattern that the
// others copy, since the layout of a table depends only on its keys.
import {
  NODE_SIZE,
  SHARED_NODE,
  STATE_TOP,
  TABLE_ARRAY,
  TABLE_LAST_FREE,
  TABLE_LIMIT,
  TABLE_LOG_NODES,
  TABLE_NODES,
  TAG_EMPTY,
  TAG_FALSE,
  TAG_FLOAT,
  TAG_INTEGER,
  TAG_LONG_STRING,
  TAG_SHORT_STRING,
  TAG_TABLE,
  TAG_TRUE,
  VALUE_SIZE,
} from "./layout.as";
import { lua_rawset, luaH_get, luaH_resize, luaM_malloc_, luaS_newlstr } from "./lua.as";
import { assignInteger } from "./fields.as";
import { barrier, collect, newTable, setTag } from "./values.as";

// Lua keeps one copy of each string up to this length.
const LONGEST_SHORT: u32 = 40;

// Kinds of packed values.
const FALSE: u8 = 1;
const TRUE: u8 = 2;
const INTEGER: u8 = 3;
const FLOAT: u8 = 4;
// Text, and above it bytes, which are strings in Lua alike.
const TEXT: u8 = 5;

// Words of the head: columns, rows, and where the words, the kinds and the texts begin.
const HEAD: usize = 20;

function putTable(at: usize, table: usize): void {
  store<usize>(at, table);
  setTag(at, TAG_TABLE);
}

function putString(L: usize, at: usize, text: usize, length: u32): void {
  const string = luaS_newlstr(L, text, length);
  store<usize>(at, string);
  setTag(at, length <= LONGEST_SHORT ? TAG_SHORT_STRING : TAG_LONG_STRING);
}

// A new table on top of the stack.
function pushTable(L: usize): usize {
  const table = newTable(L);
  const top = load<usize>(L + STATE_TOP);
  putTable(top, table);
  store<usize>(L + STATE_TOP, top + VALUE_SIZE);
  return table;
}

function pushName(L: usize, text: usize, length: u32): usize {
  const top = load<usize>(L + STATE_TOP);
  putString(L, top, text, length);
  store<usize>(L + STATE_TOP, top + VALUE_SIZE);
  return top;
}

// Creates the pattern on top of the stack, and replaces each column's name in the buffer by its position in it.
function makePattern(L: usize, columns: u32, names: usize, texts: usize): usize {
  const pattern = pushTable(L);
  luaH_resize(L, pattern, 0, columns);
  const end = names + (<usize> columns << 3);
  for (let name = names; name < end; name += 8) {
    pushName(L, texts + load<u32>(name), load<u32>(name + 4));
    const top = load<usize>(L + STATE_TOP);
    setTag(top, TAG_TRUE);
    store<usize>(L + STATE_TOP, top + VALUE_SIZE);
    lua_rawset(L, -3);
  }
  const nodes = load<usize>(pattern + TABLE_NODES);
  for (let name = names; name < end; name += 8) {
    const key = pushName(L, texts + load<u32>(name), load<u32>(name + 4));
    store<u32>(name, <u32> (luaH_get(pattern, key) - nodes));
    store<usize>(L + STATE_TOP, key);
  }
  return pattern;
}

// Pushes the list of the rows that are packed at an address. It needs four slots of the stack.
export function push_rows(L: usize, at: usize): void {
  const columns = load<u32>(at);
  const rows = load<u32>(at + 4);
  let word = at + load<u32>(at + 8);
  let kind = at + load<u32>(at + 12);
  const texts = at + load<u32>(at + 16);
  const names = at + HEAD;
  const namesEnd = names + (<usize> columns << 3);

  const list = pushTable(L);
  if (rows === 0) return;
  const bytes = <usize> rows * VALUE_SIZE;
  const array = luaM_malloc_(L, bytes, 0);
  for (let slot = array; slot < array + bytes; slot += VALUE_SIZE) setTag(slot, TAG_EMPTY);
  store<usize>(list + TABLE_ARRAY, array);
  store<u32>(list + TABLE_LIMIT, rows);

  const pattern = makePattern(L, columns, names, texts);
  const source = load<usize>(pattern + TABLE_NODES);
  const logNodes = load<u8>(pattern + TABLE_LOG_NODES);
  const size: usize = source === SHARED_NODE ? 0 : NODE_SIZE << logNodes;
  for (let slot = array; slot < array + bytes; slot += VALUE_SIZE) {
    const row = newTable(L);
    putTable(slot, row);
    barrier(L, list);
    if (size === 0) continue;
    const nodes = luaM_malloc_(L, size, 0);
    memory.copy(nodes, source, size);
    store<usize>(row + TABLE_NODES, nodes);
    store<u8>(row + TABLE_LOG_NODES, logNodes);
    store<usize>(row + TABLE_LAST_FREE, load<usize>(pattern + TABLE_LAST_FREE) - source + nodes);
    for (let name = names; name < namesEnd; name += 8) {
      const place = nodes + load<u32>(name);
      const what = load<u8>(kind);
      if (what === INTEGER) assignInteger(place, load<u64>(word), TAG_INTEGER);
      else if (what === FLOAT) assignInteger(place, load<u64>(word), TAG_FLOAT);
      else if (what >= TEXT) {
        putString(L, place, texts + load<u32>(word), load<u32>(word + 4));
      } else setTag(place, what === TRUE ? TAG_TRUE : what === FALSE ? TAG_FALSE : TAG_EMPTY);
      word += 8;
      kind += 1;
    }
    barrier(L, row);
  }
  store<usize>(L + STATE_TOP, load<usize>(L + STATE_TOP) - VALUE_SIZE);
  collect(L);
}
