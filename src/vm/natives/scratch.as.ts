// The output of natives that write text or bytes for Lua: a block that stays, and the larger one that an output has
// grown into. An error may cut off a call while that is in use: the next call frees it.
import { free, reallocate } from "./lua.as";
import { SCRATCH_BLOCK } from "./memory.as";
import { beginOutput, endOutput } from "./output.as";

const SIZE: usize = 4096;
// The block begins with the address of the larger one, and with the shapes of objects (shapes.as.ts).
export const SHAPES_SIZE: usize = 8 * 144;
const SHAPES: usize = 8;
const HEAD: usize = SHAPES + SHAPES_SIZE;

// The block that stays; 0: there is not enough memory.
function staying(): usize {
  let block = load<usize>(SCRATCH_BLOCK);
  if (block) return block;
  block = reallocate(0, HEAD + SIZE);
  if (!block) return 0;
  store<usize>(block, 0);
  store<usize>(SCRATCH_BLOCK, block);
  return block;
}

// False: there is not enough memory.
export function beginScratch(): bool {
  const block = staying();
  if (!block) return false;
  dropScratch();
  beginOutput(block + HEAD, SIZE);
  return true;
}

// Where the shapes are; 0: there is not enough memory.
export function shapesBlock(): usize {
  const block = staying();
  return block ? block + SHAPES : 0;
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
