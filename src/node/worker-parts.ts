/**
 * The parts of services, each in the thread of a worker (`src/worker/parts.ts`).
 * @module
 */
import type { Entry } from "../registry/entry.ts";
import type { PartHandlers, ServiceWorkers } from "../services/context.ts";
import type { PartOrder } from "../worker/messages.ts";
import type { WorkerPool } from "./worker-pool.ts";

/** The parts of all services of a node. */
export class WorkerParts {
  readonly #pool: WorkerPool;
  /** By entry. */
  readonly #services = new Map<string, PartHandlers>();

  /** @param apart whether each worker has a thread of its own */
  constructor(pool: WorkerPool, readonly apart: boolean) {
    this.#pool = pool;
  }

  /** What the service of an entry gets. */
  of({ id, kind }: Entry): ServiceWorkers {
    const pool = this.#pool;
    const order = (worker: number, what: PartOrder) =>
      pool.send(worker, { type: "part", entry: id, order: what });
    return {
      apart: this.apart,
      get running() {
        return pool.running.length;
      },
      standing: (worker) => pool.standing(worker) !== undefined,
      fill: () => pool.fill(),
      parts: (handlers) => {
        this.#services.set(id, handlers);
        // The service must have the result before it is notified of a worker.
        queueMicrotask(() => {
          for (const worker of pool.running) handlers.started(worker);
        });
        return {
          open: (worker, data, ports) => order(worker, { open: kind, data, ports }),
          tell: (worker, message) => order(worker, { told: message }),
          end: () => {
            if (this.#services.get(id) === handlers) this.#services.delete(id);
            for (const worker of pool.running) order(worker, { end: true });
          },
        };
      },
    };
  }

  /** Handles the start of a worker. */
  started(worker: number): void {
    for (const handlers of this.#services.values()) handlers.started(worker);
  }

  /** Handles the death of a worker. */
  gone(worker: number): void {
    for (const handlers of this.#services.values()) handlers.gone(worker);
  }

  /** Passes a message from a part to its service. */
  told(worker: number, entry: string, message: unknown): void {
    this.#services.get(entry)?.told(worker, message);
  }
}
