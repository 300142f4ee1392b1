import { loadLuaModule } from "../../../src/vm/module.ts";
import type { Pushable } from "../../../src/vm/push.ts";
import type { VmOptions } from "../../../src/vm/options.ts";
import { type LuaRef, type LuaValue, Vm } from "../../../src/vm/vm.ts";

/** A VM with a clock that stands still, unless the test says otherwise. */
export async function makeVm(options: Partial<VmOptions> = {}): Promise<Vm> {
  return Vm.create({ module: await loadLuaModule(), clock: () => 1000.5, ...options });
}

/** Compiles a function from its text: `fn(vm, "a, b", "return a + b")`. */
export function fn(vm: Vm, parameters: string, body: string): LuaRef {
  return vm.load(`return function(${parameters})\n${body}\nend`, "=test:code")[0]!;
}

/** Runs Lua code and answers its results. */
export function run(vm: Vm, body: string, ...args: Pushable[]): LuaValue[] {
  return vm.call(fn(vm, "...", body), ...args);
}
