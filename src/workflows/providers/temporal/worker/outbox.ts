/**
 * What runs send to others by this runtime: messages to plain processes, and everything that the task sends that ends
 * a run, because the server sends nothing for a run that has ended.
 *
 * A runtime may die when the server has taken such a task. So before it completes the task it starts a workflow, the
 * keeper, whose first task is delayed. When everything has left, the keeper is deleted. Otherwise a runtime gets its
 * task, finds in the history of the run whether the task was completed, and sends what that says.
 * @module
 */
import { temporal } from "../messages/messages.ts";
import { WippyError } from "../../../../vm/error.ts";
import { retryDelay } from "../../../history/retry.ts";
import type { OutboxMessage } from "../../../provider.ts";
import type { WorkerSettings } from "../connection/settings.ts";
import { fetchHistory, type RunName } from "../history/fetch.ts";
import { HistoryReader } from "../history/history.ts";
import { keeperType, plain, readPlain, type SentMessage } from "../names.ts";
import { duration, type TemporalEvent, whole } from "../proto.ts";
import { type PartingRequest, requestsIn } from "./parting.ts";
import { type PolledTask, type TaskContext, versioning } from "./worker.ts";

const { CommandType, EventType: Type } = temporal.api.enums.v1;

/** Milliseconds that a runtime has for a task that ends a run and for what that sends. */
const keeperDelay = 5_000;
/** How long a keeper waits when the task is neither completed nor lost. */
const looking = { initialInterval: 10_000, maximumInterval: 3_600_000 };
/** Milliseconds after which a keeper ends whose task queue has no workers. */
const keeperTimeout = 30 * 24 * 3_600_000;
/** Messages whose ids are remembered. */
const mostIds = 20_000;

/** A task that ends its run. */
export interface LastTask extends RunName {
  /** Id of its start. */
  started: number;
  /** Several attempts may have one start. */
  attempt: number;
}

/** Sends what runs send to others. */
export class Outbox {
  readonly #context: TaskContext;
  /** Ids of messages that have left, the latest at the end. */
  readonly #left = new Set<string>();

  constructor(context: TaskContext) {
    this.#context = context;
  }

  /** Delivers messages to plain processes; those that this runtime has delivered are dropped. */
  deliver(messages: readonly SentMessage[]): void {
    for (const { id, ...message } of messages) {
      if (this.#left.has(id)) continue;
      this.#left.add(id);
      this.#context.deliver(message satisfies OutboxMessage);
    }
    for (const oldest of this.#left) {
      if (this.#left.size <= mostIds) break;
      this.#left.delete(oldest);
    }
  }

  /**
   * Delivers the messages of the last task of a run that was terminated or reset, because no further task follows that
   * would do it.
   *
   * @throws RpcError
   */
  async deliverLeft(run: RunName): Promise<void> {
    const reader = new HistoryReader(run.runId, this.#context);
    reader.read(await fetchHistory(this.#context.connection, run));
    this.deliver(reader.messages);
  }

  /** Starts the keeper of a task. @throws RpcError */
  async keep(task: LastTask, { taskQueue }: WorkerSettings): Promise<void> {
    const { connection } = this.#context;
    const workflowId = keeperOf(task);
    await connection.rpc("startWorkflowExecution", {
      requestId: crypto.randomUUID(),
      workflowId,
      workflowType: { name: keeperType },
      taskQueue: { name: taskQueue },
      input: { payloads: [plain(task)] },
      workflowStartDelay: duration(keeperDelay),
      workflowExecutionTimeout: duration(keeperTimeout),
    });
  }

  /** Sends what a completed task says, and ends its keeper; where that fails, the keeper does it. */
  async send(
    task: LastTask,
    messages: readonly SentMessage[],
    requests: readonly PartingRequest[],
  ): Promise<void> {
    this.deliver(messages);
    await this.#request(requests);
    await this.release(task);
  }

  async #request(requests: readonly PartingRequest[]): Promise<void> {
    for (const { name, request } of requests) {
      try {
        await this.#context.connection.rpc(name, request);
      } catch (error) {
        const { kind } = WippyError.from(error);
        // Nobody is left to learn that the target is absent, or that the child's id is in use.
        if (kind !== "NotFound" && kind !== "AlreadyExists") throw error;
      }
    }
  }

  /** Ends the keeper of a task. @throws RpcError */
  async release(task: LastTask): Promise<void> {
    const { connection } = this.#context;
    const workflowExecution = { workflowId: keeperOf(task) };
    try {
      await connection.rpc("deleteWorkflowExecution", { workflowExecution });
    } catch (error) {
      const { kind } = WippyError.from(error);
      if (kind === "NotFound") return;
      // Who may start workflows may not always delete them.
      const reason = "everything has been sent";
      await connection.rpc("terminateWorkflowExecution", { workflowExecution, reason });
    }
  }

  /** Does the task of a keeper. @throws RpcError */
  async take(keeper: PolledTask, settings: WorkerSettings): Promise<void> {
    const events = keeper.history?.events ?? [];
    const input = events[0]?.workflowExecutionStartedEventAttributes?.input?.payloads?.[0];
    const task = readPlain<LastTask>(input);
    const done = !task || await this.#settle(task);
    const looks = events.filter((event) => event.eventType === Type.EVENT_TYPE_TIMER_STARTED);
    await this.#context.connection.rpc("respondWorkflowTaskCompleted", {
      taskToken: keeper.taskToken,
      commands: [
        done
          ? {
            commandType: CommandType.COMMAND_TYPE_COMPLETE_WORKFLOW_EXECUTION,
            completeWorkflowExecutionCommandAttributes: {},
          }
          : {
            commandType: CommandType.COMMAND_TYPE_START_TIMER,
            startTimerCommandAttributes: {
              timerId: String(looks.length + 1),
              startToFireTimeout: duration(retryDelay(looking, looks.length + 1)),
            },
          },
      ],
      ...versioning(settings),
    });
  }

  /** Sends what a task says, if it was completed. @returns false while it may still be */
  async #settle(task: LastTask): Promise<boolean> {
    const { connection } = this.#context;
    let events: TemporalEvent[];
    try {
      events = await fetchHistory(connection, task);
    } catch (error) {
      // The run was deleted.
      if (WippyError.from(error).kind === "NotFound") return true;
      throw error;
    }
    const last = events.findLast(({ eventType }) =>
      eventType === Type.EVENT_TYPE_WORKFLOW_TASK_COMPLETED
    );
    const started = whole(last?.workflowTaskCompletedEventAttributes?.startedEventId);
    if (started !== task.started) return started > task.started || await this.#isClosed(task);
    const reader = new HistoryReader(task.runId, this.#context);
    reader.read(events);
    this.deliver(reader.messages);
    const children = events.filter((
      { startChildWorkflowExecutionInitiatedEventAttributes: child },
    ) => child && whole(child.workflowTaskCompletedEventId) === whole(last?.eventId));
    await this.#request(requestsIn(task.runId, reader.unsent, children));
    return true;
  }

  async #isClosed({ workflowId, runId }: RunName): Promise<boolean> {
    const { workflowExecutionInfo: info } = await this.#context.connection.rpc(
      "describeWorkflowExecution",
      { execution: { workflowId, runId } },
    );
    return info?.status !== temporal.api.enums.v1.WorkflowExecutionStatus
      .WORKFLOW_EXECUTION_STATUS_RUNNING;
  }
}

/** Workflow id of the keeper of a task. */
function keeperOf({ runId, started, attempt }: LastTask): string {
  return `${keeperType}/${runId}/${started}/${attempt}`;
}
