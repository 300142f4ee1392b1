import type { CheckSyntax } from "../../app/validation.ts";

/** Provides the work with a compiler, which lives as long as the work. */
export async function withSyntaxCheck<Result>(
  work: (checkSyntax: CheckSyntax) => Promise<Result>,
): Promise<Result> {
  const { loadLuaModule } = await import("../../vm/module.ts");
  const { Vm } = await import("../../vm/vm.ts");
  // Nothing runs in this VM, so nothing reads its clock.
  const vm = await Vm.create({ module: await loadLuaModule(), clock: () => 0 });
  try {
    return await work((code, chunkName) => vm.compile(code, chunkName));
  } finally {
    vm.close();
  }
}
