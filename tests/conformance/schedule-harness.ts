import { pack } from "../../src/vm/codec.ts";
import type { RunInfo } from "../../src/workflows/provider.ts";
import type { NewSchedule, ScheduleSpec } from "../../src/workflows/schedules/schedules.ts";
import { cleanAfterTest } from "../cleanup.ts";
import { machineOf, Runtime, type RuntimeOptions, type VirtualMachine } from "./runtime.ts";
import { type Script, ScriptError } from "./scripted-engine.ts";
import type { Place, PlaceKind } from "./place.ts";

export const minute = 60_000;
export const hour = 60 * minute;
export const day = 24 * hour;

/** What schedules start: ends at once, at a signal, when it is canceled, with a failure. */
export const scripts: Record<string, Script> = {
  "app:quick": (_run, value) => value,
  "app:waits": function* (run) {
    return yield run.signal();
  },
  "app:cancels": function* (run) {
    return yield run.canceled();
  },
  "app:fails": () => {
    throw new ScriptError({ kind: "Invalid", message: "no" });
  },
};

/** A runtime on a place of its own that can be stopped, or die, and be opened again. */
export class ScheduleHarness {
  readonly machine: VirtualMachine;
  runtime!: Runtime;
  readonly #options: RuntimeOptions;
  #place: Place;

  private constructor(kind: PlaceKind, options: RuntimeOptions) {
    this.#options = options;
    this.#place = kind.makeForSchedules?.() ?? kind.make();
    this.machine = machineOf(this.#place);
    cleanAfterTest(async () => {
      await this.runtime.provider.close();
      this.#place.remove();
    });
  }

  static async open(
    kind: PlaceKind,
    options: RuntimeOptions = {},
  ): Promise<ScheduleHarness> {
    const harness = new ScheduleHarness(kind, options);
    await harness.#open();
    return harness;
  }

  /** What is wrong with what is stored. */
  faults(): string[] {
    return this.#place.faults();
  }

  get schedules() {
    return this.runtime.provider.schedules;
  }

  async #open(more: RuntimeOptions = {}): Promise<void> {
    const options = { scripts, machine: this.machine, ...this.#options, ...more };
    this.runtime = await Runtime.open({ ...options, place: this.#place });
  }

  async stop(): Promise<void> {
    await this.runtime.provider.close();
  }

  async start(more: RuntimeOptions = {}): Promise<void> {
    await this.#open(more);
  }

  /** The runtime dies: what is on disk at this moment is what the next one finds. */
  async die(): Promise<void> {
    const left = this.#place.crashed();
    await this.runtime.provider.close();
    this.#place.remove();
    this.#place = left;
    await this.#open();
  }

  create(
    scheduleId: string,
    spec: ScheduleSpec,
    entry = "app:quick",
    more: Partial<NewSchedule> = {},
  ): Promise<void> {
    return this.schedules.create({
      scheduleId,
      spec,
      action: { entry, hostId: "app:workflows", workflowId: scheduleId, args: pack([]) },
      ...more,
    });
  }

  /** Workflow ids of the runs, in the order of their starts, with their status. */
  async runs(): Promise<string[]> {
    const all: RunInfo[] = [];
    let cursor: string | undefined;
    do {
      const page = await this.runtime.provider.list({ ...cursor !== undefined && { cursor } });
      all.push(...page.runs);
      cursor = page.cursor;
    } while (cursor !== undefined);
    // Providers may list those that are open before others.
    const inOrder = all.reverse().sort((a, b) => a.startTime - b.startTime);
    return inOrder.map(({ workflowId, status }) => `${this.meant(workflowId)} ${status}`);
  }

  /** A workflow id with the half hour that a test means, where the clock has moved on by itself. */
  meant(workflowId = ""): string {
    if (this.machine.exact) return workflowId;
    return workflowId.replace(
      /(?<=T\d\d:)(\d\d):\d\d(?=Z$)/,
      (_, minutes) => Number(minutes) < 30 ? "00:00" : "30:00",
    );
  }

  /** The times in their workflow ids, as they were started. */
  async times(): Promise<string[]> {
    return (await this.runs()).map((run) => /\d{4}-\S+/.exec(run)![0]);
  }
}
