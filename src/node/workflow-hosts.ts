import { limitRepeats } from "../observe/limit-repeats.ts";
import type { LogSink } from "../observe/log.ts";
import type { Platform } from "../platform/platform.ts";
import type { Entry } from "../registry/entry.ts";
import { lazy } from "../registry/lazy.ts";
import { unpack } from "../vm/codec.ts";
import { type ErrorData, WippyError } from "../vm/error.ts";
import type { LuaValue } from "../vm/value.ts";
import type { HistoryEvent } from "../workflows/history/history.ts";
import { localNode, workflowPid } from "../workflows/pid.ts";
import type {
  EventRange,
  ResetRequest,
  RunClosed,
  RunDetail,
  RunInfo,
  RunQuery,
  WorkflowProvider,
} from "../workflows/provider.ts";
import type { StartWorkflow, UpdateWorkflow, WorkflowTargets } from "../workflows/requests.ts";
import { parsePid } from "./pid.ts";
import type { Schedules } from "./schedules.ts";
import type { WorkerPool } from "./worker-pool.ts";

/** What is read when there are workflows. */
const requests = lazy(() =>
  require("../workflows/requests.ts") as typeof import("../workflows/requests.ts")
);
const limits = lazy(() =>
  require("../workflows/history/limits.ts") as typeof import("../workflows/history/limits.ts")
);
const unknowns = () =>
  require(
    "../workflows/options/unknown-options.ts",
  ) as typeof import("../workflows/options/unknown-options.ts");
const schedules = () => require("./schedules.ts") as typeof import("./schedules.ts");

/** The workflow hosts: each has a provider, whose tasks and activities run on the workers. */
export class WorkflowHosts {
  readonly #providers = new Map<string, WorkflowProvider>();
  readonly #pool: WorkerPool;
  /** The worker on the node's own thread. */
  readonly #here: number | undefined;
  readonly #schedules = lazy(() => {
    const hosts = () => this.hosts;
    return new (schedules().Schedules)({
      get hosts() {
        return hosts();
      },
      schedulesOf: (host) => this.provider(host).schedules,
      hostOf: (entry) => this.hostOf(entry),
    }, this.#entries);
  });
  #numbers = 0;
  readonly #log: LogSink;
  readonly #unknownOptions = lazy(() =>
    new (unknowns().UnknownOptions)((message) =>
      this.#log.log({
        level: "warn",
        time: this.#platform.now(),
        logger: "workflow",
        message,
        fields: {},
      })
    )
  );
  readonly #platform: Platform;
  readonly #entries: ReadonlyMap<string, Entry>;
  /** Hosts that entries declare, whether they are open or not. */
  readonly #declared = new Set<string>();
  /** Runs that wait for corrected code. */
  readonly #blocked = new Map<string, WorkflowProvider>();
  /** Delivers a message of a workflow to a unit that is none. */
  deliver: (to: string, topic: string, from: string, values: LuaValue[]) => void = () => {};

  constructor(
    pool: WorkerPool,
    entries: ReadonlyMap<string, Entry>,
    log: LogSink,
    platform: Platform,
    here?: number,
  ) {
    this.#pool = pool;
    this.#here = here;
    this.#entries = entries;
    this.#log = log;
    this.#platform = platform;
  }

  /** The schedules of the hosts. */
  get schedules(): Schedules {
    return this.#schedules();
  }

  get #targets(): WorkflowTargets {
    return { entries: this.#entries, hosts: [...this.#declared] };
  }

  /** A host on which workflows may be started once it is open. */
  declare(host: string): void {
    this.#declared.add(host);
  }

  /** The workflow host of an entry: the one that it names, else the only one. @throws WippyError Invalid */
  hostOf(entry: Entry): string {
    return requests().hostOf(entry, [...this.#declared]);
  }

  /** A number that no other provider of this runtime has. */
  number(): number {
    return ++this.#numbers;
  }

  /**
   * Opens a provider, whose open runs go on at once.
   *
   * @throws WippyError, see `WorkflowProvider.open`
   */
  async open(id: string, provider: WorkflowProvider): Promise<void> {
    provider.onMessage(({ to, from, topic, payloads }) => {
      this.deliver(to, topic, from, unpack(payloads) as LuaValue[]);
    });
    const log = limitRepeats(this.#log, this.#platform.setTimer.bind(this.#platform));
    provider.onReport(({ level, message, fields }) => {
      if (fields.cause === "nondeterminism") this.#blocked.set(String(fields.run_id), provider);
      else if (fields.cause === "closed") this.#blocked.delete(String(fields.run_id));
      log.log({ level, time: this.#platform.now(), logger: id, message, fields });
    });
    await provider.open();
    this.#providers.set(id, provider);
    for (const worker of this.#pool.running) this.#join(id, provider, worker);
  }

  /** Tries the blocked runs again: the code has changed. */
  retryBlocked(): void {
    for (const [runId, provider] of [...this.#blocked]) {
      this.#unblock(provider, runId).catch(() => {});
    }
  }

  async #unblock(provider: WorkflowProvider, runId: string): Promise<void> {
    // Before the answer: when the code does not fit still, the run is reported again.
    this.#blocked.delete(runId);
    try {
      await provider.unblock(runId);
    } catch (error) {
      // One that is closed by now needs no other try; one that the journal could not write does.
      if (WippyError.from(error).kind !== "NotFound") this.#blocked.set(runId, provider);
      throw error;
    }
  }

  /** A worker has started: every provider hands work to it from now on. */
  connect(worker: number): void {
    for (const [id, provider] of this.#providers) this.#join(id, provider, worker);
  }

  #join(id: string, provider: WorkflowProvider, worker: number): void {
    const port = provider.connect(worker, this.#pool.loads, worker === this.#here);
    const signals = provider.takesSignals ? id : undefined;
    this.#pool.send(worker, { type: "queue", port, ...signals !== undefined && { signals } });
  }

  /** A worker died: its tasks come again, its attempts have failed. */
  disconnect(worker: number, failure: ErrorData): void {
    for (const provider of this.#providers.values()) provider.disconnect(worker, failure);
  }

  /** The provider of an open host. @throws WippyError Unavailable */
  provider(hostId: string): WorkflowProvider {
    const provider = this.#providers.get(hostId);
    if (!provider) {
      throw new WippyError("Unavailable", `workflow host is not running: ${hostId}`, {
        retryable: true,
        details: { host_id: hostId },
      });
    }
    return provider;
  }

  /**
   * Starts a run, or finds the open one of its workflow id, as the id policies say. Returns when it is on disk.
   *
   * @throws WippyError
   */
  async start(request: StartWorkflow): Promise<{ pid: string; runId: string; existed: boolean }> {
    this.#unknownOptions().check(request.options);
    const start = requests().startRequest(request, this.#targets);
    const { pid, runId, existed } = await this.provider(start.hostId).start(start);
    return { pid, runId, existed };
  }

  /**
   * Starts a run, or joins one, and sends it an update, in one transaction; waits as `update`.
   *
   * @throws WippyError what `start` and `update` throw
   */
  async updateWithStart(
    request: StartWorkflow,
    update: UpdateWorkflow,
  ): Promise<{ pid: string; runId: string; value: LuaValue }> {
    this.#unknownOptions().check(request.options);
    const start = requests().startForUpdate(request, this.#targets);
    const { stage, ...sent } = requests().updateRequest(update);
    const result = await this.provider(start.hostId).updateWithStart(start, sent, stage);
    const pid = workflowPid(localNode, start.hostId, start.workflowId);
    return { pid, runId: result.runId, value: requests().updateValue(result, stage) };
  }

  /** Sends a signal. @throws WippyError NotFound */
  async signal(pid: string, name: string, sender: string, payloads: LuaValue[]): Promise<void> {
    const { host, uid } = parsePid(pid);
    const packed = limits().recordValues(payloads, `the message ${name}`);
    await this.provider(host).signal(uid, { name, sender, payloads: packed });
  }

  /**
   * Delivers an update and waits for its value, or, with stage `accepted`, for its id.
   *
   * @throws WippyError NotFound, or what the update was rejected or failed with
   */
  async update(pid: string, request: UpdateWorkflow): Promise<LuaValue> {
    const { host, uid } = parsePid(pid);
    const { stage, ...update } = requests().updateRequest(request);
    return requests().updateValue(await this.provider(host).update(uid, update, stage), stage);
  }

  /**
   * Asks a run, open or closed: the newest of the PID's workflow id unless `runId` names one.
   *
   * @throws WippyError what the query failed with
   */
  async query(pid: string, name: string, args: LuaValue[], runId?: string): Promise<LuaValue> {
    const { host, uid } = parsePid(pid);
    const request = {
      name,
      args: limits().recordValues(args, `the input of the query ${name}`),
      ...(runId !== undefined && { runId }),
    };
    const value = await this.provider(host).query(uid, request);
    return value && unpack(value);
  }

  /** Asks a run to cancel. @throws WippyError NotFound */
  async cancel(pid: string, sender: string, reason: string): Promise<void> {
    const { host, uid } = parsePid(pid);
    await this.provider(host).cancel(uid, { sender, ...(reason !== "" && { reason }) });
  }

  /** Closes a run at once. @throws WippyError NotFound */
  async terminate(pid: string, reason = ""): Promise<void> {
    const { host, uid } = parsePid(pid);
    await this.provider(host).terminate(uid, reason === "" ? {} : { reason });
  }

  /**
   * Lets a run begin anew at an earlier event; see `WorkflowProvider.reset`. Returns the new run's id.
   *
   * @throws WippyError NotFound, Invalid
   */
  async reset(pid: string, request: ResetRequest): Promise<string> {
    const { host, uid } = parsePid(pid);
    return (await this.provider(host).reset(uid, request)).runId;
  }

  /** The newest run of a PID's workflow id; undefined when there is none. */
  async describe(pid: string): Promise<RunInfo | undefined> {
    const { host, uid } = parsePid(pid);
    return await this.provider(host).describe(uid);
  }

  /** Identifiers of the hosts that run, sorted. */
  get hosts(): string[] {
    return [...this.#providers.keys()].sort();
  }

  /** Bytes of the journal of each host, and of what waits beside it to be merged into it. */
  get journals(): { host: string; bytes: number; log: number }[] {
    return this.hosts.flatMap((host) => {
      const size = this.provider(host).storage();
      return size ? [{ host, ...size }] : [];
    });
  }

  /** A page of the runs of a host. @throws WippyError Unavailable when it does not run; Invalid for a bad cursor */
  async list(host: string, query: RunQuery): Promise<{ runs: RunInfo[]; cursor?: string }> {
    return await this.provider(host).list(query);
  }

  /** A run of a host with what it waits for. @throws WippyError NotFound */
  async run(host: string, runId: string): Promise<RunDetail> {
    const detail = await this.provider(host).run(runId);
    if (detail) return detail;
    throw new WippyError("NotFound", `no run ${runId} on ${host}`, { retryable: false });
  }

  /** History of a run of a host, or a part of it. @throws WippyError NotFound */
  async history(host: string, runId: string, range?: EventRange): Promise<HistoryEvent[]> {
    const { unpackHistory } = await import("../workflows/history/history.ts");
    return unpackHistory(await this.provider(host).history(runId, range));
  }

  /** Run ids of those that wait for corrected code, with their host. */
  get blocked(): { host: string; runId: string }[] {
    const hosts = new Map([...this.#providers].map(([host, provider]) => [provider, host]));
    return [...this.#blocked].map(([runId, provider]) => ({
      host: hosts.get(provider) ?? "",
      runId,
    }));
  }

  /** Tries a blocked run again at once. @throws WippyError NotFound for an unknown or closed run */
  async unblock(host: string, runId: string): Promise<void> {
    await this.#unblock(this.provider(host), runId);
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
    return this.provider(host).watch(uid, (closed) => listener(...outcome(closed)), runId);
  }

  /** Commits what waits and closes the journals. */
  async close(): Promise<void> {
    await Promise.all([...this.#providers.values()].map((provider) => provider.close()));
    this.#providers.clear();
  }
}

/** The end of a run as `value, err`. */
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
