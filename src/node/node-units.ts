/**
 * Units that live on the node's thread instead of a worker, such as the connection of a client: each has a PID, gets
 * messages, and can be monitored, linked and ended as a process can.
 * @module
 */
import type { Platform } from "../platform/platform.ts";
import type { ServiceUnit, UnitHandlers } from "../services/context.ts";
import { WippyError } from "../vm/error.ts";
import type { LuaValue } from "../vm/value.ts";
import type { Names } from "./names.ts";
import { parsePid, workerOf } from "./pid.ts";
import { any, integer, optional, type Requests, targeted, text } from "./requests/request.ts";
import type { WorkerPool } from "./worker-pool.ts";
import type { WorkflowHosts } from "./workflow-hosts.ts";

/** Of a PID's text, beside its host: nobody can guess it. */
const secretBytes = 12;

interface Own {
  handlers: UnitHandlers;
  /** Who hears of its end. */
  monitors: Set<string>;
  links: Set<string>;
  waiters: ((value: LuaValue, error: WippyError | undefined) => void)[];
  /** What it monitors, with what ends that. */
  watching: Map<string, () => void>;
}

function failure(kind: "NotFound" | "Internal", message: string): WippyError {
  return new WippyError(kind, message, { retryable: false });
}

/** The units of one node. */
export class NodeUnits {
  readonly #pool: WorkerPool;
  readonly #workflows: WorkflowHosts;
  readonly #names: Names;
  readonly #platform: Platform;
  readonly #units = new Map<string, Own>();
  /** Hosts that have had one. */
  readonly #hosts = new Set<string>();
  /** Called when a unit that may have names, groups or locks has ended. */
  released: (pid: string) => void = () => {};

  constructor(pool: WorkerPool, workflows: WorkflowHosts, names: Names, platform: Platform) {
    this.#pool = pool;
    this.#workflows = workflows;
    this.#names = names;
    this.#platform = platform;
  }

  /** Whether a PID is, or was, one of these units. */
  owns(pid: string): boolean {
    return this.#hosts.size > 0 && pid.startsWith("{") && this.#hosts.has(parsePid(pid).host);
  }

  /** Makes a unit of a host, see `ServiceUnits.open` of the services' context. */
  open(host: string, handlers: UnitHandlers): ServiceUnit {
    const random = Buffer.from(this.#platform.random.bytes(secretBytes)).toString("hex");
    // No 0x: the number of a process says on which worker it lives.
    const pid = `{${host}|c${random}}`;
    this.#hosts.add(host);
    this.#units.set(pid, {
      handlers,
      monitors: new Set(),
      links: new Set(),
      waiters: [],
      watching: new Map(),
    });
    return {
      pid,
      send: (to, topic, values) => this.#send(to, topic, pid, values),
      monitor: (target) => this.#monitor(pid, target),
      demonitor: (target) => this.#demonitor(pid, target),
      end: (value, error) => this.#end(pid, value, error),
    };
  }

  /** Delivers a message to a unit of this node or to a process; one that is gone gets none. */
  deliver(to: string, topic: string, from: string, values: LuaValue[]): void {
    const own = this.#units.get(to);
    const worker = workerOf(to);
    if (own !== undefined) {
      try {
        own.handlers.message(topic, from, values);
      } catch {
        // Whoever sends so does not wait for an answer.
      }
    } else if (worker !== undefined) {
      this.#pool.tell(worker, "send", to, topic, from, values.length, ...values);
    }
  }

  async #send(to: string, topic: string, from: string, values: LuaValue[]): Promise<void> {
    const worker = workerOf(to);
    if (this.owns(to)) this.#present(to).handlers.message(topic, from, values);
    else if (this.#workflows.owns(to)) await this.#workflows.signal(to, topic, from, values);
    else if (worker === undefined) throw failure("NotFound", `process not found: ${to}`);
    else await this.#pool.askNow(worker, "send", to, topic, from, values.length, ...values);
  }

  async #monitor(watcher: string, target: string): Promise<void> {
    const own = this.#present(watcher);
    if (own.watching.has(target)) return;
    const worker = workerOf(target);
    if (this.owns(target)) {
      this.#present(target).monitors.add(watcher);
      own.watching.set(target, () => this.#units.get(target)?.monitors.delete(watcher));
    } else if (this.#workflows.owns(target)) {
      own.watching.set(target, this.#workflows.watch(target, () => this.#exited(watcher, target)));
    } else if (worker === undefined) {
      throw failure("NotFound", `process not found: ${target}`);
    } else {
      // Noted first: the worker may die, and the target end, before the answer.
      own.watching.set(target, () => this.#pool.tell(worker, "demonitor", target, watcher));
      try {
        await this.#pool.askNow(worker, "monitor", target, watcher);
      } catch (error) {
        own.watching.delete(target);
        throw error;
      }
    }
  }

  #demonitor(watcher: string, target: string): void {
    const watching = this.#units.get(watcher)?.watching;
    watching?.get(target)?.();
    watching?.delete(target);
  }

  /** What a unit monitors has ended. */
  #exited(watcher: string, target: string): void {
    const own = this.#units.get(watcher);
    if (own?.watching.delete(target)) own.handlers.exited(target);
  }

  #end(pid: string, value: LuaValue, error: WippyError | undefined): void {
    const own = this.#units.get(pid);
    if (own === undefined) return;
    this.#units.delete(pid);
    for (const end of own.watching.values()) end();
    for (const waiter of own.waiters) waiter(value, error);
    for (const watcher of own.monitors) {
      const worker = workerOf(watcher);
      if (worker === undefined) this.#exited(watcher, pid);
      else this.#pool.tell(worker, "exit_event", watcher, pid, value, error);
    }
    for (const other of own.links) {
      const worker = workerOf(other);
      if (worker === undefined) continue;
      if (error === undefined) this.#pool.tell(worker, "unlinked", other, pid);
      else this.#pool.tell(worker, "link_down", other, pid, error);
    }
    this.#names.release(pid);
    this.released(pid);
  }

  /** A worker died: what was on it has ended, and hears of nothing any more. */
  workerDied(worker: number): void {
    for (const [pid, { watching, monitors, links }] of [...this.#units]) {
      for (const set of [monitors, links]) {
        for (const other of [...set]) if (workerOf(other) === worker) set.delete(other);
      }
      for (const target of [...watching.keys()]) {
        if (workerOf(target) === worker) this.#exited(pid, target);
      }
    }
  }

  /** @throws WippyError NotFound */
  #present(pid: string): Own {
    const own = this.#units.get(pid);
    if (own === undefined) throw failure("NotFound", `process not found: ${pid}`);
    return own;
  }

  /** @throws WippyError Internal, in the words of the kernel */
  #known(pid: string, message: string): Own {
    const own = this.#units.get(pid);
    if (own === undefined) throw failure("Internal", message);
    return own;
  }

  /** Sends a message. @throws WippyError NotFound, or why the unit refuses it */
  send(pid: string, topic: string, from: string, values: LuaValue[]): void {
    this.#present(pid).handlers.message(topic, from, values);
  }

  /** Asks a unit to end. @throws WippyError Internal when there is none */
  cancel(pid: string, reason: string): void {
    this.#known(pid, "cancel failed: process not found").handlers.cancel(reason);
  }

  /** Ends a unit by force. @throws WippyError Internal when there is none */
  terminate(pid: string): void {
    const own = this.#known(pid, "terminate failed: process not found");
    this.#end(pid, undefined, failure("Internal", "process terminated"));
    own.handlers.terminated();
  }

  /** The requests about one unit, by the names that they have between workers. */
  get #requests(): Requests {
    const watch = { pid: text, watcher: text };
    return {
      send: targeted(
        { pid: text, topic: text, from: text, count: integer },
        "values",
        ({ pid, topic, from, count, values }) => {
          this.send(pid, topic, from, Array.from({ length: count }, (_, at) => values[at]));
          return true;
        },
      ),
      cancel: targeted(
        { pid: text, from: text, reason: optional(text) },
        undefined,
        ({ pid, reason = "" }) => {
          this.cancel(pid, reason);
          return true;
        },
      ),
      terminate: targeted({ pid: text }, undefined, ({ pid }) => {
        this.terminate(pid);
        return true;
      }),
      named: targeted({ pid: text }, undefined, ({ pid }) => {
        if (!this.#units.has(pid)) this.#names.release(pid);
        return true;
      }),
      monitor: targeted(watch, undefined, ({ pid, watcher }) => {
        this.#known(pid, "monitor failed: pid not registered").monitors.add(watcher);
        return true;
      }),
      demonitor: targeted(watch, undefined, ({ pid, watcher }) => {
        this.#units.get(pid)?.monitors.delete(watcher);
        return true;
      }),
      link: targeted(watch, undefined, ({ pid, watcher }) => {
        this.#known(pid, "link failed: pid not registered").links.add(watcher);
        return true;
      }),
      unlinked: targeted(watch, undefined, ({ pid, watcher }) => {
        this.#units.get(pid)?.links.delete(watcher);
        return true;
      }),
      link_down: targeted({ ...watch, error: any }, undefined, ({ pid, watcher }) => {
        const own = this.#units.get(pid);
        if (!own?.links.delete(watcher)) return true;
        this.#end(pid, undefined, new WippyError("", "linked process failed"));
        own.handlers.terminated();
        return true;
      }),
      wait: targeted(
        { pid: text },
        undefined,
        ({ pid }) =>
          new Promise<LuaValue>((resolve, reject) => {
            this.#present(pid).waiters.push((value, error) =>
              error === undefined ? resolve(value) : reject(error)
            );
          }),
      ),
    };
  }

  /**
   * Requests about a unit, whichever kind it is of: those of this node's own units, and `others` for the rest.
   *
   * @param others by the same names
   */
  requestsBefore(others: Requests): Requests {
    const dispatched = Object.entries(this.#requests).map(([name, own]) => [
      name,
      {
        answer: (op: string, origin: number, args: readonly LuaValue[]) => {
          const chosen = typeof args[0] === "string" && this.owns(args[0]) ? own : others[name];
          if (chosen) return chosen.answer(op, origin, args);
          throw failure("Internal", `the node has no request ${op} for ${String(args[0])}`);
        },
      },
    ]);
    return {
      ...others,
      ...Object.fromEntries(dispatched) as Requests,
      // A process that one of these units monitors has ended.
      exit_event: targeted({ watcher: text, from: text }, "values", ({ watcher, from }) => {
        this.#exited(watcher, from);
        return true;
      }),
    };
  }
}
