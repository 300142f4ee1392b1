import { writeDirectly } from "../operations/io/output.ts";
import { loadLuaModule } from "../vm/module.ts";
import type { Console } from "./terminal/terminal.ts";
import { tellFailure } from "./terminal/failure.ts";
import { scriptCall } from "./run/script-call.ts";

/** Commands that compile or run Lua: they need the VM before they have read their own code and the application. */
const compiling: ReadonlySet<string> = new Set(["run", "serve", "test", "check", "repl"]);

/**
 * Runs the command line. The commonest call of all, that of a script without flags, starts without the parts that only
 * other commands need, and with what takes long in the background.
 *
 * @param args arguments after the program's name
 * @returns the exit status
 */
export async function front(args: readonly string[], console: Console): Promise<number> {
  const call = scriptCall(args);
  if (call === undefined) {
    if (args.some((argument) => compiling.has(argument))) loadLuaModule().catch(() => {});
    const { main } = await import("./cli.ts");
    return await main(args, console);
  }
  writeDirectly();
  // What the first worker will need; a failure is told when the worker meets it.
  loadLuaModule().catch(() => {});
  void import("../worker/kernel-image.ts").then(({ loadKernelImage }) => loadKernelImage())
    .catch(() => {});
  try {
    const { runCode, runScript } = await import("./run/script.ts");
    return call.code === undefined
      ? await runScript(console, call.file!, call.rest, {})
      : await runCode(console, call.code, call.rest, {});
  } catch (error) {
    return tellFailure(console, error);
  }
}
