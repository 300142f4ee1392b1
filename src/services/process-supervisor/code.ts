import type { CodeEntry } from "../../worker/messages.ts";

/** Process that runs a supervisor; its argument is the specification. */
export const supervisorEntry = "wippy:supervisor";

/** Function that returns once the supervisor whose PID it is given has started its children. */
export const supervisorStarted = "wippy:supervisor_started";

/** The Lua entries that run supervisors. */
export const supervisorCode: readonly CodeEntry[] = [
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
    source: 'local supervisor = require("supervisor") ' +
      'return { main = function(pid) return supervisor.count_children(pid, nil, "24h") end }',
    method: "main",
    modules: ["supervisor"],
    pool: { type: "lazy", workers: 10_000 },
  },
];
