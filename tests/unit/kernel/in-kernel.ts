import { loadLuaModule } from "../../../src/vm/module.ts";
import type { LuaValue } from "../../../src/vm/value.ts";
import { Vm } from "../../../src/vm/vm.ts";
import { hostFunctions, kernelFunctions } from "../../../src/worker/kernel.ts";
import { sources } from "../../../src/worker/sources.ts";

/** Loads the kernel with all modules; `probe` is run as one of its files. `clock` is in milliseconds and stands still. */
export async function inKernel(probe: string, clock = () => 0): Promise<LuaValue[]> {
  const vm = await Vm.create({ module: await loadLuaModule(), clock });
  try {
    for (const name of hostFunctions) vm.register(name, () => {});
    const kernel = `local use = ...\nlocal kernel = (function(...) ${
      sources["kernel/kernel"]
    }\nend)(...)\nfunction kernel.probe() kernel.preload() ${probe}\nend\nreturn kernel`;
    const refs = vm.load(
      sources["kernel/boot"]!,
      "=lua/kernel/boot",
      { ...sources, "kernel/kernel": kernel },
      [...kernelFunctions, "probe"],
    );
    return vm.call(refs.at(-1)!);
  } finally {
    vm.close();
  }
}
