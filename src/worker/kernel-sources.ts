import { luaModuleDigest } from "../vm/module.ts";
import type { Vm } from "../vm/vm.ts";
import { hostFunctions, kernelFunctions } from "./kernel.ts";
import { sources } from "./sources.ts";

const boot = "kernel/boot";

/** Loads the kernel into a VM whose host functions are registered; gives the numbers of its references. */
export function loadKernelSources(vm: Vm): number[] {
  return vm.load(sources[boot]!, `=lua/${boot}`, sources, [...kernelFunctions]).map(({ id }) => id);
}

/** A digest of what decides a loaded kernel. */
export async function kernelDigest(): Promise<string> {
  const wasm = await luaModuleDigest();
  const text = [
    wasm,
    ...Object.entries(sources).flat(),
    ...kernelFunctions,
    ...hostFunctions,
  ];
  return Bun.hash(text.join("\0")).toString(36);
}
