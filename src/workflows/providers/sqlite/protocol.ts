import type { PayloadKeys } from "../../cipher.ts";
import type { Failure } from "../../engine/outcome.ts";
import type {
  EventRange,
  OutboxMessage,
  ProviderReport,
  Publication,
  QueryRequest,
  QueueBacklog,
  ResetRequest,
  RunClosed,
  RunQuery,
  StartRequest,
  UpdateRequest,
  UpdateStage,
} from "../../provider.ts";
import type {
  BackfillRange,
  NewSchedule,
  OverlapPolicy,
  ScheduleChange,
  ScheduleQuery,
} from "../../schedules/schedules.ts";
import type { Held, Work } from "./transaction/workers.ts";
import type { Task, WorkerAnswer } from "../../tasks/tasks.ts";

// What the provider (main thread) and the journal (its own thread) say to each other, in lists.

/** What a run's history may grow to: every replay reads all of it. */
export interface HistoryLimits {
  events: number;
  bytes: number;
}

/** Temporal's. */
export const defaultHistoryLimits: HistoryLimits = { events: 51_200, bytes: 50 * 1024 * 1024 };

/** Settings of the journal that cross to its thread. */
export interface JournalSettings {
  /**
   * Number of the provider in its process: the first part of its tokens, so that no other one has
   * the same.
   */
  name: number;
  /** Path of the journal file. */
  path: string;
  /** What is stored need not last, see `SqliteProviderOptions`. */
  temporary?: "file" | "memory";
  /** Node part of the PIDs of workflows. */
  node: string;
  /** Default lease of a task in milliseconds. */
  taskTimeout: number;
  /** Tasks handed out at once; further ones wait in the journal. */
  maxTasks: number;
  /**
   * Milliseconds for which a commit waits for the tasks that it brings about, so that it holds what comes of them
   * too; 0: it does not wait.
   */
  earlyTasks: number;
  /** Runs kept in memory between transactions. */
  maxRuns: number;
  /** Encrypt what it holds; a map does not cross. */
  keys?: { keyId: PayloadKeys["keyId"]; keys: [id: string, key: Uint8Array][] };
  /** Size above which the journal file refuses to grow. */
  maxBytes?: number;
  /** Messages of one workflow that may wait for their queues: while there are as many, its runs get no task. */
  maxPublications: number;
  /** Attempts of activities that run at once; without limit when absent. */
  maxActivities?: number;
  /** Milliseconds for which closed runs are kept; for ever when absent. */
  retention?: number;
  /** Schedules that registry entries declare, in place of those that they declared before. */
  schedules?: NewSchedule[];
  /** A run whose history grows beyond is terminated. */
  historyLimits: HistoryLimits;
}

/** Answered by an `answer` with the same id. */
export type Question =
  | { type: "open"; settings: JournalSettings }
  | { type: "close" }
  | { type: "start"; request: StartRequest }
  /** `data`: of its ExecutionSignaled event, packed. */
  | { type: "signal"; workflowId: string; data: Uint8Array }
  | { type: "update"; workflowId: string; request: UpdateRequest; stage: UpdateStage }
  | {
    type: "update_with_start";
    start: StartRequest & { workflowId: string };
    request: UpdateRequest;
    stage: UpdateStage;
  }
  | { type: "query"; workflowId: string; request: QueryRequest }
  | { type: "poll_update"; workflowId: string; updateId: string; stage: UpdateStage }
  | { type: "cancel"; workflowId: string; reason?: string; sender: string }
  | { type: "terminate"; workflowId: string; reason?: string }
  | { type: "reset"; workflowId: string; request: ResetRequest }
  | { type: "unblock"; runId: string }
  | { type: "describe"; workflowId: string }
  | { type: "run"; runId: string }
  | { type: "list"; query: RunQuery }
  | { type: "history"; runId: string; range?: EventRange }
  | { type: "schedule"; request: ScheduleRequest };

/** What is asked of schedules; see `ScheduleProvider`. */
export type ScheduleRequest =
  | { op: "create"; schedule: NewSchedule }
  | { op: "describe"; scheduleId: string }
  | { op: "list"; query: ScheduleQuery }
  | { op: "update"; scheduleId: string; change: ScheduleChange }
  | { op: "pause"; scheduleId: string; paused: boolean; note?: string }
  | { op: "trigger"; scheduleId: string; overlap?: OverlapPolicy }
  | { op: "backfill"; scheduleId: string; ranges: BackfillRange[] }
  | { op: "delete"; scheduleId: string }
  | { op: "declare"; schedules: NewSchedule[] };

/** Not answered; kept until it is committed. */
export type Notice =
  /** What a worker says; it does not pass through the provider. */
  | { type: "answered"; worker: number; answer: Exclude<WorkerAnswer, { type: "signal" }> }
  /** A worker is there; the way to it is the link's. */
  | { type: "connect"; worker: number; loads?: Int32Array }
  /** `held`: what it had, which the journal looks up when it hears of the death. */
  | { type: "disconnect"; worker: number; failure: Failure; held?: Held }
  /** Outbox messages up to this id were handed over. */
  | { type: "delivered"; id: number }
  /** A queue has a message of the outbox to queues, or has not taken it. */
  | { type: "published"; publication: number; failure?: Failure }
  | { type: "watch"; watch: number; workflowId: string; runId?: string }
  | { type: "unwatch"; watch: number };

/** Who asks over a way of its own, within the journal's thread: a worker. */
export interface Asker {
  /** Tells what became of its signals; nothing happens when it is gone. */
  tell(answers: Extract<Task, { type: "signaled" }>[]): void;
}

/** `asker` is absent for the provider; ids are unique for each. */
export type JournalRequest = (Question & { id: number; asker?: Asker }) | Notice;

export type JournalEvent = NodeEvent | Work;

/** What the provider is told; work goes to workers. */
export type NodeEvent =
  | { type: "answer"; id: number; value?: unknown; asker?: Asker }
  | { type: "refusal"; id: number; failure: Failure; asker?: Asker }
  | { type: "message"; id: number; message: OutboxMessage }
  | { type: "publish"; publication: number; message: Publication }
  | { type: "backlog"; backlog: QueueBacklog[] }
  | { type: "closed"; watch: number; closed: RunClosed }
  | { type: "report"; report: ProviderReport };
