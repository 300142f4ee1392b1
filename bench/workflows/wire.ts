/**
 * What the way from the journal to a worker costs: a batch of tasks and activities packed and unpacked,
 * beside a structured clone of the same objects, which `postMessage` would make of them.
 * @module
 */
import { pack } from "../../src/vm/codec.ts";
import { packHistory, packPlain } from "../../src/workflows/history/history.ts";
import {
  type OutgoingTask,
  packIdentity,
  packTasks,
  RunMemory,
  unpackTasks,
} from "../../src/workflows/tasks/wire.ts";
import { measure, quick } from "../kernel/measurement/measurement.ts";

const batch = 200;
const rounds = quick ? 200 : 1_000;

const tasks: OutgoingTask[] = Array.from({ length: batch }, (_, run): OutgoingTask => {
  const runId = crypto.randomUUID();
  if (run % 2) {
    const data = packPlain({ size: 700 });
    const history = packHistory([{ id: 7, time: 0, type: "TaskStarted", data }]);
    return { type: "task", task: { token: `1.${run}.7`, runId, since: 5, history } };
  }
  return {
    type: "activity",
    task: {
      token: `1.${run}.7.1`,
      identity: packIdentity({
        runId,
        workflowId: `order-${run}`,
        pid: `{bench:host|order-${run}}`,
        hostId: "bench:host",
      }),
      entry: "bench:step",
      operation: false,
      args: pack([run, "an argument of some forty characters or so"]),
      attempt: 1,
      scheduledTime: 1_700_000_000_000,
      deadline: 1_700_000_600_000,
    },
  };
});
const memory = new RunMemory();

/** Microseconds a message. */
function perMessage(work: () => unknown): number {
  for (let i = 0; i < rounds; i++) work();
  const began = performance.now();
  for (let i = 0; i < rounds; i++) work();
  return 1_000 * (performance.now() - began) / (rounds * batch);
}

await measure({
  figure: "journal.message",
  unit: "µs",
  better: "lower",
  n: rounds * batch,
  target: 1,
  ours: () => perMessage(() => unpackTasks(packTasks(tasks), memory)),
  peer: { name: "structured clone", run: () => perMessage(() => structuredClone(tasks)) },
});
