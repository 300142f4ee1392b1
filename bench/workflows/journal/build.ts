/**
 * Makes journals for the benches without a runtime: the journal's own code on the caller's thread, which
 * is told what the code of app/ would answer to each task. A million sleeping runs take a minute or two
 * so; started one by one through a runtime they would take ten.
 * @module
 */
import { pack } from "../../../src/vm/codec.ts";
import type { Command } from "../../../src/workflows/engine/command.ts";
import { packCommands } from "../../../src/workflows/history/history.ts";
import type { StartRequest } from "../../../src/workflows/provider.ts";
import { SqliteProvider } from "../../../src/workflows/providers/sqlite/sqlite.ts";
import { serve } from "./worker.ts";
import type { WorkflowTask } from "../../../src/workflows/tasks/tasks.ts";

/** Runs that are started together, and so in one transaction. */
const batch = 2_000;

/** What the code of a run does in one task, and whether it then waits for what the journal does not do. */
type Answer = (task: WorkflowTask) => { commands: Command[]; settled: boolean };

/** Starts `count` runs in a new journal and answers their tasks until each is settled. */
async function fill(
  path: string,
  count: number,
  request: (index: number) => StartRequest,
  answer: Answer,
): Promise<void> {
  const provider = new SqliteProvider({ path, inline: true, maxTasks: batch });
  let waiting = 0;
  let ready: (() => void) | undefined;
  await provider.open();
  const queue = serve(provider, (task) => {
    const { commands, settled } = answer(task);
    if (settled && --waiting === 0) ready?.();
    return {
      token: task.token,
      outcome: { type: "completed", commands: packCommands(commands) },
    };
  });
  for (let made = 0; made < count; made += batch) {
    waiting = Math.min(batch, count - made);
    const { promise, resolve } = Promise.withResolvers<void>();
    ready = resolve;
    const many = Array.from({ length: waiting }, (_, i) => provider.start(request(made + i)));
    await Promise.all(many);
    await promise;
  }
  queue.flush();
  // Closing answers after what was sent before it is on disk.
  await provider.close();
}

const common = { hostId: "durable:runs", frame: pack({}) };

/** Runs of `durable:sleeper` that sleep until `due`, in milliseconds since the epoch. */
export async function buildSleepers(path: string, count: number, due: number): Promise<void> {
  const request = { ...common, entry: "durable:sleeper", args: pack([due]) };
  await fill(path, count, () => request, () => ({
    commands: [{
      type: "start_timer",
      at: "durable:sleeper:6",
      seq: 1,
      duration: due - Date.now(),
    }],
    settled: true,
  }));
}

/** Closed runs of `durable:long`, of that many steps each, with the workflow ids `replay-1` and on. */
export async function buildClosed(path: string, count: number, steps: number): Promise<void> {
  const at = "durable:long:6";
  const done = new Map<string, number>();
  await fill(path, count, (index) => ({
    ...common,
    entry: "durable:long",
    workflowId: `replay-${index + 1}`,
    args: pack([steps]),
  }), ({ runId }) => {
    const step = (done.get(runId) ?? 0) + 1;
    done.set(runId, step);
    if (step > steps) {
      return { commands: [{ type: "complete_workflow", at, result: steps }], settled: true };
    }
    const args = [step];
    return {
      commands: [
        { type: "schedule_activity", at, seq: step, entry: "durable:step", args, options: {} },
      ],
      settled: false,
    };
  });
}
