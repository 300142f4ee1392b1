import { WippyError } from "../../vm/error.ts";
import type { LuaValue } from "../../vm/value.ts";
import { type Bus, UnitSubscriptions } from "../bus.ts";
import { Groups } from "../groups.ts";
import type { Tell } from "../kernel-requests.ts";
import { lazy } from "../../registry/lazy.ts";
import type { LiveRegistry } from "../live-registry.ts";
import type { Names } from "../names.ts";
import type { NodeUnits } from "../node-units.ts";
import { workerOf } from "../pid.ts";
import type { WorkerPool } from "../worker-pool.ts";
import type { WorkflowHosts } from "../workflow-hosts.ts";
import type { Debugger } from "../debugger/debugger.ts";
import { debugRequests } from "./debug.ts";
import type { Measures } from "../../observe/measures.ts";
import { eventRequests } from "./events.ts";
import { groupRequests } from "./groups.ts";
import { measureRequests } from "./measures.ts";
import { nameRequests } from "./names.ts";
import { registryRequests } from "./registry.ts";
import type { Requests } from "./request.ts";
import { scheduleRequests } from "./schedules.ts";
import { serviceRequests } from "./services.ts";
import { type SystemAccess, systemRequests } from "./system.ts";
import { WorkflowTargets } from "./targets.ts";
import { workflowRequests } from "./workflows.ts";

/** What the requests are about. */
export interface RequestParts {
  names: Names;
  /** Units that services have opened. */
  connections: NodeUnits;
  workflows: WorkflowHosts;
  pool: WorkerPool;
  bus: Bus;
  registry: LiveRegistry;
  measures: Measures;
  debugger: () => Debugger | undefined;
  system: SystemAccess;
}

/** What workers ask the node for: a table of requests for each area. */
export class NodeRequests {
  /**
   * A table for each area, made when it is looked into: a short program asks for one or two things. No two have the
   * same name.
   */
  readonly #tables: readonly (() => Requests)[];
  /** Those that were asked for. */
  readonly #requests = new Map<string, Requests[string]>();
  /** Forgets what a worker that died had asked for. */
  readonly workerDied: (worker: number) => void;

  constructor(parts: RequestParts) {
    const { names, connections, workflows, pool, bus, registry, measures, system } = parts;
    const tell: Tell = (worker, op, ...args) => pool.tell(worker, op, ...args);
    const groups = new Groups(tell, workerOf);
    const subscriptions = new UnitSubscriptions(bus, tell);
    const targets = new WorkflowTargets(workflows, pool, names);
    const state = systemRequests(system);
    const asked = serviceRequests(
      system.services,
      (worker, message) => pool.send(worker, message),
      pool.defer,
    );
    const released = (pid: string) => {
      groups.release(pid);
      state.release(pid);
    };
    connections.released = released;
    this.workerDied = (worker) => {
      subscriptions.removeWorker(worker);
      groups.workerDied(worker);
      state.workerDied(worker);
      asked.workerDied(worker);
      connections.workerDied(worker);
      measures.calls.workerDied(worker);
    };
    this.#tables = [
      lazy(() => nameRequests(names, released)),
      lazy(() => workflowRequests(workflows, targets)),
      lazy(() => registryRequests(registry)),
      lazy(() => connections.requestsBefore(targets.requests)),
      lazy(() => scheduleRequests(workflows.schedules)),
      lazy(() => groupRequests(groups)),
      lazy(() => eventRequests(bus, subscriptions)),
      lazy(() => measureRequests(measures)),
      lazy(() => debugRequests(parts.debugger)),
      () => asked.requests,
      () => state.requests,
    ];
  }

  /** The names of all requests, sorted. */
  get all(): string[] {
    return this.#tables.flatMap((table) => Object.keys(table())).sort();
  }

  #find(op: string): Requests[string] | undefined {
    const known = this.#requests.get(op);
    if (known) return known;
    const found = this.#tables.find((table) => Object.hasOwn(table(), op))?.()[op];
    if (found) this.#requests.set(op, found);
    return found;
  }

  /** Answers a worker's request: `[value]`. @throws WippyError what the worker's Lua code gets as error */
  async answer(origin: number, op: string, args: LuaValue[]): Promise<LuaValue[]> {
    const request = this.#find(op);
    if (request) return [await request.answer(op, origin, args)];
    throw new WippyError("Internal", `the node has no request ${op}`, { retryable: false });
  }
}
