import { WippyError } from "../vm/error.ts";
import type { CodeEntry } from "../worker/messages.ts";

/** Namespace of the entries that every runtime has. */
export const builtinNamespace = "wippy";

/** Process that runs a supervisor; its argument is the specification. */
export const supervisorEntry = `${builtinNamespace}:supervisor`;

/** Function that returns once the supervisor whose PID it is given has started its children. */
export const supervisorStarted = `${builtinNamespace}:supervisor_started`;

/** The Lua entries that every runtime has. */
export const builtinCode: readonly CodeEntry[] = [
  {
    id: supervisorEntry,
    kind: "process.lua",
    source:
      'local supervisor = require("supervisor") return { main = function(spec) return supervisor.run(spec) end }',
    method: "main",
    modules: ["supervisor"],
  },
  {
    id: supervisorStarted,
    kind: "function.lua",
    // A supervisor answers only then; what bounds the wait is the service's start timeout.
    source:
      'local supervisor = require("supervisor") return { main = function(pid) return supervisor.count_children(pid, nil, "24h") end }',
    method: "main",
    modules: ["supervisor"],
    pool: { type: "lazy", workers: 10_000 },
  },
];

/** @throws WippyError Invalid for an identifier of the runtime's own namespace */
export function refuseReserved(id: string): void {
  if (!id.startsWith(`${builtinNamespace}:`)) return;
  throw new WippyError(
    "Invalid",
    `${id}: the namespace ${builtinNamespace} is the runtime's own; choose another`,
    { retryable: false },
  );
}
