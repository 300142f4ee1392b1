/**
 * What a provider hands to a worker, and what the worker answers: workflow tasks, queries and
 * attempts of activities. How it travels is in `wire.ts`.
 * @module
 */
import type { Failure, Outcome } from "../engine/outcome.ts";
import type { HistoryEvent, PackedCommand } from "../history/history.ts";
import type { Payload } from "../payload.ts";

/** A run has something to do: hand it to the taskHandler of a worker. */
export interface WorkflowTask {
  /** Lease: only the newest token of a run is accepted with a completion. */
  token: string;
  runId: string;
  /**
   * Id of the last task of the run that this worker has completed; 0 when `history` is whole. A worker
   * that does not hold the run in memory any more answers `cache_miss`.
   */
  since: number;
  /**
   * Packed history (`history.ts`): whole, or what came in after `since`. Events as they are come from a provider on the
   * thread of the worker.
   */
  history: Uint8Array | HistoryEvent[];
  /** Milliseconds until it is given to another worker; `defaultTaskTimeout` when absent. */
  timeout?: number;
  /**
   * What it shows is not durable yet: it will be in one commit with what the worker answers, and until then nothing
   * that follows may leave the worker in another way. Logs of the code wait for `settled`.
   */
  early?: boolean;
}

/** Milliseconds until a task that nobody completed is given to another worker. */
export const defaultTaskTimeout = 60_000;

export interface TaskCompletion {
  token: string;
  outcome:
    /**
     * `commands`: packed (`history.ts`) if the history was. `forceNewTask`: local activities are under way; the next
     * task follows at once. `logs`: logs of the code wait for `settled`.
     */
    | {
      type: "completed";
      commands: Uint8Array | PackedCommand[];
      forceNewTask?: boolean;
      logs?: boolean;
    }
    | { type: "failed"; failure: TaskFailure };
}

/**
 * Why a task was not completed. The run stays open.
 * - `cache_miss`: the worker does not hold the run; the task comes again at once with its whole
 *   history.
 * - `early`: the code has begun local activities, whose effects cannot wait; the task comes again when what it shows is
 *   durable.
 * - `lost`: the engine or its worker died; the task comes again, with growing delays.
 * - `nondeterminism`: the code does not repeat its history; the run is blocked until the code
 *   changes.
 */
export interface TaskFailure {
  cause: "cache_miss" | "early" | "lost" | "nondeterminism";
  message: string;
  /** What history holds: an event, or the absence of one. */
  expected?: { eventId: number; event: string };
  /** What the code did. */
  actual?: { command: string; at: string };
}

/**
 * Where a run stands that waits for attempts. The worker that holds the run may show it their outcomes before the
 * provider has them, and answer with the outcomes and the task that they brought, as one `step`.
 */
export interface RunAhead {
  /** Id of the last task of the run that the worker has completed. */
  since: number;
  /** Id of the next event. */
  next: number;
  /** Bytes of the history so far. */
  size: number;
  /** Time of the newest event, in milliseconds since the epoch. */
  time: number;
}

/** One attempt of an activity or of a host operation. */
export interface ActivityTask {
  token: string;
  runId: string;
  workflowId: string;
  /** PID of the workflow. */
  pid: string;
  hostId: string;
  activityId: string;
  /** Id of the function entry, or name of the host operation. */
  entry: string;
  operation: boolean;
  /** Packed `LuaValue[]`. */
  args: Payload;
  /** Packed frame: the call's own, else the run's. */
  frame?: Payload;
  /** From 1. */
  attempt: number;
  /** The same for every attempt, and for no other activity: for the other side to know a repetition. */
  idempotencyToken: string;
  /** Milliseconds since the epoch. */
  scheduledTime: number;
  /** Milliseconds within which a heartbeat has to come, if at all. */
  heartbeatTimeout?: number;
  /** Details of the last heartbeat, of whichever attempt: packed `LuaValue[]`. */
  heartbeat?: Payload;
  /**
   * Milliseconds since the epoch; the provider gives up waiting then and says so with
   * `onActivityCancel`.
   */
  deadline: number;
  /** Present when the worker holds the run, and the run has seen all that has come to it. */
  ahead?: RunAhead;
}

/** What an attempt reports. A failure that is retried is not seen by the workflow. */
export type ActivityResult = Outcome<Payload>;

/** A query to be answered by a worker. */
export interface QueryTask extends Omit<WorkflowTask, "token"> {
  token: string;
  name: string;
  args: Payload;
}

/** What a worker answers to a query. */
export interface QueryAnswer {
  token: string;
  /** Id of the last task that the worker holds in memory; 0 when it holds nothing. */
  since: number;
  outcome:
    /** `value` is absent for nil. */
    | { type: "completed"; value?: Payload }
    | { type: "failed"; failure: Failure }
    /** The query comes again, with a whole history. */
    | { type: "cache_miss" }
    | { type: "lost"; message: string };
}

/** A signal of a unit of this worker. It is answered with the ticket, by `signaled`. */
export interface OutgoingSignal {
  ticket: number;
  workflowId: string;
  /** Data of its ExecutionSignaled event, packed. */
  data: Uint8Array;
}

/** What a provider hands to a worker. */
export type Task =
  | { type: "task"; task: WorkflowTask }
  | { type: "query"; task: QueryTask }
  | { type: "activity"; task: ActivityTask }
  /** The attempt is no longer wanted; with `gently` it is asked to end, and its outcome is awaited. */
  | { type: "activity_cancel"; token: string; reason: string; gently: boolean }
  /**
   * Something has come to a run whose task is held open by local activities: it is to be completed soon.
   * Only for tasks that follow one with `forceNewTask`.
   */
  | { type: "expedite"; runId: string }
  /** What the worker holds in memory of a run is void. */
  | { type: "evict"; runId: string }
  /**
   * The last step or early task of a run is durable: its logs may be written.
   * `ahead`: where the run stands; absent if it must not be shown more outcomes.
   */
  | { type: "settled"; runId: string; ahead?: RunAhead }
  /** The signals with these tickets are durable; with a failure they were refused. */
  | { type: "signaled"; tickets: number[]; failure?: Failure };

/** The outcome of an attempt that has completed. */
export interface AttemptOutcome {
  token: string;
  /** Data of its ActivityCompleted event, packed. */
  data: Uint8Array;
}

/**
 * Outcomes of attempts with the task that they brought, all in one commit. The provider takes the outcomes alone when
 * the run stands elsewhere by now, and evicts the run from the worker.
 */
export interface FusedStep {
  /** At least one; of one run. */
  outcomes: AttemptOutcome[];
  /** Id of the event of the first outcome; those of the others and of the task's start follow. */
  next: number;
  /** Time of all, in milliseconds since the epoch. */
  time: number;
  /** Packed commands of the task. */
  commands: Uint8Array;
  /** Logs of the code wait for `settled`. */
  logs: boolean;
  /** More outcomes of the run will come: they wait for `settled`, or for another task or eviction of the run. */
  more: boolean;
}

/** What a worker says to a provider. */
export type WorkerAnswer =
  | { type: "task"; completion: TaskCompletion }
  | { type: "queried"; answer: QueryAnswer }
  | { type: "activity"; token: string; result: ActivityResult }
  | { type: "step"; step: FusedStep }
  /** Only to a provider that takes them so (`WorkflowProvider.takesSignals`). */
  | { type: "signal"; signal: OutgoingSignal }
  /** `details`: packed `LuaValue[]`. */
  | { type: "heartbeat"; token: string; details: Payload };

/**
 * One end of the way between a provider and a worker: a `MessagePort`, or what stands for it where
 * both are in one thread.
 */
export interface QueuePort {
  postMessage(message: Uint8Array, transfer: ArrayBuffer[]): void;
  onmessage: ((event: MessageEvent<Uint8Array>) => void) | null;
  close(): void;
  /** Absent where the other end never closes alone. */
  addEventListener?(type: "close", listener: () => void): void;
}

/** A worker's end of the way to a provider on its own thread, on which nothing is packed. */
export interface DirectPort {
  /** Sends answers, which are taken in a job of their own. */
  answer(answers: WorkerAnswer[]): void;
  /** Takes what the provider hands out. */
  onTasks: (tasks: Task[]) => void;
  close(): void;
}

/** A way from one party to another, in one thread. */
export type Transport = <Message>(
  deliver: (message: Message) => void,
) => (message: Message) => void;
