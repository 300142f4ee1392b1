import type { Vm } from "../vm/vm.ts";

/**
 * Compiles Lua 5.4, in which each character is a byte.
 *
 * @returns its bytecode without lines and names, which is the same for programs that do the same; undefined for a text
 * that is no Lua
 */
export type CompileBytes = (code: string) => Uint8Array | undefined;

const compiler = `return function(code)
  local made = load(code, "=code", "t")
  return made and string.dump(made, true)
end`;

/** Provides the work with a compiler. Nothing is run. */
export async function withBytecode<Result>(
  work: (compile: CompileBytes) => Result | Promise<Result>,
): Promise<Result> {
  const { loadLuaModule } = await import("../vm/module.ts");
  const { Vm } = await import("../vm/vm.ts");
  // Nothing runs in this VM, so nothing reads its clock.
  const vm: Vm = await Vm.create({ module: await loadLuaModule(), clock: () => 0 });
  try {
    const [compile] = vm.load(compiler, "=bytecode");
    return await work((code) => {
      const [found] = vm.call(compile!, Buffer.from(code, "latin1"));
      if (typeof found === "string") return Buffer.from(found);
      return found instanceof Uint8Array ? found : undefined;
    });
  } finally {
    vm.close();
  }
}
