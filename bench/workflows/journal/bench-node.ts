/**
 * A node in miniature for the benches of the journal: the provider with an engine that costs next
 * to nothing, so that what is measured is the journal and the way to it.
 * @module
 */
import { join } from "node:path";
import { pack } from "../../../src/vm/codec.ts";
import type { Activation } from "../../../src/workflows/engine/activation.ts";
import type { Command } from "../../../src/workflows/engine/command.ts";
import type { Engine } from "../../../src/workflows/engine/engine.ts";
import { SqliteProvider } from "../../../src/workflows/providers/sqlite/sqlite.ts";
import { WorkflowTaskHandler } from "../../../src/workflows/replay/replay.ts";
import { temporaryFolder } from "../../kernel/measurement/command.ts";
import { serve } from "./worker.ts";

/** Runs every workflow as `steps` activities, one after the other. */
class StepEngine implements Engine {
  readonly #steps: number;
  readonly #done = new Map<string, number>();

  constructor(steps: number) {
    this.#steps = steps;
  }

  has(runId: string): boolean {
    return this.#done.has(runId);
  }

  evict(runId: string): void {
    this.#done.delete(runId);
  }

  where(): string {
    return "";
  }

  query(): never {
    throw new Error("the steps answer no queries");
  }

  replay(activations: Activation[]): Command[][] {
    return activations.map((activation) => this.activate(activation));
  }

  activate({ runId }: Activation): Command[] {
    const step = (this.#done.get(runId) ?? 0) + 1;
    this.#done.set(runId, step);
    const at = "bench:steps:1";
    return [
      step > this.#steps ? { type: "complete_workflow", at, result: step } : {
        type: "schedule_activity",
        at,
        seq: step,
        entry: "bench:step",
        args: [step, "an argument of some forty characters or so"],
        options: {},
      },
    ];
  }
}

/**
 * A provider on a fresh journal file, with its own thread, whose workflows have that many steps.
 */
export class BenchNode {
  readonly #provider: SqliteProvider;
  #started = 0;

  private constructor(provider: SqliteProvider) {
    this.#provider = provider;
  }

  static async open(steps: number): Promise<BenchNode> {
    const provider = new SqliteProvider({ path: join(temporaryFolder(), "journal.db") });
    const taskHandler = new WorkflowTaskHandler(new StepEngine(steps), {
      start: () => {},
      failed: () => {},
      cancel: () => {},
    });
    await provider.open();
    serve(provider, (task) => taskHandler.run(task), taskHandler);
    return new BenchNode(provider);
  }

  /** Starts a workflow and waits for its end. */
  async run(): Promise<void> {
    const workflowId = `run-${++this.#started}`;
    const args = pack([]);
    await this.#provider.start({ entry: "bench:steps", hostId: "bench:host", workflowId, args });
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#provider.watch(workflowId, ({ status }) => {
      if (status === "completed") resolve();
      else reject(new Error(`${workflowId}: ${status}`));
    });
    await promise;
  }

  close(): Promise<void> {
    return this.#provider.close();
  }
}
