import { temporal } from "../messages/messages.ts";
import { WippyError } from "../../../../vm/error.ts";
import type { ProviderReport } from "../../../provider.ts";
import type { Connection, RpcOptions, RpcResponse } from "../connection/connection.ts";
import type { TemporalHost } from "../settings.ts";
import type { Activities, PolledActivity } from "./activities.ts";
import { deployment, type PolledTask, stickyQueue } from "./worker.ts";
import type { WorkflowTasks } from "./workflow-tasks.ts";

const {
  TaskQueueKind: Kind,
  TaskQueueType: QueueType,
  WorkflowTaskFailedCause: Cause,
} = temporal.api.enums.v1;

/** Milliseconds that a poll waits at the server is up to the server: a minute. */
const pollTimeout = 90_000;
const shortestPause = 100;
/** Milliseconds that polls may take to end by themselves. */
const pollGrace = 100;
const longestPause = 5_000;

type PollName = "pollWorkflowTaskQueue" | "pollActivityTaskQueue";

type Polled = RpcResponse<PollName>;

/** Slots for work in flight; a poller takes one before it polls. */
class Slots {
  #free: number;
  #waiting: (() => void)[] = [];

  constructor(count: number) {
    this.#free = count;
  }

  /** Takes a slot. @returns fulfilled when there is one; undefined: there was */
  take(): Promise<void> | undefined {
    if (this.#free > 0) {
      this.#free--;
      return undefined;
    }
    return new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  give = (): void => {
    const next = this.#waiting.shift();
    if (next) next();
    else this.#free++;
  };
}

/** What pollers need. */
export interface PollContext {
  connection: Connection;
  tasks: WorkflowTasks;
  activities: Activities;
  /** Names this runtime, so that the server can end its polls. */
  instance: string;
  maxActivities?: number;
  report(report: ProviderReport): void;
}

/** Polls the server for the tasks of one host. */
export class Pollers {
  readonly #context: PollContext;
  readonly #host: TemporalHost;
  readonly #abort = new AbortController();
  readonly #running: Promise<void>[] = [];
  #lost = false;
  /** Whether arriving tasks are returned instead of run. */
  #over = false;

  constructor(context: PollContext, host: TemporalHost) {
    this.#context = context;
    this.#host = host;
  }

  start(): void {
    const { takes = { workflows: true, activities: true }, taskQueue } = this.#host;
    const { workflowPollers = 5, activityPollers = 5 } = this.#host;
    const { instance, maxActivities = Infinity } = this.#context;
    if (takes.workflows) {
      const slots = new Slots(this.#host.workflowTasks ?? 1_000);
      const sticky = Math.max(1, Math.ceil(workflowPollers * 0.8));
      for (let i = 0; i < Math.max(2, workflowPollers); i++) {
        const queue = i < sticky
          ? {
            name: stickyQueue(instance, taskQueue),
            kind: Kind.TASK_QUEUE_KIND_STICKY,
            normalName: taskQueue,
          }
          : { name: taskQueue, kind: Kind.TASK_QUEUE_KIND_NORMAL };
        this.#running.push(this.#loop("pollWorkflowTaskQueue", queue, slots, (task) => {
          void this.#context.tasks.take(task as PolledTask, this.#host).finally(slots.give);
        }));
      }
    }
    if (takes.activities) {
      const slots = new Slots(Math.min(this.#host.activities ?? 1_000, maxActivities));
      const queue = { name: taskQueue, kind: Kind.TASK_QUEUE_KIND_NORMAL };
      for (let i = 0; i < activityPollers; i++) {
        this.#running.push(this.#loop("pollActivityTaskQueue", queue, slots, (task) => {
          this.#context.activities.take(task as PolledActivity, this.#host, slots.give);
        }));
      }
    }
  }

  async #loop(
    name: PollName,
    taskQueue: temporal.api.taskqueue.v1.ITaskQueue,
    slots: Slots,
    take: (task: Polled) => void,
  ): Promise<void> {
    const { signal } = this.#abort;
    const poll = this.#poll(name, taskQueue);
    for (let pause = shortestPause; !signal.aborted;) {
      await slots.take();
      if (signal.aborted) return;
      try {
        const task = await poll({ timeout: pollTimeout, retry: false });
        this.#regained();
        pause = shortestPause;
        if (!task.taskToken?.length) slots.give();
        else if (this.#over) await this.#giveBack(name, task.taskToken);
        else take(task);
      } catch (error) {
        slots.give();
        if (signal.aborted) return;
        const { kind, message } = WippyError.from(error);
        // The poll ended without a task.
        if (kind === "Timeout") continue;
        this.#noticeLoss(message);
        await pauseFor(pause, signal);
        pause = Math.min(longestPause, pause * 2);
      }
    }
  }

  /** All polls of a queue are the same request. */
  #poll(
    name: PollName,
    taskQueue: temporal.api.taskqueue.v1.ITaskQueue,
  ): (options: RpcOptions) => Promise<Polled> {
    const { connection, instance } = this.#context;
    const { queueActivitiesPerSecond } = this.#host;
    return connection.prepare(name, {
      taskQueue,
      workerInstanceKey: instance,
      ...deployment(this.#host),
      ...name === "pollActivityTaskQueue" && queueActivitiesPerSecond !== undefined && {
        taskQueueMetadata: { maxTasksPerSecond: { value: queueActivitiesPerSecond } },
      },
    });
  }

  #noticeLoss(message: string): void {
    if (this.#lost) return;
    this.#lost = true;
    const { connection, report } = this.#context;
    report({
      level: "warn",
      message: `Temporal at ${connection.address} cannot be reached: ${message}`,
      fields: { task_queue: this.#host.taskQueue },
    });
  }

  #regained(): void {
    if (!this.#lost) return;
    this.#lost = false;
    const { connection, report } = this.#context;
    report({
      level: "info",
      message: `Temporal at ${connection.address} is reachable again`,
      fields: { task_queue: this.#host.taskQueue },
    });
  }

  /** Ends polling: the server ends the waiting polls. Tasks that they still bring are run. */
  async stop(): Promise<void> {
    const { connection, instance } = this.#context;
    this.#abort.abort();
    try {
      await connection.rpc("shutdownWorker", {
        stickyTaskQueue: stickyQueue(instance, this.#host.taskQueue),
        workerInstanceKey: instance,
        taskQueue: this.#host.taskQueue,
        taskQueueTypes: [
          QueueType.TASK_QUEUE_TYPE_WORKFLOW,
          QueueType.TASK_QUEUE_TYPE_ACTIVITY,
        ],
        reason: "the runtime is stopping",
      }, { timeout: 2_000, retry: false });
    } catch {
      // A server that cannot be reached forgets the polls by itself.
    }
    // Polls that the server does not end go with the connection, if it has no other holder.
    await Promise.race([this.ended(), pauseFor(pollGrace)]);
    this.#over = true;
  }

  /** Fulfilled when the server has answered the last poll. */
  async ended(): Promise<void> {
    await Promise.all(this.#running);
  }

  /** Returns a task that a poll brought after the end, for other workers. */
  async #giveBack(name: PollName, taskToken: Uint8Array): Promise<void> {
    const { connection } = this.#context;
    const failure = {
      message: "the runtime is stopping",
      applicationFailureInfo: { type: "Unavailable" },
    };
    if (name === "pollActivityTaskQueue") {
      await connection.rpc("respondActivityTaskFailed", { taskToken, failure });
    } else {
      const cause = Cause.WORKFLOW_TASK_FAILED_CAUSE_WORKFLOW_WORKER_UNHANDLED_FAILURE;
      await connection.rpc("respondWorkflowTaskFailed", { taskToken, failure, cause });
    }
  }

  /** Ends without notifying the server. */
  abandon(): void {
    this.#abort.abort();
  }
}

function pauseFor(delay: number, signal?: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, delay);
  signal?.addEventListener("abort", () => {
    clearTimeout(timer);
    resolve();
  }, { once: true });
  return promise;
}
