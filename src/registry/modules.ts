import { modules } from "../../build/modules.js";
import { refusedModules } from "./refused.ts";
import { suggest } from "./suggestion.ts";

/** What a built-in Lua module declares at the head of its file in `lua/modules`. */
export interface BuiltinModule {
  /** Whether a workflow may use it: its effects are recorded and replayed, or it has none. */
  workflows: boolean;
  /**
   * Whether a script in a sandbox has it: it does not reach out of the runtime with the user's rights (files,
   * network, programs, the environment), and cannot make what does.
   */
  sandbox: boolean;
}

/** The modules that an entry may list under `modules`: all files of `lua/modules`. */
export const builtinModules: ReadonlyMap<string, BuiltinModule> = new Map(Object.entries(modules));

/** Standard Lua tables: always there, so listing one is harmless. */
const standardTables: ReadonlySet<string> = new Set(["coroutine", "math", "string", "table"]);

/** Whether an entry may list the name under `modules`. */
export function isModule(name: string): boolean {
  return builtinModules.has(name) || standardTables.has(name);
}

/** Returns how to correct a module name that is not known. */
export function suggestModule(name: string): string {
  const refusal = refusedModules.get(name);
  if (refusal !== undefined) return refusal;
  return suggest(
    name,
    builtinModules.keys(),
    `use one of ${[...builtinModules.keys()].join(", ")}`,
  );
}
