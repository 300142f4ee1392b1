// The output of natives that write text or bytes for Lua: a block that stays, and the larger one that an output has
// grown into. An error may cut off a call while that is in use: the next call frees it.
import { free, reallocate } from "./lua.as";
import { SCRATCH_BLOCK } from "./memory.as";
import { beginOutput, endOutput } from "./output.as";

const SIZE: usize = 4096;
// The block begins with the address of the larger one.
const HEAD: usize = 8;

// False: there is not enough memory.
export function beginScratch(): bool {
  let block = load<usize>(SCRATCH_BLOCK);
  if (block) dropScratch();
  else {
    block = reallocate(0, SIZE);
    if (!block) return false;
    store<usize>(block, 0);
    store<usize>(SCRATCH_BLOCK, block);
  }
  beginOutput(block + HEAD, SIZE - HEAD);
  return true;
}

// The address of what was written, until `dropScratch`.
export function endScratch(): usize {
  const block = load<usize>(SCRATCH_BLOCK);
  const start = endOutput();
  store<usize>(block, start === block + HEAD ? 0 : start);
  return start;
}

export function dropScratch(): void {
  const block = load<usize>(SCRATCH_BLOCK);
  free(load<usize>(block));
  store<usize>(block, 0);
}
