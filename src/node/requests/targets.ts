import { WippyError } from "../../vm/error.ts";
import { asLua, type LuaValue } from "../../vm/value.ts";
import { workerOf } from "../pid.ts";
import type { Names } from "../names.ts";
import type { WorkerPool } from "../worker-pool.ts";
import type { WorkflowHosts } from "../workflow-hosts.ts";
import { any, integer, optional, type Requests, targeted, text } from "./request.ts";
import type { WorkflowWatches } from "./workflows.ts";

/**
 * What units do to a workflow that runs: the same requests as to a process, which go to its worker
 * (`lua/kernel/processes/processes.lua`).
 */
export class WorkflowTargets implements WorkflowWatches {
  readonly #workflows: WorkflowHosts;
  readonly #pool: WorkerPool;
  readonly #names: Names;
  /** Ends of watches, by `kind target watcher`. */
  readonly #watches = new Map<string, () => void>();
  /** Workflows that have names, which end with them. */
  readonly #named = new Set<string>();

  constructor(workflows: WorkflowHosts, pool: WorkerPool, names: Names) {
    this.#workflows = workflows;
    this.#pool = pool;
    this.#names = names;
  }

  monitor(target: string, watcher: string, runId?: string): void {
    this.#watch("monitor", target, watcher, runId, (value, error) => {
      const worker = workerOf(watcher);
      if (worker !== undefined) {
        this.#pool.tell(worker, "exit_event", watcher, target, value, error);
      }
    });
  }

  link(target: string, watcher: string, runId?: string): void {
    this.#watch("link", target, watcher, runId, (value, error) => {
      const worker = workerOf(watcher);
      if (worker === undefined) return;
      if (error !== undefined) {
        this.#pool.tell(worker, "link_down", watcher, target, error);
        return;
      }
      // The end of a workflow that ends well is told too; a later run has the same PID, and can be linked again.
      this.#pool.tell(worker, "unlinked", watcher, target);
      this.#pool.tell(worker, "exit_event", watcher, target, value, undefined);
    });
  }

  #watch(
    kind: "monitor" | "link",
    target: string,
    watcher: string,
    runId: string | undefined,
    ended: (value: LuaValue, error: LuaValue) => void,
  ): void {
    const key = `${kind} ${target} ${watcher}`;
    const end = this.#workflows.watch(target, (value, error) => {
      this.#watches.delete(key);
      ended(value, error);
    }, runId);
    this.#watches.get(key)?.();
    this.#watches.set(key, end);
  }

  #unwatch(kind: "monitor" | "link", target: string, watcher: string): true {
    const key = `${kind} ${target} ${watcher}`;
    this.#watches.get(key)?.();
    this.#watches.delete(key);
    return true;
  }

  /** By the names that the requests have between workers. */
  get requests(): Requests {
    const workflows = this.#workflows;
    const watch = { pid: text, watcher: text };
    return {
      send: targeted(
        { pid: text, topic: text, from: text, count: integer },
        "values",
        async ({ pid, topic, from, count, values }) => {
          const all = Array.from({ length: count }, (_, at) => values[at]);
          await workflows.signal(pid, topic, from, all);
          return true;
        },
      ),
      cancel: targeted(
        { pid: text, from: text, reason: optional(text) },
        undefined,
        async ({ pid, from, reason = "" }) => {
          await workflows.cancel(pid, from, reason);
          return true;
        },
      ),
      terminate: targeted({ pid: text }, undefined, async ({ pid }) => {
        await workflows.terminate(pid);
        return true;
      }),
      named: targeted({ pid: text }, undefined, ({ pid }) => {
        if (this.#named.has(pid)) return true;
        this.#named.add(pid);
        workflows.watch(pid, () => {
          this.#named.delete(pid);
          this.#names.release(pid);
        });
        return true;
      }),
      monitor: targeted(watch, undefined, ({ pid, watcher }) => {
        this.monitor(pid, watcher);
        return true;
      }),
      link: targeted(watch, undefined, ({ pid, watcher }) => {
        this.link(pid, watcher);
        return true;
      }),
      demonitor: targeted(
        watch,
        undefined,
        ({ pid, watcher }) => this.#unwatch("monitor", pid, watcher),
      ),
      unlinked: targeted(
        watch,
        undefined,
        ({ pid, watcher }) => this.#unwatch("link", pid, watcher),
      ),
      // A linked process that fails does not harm the workflow: only the watch ends.
      link_down: targeted(
        { ...watch, error: any },
        undefined,
        ({ pid, watcher }) => this.#unwatch("link", pid, watcher),
      ),
      wait: targeted(
        { pid: text },
        undefined,
        ({ pid }) =>
          new Promise<LuaValue>((resolve, reject) => {
            workflows.watch(pid, (value, error) => {
              if (error instanceof WippyError) reject(error);
              else resolve(asLua(value));
            });
          }),
      ),
    };
  }
}
