// The deep copy of a value, as lua/kernel/core/copy.lua makes it, for plain tables: both parts of a table are taken
// over as they are, since an entry's place depends on its key alone; their metatables are copied likewise. For all else
// (Error objects, tables and functions as keys, weak tables, what is too large or too deep) nothing is copied, and Lua
// does it.
import {
  COLLECTABLE,
  NODE_KEY_TAG,
  NODE_SIZE,
  SHARED_NODE,
  STATE_TOP,
  TABLE_ARRAY,
  TABLE_LAST_FREE,
  TABLE_LIMIT,
  TABLE_LOG_NODES,
  TABLE_METATABLE,
  TABLE_NODES,
  TAG_DEAD_KEY,
  TAG_EMPTY,
  TAG_NIL,
  TAG_TABLE,
  VALUE_SIZE,
} from "./layout.as";
import { burn, luaD_throw, luaM_malloc_, OUT_OF_MEMORY } from "./lua.as";
import { beginSeen, endSeen, isTracking, recall, remember, track } from "./seen.as";
import {
  argument,
  arraySize,
  barrier,
  collect,
  isMarked,
  isWeak,
  kindOf,
  LIGHT_USERDATA,
  newTable,
  NIL,
  placeTable,
  setTag,
  STRING,
  TABLE,
  tagOf,
} from "./values.as";

const MOST_LEVELS: u32 = 128;
// What is copied in a few milliseconds at most: Lua's copy of more stops now and then, so that others get their turn.
const MOST_VALUES: u32 = 65536;

let rootSource: usize = 0;
let rootCopy: usize = 0;
let copied: u32 = 0;

function keep(L: usize, source: usize, copy: usize): void {
  if (!remember(source, <u32> copy)) luaD_throw(L, OUT_OF_MEMORY);
}

// Copies the table `source` to the slot `at`, which lies in `owner`.
function copyChild(L: usize, source: usize, at: usize, owner: usize, level: u32): bool {
  // A flat table, the usual message, needs no map.
  if (!isTracking()) {
    track();
    keep(L, rootSource, rootCopy);
  }
  const known = recall(source);
  if (known) {
    placeTable(L, at, owner, load<usize>(known));
    return true;
  }
  return copyTable(L, source, at, owner, level + 1);
}

// A value in a copied part: scalars and strings stay, tables are copied, functions and coroutines become nil.
function copyItem(L: usize, at: usize, owner: usize, level: u32): bool {
  const kind = kindOf(at);
  if (kind <= STRING && kind !== LIGHT_USERDATA) return true;
  if (kind === TABLE) return copyChild(L, load<usize>(at), at, owner, level);
  setTag(at, TAG_EMPTY);
  return true;
}

// Copies a table to where `placeTable` puts it. False: it cannot. What the slots hold at any time is good for the
// collector, which an allocation may call.
function copyTable(L: usize, source: usize, at: usize, owner: usize, level: u32): bool {
  const metatable = load<usize>(source + TABLE_METATABLE);
  if (
    level > MOST_LEVELS ||
    (metatable && (isMarked(metatable) || load<usize>(metatable + TABLE_METATABLE)))
  ) return false;
  const size = arraySize(source);
  const nodes = load<usize>(source + TABLE_NODES);
  const logNodes = load<u8>(source + TABLE_LOG_NODES);
  copied += size + (<u32> 1 << logNodes);
  if (copied > MOST_VALUES) return false;
  const table = newTable(L);
  placeTable(L, at, owner, table);
  if (isTracking()) keep(L, source, table);
  else rootCopy = table;
  if (size) {
    const bytes = size * VALUE_SIZE;
    const array = luaM_malloc_(L, bytes, 0);
    memory.copy(array, load<usize>(source + TABLE_ARRAY), bytes);
    store<usize>(table + TABLE_ARRAY, array);
    store<u32>(table + TABLE_LIMIT, size);
    barrier(L, table);
    for (let item = array, end = array + bytes; item < end; item += VALUE_SIZE) {
      if (!copyItem(L, item, table, level)) return false;
    }
  }
  if (nodes !== SHARED_NODE) {
    const bytes = NODE_SIZE << logNodes;
    const copy = luaM_malloc_(L, bytes, 0);
    memory.copy(copy, nodes, bytes);
    for (let node = copy, end = copy + bytes; node < end; node += NODE_SIZE) {
      const keyTag = load<u8>(node + NODE_KEY_TAG);
      if (kindOf(node) === NIL && keyTag & COLLECTABLE) {
        store<u8>(node + NODE_KEY_TAG, TAG_DEAD_KEY);
      }
    }
    store<usize>(table + TABLE_NODES, copy);
    store<u8>(table + TABLE_LOG_NODES, logNodes);
    store<usize>(
      table + TABLE_LAST_FREE,
      load<usize>(source + TABLE_LAST_FREE) - nodes + copy,
    );
    barrier(L, table);
    for (let node = copy, end = copy + bytes; node < end; node += NODE_SIZE) {
      if (kindOf(node) === NIL) continue;
      // A key of another kind is found by its address, which that of its copy differs from.
      const keyTag = load<u8>(node + NODE_KEY_TAG);
      const key = keyTag & 15;
      if (key >= TABLE || key === LIGHT_USERDATA || !copyItem(L, node, table, level)) return false;
      if (kindOf(node) === NIL && keyTag & COLLECTABLE) {
        store<u8>(node + NODE_KEY_TAG, TAG_DEAD_KEY);
      }
    }
  }
  if (!metatable) return true;
  return !isWeak(metatable) && copyChild(L, metatable, table + TABLE_METATABLE, table, level);
}

// Copies the table at `from` into the slot `to` of `owner` (0: of the stack). False: Lua must do it.
export function copyInto(L: usize, from: usize, to: usize, owner: usize): bool {
  beginSeen();
  copied = 0;
  rootSource = load<usize>(from);
  const done = copyTable(L, rootSource, to, owner, 1);
  endSeen();
  burn(copied);
  return done;
}

// host.copy(table): its deep copy, or nothing when Lua must make it.
export function host_copy(L: usize): i32 {
  const from = argument(L, 1);
  const to = load<usize>(L + STATE_TOP);
  if (to <= from || tagOf(from) !== TAG_TABLE) return 0;
  setTag(to, TAG_NIL);
  store<usize>(L + STATE_TOP, to + VALUE_SIZE);
  if (copyInto(L, from, to, 0)) {
    collect(L);
    return 1;
  }
  store<usize>(L + STATE_TOP, to);
  return 0;
}
