// Functions of Lua's C code, by the names that src/vm/transform/symbols.ts gives them, and of the transform.

// The status of the error "not enough memory".
export const OUT_OF_MEMORY: i32 = 4;

export declare function lua_pcallk(
  L: usize,
  given: i32,
  results: i32,
  handler: i32,
  context: usize,
  continuation: usize,
): i32;
export declare function luaB_cocreate(L: usize): i32;
export declare function luaH_new(L: usize): usize;
export declare function luaH_get(table: usize, key: usize): usize;
export declare function luaH_newkey(L: usize, table: usize, key: usize, value: usize): void;
export declare function luaM_malloc_(L: usize, size: usize, tag: i32): usize;
export declare function luaC_barrierback_(L: usize, object: usize): void;
export declare function luaC_step(L: usize): void;
export declare function luaD_throw(L: usize, status: i32): void;
export declare function reallocate(block: usize, size: usize): usize;
export declare function free(block: usize): void;
// Burns so much fuel.
export declare function burn(units: u32): void;
export declare function luaH_resize(L: usize, table: usize, array: u32, hash: u32): void;
export declare function luaH_getn(table: usize): u64;
export declare function luaH_getint(table: usize, n: i64): usize;
export declare function luaH_setint(L: usize, table: usize, n: i64, value: usize): void;
export declare function lua_pushcclosure(L: usize, index: usize, upvalues: i32): void;
export declare function host_resume(L: usize): i32;
export declare function host_park(L: usize): i32;
// Whether the running code may suspend: else `host_park` raises.
export declare function can_suspend(L: usize): bool;
// The fuel that the last step burnt.
export declare function step_fuel(): i32;
// Calls the function in a slot in the place of the C function that runs.
export declare function call_instead(L: usize, slot: usize): i32;
export declare function luaS_newlstr(L: usize, text: usize, length: usize): usize;
export declare function lua_rawset(L: usize, index: i32): void;
export declare function lua_stringtonumber(L: usize, text: usize): usize;
export declare function lua_checkstack(L: usize, slots: i32): i32;
// Writes a float with one digit, so many decimals and an exponent, and a zero byte.
export declare function exponent_text(to: usize, value: f64, precision: i32): void;
export declare function strtod(text: usize, end: usize): f64;
