/**
 * What the way between the provider and its thread costs: a batch of tasks and activities packed
 * and unpacked, beside a structured clone of the same objects, which `postMessage` would make of
 * them.
 * @module
 */
import { pack } from "../../src/vm/codec.ts";
import { packPlain } from "../../src/workflows/history.ts";
import type { JournalEvent } from "../../src/workflows/providers/sqlite/messages.ts";
import { packEvents, unpackEvents } from "../../src/workflows/providers/sqlite/wire.ts";
import { measure, quick } from "../kernel/measurement/measurement.ts";

const batch = 200;
const rounds = quick ? 200 : 1_000;

const events: JournalEvent[] = Array.from({ length: batch }, (_, run): JournalEvent => {
  const common = {
    token: `1.${run}.7`,
    runId: crypto.randomUUID(),
    workflowId: `order-${run}`,
    entry: "bench:step",
    hostId: "bench:host",
  };
  if (run % 2) {
    const history = packPlain([[7, 0, "TaskStarted", packPlain({ size: 700 })]]);
    return { type: "task", task: { ...common, worker: "worker-0", since: 5, history } };
  }
  return {
    type: "activity",
    task: {
      ...common,
      pid: `{local@bench:host|order-${run}}`,
      activityId: "7",
      operation: false,
      args: pack([run, "an argument of some forty characters or so"]),
      attempt: 1,
      idempotencyToken: `${common.runId}.1`,
      scheduledTime: 1_700_000_000_000,
      deadline: Date.now(),
    },
  };
});

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
  ours: () => perMessage(() => unpackEvents(packEvents(events))),
  peer: { name: "structured clone", run: () => perMessage(() => structuredClone(events)) },
});
