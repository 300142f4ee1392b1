import { type LuaValue, ofKernel } from "../vm/value.ts";
import type { WorkerPool } from "./worker-pool.ts";

/** What a function's pools have done on all workers since the runtime started, or its code changed. */
export interface FunctionInfo {
  id: string;
  /** Kind of pool. */
  type: string;
  calls: number;
  /** Calls that ended with an error, cancelled ones included. */
  failed: number;
  /** Calls at work. */
  running: number;
  /** Calls that wait for an instance. */
  queued: number;
  instances: number;
  /** Instances at most, on all workers that run it. */
  limit: number;
  /**
   * Milliseconds that calls took: the last 128 on each worker that were made while somebody listed functions, or within
   * 30 seconds after; absent while there is none.
   */
  p50?: number;
  p95?: number;
  p99?: number;
}

interface Row extends Omit<FunctionInfo, "p50" | "p95" | "p99"> {
  /** Nanoseconds. */
  times: LuaValue;
}

function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]! / 1e6;
}

/** Functions that were called, sorted by identifier. */
export async function listFunctions(pool: WorkerPool): Promise<FunctionInfo[]> {
  const answers = await Promise.all(
    // A worker that dies meanwhile has no functions.
    pool.running.map((worker) => pool.askNow(worker, "functions").catch(() => [])),
  );
  const found = new Map<string, { info: FunctionInfo; times: number[] }>();
  for (
    const row of ofKernel<Row[]>(answers.flatMap((rows) => Array.isArray(rows) ? rows : []))
  ) {
    const { times, ...info } = row;
    const own = Array.isArray(times) ? times.map(Number) : [];
    const present = found.get(info.id);
    if (!present) {
      found.set(info.id, { info, times: own });
      continue;
    }
    for (const key of ["calls", "failed", "running", "queued", "instances", "limit"] as const) {
      present.info[key] += info[key];
    }
    present.times.push(...own);
  }
  return [...found.values()].map(({ info, times }) => {
    if (times.length === 0) return info;
    const sorted = times.sort((left, right) => left - right);
    const [p50, p95, p99] = [quantile(sorted, 0.5), quantile(sorted, 0.95), quantile(sorted, 0.99)];
    return { ...info, p50, p95, p99 };
  }).sort((left, right) => left.id < right.id ? -1 : 1);
}
