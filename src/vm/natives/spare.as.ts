// Reuses coroutines of ended processes: creating and collecting one takes longer than everything else that a short
// process needs. The list is weak, so it keeps no memory beyond a collection. It holds only coroutines that have
// returned and to which nothing else refers: the process was the only owner.
import { STATE_TOP, TABLE_ARRAY, TAG_EMPTY, TAG_THREAD, VALUE_SIZE } from "./layout.as";
import { luaB_cocreate, luaH_resize } from "./lua.as";
import { SPARE } from "./kept.as";
import { SPARE_COUNT } from "./memory.as";
import { assign } from "./fields.as";
import { argument, arraySize, barrier, setTag, tagOf } from "./values.as";

const MOST: u32 = 1024;
// Of the word before a coroutine, which counts its fuel.
const WORD: usize = 4;

// Keeps a coroutine that has returned and whose results were taken.
export function keepSpare(L: usize, co: usize): void {
  const list = load<usize>(SPARE);
  const count = load<u32>(SPARE_COUNT);
  if (count >= arraySize(list)) return;
  const slot = load<usize>(list + TABLE_ARRAY) + count * VALUE_SIZE;
  store<usize>(slot, co);
  setTag(slot, TAG_THREAD);
  barrier(L, list);
  store<u32>(SPARE_COUNT, count + 1);
}

// Makes a function the body of a coroutine of the list. Returns the coroutine, or 0: there is none.
function takeSpare(L: usize, fn: usize): usize {
  const list = load<usize>(SPARE);
  // The kernel is not loaded yet.
  if (!list) return 0;
  if (arraySize(list) === 0) luaH_resize(L, list, MOST, 0);
  let count = load<u32>(SPARE_COUNT);
  while (count > 0) {
    const slot = load<usize>(list + TABLE_ARRAY) + --count * VALUE_SIZE;
    store<u32>(SPARE_COUNT, count);
    // A collected coroutine leaves an empty slot.
    if (tagOf(slot) !== TAG_THREAD) continue;
    const co = load<usize>(slot);
    setTag(slot, TAG_EMPTY);
    const top = load<usize>(co + STATE_TOP);
    assign(top, fn);
    store<usize>(co + STATE_TOP, top + VALUE_SIZE);
    store<u32>(co - WORD, 0);
    return co;
  }
  return 0;
}

// host.coroutine(fn): like coroutine.create(fn). The coroutine is on top of the stack then.
export function host_coroutine(L: usize): i32 {
  const fn = argument(L, 1);
  const co = takeSpare(L, fn);
  if (!co) return luaB_cocreate(L);
  const top = load<usize>(L + STATE_TOP);
  store<usize>(top, co);
  setTag(top, TAG_THREAD);
  store<usize>(L + STATE_TOP, top + VALUE_SIZE);
  return 1;
}
