/**
 * The control plane of one runtime: workers, hosts, services, names, workflows, shutdown.
 * @module
 */
import { Environment } from "../app/environment.ts";
import type { Problem } from "../app/problem.ts";
import type { Terminal } from "../operations/io/terminal.ts";
import { decodeEntry } from "../registry/decode.ts";
import type { Entry } from "../registry/entry.ts";
import { qualify } from "../registry/entry.ts";
import { processHost, processService, terminalHost, workflowHost } from "../registry/kinds/host.ts";
import { workflowSchedule } from "../registry/kinds/schedule.ts";
import { processSupervisor } from "../registry/kinds/supervisor.ts";
import type { DoneChange } from "../registry/versions.ts";
import type { Lifecycle } from "../registry/lifecycle.ts";
import { type ErrorData, WippyError } from "../vm/error.ts";
import type { LuaValue } from "../vm/value.ts";
import type { CodeEntry, FromWorker, HostLimits } from "../worker/messages.ts";
import { Bus } from "./bus.ts";
import { builtinCode, refuseReserved, supervisorEntry, supervisorStarted } from "./builtin.ts";
import { checkChanged, codeProblems } from "./code-check.ts";
import { codeEntry } from "./code.ts";
import { Control, controlPid } from "./control.ts";
import { Foreground } from "./foreground.ts";
import { hostLimits, workflowLimits } from "./host-limits.ts";
import { LiveRegistry } from "./live-registry.ts";
import { machine } from "../platform/machine.ts";
import { type Platform, sleep } from "../platform/platform.ts";
import { Names } from "./names.ts";
import type { NodeOptions } from "./options.ts";
import { parsePid, workerOf } from "./pid.ts";
import { ReplSession } from "./repl.ts";
import { NodeRequests } from "./requests.ts";
import { connectServices } from "./service-bus.ts";
import { serviceFrame } from "./identity.ts";
import { HostStart, Services, type Startable } from "./services.ts";
import { childrenStarted, supervisorSpec } from "./supervision.ts";
import { defaultWorkers, WorkerPool } from "./worker-pool.ts";
import { type WorkflowHostLimits, WorkflowHosts } from "./workflow-hosts.ts";

export type { NodeOptions } from "./options.ts";

const hostKinds: ReadonlySet<string> = new Set(
  [processHost, terminalHost, workflowHost].map(({ name }) => name),
);
const defaultMemoryLimit = 1024 ** 3;
const defaultShutdownTimeout = 30_000;
/** PIDs that a runtime may use in a second, on average, before they could come again after a restart. */
const pidsPerSecond = 2 ** 16;
const pidEpoch = Date.UTC(2026, 0, 1);

/**
 * Where PIDs begin in a runtime with workflows, which outlive it and remember PIDs: a message to a process
 * of the last start must not reach another process of this one.
 */
function newPids(now: number): number {
  return Math.max(0, Math.floor((now - pidEpoch) / 1000)) * pidsPerSecond;
}

/** How often a stopping host looks whether its processes have gone, in milliseconds. */
const stopPoll = 10;

/** One runtime. */
export class Node {
  readonly #options: NodeOptions;
  readonly #platform: Platform;
  /** As they are; the registry says how they came to be. */
  readonly #entries: Map<string, Entry>;
  readonly #environment: Environment;
  readonly #code: CodeEntry[];
  /** Of the hosts that have limits. */
  readonly #limits: ReadonlyMap<string, HostLimits>;
  readonly #pool: WorkerPool;
  readonly #workflows: WorkflowHosts;
  readonly #services: Services;
  readonly #requests: NodeRequests;
  /** The entries, their versions, and the way to change them. */
  readonly registry: LiveRegistry;
  /** What happens in this runtime, for who wants to know. */
  readonly bus: Bus = new Bus();
  /** Its workflow hosts: what callers outside of Lua do with runs. */
  get workflows(): WorkflowHosts {
    return this.#workflows;
  }
  /** What tools do to it. */
  readonly control: Control;
  readonly #foreground: Foreground;
  #stopped: Promise<void> | undefined;
  readonly #done = Promise.withResolvers<number>();

  private constructor(options: NodeOptions) {
    this.#options = options;
    const platform = options.simulation ?? machine;
    this.#platform = platform;
    this.#foreground = new Foreground(options.terminal);
    this.#entries = new Map(options.entries.map((entry) => [entry.id, entry]));
    this.#environment = new Environment(options.entries, {
      directory: options.directory,
      system: process.env,
    });
    for (const { id } of options.entries) refuseReserved(id);
    this.#code = options.entries.flatMap((entry) => codeEntry(entry, this.#environment) ?? []);
    this.#limits = hostLimits(options.entries, this.#environment);
    const names = new Names();
    this.#pool = new WorkerPool(
      {
        count: options.workers ?? defaultWorkers(),
        inline: options.inline || options.entries.some((entry) => this.#hasTerminal(entry)),
        strict: options.config.boolean("security.strict_mode") ?? false,
        entries: [...builtinCode, ...this.#code],
        services: {
          entries: options.entries,
          directory: options.directory,
          modules: options.modules ?? {},
          startedAt: platform.now(),
        },
        limitedHosts: this.#limits.size,
        memoryLimit: options.memoryLimit ?? defaultMemoryLimit,
        cachedRuns: options.cachedRuns,
        firstPid: options.entries.some(({ kind }) => kind === workflowHost.name)
          ? newPids(platform.now())
          : 0,
        terminalOf: (pid) => this.#terminalOf(pid),
        simulation: options.simulation,
      },
      {
        request: (origin, op, args) => requests.answer(origin, op, args),
        message: (_, message) => this.#message(message),
        started: (worker) => this.#workflows.connect(worker),
        died: (worker, failure) => this.#workerDied(worker, failure, names),
      },
    );
    this.#workflows = new WorkflowHosts(
      this.#pool,
      this.#entries,
      options.log,
      options.simulation,
    );
    this.#workflows.deliver = (to, topic, from, values) => {
      const worker = workerOf(to);
      if (worker !== undefined) {
        this.#pool.tell(worker, "send", to, topic, from, values.length, ...values);
      }
    };
    this.#services = new Services(options.log, platform);
    connectServices(this.bus, this.#services, options.log, platform.now);
    this.registry = new LiveRegistry(options.entries, {
      check: (entries, code) => checkChanged(this.#pool, entries, code, options),
      take: (entries, changes, outdated) => this.#takeChanges(entries, changes, outdated),
    }, this.bus);
    const requests = new NodeRequests(
      names,
      this.#workflows,
      this.#pool,
      this.bus,
      this.#entries,
      this.registry,
      {
        entries: this.#entries,
        services: this.#services,
        pool: this.#pool,
        namesOf: (pid) => names.of(pid),
        exit: (status) => this.#done.resolve(status),
      },
    );
    this.#requests = requests;
    this.control = new Control(this.#pool, this.#workflows, this.#services, names);
    this.bus.changed = () => this.#pool.observe(this.bus.wants("process"));
  }

  /**
   * Makes a runtime: its first worker is up, nothing of the application runs yet.
   *
   * @throws WippyError when an entry or the VM cannot be used
   */
  static async start(options: NodeOptions): Promise<Node> {
    const node = new Node(options);
    await node.#pool.open();
    return node;
  }

  /** Runs the body of every Lua entry, without calling anything, to see that it loads and has its method. */
  async checkCode(): Promise<Problem[]> {
    const ids = this.#code.map(({ id }) => id);
    const [found] = await this.#pool.question(this.#pool.leastLoaded(), (question) => ({
      type: "check",
      question,
      ids,
    }));
    return codeProblems(found);
  }

  /** Starts hosts and services, in the order of their dependencies. @throws WippyError when one cannot start */
  async launch(): Promise<void> {
    for (const entry of this.#entries.values()) {
      if (hostKinds.has(entry.kind)) this.#setHost(entry, "stopped");
      this.#addService(entry);
    }
    await this.#services.startAll();
  }

  /** Has code find every host running, though nothing runs: for replays, which reach no host. */
  stubHosts(): void {
    for (const entry of this.#entries.values()) {
      if (hostKinds.has(entry.kind)) this.#setHost(entry, "running");
    }
  }

  /** Takes a checked change set over: new code first, then services. */
  async #takeChanges(
    entries: ReadonlyMap<string, Entry>,
    changes: readonly DoneChange[],
    outdated: ReadonlyMap<string, string[]>,
  ): Promise<void> {
    const removed = changes.filter(({ entry }) => !entries.has(entry.id)).map(({ entry }) =>
      entry.id
    );
    for (const id of removed) await this.#services.remove(id);
    const set = changes.map(({ entry }) => entries.get(entry.id)).filter((entry) =>
      entry !== undefined
    );
    for (const id of removed) this.#entries.delete(id);
    for (const entry of set) this.#entries.set(entry.id, entry);
    this.#pool.change({
      code: set.flatMap((entry) => codeEntry(entry, this.#environment) ?? []),
      entries: set,
      removed,
      stale: [...outdated.keys()],
    });
    this.#workflows.retryBlocked();
    if (changes.some(({ entry }) => entry.kind === workflowSchedule.name)) {
      await this.#workflows.schedules.declare(this.#environment);
    }
    for (const worker of this.#pool.running) {
      this.#pool.tell(worker, "outdated", new Map<string, LuaValue>(outdated));
    }
    for (const { kind, entry } of changes) {
      const current = entries.get(entry.id);
      if (!current || kind === "entry.delete") continue;
      if (kind === "entry.create" && hostKinds.has(entry.kind)) this.#setHost(current, "stopped");
      this.#addService(current);
      const lifecycle = current.data["lifecycle"] as { auto_start?: boolean } | undefined;
      if (kind === "entry.create" && lifecycle?.auto_start === true) {
        await this.#services.start(current.id);
      }
    }
  }

  #addService(entry: Entry): void {
    const add = (lifecycle: Lifecycle, make: Startable, requires: string[] = []) => {
      const namespace = entry.id.slice(0, entry.id.indexOf(":"));
      const named = [...lifecycle.requires, ...lifecycle.depends_on]
        .map((reference) => qualify(reference, namespace));
      this.#services.add({
        id: entry.id,
        lifecycle,
        requires: [...named, ...requires],
        strict: named,
        make,
      });
    };
    switch (entry.kind) {
      case processHost.name: {
        const { lifecycle } = decodeEntry(processHost, entry, this.#environment);
        add(lifecycle, this.#processHost(entry, lifecycle));
        break;
      }
      case terminalHost.name: {
        const { lifecycle } = decodeEntry(terminalHost, entry, this.#environment);
        add(lifecycle, this.#processHost(entry, lifecycle));
        break;
      }
      case workflowHost.name: {
        const { lifecycle, journal, ...limits } = decodeEntry(
          workflowHost,
          entry,
          this.#environment,
        );
        add(lifecycle, this.#workflowHost(entry, journal, workflowLimits(limits)));
        break;
      }
      case processService.name: {
        const data = decodeEntry(processService, entry, this.#environment);
        const namespace = entry.id.slice(0, entry.id.indexOf(":"));
        const id = qualify(data.process, namespace);
        add(
          data.lifecycle,
          this.#processService(entry.id, id, data.host, data.input as LuaValue[], data.lifecycle),
          [data.host],
        );
        break;
      }
      case processSupervisor.name: {
        const { host, lifecycle } = decodeEntry(processSupervisor, entry, this.#environment);
        const spec = supervisorSpec(entry, this.#entries, this.#environment);
        add(lifecycle, this.#processService(entry.id, supervisorEntry, host, [spec], lifecycle), [
          host,
        ]);
        break;
      }
    }
  }

  #setHost(entry: Entry, state: "running" | "stopping" | "stopped"): void {
    const limits = this.#limits.get(entry.id);
    this.#pool.setHost({ id: entry.id, kind: entry.kind, state, ...(limits && { limits }) });
  }

  #processHost(entry: Entry, lifecycle: Lifecycle): Startable {
    return new HostStart(
      () => {
        this.#setHost(entry, "running");
        return Promise.resolve();
      },
      async () => {
        this.#setHost(entry, "stopping");
        await this.#drain(entry.id, lifecycle.stop_timeout);
        this.#setHost(entry, "stopped");
      },
    );
  }

  /** Asks the processes of a host to end, and waits for those that listen. */
  async #drain(hostId: string, timeout: number): Promise<void> {
    const reason = "scheduler shutdown";
    for (const worker of this.#pool.running) {
      this.#pool.send(worker, { type: "cancel_all", hostId, reason });
    }
    const deadline = this.#platform.precise() + timeout;
    while (this.#platform.precise() < deadline) {
      const counts = await Promise.all(
        this.#pool.running.map((worker) =>
          this.#pool.question(worker, (question) => ({ type: "count", question, hostId }))
            .then(([live]) => Number(live), () => 0)
        ),
      );
      if (counts.every((live) => live === 0)) return;
      await sleep(this.#platform, stopPoll);
    }
  }

  #workflowHost(entry: Entry, journal: string, limits: WorkflowHostLimits): Startable {
    const path = this.#options.stateDir && journal === defaultJournal
      ? `${this.#options.stateDir}/journal.db`
      : journal;
    return new HostStart(
      async () => {
        // Workers learn of the host first: the journal's open runs go on as soon as it is open.
        this.#setHost(entry, "running");
        const schedules = this.#workflows.schedules.declaredFor(entry.id, this.#environment);
        await this.#workflows.open(entry.id, path, this.#options.directory, limits, schedules);
      },
      () => {
        this.#setHost(entry, "stopping");
        return Promise.resolve();
      },
    );
  }

  #processService(
    serviceId: string,
    id: string,
    hostId: string,
    input: LuaValue[],
    lifecycle: Lifecycle,
  ): Startable {
    let pid = "";
    let worker = 0;
    return {
      start: async () => {
        // At each start: policies may have changed since the last.
        const frame = serviceFrame(
          lifecycle.security,
          serviceId,
          this.#entries,
          this.#environment,
        );
        const terminal = this.#entries.get(hostId)?.kind === terminalHost.name;
        worker = terminal ? 0 : this.#pool.leastLoaded();
        if (terminal) this.#foreground.arguments = input.map(String);
        const started = await this.#pool.spawn(worker, id, hostId, frame, input);
        pid = started.pid;
        if (terminal) void this.#foreground.status(started.ended).then(this.#done.resolve);
        if (id === supervisorEntry) {
          const asked = this.#pool.ask(worker, "call", supervisorStarted, {}, pid);
          await childrenStarted(asked, started.ended);
        }
        return { ended: started.ended.then(() => {}) };
      },
      stop: async () => {
        await this.#pool.ask(worker, "cancel", pid, controlPid, "service stopping");
      },
      kill: async () => {
        await this.#pool.ask(worker, "terminate", pid);
      },
    };
  }

  /** Whether an entry is a service on a terminal host; such a process runs in this thread. */
  #hasTerminal({ kind, data }: Entry): boolean {
    return kind === processService.name &&
      this.#entries.get(String(data["host"]))?.kind === terminalHost.name;
  }

  #terminalOf(pid: string): Terminal | undefined {
    if (this.#entries.get(parsePid(pid).host)?.kind !== terminalHost.name) return undefined;
    return this.#foreground.terminal;
  }

  /**
   * Runs a process with the terminal and waits for its end.
   *
   * @returns the exit status that its result stands for
   * @throws WippyError when it cannot be started
   */
  async runTerminal(entryId: string, args: string[], hostId: string): Promise<number> {
    if (this.#services.state(hostId) !== "running") {
      throw new WippyError(
        "Unavailable",
        `terminal host ${hostId} is not running; give it lifecycle: { auto_start: true }`,
        { retryable: false },
      );
    }
    this.#foreground.arguments = args;
    const { ended } = await this.#pool.spawn(0, entryId, hostId, {}, args);
    return await this.#foreground.status(ended);
  }

  /** Opens a prompt, at which code is typed, in processes of an entry on a host. @throws WippyError */
  prompt(entryId: string, hostId: string, told: (why: string) => void): Promise<ReplSession> {
    return ReplSession.open(this.#pool, this.registry, { entryId, hostId, told });
  }

  /**
   * Calls a function and waits for its result.
   *
   * @throws WippyError the function's own error, or NotFound for an unknown function
   */
  call(functionId: string, args: LuaValue[]): Promise<LuaValue> {
    return this.#pool.ask(this.#pool.leastLoaded(), "call", functionId, {}, ...args);
  }

  /** Ends a worker as if its VM had died, for trials; its units have failed, and it is replaced. */
  killWorker(index: number): boolean {
    return this.#pool.kill(index);
  }

  /** Fulfilled with an exit status when a service that has the terminal ends, and the runtime with it. */
  get done(): Promise<number> {
    return this.#done.promise;
  }

  #message(message: FromWorker): void {
    if (message.type === "log") this.#options.log.log(message.record);
  }

  #workerDied(worker: number, failure: ErrorData, names: Names): void {
    this.#options.log.log({
      level: "error",
      time: this.#platform.now(),
      logger: "runtime",
      message: `worker ${worker} was replaced: ${failure.message}`,
      fields: {},
    });
    this.#requests.workerDied(worker);
    names.releaseWhere((pid) => workerOf(pid) === worker);
    this.#workflows.disconnect(worker, failure);
  }

  /** Orderly end: services and hosts in reverse order, then the journals, then the workers. Twice is once. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stopInTime();
    return this.#stopped;
  }

  /** Whatever does not stop within `shutdown.timeout` is left behind: all that is durable is on disk by then. */
  async #stopInTime(): Promise<void> {
    const timeout = this.#options.config.duration("shutdown.timeout") ?? defaultShutdownTimeout;
    const late = Promise.withResolvers<void>();
    const cancel = this.#platform.setTimer(timeout, () => late.resolve());
    await Promise.race([this.#stop(), late.promise]);
    cancel();
  }

  async #stop(): Promise<void> {
    await this.#services.stopAll();
    await this.#workflows.close();
    this.#pool.close();
    this.#foreground.release();
  }
}

const defaultJournal = ".wippy/journal.db";
