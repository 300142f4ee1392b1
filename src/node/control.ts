import { WippyError } from "../vm/error.ts";
import { type LuaValue, ofKernel } from "../vm/value.ts";
import { type FunctionInfo, listFunctions } from "./functions.ts";
import type { Names } from "./names.ts";
import type { NodeUnits } from "./node-units.ts";
import { parsePid, workerOf } from "./pid.ts";
import type { ServiceInfo } from "./service-info.ts";
import type { Services } from "./services.ts";
import { listUnits, type UnitInfo, type UnitPage, type UnitQuery } from "./units.ts";
import type { CompiledFigures } from "../worker/shared-memory.ts";
import type { StandingWorker } from "./worker-watch.ts";
import type { WorkerPool } from "./worker-pool.ts";
import type { WorkflowHosts } from "./workflow-hosts.ts";
import type { TaskFailure } from "../workflows/tasks/tasks.ts";

/** Sender of what tools send. */
export const controlPid = "{node:control|0x00000}";

/** How busy a worker is. */
export interface WorkerInfo {
  index: number;
  /** Units alive on it, as of its last turn. */
  units: number;
  /** Set while its event loop does not run. */
  standing?: StandingWorker;
  /** Set where functions are compiled: what it has compiled. */
  compiled?: CompiledFigures;
}

/** What tools look at and do in a running node: the admin API, the command line. */
export class Control {
  readonly #pool: WorkerPool;
  readonly #workflows: WorkflowHosts;
  readonly #services: Services;
  readonly #names: Names;
  readonly #connections: NodeUnits;

  constructor(
    pool: WorkerPool,
    workflows: WorkflowHosts,
    services: Services,
    names: Names,
    connections: NodeUnits,
  ) {
    this.#connections = connections;
    this.#pool = pool;
    this.#workflows = workflows;
    this.#services = services;
    this.#names = names;
  }

  /** A page of the running units. @throws WippyError Invalid for a limit or a cursor that is none */
  units(query: UnitQuery = {}): Promise<UnitPage> {
    return listUnits(this.#pool, (pid) => this.#names.of(pid), query);
  }

  /** One running unit, with an estimate of its memory. @throws WippyError NotFound, Invalid for no PID */
  async unit(pid: string): Promise<UnitInfo> {
    const worker = this.#workerOf(pid);
    const { units } = await this.units({ pid, after: String(worker), limit: 1 });
    if (units[0] === undefined) throw notFound(pid);
    return units[0];
  }

  /** Functions that were called, sorted by identifier. */
  functions(): Promise<FunctionInfo[]> {
    return listFunctions(this.#pool);
  }

  /** The workers that run. */
  get workers(): WorkerInfo[] {
    return this.#pool.running.toSorted((left, right) => left - right)
      .map((index) => {
        const standing = this.#pool.standing(index);
        const compiled = this.#pool.compiledOn(index);
        const units = this.#pool.loadOf(index);
        return { index, units, ...(standing && { standing }), ...(compiled && { compiled }) };
      });
  }

  /** Whether something has a name. */
  knows(name: string): boolean {
    return this.#names.has(name);
  }

  /**
   * Sends a message to a process, or a signal to a workflow.
   *
   * @param target a PID or a registered name
   * @throws WippyError NotFound; RateLimited by the limits of its host
   */
  async send(target: string, topic: string, values: LuaValue[]): Promise<void> {
    const pid = target.startsWith("{") ? target : this.#names.lookup(target);
    if (this.#workflows.owns(pid)) {
      return await this.#workflows.signal(pid, topic, controlPid, values);
    }
    if (this.#connections.owns(pid)) {
      return this.#connections.send(pid, topic, controlPid, values);
    }
    await this.#ask(
      pid,
      (worker) =>
        this.#pool.askNow(worker, "send", pid, topic, controlPid, values.length, ...values),
    );
  }

  /**
   * Asks a process or a workflow to end.
   *
   * @param deadline milliseconds after which a process is ended by force; without: it may take its time
   * @throws WippyError NotFound
   */
  async cancel(pid: string, reason: string, deadline?: number): Promise<void> {
    if (this.#workflows.owns(pid)) {
      return await this.#workflows.cancel(pid, controlPid, reason);
    }
    if (this.#connections.owns(pid)) {
      return found(pid, () => this.#connections.cancel(pid, reason));
    }
    const ns = deadline === undefined ? undefined : BigInt(Math.round(deadline * 1e6));
    await this.#ask(
      pid,
      (worker) => this.#pool.askNow(worker, "cancel", pid, controlPid, reason, ns),
    );
  }

  /** Ends a process or a workflow by force. @throws WippyError NotFound */
  async terminate(pid: string): Promise<void> {
    if (this.#workflows.owns(pid)) return await this.#workflows.terminate(pid);
    if (this.#connections.owns(pid)) return found(pid, () => this.#connections.terminate(pid));
    await this.#ask(pid, (worker) => this.#pool.askNow(worker, "terminate", pid));
  }

  /** Bytes of Lua memory that a worker may use. */
  get memoryLimit(): number {
    return this.#pool.memoryLimit;
  }

  /**
   * Whether the code does what a history says: the first difference, undefined when there is none. Nothing is recorded
   * and nothing outside is touched, so that it works in a node that was never launched.
   *
   * @param history packed, whole
   * @param activations the run is kept where its code waits after so many, for a debugger
   */
  async replay(
    runId: string,
    history: Uint8Array,
    activations?: number,
  ): Promise<TaskFailure | undefined> {
    const worker = this.#pool.leastLoaded();
    const [difference] = await this.#pool.question(worker, (question) => ({
      type: "replay",
      question,
      runId,
      history,
      activations,
    }));
    return ofKernel<TaskFailure | undefined>(difference);
  }

  /** Every service, sorted by identifier; times in nanoseconds since 1970. */
  get services(): ServiceInfo[] {
    return this.#services.describeAll();
  }

  /** One service. @throws WippyError NotFound */
  service(id: string): ServiceInfo {
    const info = this.#services.describe(id);
    if (info) return info;
    throw new WippyError("NotFound", `no service ${id}`, { retryable: false });
  }

  /** What a service that runs shows of itself, if it shows something. @throws WippyError NotFound, Unavailable */
  async inspectService(id: string): Promise<LuaValue> {
    return await this.#services.running(id).inspect?.();
  }

  /** What the services that run count, each number with the service's identifier. */
  get figures(): ReturnType<Services["figures"]> {
    return this.#services.figures();
  }

  /** Starts a service and what it requires, unless they run. @throws WippyError NotFound, or why it cannot start */
  startService(id: string): Promise<void> {
    return this.#services.start(id);
  }

  /** Stops a service, those that require it first, unless they are stopped. @throws WippyError NotFound */
  stopService(id: string): Promise<void> {
    return this.#services.stop(id);
  }

  #workerOf(pid: string): number {
    parsePid(pid);
    const worker = workerOf(pid);
    if (worker === undefined || !this.#pool.running.includes(worker)) throw notFound(pid);
    return worker;
  }

  async #ask(pid: string, ask: (worker: number) => Promise<LuaValue>): Promise<void> {
    const worker = this.#workerOf(pid);
    try {
      await ask(worker);
    } catch (error) {
      throw inWords(pid, error);
    }
  }
}

/** The kernel's words for Lua code name the failed operation, with another kind than tools have. */
function inWords(pid: string, error: unknown): unknown {
  return /process not found$/.test(WippyError.from(error).message) ? notFound(pid) : error;
}

/** Does something to a unit. @throws WippyError NotFound when there is none */
function found(pid: string, work: () => void): void {
  try {
    work();
  } catch (error) {
    throw inWords(pid, error);
  }
}

function notFound(pid: string): WippyError {
  return new WippyError("NotFound", `process not found: ${pid}`, { retryable: false });
}
