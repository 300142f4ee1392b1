import { machine } from "../../../platform/machine.ts";
import { WippyError } from "../../../vm/error.ts";
import type { Failure } from "../../engine/outcome.ts";
import { localNode } from "../../pid.ts";
import type { Payload } from "../../payload.ts";
import type {
  EventRange,
  OutboxMessage,
  ProviderReport,
  QueryRequest,
  QueueBacklog,
  ResetRequest,
  RunClosed,
  RunDetail,
  RunInfo,
  RunQuery,
  Signal,
  StartRequest,
  StartResult,
  UpdateRequest,
  UpdateResult,
  UpdateStage,
  WorkflowProvider,
} from "../../provider.ts";
import type { ScheduleProvider } from "../../schedules/schedules.ts";
import type { DirectPort, QueuePort, WorkerAnswer } from "../../tasks/tasks.ts";
import type { Connection } from "./connection/connection.ts";
import { type ClientContext, notFound, ofWorkflow } from "./client/client.ts";
import { describeRun, detailRun, findRun, listRuns } from "./client/descriptions.ts";
import { queryRun } from "./client/queries.ts";
import { resetRun } from "./client/resets.ts";
import { startRun } from "./client/starts.ts";
import { pollUpdate, updateRun, updateWithStart } from "./client/updates.ts";
import { closedChain } from "./client/watches.ts";
import { fetchHistory, type RunName } from "./history/fetch.ts";
import { HistoryReader } from "./history/history.ts";
import { headerOf, unpackedPayloads } from "./names.ts";
import { TemporalSchedules } from "./schedules/schedules.ts";
import type { TemporalProviderOptions } from "./settings.ts";
import { Activities } from "./worker/activities.ts";
import { WorkerLinks } from "./worker/links.ts";
import { Pollers } from "./worker/pollers.ts";
import { Queries } from "./worker/queries.ts";
import { packEvents } from "./worker/run.ts";
import type { TaskContext } from "./worker/worker.ts";
import { WorkflowTasks } from "./worker/workflow-tasks.ts";

let providers = 0;

/** Runs of which the workflow is remembered. */
const mostNames = 20_000;
/** Milliseconds that tasks of workers may take when the provider closes. */
const closeGrace = 1_000;

/** State that exists while the provider is open. */
interface Opened {
  connection: Connection;
  client: ClientContext;
  tasks: WorkflowTasks;
  activities: Activities;
  queries: Queries;
  pollers: Pollers[];
}

/**
 * Keeps workflows on a Temporal server. It speaks the service's own protocol, so the histories are Temporal's, and
 * hands tasks to the workers of this runtime as every provider does.
 */
export class TemporalProvider implements WorkflowProvider {
  readonly schedules: ScheduleProvider;
  readonly #options: TemporalProviderOptions;
  readonly #node: string;
  readonly #number: number;
  readonly #instance: string;
  readonly #platform: Pick<typeof machine, "now" | "setTimer"> & { random: { uuid(): string } };
  readonly #links: WorkerLinks;
  #opened: Opened | undefined;
  #closing = false;
  /** Workflow ids by run id, the latest at the end. */
  readonly #names = new Map<string, string>();
  /** Signals on their way, by sender and workflow. */
  readonly #signals = new Map<string, Promise<void>>();
  readonly #watches = new Set<AbortController>();
  #message: (message: OutboxMessage) => void = () => {};
  #report: (report: ProviderReport) => void = () => {};

  constructor(options: TemporalProviderOptions) {
    this.#options = options;
    this.#node = options.node ?? localNode;
    this.#number = options.number ?? ++providers;
    // The server has a clock of its own, so timers use the machine's clock.
    this.#platform = machine;
    this.#instance = crypto.randomUUID();
    this.#links = new WorkerLinks(options.platform !== undefined, options.transport);
    this.schedules = new TemporalSchedules(() => this.#client);
  }

  async open(): Promise<void> {
    if (this.#opened) throw new WippyError("Conflict", "the provider is already open");
    const { conversion, hosts, queueOf, maxActivities, taskTimeout, connect } = this.#options;
    const { addSearchAttributes = false } = this.#options;
    const connection = await connect();
    const queues = new Map(hosts.map(({ hostId, taskQueue }) => [hostId, taskQueue]));
    const hostIds = new Map(hosts.map(({ hostId, taskQueue }) => [taskQueue, hostId]));
    const [first] = hosts;
    const context: TaskContext = {
      connection,
      addSearchAttributes,
      conversion,
      links: this.#links,
      number: this.#number,
      node: this.#node,
      instance: this.#instance,
      queueOf: (hostId) => queues.get(hostId) ?? queueOf?.(hostId) ?? hostId,
      hostOf: (queue) => hostIds.get(queue) ?? first?.hostId ?? queue,
      report: (report) => this.#report(report),
      deliver: (message) => this.#message(message),
      closing: () => this.#closing,
    };
    const activities = new Activities(context, this.#platform);
    const queries = new Queries(context);
    const tasks = new WorkflowTasks(context, activities, queries);
    const client: ClientContext = {
      connection,
      conversion,
      node: this.#node,
      queueOf: context.queueOf,
      hostOf: context.hostOf,
      uuid: () => this.#platform.random.uuid(),
      note: (workflowId, runId) => this.#note(workflowId, runId),
      addSearchAttributes,
      ...taskTimeout !== undefined && { taskTimeout },
    };
    const pollers = hosts.map((host) =>
      new Pollers({
        connection,
        tasks,
        activities,
        instance: this.#instance,
        report: context.report,
        ...maxActivities !== undefined && { maxActivities },
      }, host)
    );
    this.#links.onAnswer = (_worker, answer) => this.#answered(answer);
    this.#opened = { connection, client, tasks, activities, queries, pollers };
    this.#closing = false;
    if (this.#options.schedules) await this.schedules.declare(this.#options.schedules);
    void this.#links.ready().then(() => {
      if (this.#closing || this.#opened?.connection !== connection) return;
      for (const poller of pollers) poller.start();
    });
  }

  async close(): Promise<void> {
    const opened = this.#opened;
    if (!opened) return;
    this.#closing = true;
    const { pollers, tasks, activities, queries, connection } = opened;
    for (const watch of this.#watches) watch.abort();
    await Promise.all(pollers.map((poller) => poller.stop()));
    const end = Date.now() + closeGrace;
    while (tasks.busy > 0 && Date.now() < end) await Bun.sleep(5);
    tasks.abandon();
    queries.abandon();
    await activities.lose({
      kind: "Unavailable",
      message: "the runtime ended during the attempt",
      retryable: true,
    });
    this.#opened = undefined;
    this.#links.close();
    if (!connection.shared) return connection.close();
    // A task may be on its way, so polls are not canceled: what they bring is returned, if others keep the connection.
    void Promise.all(pollers.map((poller) => poller.ended())).finally(() => connection.close());
  }

  /** Stops without responding to anything, as if the process had been killed. For tests. */
  abandon(): void {
    const opened = this.#opened;
    if (!opened) return;
    this.#closing = true;
    this.#opened = undefined;
    for (const watch of this.#watches) watch.abort();
    for (const poller of opened.pollers) poller.abandon();
    this.#links.close();
    opened.tasks.abandon();
    opened.activities.abandon();
    opened.queries.abandon();
    opened.connection.close();
  }

  #answered(answer: WorkerAnswer): void {
    const opened = this.#opened;
    if (!opened) return;
    switch (answer.type) {
      case "task":
        return opened.tasks.answered(answer.completion);
      case "queried":
        return opened.queries.answered(answer.answer);
      case "activity":
        return opened.activities.answered(answer.token, answer.result);
      case "heartbeat":
        return opened.activities.heartbeat(answer.token, answer.details);
      case "step":
        throw new Error("a worker took a step ahead that it was not offered");
    }
  }

  get #client(): ClientContext {
    if (this.#opened) return this.#opened.client;
    throw new WippyError("Unavailable", "the connection to Temporal is not open", {
      retryable: true,
    });
  }

  #note(workflowId: string, runId: string): void {
    this.#names.delete(runId);
    this.#names.set(runId, workflowId);
    if (this.#names.size <= mostNames) return;
    for (const oldest of this.#names.keys()) {
      this.#names.delete(oldest);
      return;
    }
  }

  async #nameOf(runId: string): Promise<RunName | undefined> {
    const workflowId = this.#names.get(runId);
    if (workflowId !== undefined) return { workflowId, runId };
    const found = await findRun(this.#client, runId);
    if (found) this.#note(found.workflowId, runId);
    return found;
  }

  async start(request: StartRequest): Promise<StartResult> {
    return await startRun(this.#client, request);
  }

  async signal(workflowId: string, signal: Signal): Promise<void> {
    // Each signal waits for the previous one, so that those of one sender arrive in order.
    const key = `${signal.sender} ${workflowId}`;
    const before = this.#signals.get(key);
    const sent = before
      ? before.then(() => this.#signal(workflowId, signal))
      : this.#signal(workflowId, signal);
    const settled = sent.catch(() => {});
    this.#signals.set(key, settled);
    try {
      await sent;
    } finally {
      if (this.#signals.get(key) === settled) this.#signals.delete(key);
    }
  }

  async #signal(workflowId: string, { name, payloads, sender }: Signal): Promise<void> {
    const { connection, conversion, uuid } = this.#client;
    await ofWorkflow(
      workflowId,
      connection.rpc("signalWorkflowExecution", {
        workflowExecution: { workflowId },
        signalName: name,
        input: unpackedPayloads(conversion, payloads),
        header: headerOf(conversion, { sender }),
        requestId: uuid(),
      }),
    );
  }

  async update(
    workflowId: string,
    request: UpdateRequest,
    stage: UpdateStage,
  ): Promise<UpdateResult> {
    return await updateRun(this.#client, workflowId, request, stage);
  }

  async updateWithStart(
    start: StartRequest & { workflowId: string },
    request: UpdateRequest,
    stage: UpdateStage,
  ): Promise<UpdateResult> {
    return await updateWithStart(this.#client, start, request, stage);
  }

  async pollUpdate(
    workflowId: string,
    updateId: string,
    stage: UpdateStage,
  ): Promise<UpdateResult> {
    return await pollUpdate(this.#client, workflowId, updateId, stage);
  }

  async query(workflowId: string, request: QueryRequest): Promise<Payload | undefined> {
    return await queryRun(this.#client, workflowId, request);
  }

  async cancel(workflowId: string, { reason = "" }: { reason?: string }): Promise<void> {
    const { connection, uuid } = this.#client;
    await ofWorkflow(
      workflowId,
      connection.rpc("requestCancelWorkflowExecution", {
        workflowExecution: { workflowId },
        requestId: uuid(),
        reason,
      }),
    );
  }

  async terminate(workflowId: string, { reason = "" }: { reason?: string }): Promise<void> {
    const { connection } = this.#client;
    const present = await describeRun(this.#client, workflowId);
    await ofWorkflow(
      workflowId,
      connection.rpc("terminateWorkflowExecution", { workflowExecution: { workflowId }, reason }),
    );
    if (present) await this.#ended(present);
  }

  async reset(workflowId: string, request: ResetRequest): Promise<StartResult> {
    const present = await describeRun(this.#client, workflowId);
    const made = await resetRun(this.#client, workflowId, request);
    if (present?.status === "running") await this.#ended(present);
    return made;
  }

  /** Ends work on a run, whose worker need not find out by itself that it has ended. */
  async #ended({ workflowId, runId }: RunName): Promise<void> {
    const { activities, tasks } = this.#opened ?? {};
    activities?.abort(runId);
    try {
      await tasks?.ended({ workflowId, runId });
    } catch (error) {
      const { message } = WippyError.from(error);
      this.#report({
        level: "warn",
        message: `messages of workflow ${workflowId}, which has ended, may be lost: ${message}`,
        fields: { workflow_id: workflowId, run_id: runId },
      });
    }
  }

  async describe(workflowId: string): Promise<RunInfo | undefined> {
    return await describeRun(this.#client, workflowId);
  }

  async run(runId: string): Promise<RunDetail | undefined> {
    const name = await this.#nameOf(runId);
    const detail = name && await detailRun(this.#client, name);
    const page = detail && this.#options.pageOf?.(detail.workflowId, detail.runId);
    return detail && { ...detail, ...page !== undefined && { page } };
  }

  async list(query: RunQuery): Promise<{ runs: RunInfo[]; cursor?: string }> {
    return await listRuns(this.#client, query);
  }

  async history(runId: string, range?: EventRange): Promise<Uint8Array> {
    const name = await this.#nameOf(runId);
    if (!name) throw notFound(runId);
    const client = this.#client;
    const events = await ofWorkflow(runId, fetchHistory(client.connection, name));
    const { from = 1, to = Infinity } = range ?? {};
    const read = new HistoryReader(runId, client).read(events);
    return packEvents(read.filter(({ id }) => id >= from && id <= to));
  }

  /** A task that waits at this runtime is given back at once; the server tries it again in any case. */
  async unblock(runId: string): Promise<void> {
    const name = await this.#nameOf(runId);
    const info = name && await describeRun(this.#client, name.workflowId, runId);
    if (info?.status !== "running") throw notFound(runId);
    this.#opened?.tasks.retry(runId);
  }

  watch(workflowId: string, listener: (closed: RunClosed) => void, runId?: string): () => void {
    const watch = new AbortController();
    this.#watches.add(watch);
    const wait = async () => {
      const closed = await closedChain(this.#client, workflowId, runId, watch.signal);
      if (closed && !watch.signal.aborted) listener(closed);
    };
    void wait().catch((error) => {
      const { message } = WippyError.from(error);
      this.#report({ level: "error", message: `a watch failed: ${message}`, fields: {} });
    }).finally(() => this.#watches.delete(watch));
    return () => watch.abort();
  }

  connect(worker: number, loads?: Int32Array, here?: boolean): QueuePort | DirectPort {
    return this.#links.connect(worker, loads, here);
  }

  disconnect(worker: number, failure: Failure): void {
    this.#links.disconnect(worker);
    this.#opened?.tasks.disconnect(worker);
    this.#opened?.queries.disconnect(worker, failure.message);
    this.#opened?.activities.disconnect(worker, failure);
  }

  onMessage(handler: (message: OutboxMessage) => void): void {
    this.#message = handler;
  }

  /** Does nothing: what runs publish are activities. */
  onPublish(): void {}

  backlog(): readonly QueueBacklog[] {
    return [];
  }

  onReport(handler: (report: ProviderReport) => void): void {
    this.#report = handler;
  }

  storage(): undefined {
    return undefined;
  }
}
