import wasmPath from "../../build/lua.wasm" with { type: "file" };

let bytes: Promise<Uint8Array<ArrayBuffer>> | undefined;
let compiled: Promise<WebAssembly.Module> | undefined;

function readWasm(): Promise<Uint8Array<ArrayBuffer>> {
  bytes ??= Bun.file(wasmPath).bytes();
  return bytes;
}

/**
 * The Lua VM's wasm, as `src/vm/transform` made it and the executable embeds it. It is compiled
 * once in a thread; a WebAssembly.Module can be posted to other threads.
 */
export function loadLuaModule(): Promise<WebAssembly.Module> {
  compiled ??= readWasm().then((wasm) => WebAssembly.compile(wasm));
  return compiled;
}

/** Has this thread use a module that another one has compiled, with all that the engine knows of it by now. */
export function useLuaModule(module: WebAssembly.Module): void {
  compiled = Promise.resolve(module);
}

/** A digest of the wasm: an image of a VM is good only for the wasm that made it. */
export async function luaModuleDigest(): Promise<string> {
  return Bun.hash(await readWasm()).toString(36);
}
