import { heapStats } from "bun:jsc";
import { availableParallelism, hostname } from "node:os";
import type { Entry } from "../../registry/entry.ts";
import { hostKind } from "../../services/services.ts";
import { WippyError } from "../../vm/error.ts";
import { MOST_MEMORY } from "../../vm/options.ts";
import type { LuaValue } from "../../vm/value.ts";
import { statusOf } from "../exit-status.ts";
import { parsePid, workerOf } from "../pid.ts";
import { integer, request, type Requests, text } from "./request.ts";
import { serviceValue } from "../service-info.ts";
import type { Services } from "../services.ts";
import { listUnits } from "../units.ts";
import type { WorkerPool } from "../worker-pool.ts";

/** Figures of memory that JavaScriptCore does not have. */
const unmeasured = {
  heap_released: 0,
  stack_in_use: 0,
  stack_sys: 0,
  mspan_in_use: 0,
  mspan_sys: 0,
  num_gc: 0,
  next_gc: 0,
};

/** What the Lua module `system` needs of the node. */
export interface SystemAccess {
  entries: ReadonlyMap<string, Entry>;
  services: Services;
  pool: WorkerPool;
  namesOf: (pid: string) => string[];
  /** Begins an orderly end of the runtime with that status. */
  exit: (status: number) => void;
}

const mostUnits = 1000;

function invalid(message: string): WippyError {
  return new WippyError("Invalid", message, { retryable: false });
}

/** What the Lua module `system` asks; names of the requests: `system.` and the function's name. */
export function systemRequests(
  access: SystemAccess,
): {
  requests: Requests;
  release(pid: string): void;
  workerDied(worker: number): void;
} {
  /** Name -> PID of who holds it. */
  const locks = new Map<string, string>();
  let unlimited = false;
  const limitBefore = () => unlimited ? -1 : access.pool.memoryLimit;
  const units = async (host: string) =>
    (await listUnits(access.pool, access.namesOf, { host, limit: mostUnits })).units;
  const requests: Requests = {
    "system.exit": request({ status: integer }, ({ status }) => {
      access.exit(statusOf(status));
      return true;
    }),
    "system.process.pid": request({}, () => process.pid),
    "system.process.hostname": request({}, () => hostname()),
    "system.process.cwd": request({}, () => process.cwd()),
    "system.runtime.cpu_count": request({}, () => availableParallelism()),
    "system.memory.stats": request({}, () => {
      const { rss, heapTotal, heapUsed, external } = process.memoryUsage();
      return {
        alloc: heapUsed,
        total_alloc: heapUsed,
        sys: rss,
        heap_alloc: heapUsed,
        heap_sys: heapTotal,
        heap_in_use: heapUsed,
        heap_idle: Math.max(0, heapTotal - heapUsed),
        heap_objects: heapStats().objectCount,
        external,
        ...unmeasured,
      };
    }),
    "system.memory.limit": request({}, () => limitBefore()),
    "system.memory.set_limit": request({ bytes: integer }, ({ bytes }) => {
      const before = limitBefore();
      unlimited = bytes === -1;
      access.pool.memoryLimit = unlimited ? MOST_MEMORY : bytes;
      return before;
    }),
    "system.runtime.goroutines": request({}, () => access.pool.live),
    "system.runtime.max_procs": request({}, () => access.pool.capacity),
    "system.runtime.set_max_procs": request(
      { count: integer },
      ({ count }) => {
        const before = access.pool.capacity;
        access.pool.capacity = count;
        return before;
      },
    ),
    "system.hosts.list": request({}, async () => {
      const hosts = [...access.entries.values()].filter(({ kind }) =>
        hostKind(kind) === "processes"
      )
        .map(({ id }) => id).sort();
      return await Promise.all(hosts.map(async (id): Promise<LuaValue> => {
        const present = await units(id);
        return {
          id,
          workers: access.pool.running.length,
          processes: present.length,
          executed: present.reduce((sum, { steps }) => sum + steps, 0),
          // A process stays with its worker.
          stolen: 0,
          queue_depth: present.filter(({ state }) => state === "ready").length,
        };
      }));
    }),
    "system.hosts.processes": request({ host: text }, async ({ host }) => {
      if (host === "") throw invalid("host id is required");
      return (await units(host)).map((unit): LuaValue => ({
        pid: unit.pid,
        host: parsePid(unit.pid).host,
        source: unit.entry,
        state: unit.state,
        steps: unit.steps,
        mailbox: unit.mailbox,
        ...(unit.started !== undefined && { started_at: BigInt(Math.round(unit.started * 1e6)) }),
        ...(unit.parent !== undefined && { parent: unit.parent }),
        ...(unit.actor !== undefined && { actor_id: unit.actor }),
      }));
    }),
    "system.supervisor.state": request({ id: text }, ({ id }) => {
      if (id === "") throw invalid("service id is required");
      const state = access.services.describe(id);
      if (!state) {
        throw new WippyError("Internal", `no service ${id}`, { retryable: false });
      }
      return serviceValue(state);
    }),
    "system.supervisor.states": request(
      {},
      () => access.services.describeAll().map(serviceValue),
    ),
    "system.lock.acquire": request({ name: text, pid: text }, ({ name, pid }) => {
      const owner = locks.get(name);
      if (owner !== undefined && owner !== pid) {
        throw new WippyError("AlreadyExists", `lock ${name} is held by ${owner}`, {
          retryable: true,
        });
      }
      locks.set(name, pid);
      return true;
    }),
    "system.lock.release": request({ name: text, pid: text }, ({ name, pid }) => {
      if (locks.get(name) !== pid) return false;
      return locks.delete(name);
    }),
  };
  const releaseWhere = (ended: (pid: string) => boolean) => {
    for (const [name, owner] of locks) if (ended(owner)) locks.delete(name);
  };
  return {
    requests,
    release: (pid) => releaseWhere((owner) => owner === pid),
    workerDied: (worker) => releaseWhere((owner) => workerOf(owner) === worker),
  };
}
