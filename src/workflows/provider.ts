import type { Failure } from "./engine/outcome.ts";
import type { StartOptions } from "./options/options.ts";
import type { ScheduleProvider } from "./schedules/schedules.ts";
import type { Payload } from "./payload.ts";
import type { QueuePort, TaskFailure } from "./tasks/tasks.ts";

/** A message to a run. Temporal calls it a signal. */
export interface Signal {
  name: string;
  /** Packed `LuaValue[]`. */
  payloads: Payload;
  /** PID text, or "" when unknown. */
  sender: string;
}

export interface StartRequest {
  /** Id of the workflow entry. The node checks that it exists and is a workflow. */
  entry: string;
  /** Id of the `workflow.host` entry. */
  hostId: string;
  /** Generated when absent. Must not be empty nor hold `|`. */
  workflowId?: string;
  /** Packed `LuaValue[]`. */
  args: Payload;
  /** Packed frame of the starter. */
  frame?: Payload;
  /** Packed tables with string keys. */
  memo?: Payload;
  searchAttributes?: Payload;
  options?: StartOptions;
  /** Startup messages, inserted with the start in one transaction, in this order. */
  messages?: Signal[];
}

export interface StartResult {
  workflowId: string;
  runId: string;
  pid: string;
  /** True when an existing run was handed back (id policies); nothing was started. */
  existed: boolean;
}

export type RunStatus =
  | "running"
  | "completed"
  | "failed"
  | "canceled"
  | "terminated"
  | "timed_out"
  | "continued_as_new";

export interface RunInfo {
  workflowId: string;
  runId: string;
  /** First run of the chain that retries and continue-as-new made. */
  firstRunId: string;
  entry: string;
  hostId: string;
  pid: string;
  status: RunStatus;
  attempt: number;
  /** Milliseconds since the epoch. */
  startTime: number;
  closeTime?: number;
  historyLength: number;
  historySize: number;
  parentWorkflowId?: string;
  cancelRequested: boolean;
  memo?: Payload;
  searchAttributes?: Payload;
  /** Set when the run waits for mended code. */
  blocked?: TaskFailure;
}

/** An activity of an open run that has no outcome yet. */
export interface PendingActivityInfo {
  seq: number;
  activityId: string;
  entry: string;
  /** Whether it is a host operation. */
  operation: boolean;
  /**
   * `running`: an attempt was handed out; `retry`: waits for `nextAttempt`; `slot`: waits for its turn on
   * the host; `local`: a local activity that its worker has under way, whatever that is.
   */
  state: "running" | "retry" | "slot" | "local";
  attempt: number;
  /** Milliseconds since the epoch. */
  scheduledTime: number;
  nextAttempt?: number;
  /** Of the attempt before. */
  lastFailure?: Failure;
  /** Packed `LuaValue[]`: details of the last heartbeat. */
  heartbeat?: Payload;
}

/** What an open run waits for. */
export interface RunDetail extends RunInfo {
  pendingActivities: PendingActivityInfo[];
  /** Timers of its code: sequence number and milliseconds since the epoch. */
  pendingTimers: { seq: number; due: number }[];
  /** When it may begin: start delay, back-off of a retried run. */
  heldUntil?: number;
}

/** The end of a chain of runs. */
export interface RunClosed {
  workflowId: string;
  /** The last run; "" when the workflow id is unknown. */
  runId: string;
  pid: string;
  /** `not_found`: there is no such workflow. */
  status: Exclude<RunStatus, "running" | "continued_as_new"> | "not_found";
  /** Milliseconds since the epoch. */
  closeTime: number;
  /** Packed first return value, when completed. */
  value?: Payload;
  /** In every other case. */
  failure?: Failure;
}

/** A message from a workflow to a plain process. */
export interface OutboxMessage {
  to: string;
  /** PID of the workflow. */
  from: string;
  topic: string;
  /** Packed `LuaValue[]`. */
  payloads: Payload;
}

/** A message to a run that has an answer. */
export interface UpdateRequest {
  /** Generated when absent. A second update of a chain of runs with the same id is the same update. */
  updateId?: string;
  name: string;
  /** Packed `LuaValue[]`. */
  args: Payload;
  /** PID text, or "" when unknown. */
  sender: string;
}

/** How far an update has to be before it is answered. Temporal: `WaitForStage`. */
export type UpdateStage = "accepted" | "completed";

/** What is known of an update. */
export interface UpdateResult {
  updateId: string;
  /** Run that has it. */
  runId: string;
  /** `accepted`: its outcome is still to come. */
  status: "accepted" | "completed" | "rejected" | "failed";
  /** When completed; absent for nil. */
  value?: Payload;
  /** When rejected or failed. */
  failure?: Failure;
}

/** A question to a run, which leaves no trace in it. */
export interface QueryRequest {
  name: string;
  /** Packed `LuaValue[]`. */
  args: Payload;
  /** A run of the workflow id; the newest when absent. */
  runId?: string;
}

/** Where a run is to begin anew. */
export interface ResetRequest {
  /** A run of the workflow id, open or closed; the newest when absent. */
  runId?: string;
  /**
   * The task that made this event, or that showed it to the code, is undone, and all that came after
   * it.
   */
  eventId: number;
  reason?: string;
}

/** Which runs are wanted; all that is said has to hold. */
export interface RunQuery {
  status?: RunStatus;
  /** Only runs of this workflow id, the newest first. */
  workflowId?: string;
  /** Only runs whose workflow id begins with this text. */
  workflowIdPrefix?: string;
  /** Only runs of this entry. */
  entry?: string;
  /** Only runs that started, or closed, at or after the first and before the second: ms since the epoch. */
  startedFrom?: number;
  startedBefore?: number;
  closedFrom?: number;
  closedBefore?: number;
  /** Only runs that have these search attributes; of a list one value is enough. */
  attributes?: Readonly<Record<string, string | number | boolean>>;
  /** At most this many, default 100. */
  limit?: number;
  /** `cursor` of the previous page. */
  cursor?: string;
}

/** Something that the operator should hear of: a blocked run, a full disk, a damaged page. */
export interface ProviderReport {
  level: "info" | "warn" | "error";
  message: string;
  fields: Record<string, unknown>;
}

/**
 * Keeps workflows: their histories, timers, activities and signals. Handlers are set before `open`;
 * what they are given is committed. Every promise is rejected with a `WippyError`.
 */
export interface WorkflowProvider {
  /** Its schedules. */
  readonly schedules: ScheduleProvider;
  /**
   * Opens the store and takes up every open run.
   *
   * @throws Conflict when another runtime owns it; Invalid when it is damaged, newer than this
   * program or no journal; PermissionDenied when it cannot be written; Unavailable when the disk is
   * full.
   */
  open(): Promise<void>;
  /**
   * Commits what waits and lets go of the store. Attempts that still run count as lost at the next
   * `open`.
   */
  close(): Promise<void>;

  /**
   * Answers when the run is on disk.
   *
   * @throws AlreadyExists by the id policies; Invalid for a bad id; Unavailable (retryable) when
   * nothing can be committed.
   */
  start(request: StartRequest): Promise<StartResult>;
  /** Answers when the signal is on disk. @throws NotFound for an unknown or closed workflow. */
  signal(workflowId: string, signal: Signal): Promise<void>;
  /**
   * Delivers an update and answers when it has come to `stage`, or has been rejected. An id that the
   * chain of runs knows is not delivered again: its outcome is awaited, also that of a closed run.
   *
   * @throws NotFound as `signal`.
   */
  update(workflowId: string, request: UpdateRequest, stage: UpdateStage): Promise<UpdateResult>;
  /**
   * Starts a run, or joins an existing one as the id policies say, and delivers an update to it, in one
   * transaction; then as `update`. An id that the chain of runs knows starts nothing.
   *
   * @throws what `start` and `update` throw; then neither was done.
   */
  updateWithStart(
    start: StartRequest & { workflowId: string },
    request: UpdateRequest,
    stage: UpdateStage,
  ): Promise<UpdateResult>;
  /** Awaits an update that was delivered. @throws NotFound for an unknown workflow or update. */
  pollUpdate(workflowId: string, updateId: string, stage: UpdateStage): Promise<UpdateResult>;
  /**
   * Asks a run, open or closed, and gives the packed answer; undefined for nil. It sees everything
   * that was recorded before: an open run is asked when it has come to rest.
   *
   * @throws NotFound for an unknown run; Conflict for a blocked one; what the handler failed with.
   */
  query(workflowId: string, request: QueryRequest): Promise<Payload | undefined>;
  /**
   * Records a cancellation request; the second and later ones of a run change nothing. @throws
   * NotFound as `signal`.
   */
  cancel(workflowId: string, request: { reason?: string; sender: string }): Promise<void>;
  /** Closes the run at once; its code sees nothing. @throws NotFound as `signal`. */
  terminate(workflowId: string, request: { reason?: string }): Promise<void>;
  /**
   * Makes a new run with the history of another one up to a task, which is done anew by today's code.
   * Messages that came later come again; the run of the id that is open ends as terminated.
   *
   * @throws NotFound for an unknown run; Invalid for an event that no task follows.
   */
  reset(workflowId: string, request: ResetRequest): Promise<StartResult>;
  /** The newest run of the id. */
  describe(workflowId: string): Promise<RunInfo | undefined>;
  /** A run with what it waits for. */
  run(runId: string): Promise<RunDetail | undefined>;
  /** Runs, those that started last first; with a range of closing times, those that closed last. */
  list(query: RunQuery): Promise<{ runs: RunInfo[]; cursor?: string }>;
  /** Packed history (`history.ts`) of a run. @throws NotFound for an unknown run. */
  history(runId: string): Promise<Uint8Array>;
  /** Tries a blocked run again. @throws NotFound for an unknown or closed run. */
  unblock(runId: string): Promise<void>;

  /**
   * Calls `listener` once, when the chain of runs is closed: at once if it is closed already, and
   * with status `not_found` if the id is unknown. With `runId` it follows the chain of that run,
   * else of the newest one.
   *
   * @returns a function that ends the watch.
   */
  watch(workflowId: string, listener: (closed: RunClosed) => void, runId?: string): () => void;

  /**
   * Gives tasks, queries and attempts to a worker from now on; until the first worker is there they wait.
   * What they are and how they are answered: `task-queue.ts`.
   *
   * @param worker its index.
   * @param loads what each worker has to do, by index, shared with the workers: for the placement of runs
   * that no worker holds. Below 0: does not run.
   * @returns the worker's end of the way, which may be moved to its thread.
   */
  connect(worker: number, loads?: Int32Array): QueuePort;
  /** The worker died: its tasks and queries come again, its attempts have failed with `failure`. */
  disconnect(worker: number, failure: Failure): void;
  /** Outbox to plain processes. A message may come twice when the runtime ended in between. */
  onMessage(handler: (message: OutboxMessage) => void): void;
  onReport(handler: (report: ProviderReport) => void): void;
}
