/**
 * Makes `build/kernel.image` from `build/lua.wasm` and the Lua sources: `bun src/worker/make-image.ts`.
 * @module
 */
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { pack, unpack } from "msgpackr";
import { loadLuaModule } from "../vm/module.ts";
import { Vm } from "../vm/vm.ts";
import type { KernelImage } from "./kernel-image.ts";
import { hostFunctions, kernelOf } from "./kernel.ts";
import { kernelDigest, loadKernelSources } from "./kernel-sources.ts";

const output = join(resolve(import.meta.dirname, "../.."), "build/kernel.image");

const digest = await kernelDigest();

function present(): boolean {
  return existsSync(output) && (unpack(readFileSync(output)) as KernelImage).digest === digest;
}

if (!present()) {
  const vm = await Vm.create({ module: await loadLuaModule(), clock: Date.now });
  for (const name of hostFunctions) vm.register(name, () => {});
  const references = loadKernelSources(vm);
  kernelOf(vm, references).call("preload");
  vm.load('collectgarbage() collectgarbage("collect")', "=image");
  const image: KernelImage = { digest, vm: vm.image(), references };
  // Renamed into place: several starts at once must not read half a file.
  writeFileSync(`${output}.${process.pid}`, pack(image));
  renameSync(`${output}.${process.pid}`, output);
  console.error(`made build/kernel.image (${image.vm.memory.length} bytes)`);
}
