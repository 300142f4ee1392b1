import { mkdirSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import type { LogSink } from "../observe/log.ts";
import { machine } from "../surroundings/machine.ts";
import type { Simulation } from "../surroundings/simulation.ts";
import type { Entry } from "../registry/entry.ts";
import { pack, unpack } from "../vm/codec.ts";
import { type ErrorData, WippyError } from "../vm/error.ts";
import type { LuaValue } from "../vm/value.ts";
import type { FromWorker } from "../worker/messages.ts";
import type {
  ActivityTask,
  QueryTask,
  ResetRequest,
  RunClosed,
  RunDetail,
  RunInfo,
  RunQuery,
  StartRequest,
  UpdateStage,
  WorkflowProvider,
  WorkflowTask,
} from "../workflows/provider.ts";
import { parseStartOptions } from "../workflows/option-table.ts";
import { checkRecordSize } from "../workflows/limits.ts";
import { withDetails } from "../workflows/retry.ts";
import { type HistoryEvent, unpackHistory } from "../workflows/history.ts";
import { parsePid } from "./pid.ts";
import type { WorkerPool } from "./worker-pool.ts";

/** A start as `lua/kernel/actors.lua` asks for it. */
export interface StartWorkflow {
  entry: string;
  /** Absent: the host that the entry names, else the only one. */
  hostId?: string;
  frame: LuaValue;
  name?: string;
  options: LuaValue;
  messages: { name: string; payloads: LuaValue[] }[];
  sender: string;
  args: LuaValue[];
}

/** What a `workflow.host` entry limits. */
export interface WorkflowHostLimits {
  /** Milliseconds that a closed run is kept; for ever when absent. */
  retention?: number;
  /** Attempts of activities that run at once; without limit when absent. */
  maxActivities?: number;
}

/** An update as callers ask for it. */
export interface UpdateWorkflow {
  updateId?: string;
  name: string;
  args: LuaValue[];
  sender: string;
  stage: UpdateStage;
}

/** The `workflow.host` entries: each has a provider, whose tasks and activities run on the workers. */
export class WorkflowHosts {
  readonly #providers = new Map<string, WorkflowProvider>();
  /** Paths of the journals, by host. */
  readonly #journals = new Map<string, string>();
  readonly #pool: WorkerPool;
  #opened = 0;
  readonly #log: LogSink;
  readonly #simulation: Simulation | undefined;
  readonly #entries: ReadonlyMap<string, Entry>;
  /** Which provider waits for a task or an activity, by token or run, and which worker has it. */
  readonly #tasks = new Map<
    string,
    { provider: WorkflowProvider; worker: number; task: WorkflowTask }
  >();
  readonly #queries = new Map<
    string,
    { provider: WorkflowProvider; worker: number; task: QueryTask }
  >();
  readonly #activities = new Map<
    string,
    { provider: WorkflowProvider; worker: number; task: ActivityTask }
  >();
  /** Runs that wait for mended code. */
  readonly #blocked = new Map<string, WorkflowProvider>();
  /** Which worker holds a run in memory. */
  readonly #places = new Map<string, number>();

  constructor(
    pool: WorkerPool,
    entries: ReadonlyMap<string, Entry>,
    log: LogSink,
    simulation?: Simulation,
  ) {
    this.#simulation = simulation;
    this.#pool = pool;
    this.#entries = entries;
    this.#log = log;
  }

  /**
   * Opens the journal of a host; its open runs go on at once.
   *
   * @throws WippyError, see `WorkflowProvider.open`
   */
  async open(
    id: string,
    journal: string,
    directory: string,
    { retention, maxActivities }: WorkflowHostLimits,
  ): Promise<void> {
    const path = resolve(directory, journal);
    try {
      mkdirSync(dirname(path), { recursive: true });
    } catch (error) {
      throw new WippyError(
        "PermissionDenied",
        `${id}: cannot make the folder of the journal ${journal}: ${(error as Error).message}; ` +
          "make the folder writable, or name another place with the entry's field journal",
        { retryable: false },
      );
    }
    // Loaded here: a runtime without workflows starts faster without it.
    const loading = import("../workflows/providers/sqlite/provider.ts");
    const { SqliteProvider } = await (this.#simulation?.during(loading) ?? loading);
    const provider = new SqliteProvider({
      path,
      number: ++this.#opened,
      ...(retention !== undefined && { retention }),
      ...(maxActivities !== undefined && { maxActivities }),
      ...(this.#simulation && { inline: true, surroundings: this.#simulation }),
    });
    provider.onTask((task) => this.#runTask(provider, task));
    provider.onQuery((task) => this.#runQuery(provider, task));
    provider.onActivity((task) => this.#runActivity(provider, task));
    provider.onActivityCancel((token, _reason, gently) => {
      const activity = this.#activities.get(token);
      if (activity) this.#pool.send(activity.worker, { type: "cancel_activity", token, gently });
    });
    provider.onMessage(({ to, from, topic, payloads }) => {
      const values = unpack(payloads) as LuaValue[];
      this.deliver(to, topic, from, values);
    });
    provider.onEvict((runId) => {
      const worker = this.#places.get(runId);
      this.#places.delete(runId);
      if (worker !== undefined) this.#pool.send(worker, { type: "evict", runId });
    });
    provider.onReport(({ level, message, fields }) => {
      if (fields.cause === "nondeterminism") this.#blocked.set(String(fields.run_id), provider);
      this.#log.log({
        level,
        time: (this.#simulation ?? machine).now(),
        logger: id,
        message,
        fields,
      });
    });
    await provider.open();
    this.#providers.set(id, provider);
    this.#journals.set(id, path);
  }

  /** Tries the blocked runs again: the code has changed. */
  retryBlocked(): void {
    for (const [runId, provider] of this.#blocked) {
      // One that is closed by now needs no other try.
      provider.unblock(runId).catch(() => {});
    }
    this.#blocked.clear();
  }

  /** Delivers a message of a workflow to a plain process; set by the node. */
  deliver: (to: string, topic: string, from: string, values: LuaValue[]) => void = () => {};

  /** The worker that a task asks for, if it runs. */
  #workerFor(task: { worker?: string }): number {
    const sticky = task.worker === undefined
      ? undefined
      : Number(task.worker.replace("worker-", ""));
    return sticky !== undefined && this.#pool.running.includes(sticky)
      ? sticky
      : this.#pool.leastLoaded();
  }

  #runQuery(provider: WorkflowProvider, task: QueryTask): void {
    const worker = this.#workerFor(task);
    this.#queries.set(task.token, { provider, worker, task });
    this.#pool.send(worker, { type: "query", task });
  }

  #runTask(provider: WorkflowProvider, task: WorkflowTask): void {
    const worker = this.#workerFor(task);
    this.#tasks.set(task.token, { provider, worker, task });
    this.#places.set(task.runId, worker);
    this.#pool.send(worker, { type: "workflow_task", task });
  }

  #runActivity(provider: WorkflowProvider, task: ActivityTask): void {
    const worker = this.#places.get(task.runId) ?? this.#pool.leastLoaded();
    this.#activities.set(task.token, { provider, worker, task });
    const { token, entry, operation, args, frame, pid, hostId: _, ...facts } = task;
    this.#pool.send(worker, {
      type: "activity",
      activity: {
        token,
        entry,
        operation,
        args,
        pid,
        ...(frame && { frame }),
        ...(!operation && { facts }),
      },
    });
  }

  /** A worker's answer to a task or an activity. */
  answered(message: FromWorker): void {
    if (message.type === "task_done") {
      const { completion, held } = message;
      const task = this.#tasks.get(completion.token);
      this.#tasks.delete(completion.token);
      if (!held) this.#places.delete(completion.runId);
      task?.provider.completeTask(completion);
    } else if (message.type === "heartbeat") {
      const { token, details } = message;
      this.#activities.get(token)?.provider.heartbeat(token, details);
    } else if (message.type === "queried") {
      const { answer } = message;
      const query = this.#queries.get(answer.token);
      this.#queries.delete(answer.token);
      if (query && answer.since > 0) this.#places.set(answer.runId, query.worker);
      query?.provider.completeQuery(answer);
    } else if (message.type === "activity_done") {
      const activity = this.#activities.get(message.token);
      this.#activities.delete(message.token);
      activity?.provider.completeActivity(
        message.token,
        message.failure
          ? { status: "failed", failure: message.failure }
          : { status: "completed", value: message.value ?? pack(undefined) },
      );
    }
  }

  /** A worker died: its tasks come again, its activities failed. */
  workerDied(index: number, failure: ErrorData): void {
    for (const [token, { provider, worker, task }] of this.#tasks) {
      if (worker !== index) continue;
      this.#tasks.delete(token);
      provider.completeTask({
        token,
        runId: task.runId,
        worker: `worker-${index}`,
        outcome: { type: "failed", failure: { cause: "lost", message: failure.message } },
      });
    }
    for (const [token, { provider, worker, task }] of this.#queries) {
      if (worker !== index) continue;
      this.#queries.delete(token);
      provider.completeQuery({
        token,
        runId: task.runId,
        worker: `worker-${index}`,
        since: 0,
        outcome: { type: "lost", message: failure.message },
      });
    }
    for (const [runId, worker] of this.#places) if (worker === index) this.#places.delete(runId);
    for (const [token, { provider, worker, task }] of [...this.#activities]) {
      if (worker !== index) continue;
      this.#activities.delete(token);
      // An operation has no retry policy: its failure would be its result. It runs again, as after a crash.
      if (task.operation) this.#runActivity(provider, task);
      else provider.completeActivity(token, { status: "failed", failure });
    }
  }

  #provider(hostId: string): WorkflowProvider {
    const provider = this.#providers.get(hostId);
    if (!provider) {
      throw new WippyError("Unavailable", `workflow host is not running: ${hostId}`, {
        retryable: true,
        details: { host_id: hostId },
      });
    }
    return provider;
  }

  #hostOf(entry: Entry): string {
    const temporal = entry.meta["temporal"] as { workflow?: { worker?: unknown } } | undefined;
    const named = temporal?.workflow?.worker;
    if (typeof named === "string") {
      return named.includes(":") ? named : `${entry.id.split(":")[0]}:${named}`;
    }
    const hosts = [...this.#entries.values()].filter(({ kind }) => kind === "workflow.host");
    if (hosts.length === 1) return hosts[0]!.id;
    throw new WippyError(
      "Invalid",
      hosts.length === 0
        ? `no workflow.host entry to run ${entry.id} on; add one`
        : `several workflow hosts; name one in meta.temporal.workflow.worker of ${entry.id}`,
      { retryable: false },
    );
  }

  /** Starts a run; answers its PID when it is on disk. @throws WippyError */
  async start(request: StartWorkflow): Promise<{ pid: string; runId: string }> {
    const entry = this.#entries.get(request.entry);
    if (entry?.kind !== "workflow.lua") {
      throw new WippyError("NotFound", `workflow not found: ${request.entry}`, {
        retryable: false,
      });
    }
    const hostId = request.hostId ?? this.#hostOf(entry);
    const parsed = parseStartOptions(request.options);
    const workflowId = parsed.workflowId ?? request.name;
    const start: StartRequest = {
      entry: request.entry,
      hostId,
      args: checkRecordSize(pack(request.args), `the input of ${request.entry}`),
      frame: pack(request.frame),
      options: parsed.options,
      messages: request.messages.map(({ name, payloads }) => ({
        name,
        payloads: checkRecordSize(pack(payloads), `the message ${name}`),
        sender: request.sender,
      })),
      ...(workflowId !== undefined && { workflowId }),
      ...(parsed.memo && { memo: pack(parsed.memo) }),
      ...(parsed.searchAttributes && { searchAttributes: pack(parsed.searchAttributes) }),
    };
    const { pid, runId } = await this.#provider(hostId).start(start);
    return { pid, runId };
  }

  /** Sends a signal. @throws WippyError NotFound */
  async signal(pid: string, name: string, sender: string, payloads: LuaValue[]): Promise<void> {
    const { host, uid } = parsePid(pid);
    const packed = checkRecordSize(pack(payloads), `the message ${name}`);
    await this.#provider(host).signal(uid, { name, sender, payloads: packed });
  }

  /**
   * Delivers an update and waits for its value, or, with stage `accepted`, for its id.
   *
   * @throws WippyError NotFound, or what the update was rejected or failed with
   */
  async update(pid: string, request: UpdateWorkflow): Promise<LuaValue> {
    const { host, uid } = parsePid(pid);
    const { args, stage, ...update } = request;
    const packed = checkRecordSize(pack(args), `the input of the update ${update.name}`);
    const result = await this.#provider(host).update(uid, { ...update, args: packed }, stage);
    if (result.failure) {
      throw WippyError.from(withDetails(result.failure, {
        _wrapper: "update",
        _update_id: result.updateId,
        _update_status: result.status,
      }));
    }
    if (stage === "accepted") return result.updateId;
    return result.value ? unpack(result.value) : undefined;
  }

  /**
   * Asks a run, open or closed: the newest of the PID's workflow id unless `runId` names one.
   *
   * @throws WippyError what the query failed with
   */
  async query(pid: string, name: string, args: LuaValue[], runId?: string): Promise<LuaValue> {
    const { host, uid } = parsePid(pid);
    const request = { name, args: pack(args), ...(runId !== undefined && { runId }) };
    const value = await this.#provider(host).query(uid, request);
    return value && unpack(value);
  }

  /** Asks a run to cancel. @throws WippyError NotFound */
  async cancel(pid: string, sender: string, reason: string): Promise<void> {
    const { host, uid } = parsePid(pid);
    await this.#provider(host).cancel(uid, { sender, ...(reason !== "" && { reason }) });
  }

  /** Closes a run at once. @throws WippyError NotFound */
  async terminate(pid: string, reason = ""): Promise<void> {
    const { host, uid } = parsePid(pid);
    await this.#provider(host).terminate(uid, reason === "" ? {} : { reason });
  }

  /**
   * Lets a run begin anew at an earlier event; see `WorkflowProvider.reset`. Answers the new run's id.
   *
   * @throws WippyError NotFound, Invalid
   */
  async reset(pid: string, request: ResetRequest): Promise<string> {
    const { host, uid } = parsePid(pid);
    return (await this.#provider(host).reset(uid, request)).runId;
  }

  /** The newest run of a PID's workflow id; undefined when there is none. */
  async describe(pid: string): Promise<RunInfo | undefined> {
    const { host, uid } = parsePid(pid);
    return await this.#provider(host).describe(uid);
  }

  /** Identifiers of the hosts that run, sorted. */
  get hosts(): string[] {
    return [...this.#providers.keys()].sort();
  }

  /** Bytes of the journal of each host, and of what waits beside it to be merged into it. */
  get journals(): { host: string; bytes: number; log: number }[] {
    const size = (path: string) => statSync(path, { throwIfNoEntry: false })?.size ?? 0;
    return this.hosts.map((host) => {
      const path = this.#journals.get(host) ?? "";
      return { host, bytes: size(path), log: size(`${path}-wal`) };
    });
  }

  /** A page of the runs of a host. @throws WippyError Unavailable when it does not run; Invalid for a bad cursor */
  async list(host: string, query: RunQuery): Promise<{ runs: RunInfo[]; cursor?: string }> {
    return await this.#provider(host).list(query);
  }

  /** A run of a host with what it waits for. @throws WippyError NotFound */
  async run(host: string, runId: string): Promise<RunDetail> {
    const detail = await this.#provider(host).run(runId);
    if (detail) return detail;
    throw new WippyError("NotFound", `no run ${runId} on ${host}`, { retryable: false });
  }

  /** History of a run of a host. @throws WippyError NotFound */
  async history(host: string, runId: string): Promise<HistoryEvent[]> {
    return unpackHistory(await this.#provider(host).history(runId));
  }

  /** Run ids of those that wait for mended code, with their host. */
  get blocked(): { host: string; runId: string }[] {
    const hosts = new Map([...this.#providers].map(([host, provider]) => [provider, host]));
    return [...this.#blocked].map(([runId, provider]) => ({
      host: hosts.get(provider) ?? "",
      runId,
    }));
  }

  /** Tries a blocked run again at once. @throws WippyError NotFound for an unknown or closed run */
  async unblock(host: string, runId: string): Promise<void> {
    await this.#provider(host).unblock(runId);
  }

  /** Whether a PID's host is a workflow host that runs. */
  owns(pid: string): boolean {
    return this.#providers.has(parsePid(pid).host);
  }

  /**
   * Calls `listener(value, error)` when a chain of runs is closed: that of `runId`, else that of the newest run.
   *
   * @returns ends the watch
   */
  watch(
    pid: string,
    listener: (value: LuaValue, error: LuaValue) => void,
    runId?: string,
  ): () => void {
    const { host, uid } = parsePid(pid);
    return this.#provider(host).watch(uid, (closed) => listener(...outcome(closed)), runId);
  }

  /** Commits what waits and closes the journals. */
  async close(): Promise<void> {
    await Promise.all([...this.#providers.values()].map((provider) => provider.close()));
    this.#providers.clear();
  }
}

/** The end of a run as `value, err` (spec workflows §2.11). */
function outcome(closed: RunClosed): [LuaValue, LuaValue] {
  if (closed.status === "completed") {
    return [closed.value ? unpack(closed.value) : undefined, undefined];
  }
  if (closed.failure) return [undefined, WippyError.from(closed.failure)];
  const fail = (kind: string, message: string) =>
    new WippyError(kind, message, { retryable: false });
  switch (closed.status) {
    case "terminated":
      return [undefined, fail("Canceled", "workflow terminated")];
    case "canceled":
      return [undefined, fail("Canceled", "operation canceled")];
    case "timed_out":
      return [undefined, fail("Timeout", "workflow timed out")];
    case "not_found":
      return [undefined, fail("NotFound", `workflow not found: ${closed.workflowId}`)];
    default:
      return [undefined, fail("Internal", "workflow failed")];
  }
}
