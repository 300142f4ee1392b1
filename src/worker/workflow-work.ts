import { unpack } from "../vm/codec.ts";
import { WippyError } from "../vm/error.ts";
import { type LuaValue, PackedList } from "../vm/value.ts";
import { Simulation } from "../platform/simulation.ts";
import type { Platform } from "../platform/platform.ts";
import type { LocalAttempt } from "../workflows/replay/local-activities.ts";
import { WorkflowTaskHandler } from "../workflows/replay/replay.ts";
import { HeldLogs } from "../workflows/replay/held-logs.ts";
import { RunsAhead } from "../workflows/replay/runs-ahead.ts";
import { TaskQueue } from "../workflows/tasks/queue.ts";
import { Attempts, frameOf } from "./activities.ts";
import { LuaEngine } from "./engine.ts";
import { Signals } from "./signals.ts";
import type { Kernel } from "./kernel.ts";
import type { ToWorker } from "./messages.ts";
import type { OperationRunner } from "./operation-runner.ts";
import { attemptRecord, type FailedAttempt } from "../workflows/failure-records.ts";
import type { LogRecord } from "../observe/log.ts";
import type { ProviderReport } from "../workflows/provider.ts";
import type {
  ActivityTask,
  DirectPort,
  QueuePort,
  Task,
  TaskCompletion,
  TaskFailure,
  WorkerAnswer,
  WorkflowTask,
} from "../workflows/tasks/tasks.ts";

/** Runs of workflows that a worker keeps in memory; the others come back by replay. */
const maxLiveRuns = 10_000;

/** Tasks that are taken before their answers are sent: a quarter of a millisecond of work. */
const atATime = 8;

/** What doing work for workflows needs of its worker. */
/** Part of a worker's memory from which on idle runs are dropped from it. */
const memoryForRuns = 0.5;

export interface WorkPlace {
  kernel: Kernel;
  operations: OperationRunner;
  platform: Platform;
  /** Runs kept in memory, 10,000 when absent. */
  cachedRuns?: number | undefined;
  /** Bytes that Lua has in use, and may have. */
  memory(): { used: number; limit: number };
  /** Runs something in the VM; its fault ends the worker. */
  enter(step: () => void): void;
  /** There is something to run, or to send. */
  wake(): void;
  /** Writes a record to the log of the runtime. */
  report(record: ProviderReport): void;
  /** Writes what code has logged. */
  log(record: LogRecord): void;
  /** Takes the turn that is due without waiting for the event loop. */
  turnAtOnce(): void;
  /** Ends the worker. */
  die(error: unknown): void;
}

/** What a worker does for the workflow providers: it runs tasks, answers queries, makes attempts. */
export class WorkflowWork {
  readonly #place: WorkPlace;
  readonly #engine: LuaEngine;
  readonly #taskHandler: WorkflowTaskHandler;
  readonly #attempts = new Attempts();
  readonly #heldLogs = new HeldLogs<LogRecord>();
  readonly #runsAhead: RunsAhead;
  /** Signals of units of this worker. */
  readonly signals: Signals;
  /** The worker's ends of the providers. */
  readonly #queues: TaskQueue[] = [];

  constructor(place: WorkPlace) {
    this.#place = place;
    const { kernel, platform, cachedRuns } = place;
    this.#engine = new LuaEngine(kernel, () => place.wake());
    this.signals = new Signals(kernel);
    const local = {
      start: (attempt: LocalAttempt) =>
        place.enter(() => {
          const { token, entry, args } = attempt;
          kernel.call("call", token, entry, frameOf(attempt), ...args);
        }),
      failed: (attempt: FailedAttempt) => {
        const record = attemptRecord(attempt);
        if (record) place.report(record);
      },
      cancel: (token: string, gently: boolean) =>
        place.enter(() => kernel.call("cancel_call", token, gently)),
    };
    const maxRuns = cachedRuns ?? maxLiveRuns;
    const logs = this.#heldLogs;
    const isFull = () => {
      const { used, limit } = place.memory();
      return used > limit * memoryForRuns;
    };
    const options = { maxRuns, platform, isFull, logs };
    this.#taskHandler = new WorkflowTaskHandler(this.#engine, local, options);
    this.#runsAhead = new RunsAhead(this.#taskHandler, this.#heldLogs, () => platform.now());
  }

  /**
   * Takes work from a provider, from now on: a few tasks at a time, which are answered before the next, so
   * that the provider commits the ones while the others run. In one go both would wait for each other by turns.
   *
   * @param host whose runs get the signals of this worker's units over it
   */
  attach(port: QueuePort | DirectPort, host?: string): void {
    const queue = new TaskQueue(port, this.#place.platform.defer);
    this.#queues.push(queue);
    if (host !== undefined) {
      const closed = this.signals.attach(host, queue);
      queue.onClosed(() => this.#place.enter(closed));
    }
    let waiting: Task[] = [];
    const takeSome = () => {
      for (const item of waiting.slice(0, atATime)) {
        this.#place.enter(() => this.#take(queue, item));
      }
      this.#place.turnAtOnce();
      waiting = waiting.slice(atATime);
      // Answers are sent in the next turn of the event loop: the turn after that goes on.
      const { defer } = this.#place.platform;
      if (waiting.length > 0) defer(() => void defer(takeSome));
    };
    queue.onTasks((tasks) => {
      const idle = waiting.length === 0;
      waiting = waiting.concat(tasks);
      if (idle) takeSome();
    });
  }

  /** How many runs live here. */
  get runs(): number {
    return this.#engine.runs;
  }

  #take(queue: TaskQueue, item: Task): void {
    const { kernel, operations } = this.#place;
    switch (item.type) {
      case "task":
        this.#runsAhead.left(item.task.runId);
        this.#task(queue, item.task);
        break;
      case "query":
        this.#taskHandler.query(item.task).then((answer) => {
          this.#answer(queue, { type: "queried", answer });
        }, (error) => this.#place.die(error));
        break;
      case "activity":
        this.#activity(queue, item.task);
        break;
      case "activity_cancel":
        kernel.call("cancel_call", item.token, item.gently);
        operations.abort(item.token);
        break;
      case "expedite":
        this.#taskHandler.expedite(item.runId);
        break;
      case "evict":
        this.#heldLogs.drop(item.runId);
        this.#runsAhead.left(item.runId);
        this.#taskHandler.evict(item.runId);
        break;
      case "signaled":
        this.signals.answered(queue, item);
        break;
      case "settled":
        for (const record of this.#heldLogs.settled(item.runId)) this.#place.log(record);
        this.#runsAhead.settled(item.runId, item.ahead);
        break;
    }
  }

  #task(queue: TaskQueue, task: WorkflowTask): void {
    const answer = (completion: TaskCompletion) => {
      this.#answer(queue, { type: "task", completion });
    };
    const completion = this.#taskHandler.run(task);
    if (!(completion instanceof Promise)) return answer(completion);
    completion.then(answer, (error) => this.#place.die(error));
  }

  /** Answers; the worker's next turn sends it where that does not happen by itself. */
  #answer(queue: TaskQueue, answer: WorkerAnswer): void {
    queue.answer(answer);
    if (!queue.isDirect) this.#place.wake();
  }

  #activity(queue: TaskQueue, activity: ActivityTask): void {
    const { kernel, operations, platform } = this.#place;
    const { token, entry, operation, pid } = activity;
    const args = new PackedList(activity.args);
    const frame = this.#attempts.begin(queue, activity);
    this.#runsAhead.begin(activity);
    if (/^(process|schedule|workflow|node)\./.test(entry) && operation) {
      // What a workflow does to plain processes, to schedules and to runs that it waits for, and what it asks the
      // node, is done by the kernel, in the workflow's name.
      kernel.call("act", token, pid, frame, entry, args);
      return;
    }
    if (!operation) {
      kernel.call("call", token, entry, frame, args);
      return;
    }
    const done = operations.runForWorkflow(activity, unpack(args.bytes) as LuaValue[]).then(
      (value) => this.attempted(token, value, undefined),
      (error) => this.attempted(token, undefined, WippyError.from(error)),
    );
    if (platform instanceof Simulation) void platform.during(done);
  }

  /** An activation has come to rest. */
  activated(runId: string, commands: LuaValue, failure: LuaValue): void {
    this.#engine.activated(runId, commands, failure);
  }

  /** The outcome of an attempt. */
  attempted(token: string, value: LuaValue, error: LuaValue): void {
    if (this.#taskHandler.answered(token, value, error)) return;
    const ended = this.#attempts.end(token, value, error);
    if (ended) this.#ended(token, ended);
    if (!ended?.queue.isDirect) this.#place.wake();
  }

  #ended(token: string, { task, queue, result }: NonNullable<ReturnType<Attempts["end"]>>): void {
    if (result.status === "completed") {
      if (this.#runsAhead.completed({ task, queue, value: result.value })) return;
    } else this.#runsAhead.failed(task);
    queue.answer({ type: "activity", token, result });
  }

  /** Takes what a unit logs when it must not leave the worker yet. @returns whether it did */
  holdsLog(pid: string, record: LogRecord): boolean {
    return this.#heldLogs.take(pid, record);
  }

  /** An attempt is alive. */
  beat(token: string, details: LuaValue[]): void {
    this.#attempts.beat(token, details);
  }

  /**
   * The first difference between a history and what the code does; undefined when there is none. With `activations`
   * the run is kept where its code waits after so many.
   */
  check(
    { runId, history, activations }: Extract<ToWorker, { type: "replay" }>,
  ): Promise<TaskFailure | undefined> {
    if (activations !== undefined) return this.#taskHandler.bringTo(runId, history, activations);
    return this.#taskHandler.check(runId, history);
  }

  /** Sends what has been said to the providers. */
  flush(): void {
    this.#attempts.sendBeats();
    void this.#runsAhead.show()?.then(() => this.#flushQueues());
    this.#flushQueues();
  }

  #flushQueues(): void {
    for (const queue of this.#queues) queue.flush();
  }

  close(): void {
    for (const queue of this.#queues) queue.close();
  }
}
