import { expect } from "bun:test";
import { pack, unpack } from "../../src/vm/codec.ts";
import type { LuaValue } from "../../src/vm/value.ts";
import type { Failure } from "../../src/workflows/engine/outcome.ts";
import { type HistoryEvent, unpackHistory } from "../../src/workflows/history/history.ts";
import type {
  OutboxMessage,
  ProviderOptions,
  ProviderPlatform,
  ProviderReport,
  RunClosed,
  StartRequest,
  StartResult,
  WorkflowProvider,
} from "../../src/workflows/provider.ts";

import type { LocalAttempt } from "../../src/workflows/replay/local-activities.ts";
import { WippyError } from "../../src/vm/error.ts";
import { HeldLogs } from "../../src/workflows/replay/held-logs.ts";
import { RunsAhead } from "../../src/workflows/replay/runs-ahead.ts";
import { WorkflowTaskHandler } from "../../src/workflows/replay/replay.ts";
import { TaskQueue } from "../../src/workflows/tasks/queue.ts";
import { machine as realMachine } from "../../src/platform/machine.ts";
import type { FailedAttempt } from "../../src/workflows/failure-records.ts";
import { type Script, ScriptedEngine, ScriptError } from "./scripted-engine.ts";
import type {
  ActivityResult,
  ActivityTask,
  FusedStep,
  QueryAnswer,
  QueryTask,
  Task,
  TaskCompletion,
  WorkflowTask,
} from "../../src/workflows/tasks/tasks.ts";
import type { Place } from "./place.ts";

/** A clock that moves only when a test says so. */
export class VirtualMachine implements ProviderPlatform {
  /** False for a clock that moves by itself: things happen after their time, and time goes on while a test looks. */
  readonly exact: boolean = true;
  #time = Date.UTC(2026, 0, 1);
  #timers = new Set<{ at: number; callback: () => void }>();
  #count = 0;
  readonly random = {
    uuid: () => `00000000-0000-4000-8000-${String(++this.#count).padStart(12, "0")}`,
    seed: () => ++this.#count,
  };

  get time(): number {
    return this.#time;
  }

  set time(time: number) {
    this.#time = time;
  }

  now(): number {
    return this.time;
  }

  setTimer(delay: number, callback: () => void): () => void {
    const timer = { at: this.time + delay, callback };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  defer(callback: () => void): () => void {
    const immediate = setImmediate(callback);
    return () => clearImmediate(immediate);
  }

  /** Lets that many milliseconds pass while nothing happens here. */
  skip(milliseconds: number): Promise<void> {
    this.time += milliseconds;
    return Promise.resolve();
  }

  /** Lets that many milliseconds pass, timer by timer. */
  async advance(milliseconds: number): Promise<void> {
    const end = this.time + milliseconds;
    await settle();
    for (;;) {
      const due = [...this.#timers].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (!due) break;
      this.time = Math.max(this.time, due.at);
      this.#timers.delete(due);
      due.callback();
      await settle();
    }
    this.time = end;
  }
}

/** How to wait for the place of the last runtime, where that is not of this process. */
let atRest: (() => Promise<void>) | undefined;

/** The clock of a place: its own, or one that tests move. */
export function machineOf(place: Place): VirtualMachine {
  return place.machine?.() ?? new VirtualMachine();
}

/**
 * Waits until nothing is left to do without time passing: every step takes one turn of the event
 * loop.
 */
export async function settle(turns = 25): Promise<void> {
  if (atRest) return await atRest();
  for (let i = 0; i < turns; i++) await new Promise((resolve) => setImmediate(resolve));
}

/**
 * Returns what a promise is rejected with. Not `expect(…).rejects`: it keeps the event loop from what a connection
 * brings.
 */
export async function refusal(promise: Promise<unknown>): Promise<WippyError> {
  try {
    await promise;
  } catch (error) {
    return WippyError.from(error);
  }
  throw new Error("the promise was fulfilled");
}

/**
 * Checks when something happened, in milliseconds since its beginning: at these times, or after them where the clock
 * moves by itself.
 */
export function expectTimes(
  { exact }: VirtualMachine,
  times: readonly number[],
  expected: readonly number[],
): void {
  const since = times.map((time) => time - times[0]!);
  const late = since.map((time, i) => exact ? time : Math.min(time, expected[i] ?? time));
  expect(late).toEqual([...expected]);
}

/** An activity in TypeScript. Throw a `ScriptError` to fail with a given failure. */
export type ActivityFunction = (
  task: ActivityTask,
  ...args: LuaValue[]
) => LuaValue | Promise<LuaValue>;

/** The same as a local activity. */
export type LocalFunction = (
  attempt: LocalAttempt,
  ...args: LuaValue[]
) => LuaValue | Promise<LuaValue>;

export interface RuntimeOptions extends ProviderOptions {
  scripts?: Record<string, Script>;
  activities?: Record<string, ActivityFunction> | undefined;
  localActivities?: Record<string, LocalFunction>;
  /** @default the real one, with the provider as it works for a runtime */
  machine?: VirtualMachine;
}

/** A node in miniature: one worker with scripted workflows and activities, on a provider. */
export class Runtime {
  readonly provider: WorkflowProvider;
  readonly engine: ScriptedEngine;
  readonly taskHandler: WorkflowTaskHandler;
  /** Its worker's end of the provider. */
  queue!: TaskQueue;
  readonly #defer: (callback: () => void) => () => void;
  readonly #machine: Pick<VirtualMachine, "now">;
  readonly #runsAhead: boolean;
  readonly #heldLogs = new HeldLogs<string>();
  readonly #ahead: RunsAhead;
  /** Steps that were taken ahead of the provider. */
  readonly steps: FusedStep[] = [];
  /** Runs whose step the provider has. */
  readonly settled: string[] = [];
  /** Runs that the provider had the worker forget. */
  readonly evicted: string[] = [];
  readonly activities: Record<string, ActivityFunction>;
  readonly localActivities: Record<string, LocalFunction>;
  readonly messages: OutboxMessage[] = [];
  readonly reports: ProviderReport[] = [];
  readonly attempts: ActivityTask[] = [];
  readonly aborted: string[] = [];
  /** Attempts of local activities. */
  readonly locals: LocalAttempt[] = [];
  /** Local attempts that were asked to end. */
  readonly asked: string[] = [];
  /** Whether local attempts listen for their cancellation. */
  listening = true;
  /** False: tasks are taken and never answered, like those of a worker that hangs. */
  answering = true;
  /** Attempts of local activities that failed. */
  readonly failedAttempts: FailedAttempt[] = [];

  constructor(options: RuntimeOptions & { place: Place }) {
    const { scripts = {}, activities = {}, localActivities = {}, machine, place, ...rest } =
      options;
    this.#runsAhead = place.runsAhead;
    atRest = place.settle?.bind(place);
    this.#machine = machine ?? realMachine;
    this.provider = place.provider({ ...machine && { platform: machine }, ...rest });
    this.activities = activities;
    this.localActivities = localActivities;
    this.engine = new ScriptedEngine(scripts);
    this.taskHandler = new WorkflowTaskHandler(this.engine, {
      start: (attempt) => void this.#runLocal(attempt),
      failed: (attempt) => this.failedAttempts.push(attempt),
      cancel: (token, gently) => {
        if (!gently) this.aborted.push(token);
        else if (this.listening) this.asked.push(token);
        else this.taskHandler.answered(token, undefined, canceled());
      },
    }, { platform: machine ?? realMachine, logs: this.#heldLogs });
    this.#defer = (machine ?? realMachine).defer;
    this.#ahead = new RunsAhead(this.taskHandler, this.#heldLogs, () => this.#machine.now());
    this.provider.onMessage((message) => this.messages.push(message));
    this.provider.onReport((report) => this.reports.push(report));
  }

  static async open(options: RuntimeOptions & { place: Place }): Promise<Runtime> {
    const runtime = new Runtime(options);
    await runtime.provider.open();
    runtime.connect();
    return runtime;
  }

  /** Connects its worker. */
  connect(): void {
    this.queue = new TaskQueue(this.provider.connect(0), this.#defer);
    const { answer } = this.queue;
    this.queue.answer = (said) => {
      if (said.type === "step") this.steps.push(said.step);
      answer.call(this.queue, said);
    };
    this.queue.onTasks((tasks) => {
      for (const item of tasks) this.#take(item);
    });
  }

  #take(item: Task): void {
    switch (item.type) {
      case "task":
        this.#ahead.left(item.task.runId);
        if (item.task.early && (this.onTask !== this.#runTask || !this.answering)) {
          // What a test does with it may take as long as it likes.
          const failure = { cause: "early", message: "the test has it" } as const;
          this.completeTask({ token: item.task.token, outcome: { type: "failed", failure } });
        } else this.onTask(item.task);
        break;
      case "query":
        this.onQuery(item.task);
        break;
      case "activity":
        void this.#run(item.task);
        break;
      case "activity_cancel":
        this.aborted.push(item.token);
        break;
      case "expedite":
        this.taskHandler.expedite(item.runId);
        break;
      case "evict":
        this.evicted.push(item.runId);
        this.#heldLogs.drop(item.runId);
        this.#ahead.left(item.runId);
        this.taskHandler.evict(item.runId);
        break;
      case "settled":
        this.settled.push(item.runId);
        for (const line of this.#heldLogs.settled(item.runId)) this.onLog(line);
        this.#ahead.settled(item.runId, item.ahead);
        this.#showLater();
    }
  }

  readonly #runTask = (task: WorkflowTask): void => {
    if (!this.answering) return;
    const completion = this.taskHandler.run(task);
    if (!(completion instanceof Promise)) this.completeTask(completion);
    else completion.then((later) => this.completeTask(later));
  };

  /** What the worker does with a task; tests put something else in its place. */
  onTask: (task: WorkflowTask) => void = this.#runTask;

  onQuery = (task: QueryTask): void => {
    if (!this.answering) return;
    this.taskHandler.query(task).then((answer) => this.completeQuery(answer));
  };

  completeTask(completion: TaskCompletion): void {
    this.queue.answer({ type: "task", completion });
  }

  completeQuery(answer: QueryAnswer): void {
    this.queue.answer({ type: "queried", answer });
  }

  completeActivity(token: string, result: ActivityResult): void {
    this.queue.answer({ type: "activity", token, result });
  }

  start(
    entry: string,
    args: LuaValue[] = [],
    more: Partial<StartRequest> = {},
  ): Promise<StartResult> {
    return this.provider.start({ entry, hostId: "app:workflows", args: pack(args), ...more });
  }

  signal(workflowId: string, name: string, ...payloads: LuaValue[]): Promise<void> {
    return this.provider.signal(workflowId, { name, payloads: pack(payloads), sender: "{t|1}" });
  }

  closed(workflowId: string, runId?: string): Promise<RunClosed> {
    return new Promise((resolve) => void this.provider.watch(workflowId, resolve, runId));
  }

  /** The value of a run that completed. */
  async result(workflowId: string): Promise<LuaValue> {
    const closed = await this.closed(workflowId);
    if (closed.status !== "completed") {
      throw new Error(`${closed.status}: ${closed.failure?.message}`);
    }
    return closed.value && unpack(closed.value);
  }

  async history(runId: string): Promise<HistoryEvent[]> {
    return unpackHistory(await this.provider.history(runId));
  }

  async eventTypes(runId: string): Promise<string[]> {
    return (await this.history(runId)).map(({ type }) => type);
  }

  async #runLocal(attempt: LocalAttempt): Promise<void> {
    this.locals.push(attempt);
    const { token, entry, args } = attempt;
    const activity = this.localActivities[entry];
    try {
      if (!activity) {
        throw new WippyError("NotFound", `there is no function ${entry}`, { retryable: false });
      }
      this.taskHandler.answered(token, await activity(attempt, ...args), undefined);
    } catch (error) {
      const failure = error instanceof ScriptError ? error.failure : error;
      this.taskHandler.answered(token, undefined, WippyError.from(failure));
    }
  }

  /** Takes the lines that scripts log; tests put something else in its place. */
  onLog = (_line: string): void => {};

  /** Logs a line of a script, when the provider has what the script was shown. */
  log(pid: string, line: string): void {
    if (!this.#heldLogs.take(pid, line)) this.onLog(line);
  }

  /** Shows runs outcomes at the end of the turn. */
  #showLater(): void {
    this.#defer(() => {
      void this.#ahead.show();
    });
  }

  async #run(task: ActivityTask): Promise<void> {
    this.attempts.push(task);
    if (this.#runsAhead) this.#ahead.begin(task);
    const activity = this.activities[task.entry];
    try {
      if (!activity) {
        const message = `there is no function ${task.entry}`;
        throw new ScriptError({ kind: "NotFound", message, retryable: false });
      }
      const value = await activity(task, ...unpack(task.args) as LuaValue[]);
      const payload = pack(value);
      const { queue } = this;
      if (this.#runsAhead && this.#ahead.completed({ task, queue, value: payload })) {
        this.#showLater();
        return;
      }
      this.completeActivity(task.token, { status: "completed", value: payload });
    } catch (error) {
      this.#ahead.failed(task);
      this.completeActivity(task.token, { status: "failed", failure: failureOf(error) });
    }
  }
}

function canceled(): WippyError {
  return new WippyError("Canceled", "operation canceled", { retryable: false });
}

function failureOf(error: unknown): Failure {
  if (error instanceof ScriptError) return error.failure;
  return { kind: "Internal", message: error instanceof Error ? error.message : String(error) };
}
