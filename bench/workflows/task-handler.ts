/**
 * Replays alone: a worker is given whole histories, packed, and runs the code of the application against
 * them, as `wippy workflow replay` and a task of a run that no worker holds do. What replay.ts measures
 * besides is the way there: reading the journal, and from thread to thread.
 * @module
 */
import { pack } from "../../src/vm/codec.ts";
import { loadLuaModule } from "../../src/vm/module.ts";
import { livenessMemory } from "../../src/worker/liveness.ts";
import { pulseMemory } from "../../src/worker/pulse.ts";
import type { FromWorker } from "../../src/worker/messages.ts";
import { createServices } from "../../src/worker/services.ts";
import { LuaWorker } from "../../src/worker/worker.ts";
import {
  type EventData,
  type EventType,
  packHistory,
  packPlain,
  type StoredEvent,
} from "../../src/workflows/history/history.ts";
import { measure, quick } from "../kernel/measurement/measurement.ts";

const source = `local funcs = require("funcs")
return { main = function(steps)
  local value = 0
  for _ = 1, steps do
    value = assert(funcs.call("durable:step", value))
  end
  return value
end }`;

/** The history of a run of that many steps: four events each. */
function historyOf(steps: number): { history: Uint8Array; events: number } {
  const events: StoredEvent[] = [];
  const add = <Type extends EventType>(type: Type, data: EventData[Type]) => {
    const id = events.length + 1;
    events.push({ id, time: 1_764_000_000_000 + id, type, data: packPlain(data) });
  };
  add("ExecutionStarted", {
    workflowId: "run",
    runId: "run",
    firstRunId: "run",
    entry: "durable:run",
    hostId: "durable:runs",
    pid: "{durable:runs|run}",
    args: pack([steps]),
    randomSeed: 1,
    attempt: 1,
  });
  add("TaskStarted", { size: 200 });
  for (let seq = 1; seq <= steps; seq++) {
    add("TaskCompleted", { worker: 0 });
    add("ActivityScheduled", { seq, entry: "durable:step", args: pack([seq - 1]) });
    add("ActivityCompleted", { seq, attempt: 1, value: pack(seq) });
    add("TaskStarted", { size: 200 });
  }
  add("TaskCompleted", { worker: 0 });
  add("ExecutionCompleted", { value: pack(steps) });
  return { history: packHistory(events), events: events.length };
}

let answered: (difference: unknown) => void = () => {};
const memory = (bytes: number) => new Int32Array(new SharedArrayBuffer(bytes));
const worker = await LuaWorker.start({
  index: 0,
  firstPid: 1,
  alone: true,
  version: 0,
  strict: false,
  entries: [
    { id: "durable:run", kind: "workflow.lua", source, method: "main", modules: ["funcs"] },
    {
      id: "durable:step",
      kind: "function.lua",
      source: "return { main = function(value) return value + 1 end }",
      method: "main",
      modules: [],
    },
  ],
  hosts: [{ id: "durable:runs", kind: "workflow.host", units: "workflows", state: "running" }],
  memoryLimit: 2 ** 30,
  module: await loadLuaModule(),
  loads: memory(4),
  backlogs: memory(4),
  crowds: memory(4),
  populations: memory(4),
  compiled: memory(16),
  liveness: livenessMemory(1),
  pulses: pulseMemory(1),
  services: createServices({ entries: [], directory: ".", modules: {}, startedAt: 0 }, () => {}),
  direct: true,
  terminalOf: () => undefined,
}, (messages: FromWorker[]) => {
  for (const message of messages) if (message.type === "replayed") answered(message.difference);
});

/** @throws when the code does not repeat the history */
async function replay(history: Uint8Array): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<unknown>();
  answered = resolve;
  worker.receive([{ type: "replay", question: 1, runId: "run", history }]);
  const difference = await promise;
  if (difference) throw new Error(`the replay differs: ${JSON.stringify(difference)}`);
}

for (const steps of [3, 250, 12_500]) {
  const { history, events } = historyOf(steps);
  const rounds = Math.max(3, Math.ceil((quick ? 100_000 : 500_000) / events));
  const size = steps === 3 ? 10 : steps * 4;
  await measure({
    figure: `taskHandler.events_${size}`,
    unit: "1/s",
    better: "higher",
    n: events,
    target: 300_000,
    ours: async () => {
      for (let i = 0; i < Math.ceil(rounds / 3); i++) await replay(history);
      const began = performance.now();
      for (let i = 0; i < rounds; i++) await replay(history);
      return rounds * events / ((performance.now() - began) / 1_000);
    },
  });
}
worker.close();
