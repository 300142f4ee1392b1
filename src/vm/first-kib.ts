/**
 * What lies where in the first KiB of a VM's memory, which emscripten leaves unused. Everything that the
 * transform and the compiler put there is in this table, so that no two things share a place; natives have
 * the names of their places in `natives/memory.as.ts`, within the ranges given here.
 *
 * An address is in bytes from the beginning of the memory, a size in bytes.
 * @module
 */

/** A range of memory. */
export interface Place {
  readonly address: number;
  readonly size: number;
}

const place = (address: number, size: number): Place => ({ address, size });

/** The blocks that are kept back for the kernel: how many, and the bytes of each. */
export const reserveBlocks = { count: 4, size: 512 * 1024 } as const;

/** Places by what they hold. Texts end with a zero byte, which their sizes include. */
export const firstKib = {
  /** Text of the error of code that ran too long. */
  stuckText: place(16, 144),
  /** Ring of the functions that were sampled. */
  samples: place(160, 96),
  /** Text of the error of a chain of `__call`. */
  callChainText: place(256, 64),
  /** Name of the metafield `__text`. */
  textName: place(320, 8),
  /** Format of a float with an exponent. */
  exponentFormat: place(328, 8),
  /** Whether libraries are those of applications, the block for messages between workers, and what calls use. */
  nativesRelaxed: place(336, 16),
  /** What the natives know, the run queue, and the units that have ended. */
  nativesKnown: place(352, 160),
  /** Addresses of the blocks that are kept back for the kernel. */
  reserve: place(512, 4 * reserveBlocks.count),
  /** More of what the natives know, and their keys and values of the moment. */
  nativesMore: place(528, 160),
  /** The key of one access to a table by compiled code. */
  compiledKey: place(688, 16),
  /** Text of the error of calls of C functions in each other. */
  callLevelsText: place(704, 32),
  /** Text of the error of a full stack. */
  stackText: place(736, 32),
  /** The first map of objects that natives have seen. */
  nativesSeen: place(768, 256),
} as const;
