import type { Platform } from "../platform/platform.ts";
import type { PayloadKeys } from "./cipher.ts";
import type { Failure } from "./engine/outcome.ts";
import type { StartOptions } from "./options/options.ts";
import type { NewSchedule, ScheduleProvider } from "./schedules/schedules.ts";
import type { Payload } from "./payload.ts";
import type { DirectPort, QueuePort, TaskFailure, Transport } from "./tasks/tasks.ts";

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
  /** Set when the run waits for corrected code. */
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
  /** URL of the run in the provider's own web interface. */
  page?: string;
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

/** A message that a run has published to a queue. */
export interface Publication {
  /** Id of the queue's entry. */
  queue: string;
  /** The same however often the message is handed over. */
  messageId: string;
  /** A packed `LuaValue`. */
  body: Payload;
  /** A packed table. */
  headers?: Payload;
  /** When it was published, and when it may be delivered: milliseconds since the epoch. */
  time: number;
  due: number;
}

/** What runs have published to a queue and it does not have. */
export interface QueueBacklog {
  /** Id of the queue's entry. */
  queue: string;
  /** Messages on their way, or that wait for the queue. */
  waiting: number;
  /** Messages that it would not take; they are kept, and handed over again after the next `open`. */
  refused: number;
  /** Why it has not taken the last one. */
  error?: string;
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

/** Where a run is to start over. */
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

/** The clock, the timers and the randomness that a provider uses: the machine's, or a simulation's. */
export type ProviderPlatform =
  & Pick<Platform, "now" | "steady" | "setTimer" | "defer" | "committed">
  & {
    random: Pick<Platform["random"], "uuid" | "seed">;
  };

/** What a provider is told when it is made, whichever it is. */
export interface ProviderOptions {
  /**
   * Its number among the providers that share workers, in the tokens of tasks.
   *
   * @default one that no other provider of the process has
   */
  number?: number;
  /** Node part of the PIDs of workflows. @default "local" */
  node?: string;
  /**
   * Given: the provider works on the caller's thread and sees no other clock. Tests and simulations
   * do so.
   */
  platform?: ProviderPlatform;
  /** Only with `platform`: how what workers and provider send each other travels. @default at once */
  transport?: Transport;
  /**
   * Milliseconds until a task that nobody completed is given to another worker. The node reports the
   * death of a worker at once, so this only catches code that does not stop, and is long enough that a
   * queue of replays after a restart is not mistaken for it.
   *
   * @default 60_000
   */
  taskTimeout?: number;
  /** Attempts of activities that run at once. @default no limit */
  maxActivities?: number;
  /** Milliseconds for which closed runs are kept. @default for ever */
  retention?: number;
  /** Schedules that registry entries declare: others that entries declared before are deleted. */
  schedules?: NewSchedule[];
  /** Events at which a run is terminated. @default 51_200 */
  maxHistoryEvents?: number;
  /** Bytes of its history at which a run is terminated. @default 50 MiB */
  maxHistoryBytes?: number;
}

/** Bytes that a provider has on this machine's disk, and that wait beside them to be merged. */
export interface StorageSize {
  bytes: number;
  log: number;
}

/** Events of a history by their ids, which count from 1; both are included. */
export interface EventRange {
  from: number;
  to: number;
}

/** What is stored of runs, read while no runtime runs. Every promise is rejected with a `WippyError`. */
export interface StoredRuns {
  /** Ids of the hosts that have runs, sorted. */
  readonly hosts: readonly string[];
  /** As `WorkflowProvider.schedules`. */
  readonly schedules: Pick<ScheduleProvider, "list" | "describe">;
  /** As `WorkflowProvider.list`. */
  list(query: RunQuery): Promise<{ runs: RunInfo[]; cursor?: string }>;
  /** As `WorkflowProvider.describe`. */
  describe(workflowId: string): Promise<RunInfo | undefined>;
  /** As `WorkflowProvider.run`. */
  run(runId: string): Promise<RunDetail | undefined>;
  /** As `WorkflowProvider.history`. */
  history(runId: string, range?: EventRange): Promise<Uint8Array>;
  close(): void;
}

/** Something that must not be in what a provider has stored. */
export interface StorageFault {
  /** Absent: of the storage as a whole. */
  workflowId?: string;
  runId?: string;
  /** Of a schedule. */
  scheduleId?: string;
  message: string;
}

/** What a check of a whole storage found. */
export interface StorageCheck {
  runs: number;
  events: number;
  schedules: number;
  /** The first 1,000. */
  faults: StorageFault[];
}

/**
 * Maintenance of a provider's files on this machine.
 *
 * @throws WippyError NotFound when there is no such file; Conflict while a runtime has it, where that
 * matters; Invalid when it is damaged or newer than this program
 */
export interface StorageTools {
  /** The schema that this program writes. It opens files of this and of every earlier schema. */
  readonly schema: number;
  /** Returns the schema of a file, which may be later than this program's. */
  schemaOf(path: string): number;
  /** Reads everything, also while a runtime writes to it. */
  check(path: string, keys?: PayloadKeys): StorageCheck;
  /** Writes a copy of one moment, also while a runtime writes. @throws AlreadyExists */
  backUp(path: string, target: string): { bytes: number };
  /** Frees the space of what was removed. */
  compact(path: string): { before: number; after: number };
  /** Brings the schema up to date, as the next start would. */
  migrate(path: string): { from: number; to: number };
}

/**
 * Keeps workflows: their histories, timers, activities and signals. Handlers are set before `open`;
 * what they are given is committed. Every promise is rejected with a `WippyError`.
 *
 * What an implementation has to do, and the suite that checks it: `docs/contributing/providers.md`.
 *
 * @example
 * ```ts
 * const provider = await createProvider({ type: "sqlite", path: "journal.db" });
 * provider.onMessage(({ to, topic, payloads }) => deliver(to, topic, unpack(payloads)));
 * provider.onReport(({ level, message }) => console.error(level, message));
 * await provider.open();
 * worker.postMessage({ port: provider.connect(0) });
 *
 * const { workflowId } = await provider.start({
 *   entry: "app:order",
 *   hostId: "app:durable",
 *   workflowId: "order-7",
 *   args: pack([7]),
 * });
 * provider.watch(workflowId, ({ status, value }) => console.log(status, value && unpack(value)));
 * await provider.signal(workflowId, { name: "pay", payloads: pack([100]), sender: "" });
 * ```
 */
export interface WorkflowProvider {
  /** Whether workers may send signals over their queues (`WorkerAnswer`), as if by `signal`. @default false */
  readonly takesSignals?: boolean;
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
   * Resolves when the run is on disk.
   *
   * @throws AlreadyExists by the id policies; Invalid for a bad id; Unavailable (retryable) when
   * nothing can be committed.
   */
  start(request: StartRequest): Promise<StartResult>;
  /**
   * Resolves when the signal is on disk, to be shown to the code.
   *
   * @throws NotFound for an unknown or closed workflow.
   */
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
   * Makes a new run with the history of another one up to a task, which is done again by today's code.
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
  /**
   * Packed history (`history.ts`) of a run, or a part of it.
   *
   * @throws NotFound for an unknown run
   */
  history(runId: string, range?: EventRange): Promise<Uint8Array>;
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
   * Hands tasks, queries and attempts (`tasks.ts`) to a worker from now on; until the first worker is there they wait.
   *
   * @param worker its index.
   * @param loads what each worker has to do, by index, shared with the workers: for the placement of runs
   * that no worker holds. Below 0: does not run.
   * @param here the worker is on this thread.
   * @returns the worker's end of the way, which may be moved to its thread.
   */
  connect(worker: number, loads?: Int32Array, here?: boolean): QueuePort | DirectPort;
  /** The worker died: its tasks and queries come again, its attempts have failed with `failure`. */
  disconnect(worker: number, failure: Failure): void;
  /** Outbox to plain processes. A message may come twice when the runtime ended in between. */
  onMessage(handler: (message: OutboxMessage) => void): void;
  /**
   * Outbox to queues. Fulfilled: the queue has the message. Rejected: it is handed over again after a while, or, if the
   * error is not retryable, after the next `open`. Messages of one workflow to one queue come one after another, in
   * order. A message may come twice when the runtime ended in between.
   */
  onPublish(handler: (publication: Publication) => Promise<void>): void;
  /** What waits in the outbox to queues, as it was a moment ago; queues without such messages may be missing. */
  backlog(): readonly QueueBacklog[];
  /** What the operator should hear of. */
  onReport(handler: (report: ProviderReport) => void): void;
  /** Returns undefined for a provider that keeps nothing on this machine. */
  storage(): StorageSize | undefined;
}
