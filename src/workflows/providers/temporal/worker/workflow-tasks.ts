import { temporal } from "../messages/messages.ts";
import { WippyError } from "../../../../vm/error.ts";
import { type HistoryEvent, unpackCommands } from "../../../history/history.ts";
import type { TaskCompletion, TaskFailure } from "../../../tasks/tasks.ts";
import { retryDelay } from "../../../history/retry.ts";
import { taskToken } from "../../../tasks/tokens.ts";
import type { RpcResponse } from "../connection/connection.ts";
import type { WorkerSettings } from "../connection/settings.ts";
import { refusedAttributes } from "../client/search-attributes.ts";
import { readUpdate } from "../commands/updates.ts";
import { CommandWriter, type WrittenCommands } from "../commands/commands.ts";
import { fetchHistory, type RunName } from "../history/fetch.ts";
import { HistoryReader } from "../history/history.ts";
import { deliveredUpdate } from "../history/update-events.ts";
import { duration, type TemporalEvent, whole } from "../proto.ts";
import { keeperType } from "../names.ts";
import type { Activities } from "./activities.ts";
import { Outbox } from "./outbox.ts";
import { requestsIn, requestsOf } from "./parting.ts";
import type { Queries } from "./queries.ts";
import { HeldRun } from "./run.ts";
import { type PolledTask, stickyQueue, type TaskContext, versioning } from "./worker.ts";

const { WorkflowTaskFailedCause: Cause, TaskQueueKind: Kind } = temporal.api.enums.v1;

/** Milliseconds for which a task is held open for local activities at most: what comes to the run waits for its end. */
const longestHold = 4_000;
/** Milliseconds that the answer to a failed task waits at most: a task has ten seconds. */
const longestWait = 9_000;
/** Runs whose histories are cached up to their last task; others are read again. */
const mostRuns = 20_000;

type Completed = Extract<TaskCompletion["outcome"], { type: "completed" }>;
type Answer = TaskCompletion["outcome"] | { type: "lost" } | { type: "superseded" };

/** A task with what is new in its run's history, or all of it. */
interface ReadTask {
  run: HeldRun;
  events: HistoryEvent[];
  whole: boolean;
}

/** The workflow tasks of this runtime: from the server to a worker, and what it did with them back. */
export class WorkflowTasks {
  readonly #context: TaskContext;
  readonly #activities: Activities;
  readonly #queries: Queries;
  readonly #outbox: Outbox;
  /** The least recently used ones first. */
  readonly #runs = new Map<string, HeldRun>();
  readonly #out = new Map<string, { worker: number; resolve: (answer: Answer) => void }>();
  /** Runs that were reported as blocked. */
  readonly #blocked = new Set<string>();
  /** Ends the wait before a failed task is given back. */
  readonly #waiting = new Map<string, () => void>();
  #numbers = 0;

  constructor(context: TaskContext, activities: Activities, queries: Queries) {
    this.#context = context;
    this.#activities = activities;
    this.#queries = queries;
    this.#outbox = new Outbox(context);
  }

  /** The runs whose task is with a worker. */
  get busy(): number {
    return this.#out.size;
  }

  run(runId: string): HeldRun | undefined {
    return this.#runs.get(runId);
  }

  /** A worker has answered a task. */
  answered({ token, outcome }: TaskCompletion): void {
    this.#out.get(token)?.resolve(outcome);
  }

  /** A worker is gone with the tasks that it had, and with the runs that it held. */
  disconnect(worker: number): void {
    for (const run of this.#runs.values()) if (run.worker === worker) this.#forgetWorker(run);
    for (const { worker: has, resolve } of [...this.#out.values()]) {
      if (has === worker) resolve({ type: "lost" });
    }
  }

  /** Gives up the tasks that are with workers. */
  abandon(): void {
    for (const { resolve } of [...this.#out.values()]) resolve({ type: "superseded" });
    for (const end of [...this.#waiting.values()]) end();
  }

  /**
   * Takes a task to its end, and those that the server hands out with the answer.
   *
   * @param slot releases the slot of the task
   */
  async take(polled: PolledTask, settings: WorkerSettings): Promise<void> {
    for (let task: PolledTask | undefined = polled; task;) {
      const { workflowId = "", runId = "" } = named(task);
      try {
        const keeps = task.workflowType?.name === keeperType && !task.query;
        if (keeps) return await this.#outbox.take(task, settings);
        task = task.query ? await this.#query(task) : await this.#take(task, settings);
      } catch (error) {
        const { kind, message } = WippyError.from(error);
        // The run has ended, or the task took too long and is elsewhere by now; or something came to the run meanwhile.
        if (kind !== "NotFound" && message !== "UnhandledCommand") {
          this.#taskLost(workflowId, runId, message);
        }
        return;
      }
    }
  }

  async #take(task: PolledTask, settings: WorkerSettings): Promise<PolledTask | undefined> {
    const read = await this.#read(task);
    try {
      // The runtime that completed the last task may have died before these could leave. Those of earlier tasks have
      // left: whoever completed the last one had seen to it.
      this.#outbox.deliver(read.run.reader.messages);
      return await this.#do(read, task, settings);
    } catch (error) {
      this.#dropHeld(read.run);
      if (task.attempt > 1) void this.#giveBack(task, error).catch(() => {});
      throw error;
    }
  }

  async #do(
    { run, events, whole: isWhole }: ReadTask,
    task: PolledTask,
    settings: WorkerSettings,
  ): Promise<PolledTask | undefined> {
    let history = events;
    let since = isWhole ? 0 : run.since;
    for (;;) {
      const answer = await this.#hand(run, history, since);
      if (answer.type === "superseded") return undefined;
      if (answer.type === "completed") return await this.#complete(run, task, answer, settings);
      if (answer.type === "failed" && answer.failure.cause !== "cache_miss") {
        await this.#fail(run, task, answer.failure);
        return undefined;
      }
      if (this.#context.closing()) return undefined;
      if (answer.type === "lost") this.#forgetWorker(run);
      history = await this.#readAgain(run, task);
      since = 0;
    }
  }

  /** Reads the part of a history that a task brings. */
  async #read(task: PolledTask): Promise<ReadTask> {
    const { workflowId = "", runId = "" } = named(task);
    const brought = task.history?.events ?? [];
    const known = this.#runs.get(runId);
    known?.give?.("superseded");
    if (known && known.since > 0 && known.completed === whole(task.previousStartedEventId)) {
      const fresh = brought.filter(({ eventId }) => whole(eventId) > known.read);
      const first = whole(fresh[0]?.eventId);
      if (first === known.read + 1 && task.nextPageToken.length === 0) {
        this.#use(known);
        const events = known.reader.read(fresh, true);
        return { run: known, events: this.#withUpdates(known, task, events), whole: false };
      }
    }
    const run = new HeldRun(
      known?.number ?? ++this.#numbers,
      workflowId,
      runId,
      new HistoryReader(runId, this.#context),
    );
    run.worker = known?.worker;
    // Tokens are not used twice: the worker may still answer the task of before.
    run.lease = known?.lease ?? 0;
    this.#use(run);
    return { run, events: await this.#readAgain(run, task), whole: true };
  }

  /** Reads a whole history, up to the task. */
  async #readAgain(run: HeldRun, task: PolledTask): Promise<HistoryEvent[]> {
    const started = whole(task.startedEventId);
    const brought = task.history?.events ?? [];
    const complete = whole(brought[0]?.eventId) === 1;
    const rest = complete && task.nextPageToken.length === 0 ? [] : await fetchHistory(
      this.#context.connection,
      run,
      complete ? task.nextPageToken : undefined,
    );
    const all = new Map<number, TemporalEvent>();
    for (const event of [...complete ? brought : [], ...rest]) {
      if (whole(event.eventId) <= started) all.set(whole(event.eventId), event);
    }
    // The events of a task that was tried before are not in the history yet.
    for (const event of brought) {
      if (!all.has(whole(event.eventId))) all.set(whole(event.eventId), event);
    }
    const events = [...all.values()];
    if (!all.has(started)) events.push(startOf(task));
    run.reader = new HistoryReader(run.runId, this.#context);
    run.since = 0;
    return this.#withUpdates(run, task, run.reader.read(events));
  }

  /** Puts the updates that a task brings before its start. */
  #withUpdates(run: HeldRun, task: PolledTask, events: HistoryEvent[]): HistoryEvent[] {
    run.updates.clear();
    const at = events.findLastIndex(({ type }) => type === "TaskStarted");
    const started = events[at];
    if (!started) return events;
    const delivered = task.messages.flatMap((message): HistoryEvent[] => {
      const update = readUpdate(message);
      if (!update) return [];
      run.updates.set(update.updateId, update);
      const data = { ...deliveredUpdate(this.#context.conversion, update.request) };
      return [{ id: started.id, time: started.time, type: "UpdateDelivered", data }];
    });
    events.splice(at, 0, ...delivered);
    return events;
  }

  /** Hands a task to a worker and waits for what it does. */
  async #hand(
    run: HeldRun,
    events: HistoryEvent[],
    since: number,
  ): Promise<Answer> {
    const { links, number } = this.#context;
    if (!links.any) await links.ready();
    const worker = links.choose({ wanted: run.worker, quick: true });
    if (worker < 0 || (since > 0 && worker !== run.worker)) return { type: "lost" };
    run.worker = worker;
    const token = taskToken(number, { run: run.number, lease: ++run.lease });
    const { promise, resolve } = Promise.withResolvers<Answer>();
    this.#out.set(token, { worker, resolve });
    run.give = (type) => resolve({ type });
    links.count(worker, 1);
    const timeout = 2 * longestHold;
    links.send(worker, {
      type: "task",
      task: { token, runId: run.runId, since, history: events, timeout },
    });
    try {
      return await promise;
    } finally {
      this.#out.delete(token);
      run.give = undefined;
      links.count(worker, -1);
    }
  }

  async #complete(
    run: HeldRun,
    task: PolledTask,
    outcome: Completed,
    settings: WorkerSettings,
  ): Promise<PolledTask | undefined> {
    const { connection, conversion, queueOf, instance } = this.#context;
    const started = whole(task.startedEventId);
    const written = new CommandWriter({
      conversion,
      identity: connection.identity,
      reader: run.reader,
      startedEventId: started,
      updates: run.updates,
      queueOf,
    }).write(unpackCommands(outcome.commands));
    // The next attempt may come before the answer that this one has failed; its history is read anew.
    run.since = 0;
    const answers = written.closing
      ? {}
      : await this.#queries.answerWith(run, started, task.queries ?? {});
    const closing = written.closing || this.#context.closing();
    const { workflowId, runId } = run;
    const last = { workflowId, runId, started, attempt: task.attempt };
    const requests = written.closing
      ? [...requestsIn(runId, run.reader.unsent), ...requestsOf(runId, written.commands)]
      : [];
    const kept = written.closing && requests.length + written.outbox.length > 0;
    if (kept) await this.#outbox.keep(last, settings);
    const response = await connection.rpc("respondWorkflowTaskCompleted", {
      taskToken: task.taskToken,
      commands: written.commands,
      messages: written.messages,
      queryResults: answers,
      ...!closing && {
        stickyAttributes: {
          workerTaskQueue: {
            name: stickyQueue(instance, settings.taskQueue),
            kind: Kind.TASK_QUEUE_KIND_STICKY,
            normalName: settings.taskQueue,
          },
          scheduleToStartTimeout: duration(settings.stickyTimeout ?? 5_000),
        },
      },
      returnNewWorkflowTask: !closing,
      forceCreateNewWorkflowTask: written.force || outcome.forceNewTask === true,
      ...versioning(settings),
    }).catch(async (error) => {
      const refused = WippyError.from(error).kind === "Invalid";
      if (kept && refused) void this.#outbox.release(last).catch(() => {});
      throw await refusedAttributes(this.#context, written.commands, error);
    });
    if (kept) void this.#outbox.send(last, written.outbox, requests).catch(() => {});
    return this.#committed(run, task, written, response, settings);
  }

  #committed(
    run: HeldRun,
    task: PolledTask,
    written: WrittenCommands,
    response: RpcResponse<"respondWorkflowTaskCompleted">,
    settings: WorkerSettings,
  ): PolledTask | undefined {
    const started = whole(task.startedEventId);
    const kept = whole(response.resetHistoryEventId);
    // A task that only refused updates leaves no trace: its two events are for others.
    run.since = started;
    run.completed = kept > 0 ? kept : started;
    run.read = kept > 0 ? started - 2 : started;
    this.#unblocked(run);
    this.#outbox.deliver(written.outbox);
    for (const eager of response.activityTasks) this.#activities.take(eager, settings);
    for (const seq of written.canceled) this.#activities.cancel(run.runId, seq);
    if (written.closing) {
      this.#activities.abort(run.runId);
      this.#runs.delete(run.runId);
    }
    const { workflowTask } = response;
    return workflowTask?.taskToken?.length ? workflowTask as PolledTask : undefined;
  }

  /**
   * Handles a failed task: the code does not match the history, or its worker failed. The server hands out a failed
   * task again at once, so the response waits, longer each time, at most until the task would time out by itself.
   */
  async #fail(run: HeldRun, task: PolledTask, failure: TaskFailure): Promise<void> {
    const { connection, conversion } = this.#context;
    const { runId } = run;
    this.#dropHeld(run);
    if (failure.cause === "nondeterminism") this.#block(run, task, failure);
    else this.#taskLost(run.workflowId, runId, failure.message);
    if (task.attempt > 1) {
      await this.#wait(runId, waitBefore(task.attempt));
      if (this.#context.closing()) return;
    }
    const { cause, message, ...details } = failure;
    const blocked = cause === "nondeterminism";
    await connection.rpc("respondWorkflowTaskFailed", {
      taskToken: task.taskToken,
      cause: blocked
        ? Cause.WORKFLOW_TASK_FAILED_CAUSE_NON_DETERMINISTIC_ERROR
        : Cause.WORKFLOW_TASK_FAILED_CAUSE_WORKFLOW_WORKER_UNHANDLED_FAILURE,
      failure: conversion.failure({
        kind: blocked ? "Conflict" : "Unavailable",
        message,
        retryable: true,
        details: { cause, ...details },
      }),
    });
  }

  /** Gives a refused task back: the server has failed the first attempt, but lets others time out. */
  async #giveBack(task: PolledTask, error: unknown): Promise<void> {
    const { kind, message } = WippyError.from(error);
    if (kind !== "Invalid") return;
    await this.#wait(named(task).runId ?? "", waitBefore(task.attempt));
    if (this.#context.closing()) return;
    await this.#context.connection.rpc("respondWorkflowTaskFailed", {
      taskToken: task.taskToken,
      cause: Cause.WORKFLOW_TASK_FAILED_CAUSE_WORKFLOW_WORKER_UNHANDLED_FAILURE,
      failure: { message },
    });
  }

  /** Reports a run that waits for corrected code, once until it is tried again on request. */
  #block({ workflowId, runId }: HeldRun, task: PolledTask, failure: TaskFailure): void {
    if (this.#blocked.has(runId)) return;
    this.#blocked.add(runId);
    const entry = this.#context.conversion.types.entryOf(task.workflowType?.name ?? "");
    this.#context.report({
      level: "error",
      message: `workflow ${workflowId} is blocked: ${failure.message}`,
      fields: { workflow_id: workflowId, run_id: runId, entry, ...failure },
    });
  }

  #unblocked({ workflowId, runId }: HeldRun): void {
    if (!this.#blocked.delete(runId)) return;
    this.#context.report({
      level: "info",
      message: `workflow ${workflowId} is no longer blocked`,
      fields: { workflow_id: workflowId, run_id: runId, cause: "closed" },
    });
  }

  #wait(runId: string, delay: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, delay);
    this.#waiting.set(runId, () => {
      clearTimeout(timer);
      resolve();
    });
    return promise.finally(() => this.#waiting.delete(runId));
  }

  /** Retries the task of a blocked run immediately; if the code still does not match, the run is reported again. */
  retry(runId: string): void {
    this.#blocked.delete(runId);
    this.#waiting.get(runId)?.();
  }

  #taskLost(workflowId: string, runId: string, message: string): void {
    this.#context.report({
      level: "warn",
      message: `a task of workflow ${workflowId} was lost and is tried again: ${message}`,
      fields: { workflow_id: workflowId, run_id: runId },
    });
  }

  async #query(task: PolledTask): Promise<undefined> {
    const { runId = "", workflowId = "" } = named(task);
    const known = this.#runs.get(runId);
    const run = known ?? new HeldRun(
      ++this.#numbers,
      workflowId,
      runId,
      new HistoryReader(runId, this.#context),
    );
    await this.#queries.answer(run, task);
    if (!known && run.since > 0 && !this.#runs.has(runId)) this.#use(run);
  }

  /** Ends work on a run that was terminated or reset, and delivers what its last task has sent. @throws RpcError */
  async ended(run: RunName): Promise<void> {
    this.drop(run.runId);
    await this.#outbox.deliverLeft(run);
  }

  /** Forgets a run, here and in its worker. */
  drop(runId: string): void {
    const run = this.#runs.get(runId);
    if (!run) return;
    this.#runs.delete(runId);
    run.give?.("superseded");
    if (run.worker !== undefined) this.#context.links.send(run.worker, { type: "evict", runId });
  }

  /** Drops a run unless its next task has arrived, which may come before the confirmation of this one's failure. */
  #dropHeld(run: HeldRun): void {
    if (this.#runs.get(run.runId) === run) this.drop(run.runId);
  }

  #forgetWorker(run: HeldRun): void {
    run.worker = undefined;
    run.since = 0;
  }

  #use(run: HeldRun): void {
    this.#runs.delete(run.runId);
    this.#runs.set(run.runId, run);
    if (this.#runs.size <= mostRuns) return;
    for (const [runId, { give }] of this.#runs) {
      if (give) continue;
      this.drop(runId);
      return;
    }
  }
}

function named({ workflowExecution }: PolledTask): { workflowId?: string; runId?: string } {
  const { workflowId, runId } = workflowExecution ?? {};
  return { ...workflowId && { workflowId }, ...runId && { runId } };
}

/** Milliseconds before an attempt that has failed is given back. */
function waitBefore(attempt: number): number {
  return retryDelay({ maximumInterval: longestWait }, attempt - 1);
}

/** The start of a task whose events the server does not show. */
function startOf(task: PolledTask): TemporalEvent {
  return {
    eventId: task.startedEventId,
    eventTime: task.startedTime ?? task.scheduledTime ?? null,
    eventType: temporal.api.enums.v1.EventType.EVENT_TYPE_WORKFLOW_TASK_STARTED,
    workflowTaskStartedEventAttributes: {},
  };
}
