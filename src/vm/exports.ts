/** Address of a lua_State in the wasm's memory. */
export type LuaState = number;

/** What the transformed wasm exports, as far as JavaScript uses it. Addresses are bytes. */
export interface LuaExports {
  readonly memory: WebAssembly.Memory;
  /** The tag of the exception that a Lua error is. */
  readonly longjmp: WebAssembly.Tag;
  __wasm_call_ctors(): void;
  emscripten_stack_init(): void;
  /** Makes all globals what they are in a new instance. */
  reset_globals(): void;
  malloc(size: number): number;
  free(address: number): void;
  /** Frees what is kept back for when memory is short: whether there was such. */
  spend_memory_reserve(): number;
  /** Whether that has ever been called, by the wasm itself too. */
  reserve_was_spent(): number;
  /** Keeps it back again. */
  keep_memory_reserve(): void;
  release_small_blocks(): void;
  /** Has a collection begin once three times as much is in use as is alive, up to so many bytes. */
  wait_longer_below(bytes: number): void;
  /** For tests: lets all allocations of the running unit fail after so many; -1: none. */
  fail_allocations(after: number): void;

  luaL_newstate(): LuaState;
  luaL_openlibs(L: LuaState): void;
  lua_close(L: LuaState): void;

  lua_gettop(L: LuaState): number;
  lua_settop(L: LuaState, top: number): void;
  lua_checkstack(L: LuaState, free: number): number;
  lua_pushvalue(L: LuaState, index: number): void;
  lua_rotate(L: LuaState, index: number, n: number): void;
  lua_type(L: LuaState, index: number): number;
  lua_topointer(L: LuaState, index: number): number;
  lua_tothread(L: LuaState, index: number): LuaState;

  lua_pushlstring(L: LuaState, address: number, length: number): number;
  lua_pushcclosure(L: LuaState, functionIndex: number, upvalues: number): void;
  lua_pushlightuserdata(L: LuaState, pointer: number): void;
  lua_createtable(L: LuaState, array: number, hash: number): void;
  lua_rawset(L: LuaState, table: number): void;
  lua_setmetatable(L: LuaState, table: number): number;
  lua_setfield(L: LuaState, table: number, key: number): void;
  lua_setglobal(L: LuaState, name: number): void;
  lua_getglobal(L: LuaState, name: number): number;
  lua_tolstring(L: LuaState, index: number, length: number): number;

  lua_pcallk(
    L: LuaState,
    args: number,
    results: number,
    handler: number,
    context: number,
    continuation: number,
  ): number;
  lua_callk(
    L: LuaState,
    args: number,
    results: number,
    context: number,
    continuation: number,
  ): void;
  luaL_loadbufferx(
    L: LuaState,
    source: number,
    size: number,
    chunkName: number,
    mode: number,
  ): number;
  luaL_ref(L: LuaState, table: number): number;
  luaL_traceback(L: LuaState, of: LuaState, message: number, level: number): void;
  luaL_where(L: LuaState, level: number): void;
  lua_getstack(L: LuaState, level: number, activation: number): number;

  /** host_call(L, index) with Lua's errors caught; answers Lua's status. */
  protect(L: LuaState, index: number): number;
  /** lua_rawseti and lua_rawgeti with an integer of 32 bits. */
  set_index(L: LuaState, table: number, n: number): void;
  get_index(L: LuaState, table: number, n: number): number;
  /** Pushes the rows that are packed at an address (rows.ts); needs four slots of the stack. */
  push_rows(L: LuaState, address: number): void;
  /** Packs arguments of the running C function, see src/vm/natives/pack.as.ts. */
  pack_values(
    L: LuaState,
    first: number,
    count: number,
    errorMetatable: number,
    depth: number,
    values: number,
    bytes: number,
    block: number,
    size: number,
  ): number;
  /** Pushes packed values, see src/vm/natives/unpack.as.ts. */
  unpack_values(
    L: LuaState,
    address: number,
    length: number,
    list: number,
    depth: number,
    values: number,
    bytes: number,
  ): number;
  /** The address of the block for messages between workers, see src/vm/natives/across.as.ts; 0: no memory. */
  mail_block(): number;
  /** Bytes that Lua has in use. */
  memory_used(L: LuaState): number;
}

/** Lua's status codes. */
export const STATUS = { ok: 0, yield: 1, runtime: 2, syntax: 3, memory: 4, handler: 5 } as const;

/** Lua's pseudo-index of the registry, and of a C function's first upvalue. */
export const REGISTRY = -1001000;
