import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { instantiate } from "../instantiate.ts";
import { TransformError } from "./module_text.ts";

const source = join(resolve(import.meta.dirname, "../natives"), "layout.as.ts");

type Functions = Record<string, (...args: (number | bigint)[]) => number>;

/** A tag of what a search in a table answers when there is nothing. */
const ABSENT = 32;

/** The constants of src/vm/natives/layout.as.ts. */
export function layoutConstants(text: string): Map<string, number> {
  const found = text.matchAll(/^export const (\w+): \w+ = (\d+);$/gm);
  return new Map([...found].map(([, name = "", value]) => [name, Number(value)]));
}

/**
 * Checks what the natives take for the layout of Lua's structures against structures that Lua itself makes. Throws a
 * TransformError that names the constants that are wrong, or that nothing here checks.
 */
export async function checkLayout(
  wasm: Uint8Array<ArrayBuffer>,
  text = readFileSync(source, "utf8"),
): Promise<void> {
  const constants = layoutConstants(text);
  const actual = await observe(wasm);
  const wrong = [...new Set([...constants.keys(), ...actual.keys()])]
    .filter((name) => constants.get(name) !== actual.get(name))
    .map((name) => `${name} is ${actual.get(name)}, not ${constants.get(name)}`);
  if (wrong.length > 0) throw new TransformError("layout of Lua's structures", wrong.join("; "));
}

/** Offsets, addresses and tags by name, found by looking at what Lua's API has made. */
async function observe(wasm: Uint8Array<ArrayBuffer>): Promise<Map<string, number>> {
  const { lua, heap } = await instantiate(await WebAssembly.compile(wasm), {
    memoryLimit: 2 ** 25,
    clock: () => 0,
    imaged: false,
    write: () => {},
    toiling: () => {},
    hostCall: () => 0,
  });
  const call = lua as unknown as Functions;
  const L = lua.luaL_newstate();
  const word = (at: number) => heap.u32[at >> 2]!;
  const byte = (at: number) => heap.u8[at]!;
  /** The offset below `most`, in steps, of what `holds`. */
  const offset = (holds: (offset: number) => boolean, most = 128, step = 4): number => {
    for (let at = 0; at < most; at += step) if (holds(at)) return at;
    return -1;
  };
  const found = new Map<string, number>();

  // lua_State: its top moves by a value's size when a value is pushed; CallInfo has the address of its function.
  const before = Array.from({ length: 32 }, (_, i) => word(L + i * 4));
  call.lua_pushboolean!(L, 1);
  const top = offset((at) => word(L + at) !== before[at >> 2]);
  found.set("STATE_TOP", top);
  const valueSize = word(L + top) - before[top >> 2]!;
  found.set("VALUE_SIZE", valueSize);
  const slot = (index: number) => word(L + top) + index * valueSize; // -1: the topmost value
  // The one byte of a boolean that tells it from the other.
  call.lua_pushboolean!(L, 0);
  const tag = offset((at) => byte(slot(-1) + at) !== byte(slot(-2) + at), valueSize, 1);
  found.set("VALUE_TAG", tag);
  const tagAt = (index: number) => byte(slot(index) + tag);
  found.set("TAG_TRUE", tagAt(-2)).set("TAG_FALSE", tagAt(-1));
  call.lua_pushnil!(L);
  found.set("TAG_NIL", tagAt(-1));
  call.lua_pushinteger!(L, 7n);
  found.set("TAG_INTEGER", tagAt(-1));
  call.lua_pushnumber!(L, 7.5);
  found.set("TAG_FLOAT", tagAt(-1));
  const thread = call.lua_newthread!(L);
  found.set("TAG_THREAD", tagAt(-1));
  // Both threads share the global state, in which pushing a long text adds to the debt. Base of the stack: 28.
  const count = call.lua_gettop!(L);
  const func = slot(-count - 1);
  const callInfo = offset((at) => word(L + at) > 1024 && word(word(L + at)) === func);
  found.set("STATE_CALL_INFO", callInfo);
  found.set("CALL_INFO_FUNCTION", offset((at) => word(word(L + callInfo) + at) === func));
  const state = offset((at) =>
    at > top && word(L + at) > 1024 && word(L + at) === word(thread + at)
  );
  found.set("STATE_GLOBAL", state);
  const LONG = 1_000;
  const write = (text: string) => {
    const at = lua.malloc(text.length + 1);
    heap.u8.set(Buffer.from(`${text}\0`), at);
    return at;
  };
  const long = write("x".repeat(LONG));
  const debts = Array.from({ length: 32 }, (_, i) => word(word(L + state) + i * 4));
  call.lua_pushlstring!(L, long, LONG);
  found.set(
    "GLOBAL_DEBT",
    offset((at) => {
      const grown = (word(word(L + state) + at) - debts[at >> 2]!) | 0;
      return grown >= LONG && grown < LONG + 64;
    }),
  );

  // Strings.
  const address = () => word(slot(-1));
  found.set("TAG_LONG_STRING", tagAt(-1));
  found.set("STRING_TEXT", call.lua_tolstring!(L, -1, 0) - address());
  found.set("STRING_LONG_LENGTH", offset((at) => word(address() + at) === LONG));
  call.lua_pushstring!(L, write("seven77"));
  found.set("TAG_SHORT_STRING", tagAt(-1));
  const short = address();
  const longer = word(slot(-2));
  found.set(
    "OBJECT_TAG",
    offset((at) => byte(short + at) === 4 && byte(longer + at) === 20, 12, 1),
  );
  call.lua_pushstring!(L, write("eleven11111"));
  found.set(
    "STRING_SHORT_LENGTH",
    offset((at) => byte(short + at) === 7 && byte(address() + at) === 11, 16, 1),
  );

  // Tables: 5 and 4 slots, then none.
  call.lua_createtable!(L, 5, 4);
  found.set("TAG_TABLE", tagAt(-1)).set("COLLECTABLE", tagAt(-1) & 0x70);
  const table = address();
  found.set("OBJECT_MARKED", offset((at) => (byte(table + at) & 24) !== 0 && at > 4, 12, 1));
  found.set("TABLE_LIMIT", offset((at) => word(table + at) === 5));
  found.set("TABLE_LOG_NODES", offset((at) => byte(table + at) === 2 && at > 5, 12, 1));
  call.lua_pushinteger!(L, 123_456n);
  call.lua_rawseti!(L, -2, 1n);
  found.set(
    "TABLE_ARRAY",
    offset((at) => word(table + at) > 1024 && word(word(table + at)) === 123_456),
  );
  call.lua_createtable!(L, 0, 0);
  const shared = word(address() + 16);
  found.set("TABLE_NODES", offset((at) => word(address() + at) === shared && at >= 16));
  found.set("SHARED_NODE", shared);
  // A table that is its own metatable; the flag of an array whose limit is a hint.
  const empty = address();
  call.lua_pushvalue!(L, -1);
  call.lua_setmetatable!(L, -2);
  found.set("TABLE_METATABLE", offset((at) => word(empty + at) === empty));
  call.lua_settop!(L, -2);

  // Nodes: three short strings as keys, each found from where its hash says along the offsets to the next node.
  const nodes = word(table + 16);
  const keys = ["first", "second", "third"].map((name, i) => {
    call.lua_pushinteger!(L, BigInt(1000 + i));
    call.lua_setfield!(L, -2, write(name));
    call.lua_pushstring!(L, write(name));
    const key = address();
    call.lua_settop!(L, -2);
    return key;
  });
  const nodeSize = offset((at) =>
    at > 8 &&
    [1, 2, 3].every((i) => byte(nodes + i * at + tag) === 3 || byte(nodes + i * at + tag) === 16)
  );
  found.set("NODE_SIZE", nodeSize);
  found.set(
    "NODE_KEY",
    offset((at) =>
      keys.every((key) => [0, 1, 2, 3].some((i) => word(nodes + i * nodeSize + at) === key))
    ),
  );
  const nodeKey = found.get("NODE_KEY")!;
  const nodeOf = (key: number) =>
    [0, 1, 2, 3].find((i) => word(nodes + i * nodeSize + nodeKey) === key)!;
  found.set(
    "NODE_KEY_TAG",
    offset(
      (at) => keys.every((key) => byte(nodes + nodeOf(key) * nodeSize + at) === 68),
      nodeSize,
      1,
    ),
  );
  const reaches = (hash: number, next: number) =>
    keys.every((key) => {
      for (let at = word(key + hash) & 3, steps = 0; steps < 4 && at >= 0 && at < 4; steps++) {
        if (at === nodeOf(key)) return true;
        at += word(nodes + at * nodeSize + next) | 0;
      }
      return false;
    });
  found.set("NODE_NEXT", offset((at) => at > tag && at !== nodeKey && reaches(8, at), nodeSize));
  found.set("STRING_HASH", offset((at) => reaches(at, found.get("NODE_NEXT")!), 16));
  call.lua_createtable!(L, 0, 4);
  found.set(
    "TABLE_LAST_FREE",
    offset((at) => word(address() + at) === word(address() + 16) + 4 * nodeSize),
  );
  call.lua_settop!(L, -2);

  // An entry without a value keeps its key until garbage is collected, and then a dead one.
  const taken = keys.map(nodeOf);
  found.set(
    "TAG_EMPTY",
    byte(nodes + [0, 1, 2, 3].find((i) => !taken.includes(i))! * nodeSize + tag),
  );
  call.lua_pushnil!(L);
  call.lua_setfield!(L, -2, write("second"));
  const node = nodes + nodeOf(keys[1]!) * nodeSize;
  const run = (code: string) => {
    call.luaL_loadstring!(L, write(code));
    call.lua_callk!(L, 0, 1, 0, 0);
  };
  lua.luaL_openlibs(L);
  run("collectgarbage()");
  found.set("TAG_DEAD_KEY", byte(node + found.get("NODE_KEY_TAG")!));
  // An array whose length was found in it keeps a limit below its size, and a flag.
  run(`
    local t = { 1, 2, 3, 4, 5, 6, 7, 8 }
    for i = 8, 6, -1 do t[i] = nil end
    return #t == 5 and t`);
  found.set("TABLE_FLAGS", offset((at) => byte(address() + at) >= 128 && at > 5, 12, 1));
  call.lua_pushinteger!(L, 654_321n);
  call.lua_pushcclosure!(L, 1, 1);
  found.set("CLOSURE_UPVALUES", offset((at) => word(address() + at) === 654_321));
  call.lua_settop!(L, -2);
  // It has no value of its own, so that nothing else has its tag.
  found.set("ABSENT_SLOT", offset((at) => byte(shared + at + tag) === ABSENT, 64) + shared);
  return found;
}
