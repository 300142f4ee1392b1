import { luaModuleDigest } from "../vm/module.ts";
import type { Vm } from "../vm/vm.ts";
import { hostFunctions, kernelFunctions } from "./kernel.ts";
import { bootSource, sources } from "./sources.ts";

/** Loads the kernel into a VM whose host functions are registered; gives the numbers of its references. */
export function loadKernelSources(vm: Vm): number[] {
  return vm.load(bootSource, "=lua/kernel/boot", sources, [...kernelFunctions]).map(({ id }) => id);
}

/** A digest of what decides a loaded kernel. */
export async function kernelDigest(): Promise<string> {
  const wasm = await luaModuleDigest();
  const text = [
    wasm,
    bootSource,
    ...Object.entries(sources).flat(),
    ...kernelFunctions,
    ...hostFunctions,
  ];
  return Bun.hash(text.join("\0")).toString(36);
}
