import { heapStats } from "bun:jsc";
import { availableParallelism, hostname } from "node:os";
import type { Entry } from "../registry/entry.ts";
import { hostKind } from "../services/services.ts";
import { WippyError } from "../vm/error.ts";
import type { LuaValue } from "../vm/value.ts";
import { parsePid, workerOf } from "./pid.ts";
import type { Services } from "./services.ts";
import { listUnits } from "./units.ts";
import type { WorkerPool } from "./worker-pool.ts";

type Handler = (origin: number, ...args: LuaValue[]) => LuaValue | Promise<LuaValue>;

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

/** What the Lua module `system` asks of the node; names of the operations: `system.` and the function's name. */
export function systemRequests(
  access: SystemAccess,
): {
  handlers: Record<string, Handler>;
  release(pid: string): void;
  workerDied(worker: number): void;
} {
  /** Name -> PID of who holds it. */
  const locks = new Map<string, string>();
  const units = async (host: string) =>
    (await listUnits(access.pool, access.namesOf, { host, limit: mostUnits })).units;
  const handlers: Record<string, Handler> = {
    "system.exit": (_, status) => {
      access.exit(Number(status));
      return true;
    },
    "system.process.pid": () => process.pid,
    "system.process.hostname": () => hostname(),
    "system.process.cwd": () => process.cwd(),
    "system.runtime.cpu_count": () => availableParallelism(),
    "system.memory.stats": () => {
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
      };
    },
    "system.memory.limit": () => access.pool.memoryLimit,
    "system.runtime.goroutines": () => access.pool.live,
    "system.runtime.max_procs": () => access.pool.capacity,
    "system.hosts.list": async () => {
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
          queue_depth: present.filter(({ state }) => state === "ready").length,
        };
      }));
    },
    "system.hosts.processes": async (_, host) => {
      if (host === "") throw invalid("host id is required");
      return (await units(String(host))).map((unit): LuaValue => ({
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
    },
    "system.supervisor.state": (_, id) => {
      if (id === "") throw invalid("service id is required");
      const state = access.services.describe(String(id));
      if (!state) {
        throw new WippyError("Internal", `no service ${String(id)}`, { retryable: false });
      }
      return state;
    },
    "system.supervisor.states": () => access.services.describeAll(),
    "system.lock.acquire": (_, name, pid) => {
      const owner = locks.get(String(name));
      if (owner !== undefined && owner !== pid) {
        throw new WippyError("AlreadyExists", `lock ${String(name)} is held by ${owner}`, {
          retryable: true,
        });
      }
      locks.set(String(name), String(pid));
      return true;
    },
    "system.lock.release": (_, name, pid) => {
      if (locks.get(String(name)) !== pid) return false;
      return locks.delete(String(name));
    },
  };
  const releaseWhere = (ended: (pid: string) => boolean) => {
    for (const [name, owner] of locks) if (ended(owner)) locks.delete(name);
  };
  return {
    handlers,
    release: (pid) => releaseWhere((owner) => owner === pid),
    workerDied: (worker) => releaseWhere((owner) => workerOf(owner) === worker),
  };
}
