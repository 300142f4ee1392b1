import { loadLuaModule } from "../../../src/vm/module.ts";
import type { LuaValue } from "../../../src/vm/value.ts";
import { Vm } from "../../../src/vm/vm.ts";
import { hostFunctions, kernelFunctions } from "../../../src/worker/kernel.ts";
import { sources } from "../../../src/worker/sources.ts";

/** Loads the kernel with all modules; `probe` is run as one of its files. */
export async function inKernel(probe: string): Promise<LuaValue[]> {
  const vm = await Vm.create({ module: await loadLuaModule(), clock: () => 0 });
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
