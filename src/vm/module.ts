import wasmPath from "../../build/lua.wasm" with { type: "file" };

let compiled: Promise<WebAssembly.Module> | undefined;

/**
 * The Lua VM's wasm, as `src/vm/transform` made it and the executable embeds it. It is compiled
 * once in a thread; a WebAssembly.Module can be posted to other threads.
 */
export function loadLuaModule(): Promise<WebAssembly.Module> {
  compiled ??= Bun.file(wasmPath).arrayBuffer().then((bytes) => WebAssembly.compile(bytes));
  return compiled;
}
