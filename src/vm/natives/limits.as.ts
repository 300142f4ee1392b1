// Limits of one value, as in src/vm/limits.ts: tables inside tables, keys with their values, bytes of all strings.
export const MOST_LEVELS: u32 = 128;
export const MOST_VALUES: u32 = 1_000_000;
export const MOST_BYTES: u32 = 64 << 20;
