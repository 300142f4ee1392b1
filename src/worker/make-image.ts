/**
 * Makes `build/kernel.image` from `build/lua.wasm` and the Lua sources: `bun src/worker/make-image.ts`.
 * @module
 */
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { loadLuaModule } from "../vm/module.ts";
import { Vm } from "../vm/vm.ts";
import { decodeImage, encodeImage, type KernelImage } from "./image-file.ts";
import { hostFunctions, kernelOf } from "./kernel.ts";
import { kernelDigest, loadKernelSources } from "./kernel-sources.ts";

const output = join(resolve(import.meta.dirname, "../.."), "build/kernel.image");

const digest = await kernelDigest();

function present(): boolean {
  if (!existsSync(output)) return false;
  try {
    return decodeImage(readFileSync(output)).digest === digest;
  } catch {
    // Made by an earlier version of this file.
    return false;
  }
}

if (!present()) {
  const vm = await Vm.create({
    module: await loadLuaModule(),
    clock: Date.now,
    // What is not in use up to here is cleared.
    memoryLimit: 8 * 2 ** 20,
    imaging: true,
  });
  for (const name of hostFunctions) vm.register(name, () => {});
  // What is garbage is collected at once, so that less of it comes to lie between what stays: the image is a sixth
  // smaller. In the end the collector is what it is in a new VM.
  vm.load('collectgarbage("incremental", 100, 400)', "=image");
  const references = loadKernelSources(vm);
  kernelOf(vm, references).call("preload");
  vm.load(
    'collectgarbage("incremental", 200, 100) collectgarbage() collectgarbage("collect")',
    "=image",
  );
  await vm.scrub();
  const image: KernelImage = { digest, vm: await vm.image(), references };
  // Renamed into place: several starts at once must not read half a file.
  writeFileSync(`${output}.${process.pid}`, encodeImage(image));
  renameSync(`${output}.${process.pid}`, output);
  console.error(`made build/kernel.image (${image.vm.bytes.length} bytes)`);
}
