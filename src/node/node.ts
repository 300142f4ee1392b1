import type { LogRecord } from "../observe/log.ts";
import { callBounds } from "../observe/function-calls.ts";
import { Measures } from "../observe/measures.ts";
/**
 * The control plane of one runtime: workers, hosts, services, names, workflows, shutdown.
 * @module
 */
import { standardStreams } from "../operations/io/standard-terminal.ts";
import { Environment } from "../app/environment.ts";
import type { Problem } from "../app/problem.ts";
import type { LogSink } from "../observe/log.ts";
import type { Terminal } from "../operations/io/terminal.ts";
import type { Entry } from "../registry/entry.ts";
import { lazy } from "../registry/lazy.ts";
import type { DoneChange } from "../registry/versions.ts";
import { hasForeground, hostKind, serviceCode } from "../services/services.ts";
import type { FunctionListing } from "../vm/compiler/listing.ts";
import { type ErrorData, WippyError } from "../vm/error.ts";
import type { LuaValue } from "../vm/value.ts";
import type { CodeEntry, FromWorker } from "../worker/messages.ts";
import { Bus } from "./bus.ts";
import { refuseReserved } from "./builtin.ts";
import { codeEntry } from "./code.ts";
import type { Debugger } from "./debugger/debugger.ts";
import { Control } from "./control.ts";
import { EntryServices } from "./entry-services.ts";
import { Foreground } from "./foreground.ts";
import { hostLimits, Hosts } from "./hosts.ts";
import { LiveRegistry } from "./live-registry.ts";
import { machine } from "../platform/machine.ts";
import type { Platform } from "../platform/platform.ts";
import { Names } from "./names.ts";
import { NodeUnits } from "./node-units.ts";
import type { NodeOptions } from "./options.ts";
import { parsePid, workerOf } from "./pid.ts";
import type { ReplSession } from "./repl.ts";
import type { NodeRequests } from "./requests/requests.ts";
import { ServiceUnits } from "./service-units.ts";
import { Services } from "./services.ts";
import { inFiles, withFiles } from "./source-places.ts";
import { connectServices } from "./supervisor-events.ts";
import { defaultWorkers } from "./worker-pool-options.ts";
import { WorkerParts } from "./worker-parts.ts";
import { WorkerPool } from "./worker-pool.ts";
import { WorkflowHosts } from "./workflow-hosts.ts";

export type { NodeOptions } from "./options.ts";

/** What most scripts never need. */
const codeCheck = () => require("./code-check.ts") as typeof import("./code-check.ts");
const nodeRequests = () =>
  require("./requests/requests.ts") as typeof import("./requests/requests.ts");

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

/** How many compiled programs a kernel keeps, see lua/kernel/functions/eval.lua. */
const defaultPrograms = 256;

/** How long a worker may stand still before it is replaced, in milliseconds. */
const defaultHeartbeatTimeout = 30_000;

/** One runtime. */
export class Node {
  readonly #options: NodeOptions;
  readonly #platform: Platform;
  /** As they are; the registry says how they came to be. */
  readonly #entries: Map<string, Entry>;
  readonly #log: LogSink;
  readonly #environment: Environment;
  readonly #code: CodeEntry[];
  readonly #pool: WorkerPool;
  readonly #workflows: WorkflowHosts;
  readonly #hosts: Hosts;
  readonly #services: Services;
  readonly #entryServices: EntryServices;
  readonly #requests: () => NodeRequests;
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
  /** What applications measure with the module `metrics`. */
  readonly measures = new Measures();
  readonly #foreground: Foreground;
  readonly #parts: WorkerParts;
  #debugger: Debugger | undefined;
  #stopped: Promise<void> | undefined;

  private constructor(options: NodeOptions) {
    this.#options = options;
    const platform = options.simulation ?? machine;
    this.#platform = platform;
    this.#entries = new Map(options.entries.map((entry) => [entry.id, entry]));
    this.#foreground = new Foreground(
      options.terminal,
      options.traces ?? false,
      (text) => inFiles(text, this.#entries),
    );
    this.#log = withFiles(options.log, this.#entries);
    this.#environment = new Environment(options.entries, {
      directory: options.directory,
      system: process.env,
    });
    for (const { id } of options.entries) refuseReserved(id);
    this.#code = options.entries.flatMap((entry) => codeEntry(entry, this.#environment) ?? []);
    const limits = hostLimits(options.entries, this.#environment);
    const names = new Names();
    const inline = options.inline || hasForeground(options.entries);
    this.#pool = new WorkerPool(
      {
        count: options.workers ?? defaultWorkers(),
        inline,
        strict: options.config.boolean("security.strict_mode") ?? false,
        entries: [...serviceCode(), ...this.#code],
        services: {
          entries: options.entries,
          directory: options.directory,
          modules: options.modules ?? {},
          startedAt: platform.now(),
          defaultNetwork: options.config.string("network_service.default_network"),
          ...(options.fetch && { fetch: options.fetch }),
          ...(options.countLines && { countLines: options.countLines }),
        },
        heartbeatTimeout: options.config.duration("workers.heartbeat_timeout") ??
          defaultHeartbeatTimeout,
        limitedHosts: limits.size,
        image: options.image,
        memoryLimit: options.memoryLimit ?? defaultMemoryLimit,
        jit: options.jit,
        cachedRuns: options.cachedRuns,
        firstPid: options.entries.some(({ kind }) => hostKind(kind) === "workflows")
          ? newPids(platform.now())
          : 0,
        terminalOf: (pid) => this.#terminalOf(pid),
        simulation: options.simulation,
      },
      {
        request: (origin, op, args) => this.#requests().answer(origin, op, args),
        message: (worker, message) => this.#message(worker, message),
        started: (worker) => {
          this.#parts.started(worker);
          this.#configure(worker);
          this.#debugger?.started(worker);
          this.#workflows.connect(worker);
        },
        standing: (worker, { unit }) => {
          const fields = { worker, ...(unit !== undefined && { unit }) };
          this.#say("warn", "a worker stands still, and all that is on it", fields);
        },
        goesOn: (worker, after) => {
          this.#say("info", "a worker that stood still goes on", { worker, milliseconds: after });
        },
        died: (worker, failure) => this.#workerDied(worker, failure, names),
      },
    );
    this.#parts = new WorkerParts(this.#pool, !inline && options.simulation === undefined);
    // In a simulation messages take the way that the seed chooses.
    const here = inline && !options.simulation ? 0 : undefined;
    this.#workflows = new WorkflowHosts(this.#pool, this.#entries, this.#log, platform, here);
    const connections = new NodeUnits(this.#pool, this.#workflows, names, platform);
    this.#workflows.deliver = (...message) => connections.deliver(...message);
    this.#hosts = new Hosts(this.#pool, limits, platform);
    this.#services = new Services(this.#log, platform);
    this.#entryServices = new EntryServices({
      entries: this.#entries,
      variables: this.#environment,
      directory: options.directory,
      modules: options.modules ?? {},
      stateDir: options.stateDir,
      log: this.#log,
      platform,
      simulation: options.simulation,
      portless: options.portless,
      temporary: options.temporary,
      services: this.#services,
      hosts: this.#hosts,
      units: new ServiceUnits(this.#pool, this.#foreground, platform),
      connections,
      foreground: this.#foreground,
      parts: this.#parts,
      workflows: this.#workflows,
      events: this.bus,
    });
    connectServices(this.bus, this.#services, this.#log, platform.now);
    this.registry = new LiveRegistry(options.entries, {
      modules: new Set(Object.keys(options.modules ?? {})),
      loading: (code) => options.simulation?.during(code) ?? code,
      check: (entries, code, strict) =>
        codeCheck().checkChanged(this.#pool, entries, code, { ...options, strict }),
      take: (entries, changes, outdated) => this.#takeChanges(entries, changes, outdated),
    }, this.bus);
    this.#requests = lazy(() =>
      new (nodeRequests().NodeRequests)({
        names,
        connections,
        workflows: this.#workflows,
        pool: this.#pool,
        bus: this.bus,
        registry: this.registry,
        measures: this.measures,
        debugger: () => this.#debugger,
        system: {
          entries: this.#entries,
          services: this.#services,
          pool: this.#pool,
          namesOf: (pid) => names.of(pid),
          exit: (status) => this.#foreground.exit(status),
        },
      })
    );
    this.control = new Control(this.#pool, this.#workflows, this.#services, names, connections);
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

  /** Tells a new worker what the configuration says of what its kernel keeps; of the rest the kernel has its own. */
  #configure(worker: number): void {
    const { config } = this.#options;
    const samples = config.integer("metrics.buffer.size");
    if (samples !== undefined) this.#pool.tell(worker, "measure", samples);
    if (config.boolean("metrics.interceptor.enabled") === true) {
      this.#pool.tell(worker, "count_calls", callBounds);
    }
    const programs = config.integer("lua.eval.cache_size");
    const time = config.duration("lua.eval.cache_ttl");
    if (programs !== undefined || time !== undefined) {
      this.#pool.tell(worker, "keep_programs", programs ?? defaultPrograms, time ?? 0);
    }
  }

  /** Runs the body of every Lua entry, without calling anything, to see that it loads and has its method. */
  async checkCode(): Promise<Problem[]> {
    const ids = this.#code.map(({ id }) => id);
    const [found] = await this.#pool.question(this.#pool.leastLoaded(), (question) => ({
      type: "check",
      question,
      ids,
    }));
    return codeCheck().codeProblems(found);
  }

  /** The same for a start: an error is only what keeps the application, or the entry that is `needed`, from running. */
  async faultsOfStart(needed?: string): Promise<Problem[]> {
    return codeCheck().soften(await this.checkCode(), this.#code, needed);
  }

  /** What the functions of a Lua entry become when they are compiled. @throws WippyError NotFound when it is none */
  async compiledFunctions(id: string): Promise<FunctionListing[]> {
    const entry = this.#code.find((each) => each.id === id);
    if (!entry) throw new WippyError("NotFound", `no Lua entry ${id}`, { retryable: false });
    const { compiledFunctions } = await import("../worker/compiled-functions.ts");
    return await compiledFunctions(this.#code, entry);
  }

  /** Starts hosts and services, in the order of their dependencies. @throws WippyError when one cannot start */
  async launch(): Promise<void> {
    await this.#entryServices.addAll();
    await this.#services.startAll();
  }

  /** Has code find every host running, though nothing runs: for replays, which reach no host. */
  stubHosts(): void {
    for (const entry of this.#entries.values()) this.#hosts.set(entry, "running");
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
    for (const id of removed) await this.#entryServices.remove(id);
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
    for (const worker of this.#pool.running) {
      this.#pool.tell(worker, "outdated", outdated);
    }
    await this.#entryServices.change(changes);
  }

  #terminalOf(pid: string): Terminal | undefined {
    return this.#foreground.has(parsePid(pid).host) ? this.#foreground.terminal : undefined;
  }

  /**
   * Runs a process with the terminal and waits for its end.
   *
   * @returns the exit status that its result stands for
   * @throws WippyError when it cannot be started
   */
  async runTerminal(
    entryId: string,
    args: (string | Uint8Array)[],
    hostId: string,
  ): Promise<number> {
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
  async prompt(
    entryId: string,
    hostId: string,
    told: (why: string) => void,
  ): Promise<ReplSession> {
    const { ReplSession } = await import("./repl.ts");
    return await ReplSession.open(this.#pool, this.registry, { entryId, hostId, told });
  }

  /**
   * What stops its units and looks into them; loaded when somebody wants it.
   *
   * @param directory where the paths of sources begin, if that is not the node's directory
   */
  async debugger(directory = this.#options.directory): Promise<Debugger> {
    const { Debugger } = await import("./debugger/debugger.ts");
    this.#debugger ??= new Debugger(this.#pool, this.#entries, directory);
    return this.#debugger;
  }

  /** Has the debugger of a node before go on with this one. */
  async debugBy(known: Debugger): Promise<void> {
    this.#debugger = known;
    await known.follow(this.#pool, this.#entries);
  }

  /**
   * Calls a function and waits for its result.
   *
   * @throws WippyError the function's own error, or NotFound for an unknown function
   */
  call(functionId: string, args: LuaValue[]): Promise<LuaValue> {
    return this.#pool.ask(this.#pool.leastLoaded(), "call", functionId, {}, ...args);
  }

  /**
   * Asks a service what it answers to modules, in the runtime's own name.
   *
   * @throws WippyError that of the service; NotFound, Unavailable, or Invalid where it answers nothing
   */
  async ask(serviceId: string, operation: string, input: LuaValue): Promise<LuaValue> {
    const { signal } = new AbortController();
    return await this.#services.ask(serviceId, operation, input, {
      pid: serviceId,
      frame: {},
      signal,
      gone: signal,
    });
  }

  /**
   * Runs a process on a host and waits for its result.
   *
   * @throws WippyError the process's own error, or why it cannot be started
   */
  async exec(entryId: string, hostId: string, args: LuaValue[]): Promise<LuaValue> {
    const worker = this.#pool.leastLoaded();
    const { ended } = await this.#pool.spawn(worker, entryId, hostId, {}, args);
    return await ended;
  }

  /** Ends a worker as if its VM had died, for trials; its units have failed, and it is replaced. */
  killWorker(index: number): boolean {
    return this.#pool.kill(index);
  }

  /** The names of what workers may ask for, sorted. */
  get requests(): string[] {
    return this.#requests().all;
  }

  /** Fulfilled with an exit status when a service that has the terminal ends, and the runtime with it. */
  get done(): Promise<number> {
    return this.#foreground.done;
  }

  /** The exit status that code has asked for last, if any. */
  get askedStatus(): number | undefined {
    return this.#foreground.asked;
  }

  #message(worker: number, message: FromWorker): void {
    if (message.type === "log") this.#log.log(message.record);
    else if (message.type === "part") this.#parts.told(worker, message.entry, message.message);
    else if (message.type === "output") this.#output(message.to, message.data);
  }

  #output(to: 1 | 2, data: Uint8Array): void {
    if (this.#options.output) return this.#options.output(to, data);
    (to === 1 ? standardStreams.stdout : standardStreams.stderr).write(data);
  }

  #say(level: LogRecord["level"], message: string, fields: LogRecord["fields"] = {}): void {
    const time = this.#platform.now();
    this.#log.log({ level, time, logger: "runtime", message, fields });
  }

  #workerDied(worker: number, failure: ErrorData, names: Names): void {
    this.#say("error", `worker ${worker} was replaced: ${failure.message}`);
    this.#requests().workerDied(worker);
    this.#parts.gone(worker);
    names.releaseWhere((pid) => workerOf(pid) === worker);
    this.#workflows.disconnect(worker, failure);
  }

  /** Orderly end: services and hosts in reverse order, then the journals, then the workers. Twice is once. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stopInTime();
    return this.#stopped;
  }

  /** Ends it at once, where no service holds anything of the machine. */
  drop(): void {
    this.#stopped ??= Promise.resolve();
    this.#pool.close();
    this.#foreground.release();
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
