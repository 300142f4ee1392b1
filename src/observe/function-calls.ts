import { bounds, type Measure, mostSeries, type Series } from "./series.ts";

/** {@link bounds} but the last, in nanoseconds: by these workers count the times of calls. */
export const callBounds: number[] = bounds.slice(0, -1).map((seconds) => Math.round(seconds * 1e9));

/** What a worker tells of the calls of a function: what runs now, and what has come to that since it told last. */
export interface CallCounts {
  id: string;
  running: number;
  succeeded: number;
  failed: number;
  /** Nanoseconds that calls which have ended took together. */
  time: number;
  /** Calls by the first of {@link callBounds} that they kept, and behind those the others; what is missing is 0. */
  within: readonly number[];
}

/** Calls of one function since the runtime started. */
interface Total {
  succeeded: number;
  failed: number;
  time: number;
  within: number[];
}

/** Calls of functions, which the option `metrics.interceptor.enabled` has the workers count. */
export class FunctionCalls {
  readonly #totals = new Map<string, Total>();
  /** Worker to function to calls that run. */
  readonly #running = new Map<number, Map<string, number>>();

  /** Takes what a worker has counted. */
  take(worker: number, counts: readonly CallCounts[]): void {
    const running = this.#running.get(worker) ?? new Map<string, number>();
    this.#running.set(worker, running);
    for (const { id, ...counted } of counts) {
      const total = this.#totals.get(id) ??
        { succeeded: 0, failed: 0, time: 0, within: bounds.map(() => 0) };
      // Entries may be made and removed for ever.
      if (!this.#totals.has(id) && this.#totals.size === mostSeries) continue;
      this.#totals.set(id, total);
      total.succeeded += counted.succeeded;
      total.failed += counted.failed;
      total.time += counted.time;
      for (const [at, count] of counted.within.entries()) {
        // Prometheus has each bucket count what the smaller ones do.
        for (let bound = at; bound < bounds.length; bound++) total.within[bound]! += count;
      }
      if (counted.running === 0) running.delete(id);
      else running.set(id, counted.running);
    }
  }

  /** Nothing runs on a worker any more. */
  workerDied(worker: number): void {
    this.#running.delete(worker);
  }

  /** The measures; none before the first call. */
  get all(): Measure[] {
    if (this.#totals.size === 0) return [];
    const totals = [...this.#totals].map(([function_id, total]) => ({ function_id, total }));
    const calls = totals.flatMap(({ function_id, total: { succeeded, failed } }) => [
      plain({ function_id, status: "success" }, succeeded),
      plain({ function_id, status: "error" }, failed),
    ]).filter(({ value }) => value > 0);
    const durations = totals.map(({ function_id, total }) => ({
      labels: { function_id },
      value: total.time / 1e9,
      within: total.within,
    }));
    const inFlight = totals.map(({ function_id }) => {
      const running = [...this.#running.values()].map((ids) => ids.get(function_id) ?? 0);
      return plain({ function_id }, running.reduce((sum, count) => sum + count, 0));
    });
    return [
      measure("wippy_function_calls", "counter", calls),
      measure("wippy_function_duration", "histogram", durations),
      measure("wippy_function_in_flight", "gauge", inFlight),
    ];
  }
}

function plain(labels: Record<string, string>, value: number): Series {
  return { labels, value, within: [] };
}

function measure(name: string, type: Measure["type"], series: Series[]): Measure {
  return { name, type, series: new Map(series.map((each) => [JSON.stringify(each.labels), each])) };
}
