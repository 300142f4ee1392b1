import type { PartHandlers, ServiceWorkers } from "../../../../src/services/context.ts";
import type { DirectQueries, DirectStart } from "../../../../src/services/sql/direct/part.ts";
import type { LuaValue } from "../../../../src/vm/value.ts";
import { until } from "../../../until.ts";
import { manyQueries } from "../../../../src/services/sql/direct/direct.ts";

interface Worker {
  part?: DirectQueries;
  memory?: SharedArrayBuffer;
  told: unknown[];
}

/** Workers in this thread, with the parts that a driver gives them. */
export class DirectWorkers {
  readonly workers: Worker[];
  readonly services: ServiceWorkers;
  #handlers: PartHandlers | undefined;

  constructor(count: number, make: (start: DirectStart) => DirectQueries) {
    const workers: Worker[] = Array.from({ length: count }, () => ({ told: [] }));
    this.workers = workers;
    this.services = {
      apart: true,
      running: count,
      standing: () => false,
      fill: () => {},
      parts: (given) => {
        this.#handlers = given;
        workers.forEach((_, worker) => given.started(worker));
        return {
          open: (worker, data) => {
            // The other side is `DirectReaders`.
            const start = data as DirectStart;
            Object.assign(workers[worker]!, { part: make(start), memory: start.memory });
          },
          tell: (worker, message) => {
            workers[worker]!.told.push(message);
            workers[worker]!.part?.told();
            delete workers[worker]!.part;
          },
          end: () => workers.forEach(({ part }) => part?.close()),
        };
      },
    };
  }

  /** The worker has ended. */
  gone(worker: number): void {
    this.#handlers!.gone(worker);
  }

  /** The part that a worker gets once it has asked a driver much. */
  async partOf(driver: { asked(worker: number): void }, worker: number): Promise<DirectQueries> {
    for (let i = 0; i < manyQueries; i += 1) driver.asked(worker);
    await until(() => this.workers[worker]!.part !== undefined);
    return this.workers[worker]!.part!;
  }
}

/** Asks a part for rows; undefined when it does not take the query. */
export function ask(
  part: DirectQueries,
  sql: string,
  params: LuaValue[] = [],
  signal: AbortSignal = new AbortController().signal,
): Promise<LuaValue> | undefined {
  const { promise, resolve, reject } = Promise.withResolvers<LuaValue>();
  const run = { kind: "query", sql, values: params, tags: "v".repeat(params.length) };
  const asked = part.near(run, signal, (rows, error) => error ? reject(error) : resolve(rows));
  return asked ? promise : undefined;
}
