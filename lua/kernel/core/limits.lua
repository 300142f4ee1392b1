-- How large a value may be that leaves its unit: the table of `src/vm/limits.ts`, which says what each means.
return {
  DEPTH = 128,
  VALUES = 1000000,
  RECORD = 2 * 1024 * 1024,
}
