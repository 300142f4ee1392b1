/**
 * Where Lua 5.4's C structures keep what marshalling reads and writes directly: offsets in bytes,
 * for 32-bit pointers. The wasm is pinned by its hash, so they cannot move.
 */
export const STATE = { top: 12, callInfo: 20 } as const;
export const CALL_INFO = { function: 0 } as const;

/** A value: eight bytes, then its tag. Stack slots and array items are 16 bytes apart. */
export const VALUE = { tag: 8, size: 16 } as const;
export const STRING = { shortLength: 7, hash: 8, longLength: 12, contents: 16 } as const;
export const TABLE = { flags: 6, logNodes: 7, arrayLimit: 8, array: 12, nodes: 16, metatable: 24 };
/** A node of a table's hash part: value and tag, tag of the key, key. */
export const NODE = { tag: 8, keyTag: 9, key: 16, size: 24 } as const;
/** Bit of a table's flags: its array limit is a hint, its array has the next power of two. */
export const ARRAY_LIMIT_IS_HINT = 128;
/** Bit of a table's flags, unused by Lua: it is a metatable of objects or views, and says at 1 of which. */
export const MARKED = 64;

/** Tags of values, without the bit for collectable ones. */
export const TAG = {
  nil: 0,
  false: 1,
  integer: 3,
  shortString: 4,
  table: 5,
  true: 17,
  float: 19,
  longString: 20,
} as const;
export const TAG_MASK = 63;
/** Of what is collected, in its tag. */
export const COLLECTED = 64;
/** Tag of the key of a node without a value whose key was collected. */
export const DEAD_KEY = 11;
/** Tag of a table on the stack, with the bit that says that it is collected. */
export const COLLECTED_TABLE = 69;

/** Where the wasm's data ends: behind it the memory of a new instance is zero. */
export const DATA_END = 32_768;
/** Where the variables of its C code end; the stack of its C code follows, which grows downward. */
export const STATIC_END = 36_864;
/** Address of the end of what was ever taken of the memory (the program break): behind it nothing was written. */
export const BREAK = 31_452;
