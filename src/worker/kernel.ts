import type { LuaValue } from "../vm/value.ts";
import type { LuaRef, Vm } from "../vm/vm.ts";
import { bootSource, sources } from "./sources.ts";

/** Functions of `lua/kernel/kernel.lua` that the worker calls. */
const functions = [
  "configure",
  "alone",
  "host",
  "run",
  "complete",
  "request",
  "activate",
  "evict",
  "call",
  "cancel_call",
  "act",
  "worker_down",
  "cancel_all",
  "stopping",
  "check",
  "forget",
  "live",
  "make_error",
  "error_meta",
] as const;

export type KernelFunction = (typeof functions)[number];

/** The Lua kernel of a VM. */
export interface Kernel {
  /** Calls a kernel function. @throws WippyError for a fault of the kernel itself, VmTrap when the VM died. */
  call(name: KernelFunction, ...args: LuaValue[]): LuaValue[];
}

/** Loads the kernel into a VM whose host functions are registered already. */
export function loadKernel(vm: Vm): Kernel {
  const refs = vm.load(bootSource, "=lua/kernel/boot", sources, [...functions]);
  const byName = new Map<KernelFunction, LuaRef>();
  functions.forEach((name, index) => {
    const ref = refs[index];
    if (ref !== undefined) byName.set(name, ref);
  });
  const ref = (name: KernelFunction): LuaRef => {
    const found = byName.get(name);
    if (found === undefined) throw new Error(`the kernel has no function ${name}`);
    return found;
  };
  vm.setErrorType({ construct: ref("make_error"), metatable: ref("error_meta") });
  return {
    call: (name, ...args) => vm.call(ref(name), ...args),
  };
}
