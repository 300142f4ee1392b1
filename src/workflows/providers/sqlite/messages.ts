import type { Failure } from "../../engine/outcome.ts";
import type {
  ActivityResult,
  ActivityTask,
  OutboxMessage,
  Payload,
  ProviderReport,
  QueryAnswer,
  QueryRequest,
  QueryTask,
  ResetRequest,
  RunClosed,
  RunQuery,
  Signal,
  StartRequest,
  TaskCompletion,
  UpdateRequest,
  UpdateStage,
  WorkflowTask,
} from "../../provider.ts";

// What the provider (main thread) and the journal (its own thread) say to each other, in lists
// (`wire.ts`).

/** Settings of the journal that cross to its thread. */
export interface JournalSettings {
  /**
   * Number of the provider in its process: the first part of its tokens, so that no other one has
   * the same.
   */
  name: number;
  /** Path of the journal file. */
  path: string;
  /** Node part of the PIDs of workflows. */
  node: string;
  /** Default lease of a task in milliseconds. */
  taskTimeout: number;
  /** Tasks handed out at once; further ones wait in the journal. */
  maxTasks: number;
  /** Runs kept in memory between transactions. */
  maxRuns: number;
  /** Size above which the journal file refuses to grow. */
  maxBytes?: number;
  /** Attempts of activities that run at once; without limit when absent. */
  maxActivities?: number;
  /** Milliseconds for which closed runs are kept; for ever when absent. */
  retention?: number;
}

/** Answered by an `answer` with the same id. */
export type Question =
  | { type: "open"; settings: JournalSettings }
  | { type: "close" }
  | { type: "start"; request: StartRequest }
  | { type: "signal"; workflowId: string; signal: Signal }
  | { type: "update"; workflowId: string; request: UpdateRequest; stage: UpdateStage }
  | { type: "query"; workflowId: string; request: QueryRequest }
  | { type: "poll_update"; workflowId: string; updateId: string; stage: UpdateStage }
  | { type: "cancel"; workflowId: string; reason?: string; sender: string }
  | { type: "terminate"; workflowId: string; reason?: string }
  | { type: "reset"; workflowId: string; request: ResetRequest }
  | { type: "unblock"; runId: string }
  | { type: "describe"; workflowId: string }
  | { type: "run"; runId: string }
  | { type: "list"; query: RunQuery }
  | { type: "history"; runId: string };

/** Not answered; kept until it is committed. */
export type Notice =
  | { type: "task"; completion: TaskCompletion }
  /** `details`: packed `LuaValue[]`. */
  | { type: "heartbeat"; token: string; details: Payload }
  | { type: "queried"; answer: QueryAnswer }
  | { type: "activity"; token: string; result: ActivityResult }
  /** Outbox messages up to this id were handed over. */
  | { type: "delivered"; id: number }
  | { type: "watch"; watch: number; workflowId: string; runId?: string }
  | { type: "unwatch"; watch: number };

export type JournalRequest = (Question & { id: number }) | Notice;

export type JournalEvent =
  | { type: "answer"; id: number; value?: unknown }
  | { type: "refusal"; id: number; failure: Failure }
  | { type: "task"; task: WorkflowTask }
  | { type: "query"; task: QueryTask }
  | { type: "activity"; task: ActivityTask }
  | { type: "activity_cancel"; token: string; reason: string; gently: boolean }
  | { type: "message"; id: number; message: OutboxMessage }
  | { type: "closed"; watch: number; closed: RunClosed }
  | { type: "evict"; runId: string }
  | { type: "report"; report: ProviderReport };
