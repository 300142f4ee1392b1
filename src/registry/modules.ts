import { suggest } from "./suggestion.ts";

/** What is known about a built-in Lua module before any code runs. */
export interface BuiltinModule {
  /** Whether a workflow may use it: its effects are recorded and replayed, or it has none. */
  workflow: boolean;
  /**
   * Whether it reaches out of the runtime with the user's rights: files, network, programs, the environment; or
   * can make what does. A script in a sandbox has it not.
   */
  outside?: true;
}

const everywhere: BuiltinModule = { workflow: true };
const notInWorkflows: BuiltinModule = { workflow: false };
const outside: BuiltinModule = { workflow: true, outside: true };

/**
 * The modules that an entry may list under `modules`.
 *
 * `env` and `fs` are usable in workflows because their host operations are recorded and replayed;
 * `io` needs a terminal, which a workflow never has.
 */
export const builtinModules: ReadonlyMap<string, BuiltinModule> = new Map([
  ["activity", everywhere],
  ["channel", everywhere],
  ["contract", everywhere],
  ["ctx", everywhere],
  ["env", outside],
  ["errors", everywhere],
  ["events", notInWorkflows],
  ["fs", outside],
  ["funcs", everywhere],
  ["io", notInWorkflows],
  ["json", everywhere],
  ["logger", everywhere],
  ["os", everywhere],
  ["payload", everywhere],
  ["pg", notInWorkflows],
  ["process", everywhere],
  // With it a script could make an entry that opens a directory.
  ["registry", { workflow: false, outside: true }],
  ["schedule", everywhere],
  ["security", everywhere],
  ["server", notInWorkflows],
  ["supervisor", notInWorkflows],
  ["sys", notInWorkflows],
  ["system", notInWorkflows],
  ["time", everywhere],
  ["uuid", everywhere],
  ["workflow", everywhere],
]);

/** Standard Lua tables: always there, so listing one is harmless. */
const standardTables: ReadonlySet<string> = new Set(["coroutine", "math", "string", "table"]);

/** Modules of the reference runtime that this executable does not carry. */
const absentModules: ReadonlySet<string> = new Set(
  ("base64 cdc cloudstorage compress crypto eval_runner excel exec expr hash html " +
    "http http_client hub loader metrics queue sql store stream " +
    "templates text treesitter tty websocket yaml").split(" "),
);

/** Whether an entry may list the name under `modules`. */
export function isModule(name: string): boolean {
  return builtinModules.has(name) || standardTables.has(name);
}

/** How to mend a module name that is not known. */
export function suggestModule(name: string): string {
  if (absentModules.has(name)) {
    return `this wippy has no "${name}"; it has ${[...builtinModules.keys()].join(", ")}`;
  }
  return suggest(
    name,
    builtinModules.keys(),
    `use one of ${[...builtinModules.keys()].join(", ")}`,
  );
}
