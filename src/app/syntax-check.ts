import type { Vm } from "../vm/vm.ts";
import type { CheckSyntax } from "./validation.ts";

/** What may be a cast and is a call of `as` to Lua: `x as {T}`. */
const mayCast = /\bas\s*[({"'[]/;

/** Finds faults of the syntax as a worker does: Lua's own compiler first, and typed Lua where it refuses. */
function syntaxCheck(vm: Vm): CheckSyntax {
  return (code, chunkName) => {
    const fault = vm.compile(code, chunkName);
    if (fault === undefined && !mayCast.test(code)) return undefined;
    // Loaded when a text is not Lua 5.4.
    const { lower } = require(
      "../language/language.ts",
    ) as typeof import("../language/language.ts");
    const lowered = lower(Buffer.from(code).toString("latin1"));
    if (lowered === undefined) return fault;
    if ("fault" in lowered) return lowered.fault;
    return vm.compile(Buffer.from(lowered.code, "latin1").toString(), chunkName);
  };
}

/** A compiler that nobody uses, for the next check: to make one takes longer than to compile an application with it. */
let idle: Vm | undefined;

/** Provides the work with a compiler. Nothing is run. */
export async function withSyntaxCheck<Result>(
  work: (checkSyntax: CheckSyntax) => Result | Promise<Result>,
): Promise<Result> {
  let vm = idle;
  idle = undefined;
  if (!vm) {
    const { loadLuaModule } = await import("../vm/module.ts");
    const { Vm } = await import("../vm/vm.ts");
    // Nothing runs in this VM, so nothing reads its clock.
    vm = await Vm.create({ module: await loadLuaModule(), clock: () => 0 });
  }
  try {
    const result = await work(syntaxCheck(vm));
    if (idle) vm.close();
    else idle = vm;
    return result;
  } catch (error) {
    // It may be its memory that was short.
    vm.close();
    throw error;
  }
}
