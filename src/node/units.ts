import { WippyError } from "../vm/error.ts";
import { type LuaValue, ofKernel } from "../vm/value.ts";
import { workerOf } from "./pid.ts";
import type { WorkerPool } from "./worker-pool.ts";

/** Which units are wanted, and which page of them. */
export interface UnitQuery {
  /** Only those of this host. */
  host?: string | undefined;
  /** Only those that run this entry. */
  entry?: string | undefined;
  /** Only this one. */
  pid?: string | undefined;
  /** `next` of the page before. */
  after?: string | undefined;
  /** Units of a page, 1 to 1000; 100 unless given. */
  limit?: number | undefined;
}

/** A running unit. Only units that have a PID are listed: functions get one when they use it. */
export interface UnitInfo {
  pid: string;
  entry: string;
  kind: "function" | "process" | "workflow";
  /** Who spawned it, where that is known: on the same worker, or as its link or monitor. */
  parent?: string;
  /** Its parent, where that runs as a supervisor. */
  supervisor?: string;
  /** Whether it runs as a supervisor. */
  supervises?: boolean;
  /** `ready`: has something to run; `blocked`: waits for a call; `waiting`: for a message, a timer or an operation. */
  state: "ready" | "blocked" | "waiting";
  /** Messages and events that wait to be read. */
  mailbox: number;
  /** The first 20. */
  links: string[];
  link_count: number;
  monitored_by: number;
  monitoring: number;
  trap_links: boolean;
  /** Times that the scheduler ran it; each is at most one slice of fuel. */
  steps: number;
  /** Fuel burnt (a loop, jump or call each), rounded up to 16 for each step; some 60 a microsecond. */
  fuel: number;
  /** Bytes of Lua memory that it alone reaches, estimated; only in the answer to a query for one `pid`. */
  memory?: number;
  /** Set when there is more of it than was looked at. */
  memory_partial?: boolean;
  /** Milliseconds since 1970, exact to a turn of its worker (5 ms). */
  started?: number;
  /** Identifier of its actor. */
  actor?: string;
  /** Registered names. */
  names: string[];
}

/** A worker that stands still, so that nobody can ask it for its units. */
export interface Unlisted {
  worker: number;
  /** How many units were on it at its last turn. */
  units: number;
  /** Who holds it: a PID, or the identifier of a function; absent when that is not known. */
  unit?: string;
  /** Milliseconds for which it has stood still so far. */
  for: number;
}

/** A page of units, worker by worker. */
export interface UnitPage {
  units: UnitInfo[];
  /** The workers whose units are missing from the list; on its first page. */
  unlisted: Unlisted[];
  /** Absent at the end. */
  next?: string;
}

const mostPerPage = 1000;

function records(value: LuaValue): Record<string, LuaValue>[] {
  return Array.isArray(value) ? value as Record<string, LuaValue>[] : [];
}

/** Fills in who of the parents are supervisors; parents beyond the page are asked for one by one. */
async function nameSupervisors(pool: WorkerPool, units: UnitInfo[]): Promise<UnitInfo[]> {
  const supervises = new Map(units.map((unit) => [unit.pid, unit.supervises === true]));
  for (const { parent } of units) {
    const worker = parent === undefined ? undefined : workerOf(parent);
    if (parent === undefined || worker === undefined || supervises.has(parent)) continue;
    const page = pool.running.includes(worker)
      ? await pool.askNow(worker, "units", { pid: parent, limit: 1 }) as Record<string, LuaValue>
      : {};
    supervises.set(parent, records(page["units"])[0]?.["supervises"] === true);
  }
  return units.map((unit) =>
    unit.parent !== undefined && supervises.get(unit.parent)
      ? { ...unit, supervisor: unit.parent }
      : unit
  );
}

/**
 * Lists running units: a snapshot of each worker's PIDs when its first page is asked for; those that have ended
 * by the time of their page are left out.
 *
 * @throws WippyError Invalid for a limit or a cursor that is none
 */
export async function listUnits(
  pool: WorkerPool,
  namesOf: (pid: string) => string[],
  query: UnitQuery,
): Promise<UnitPage> {
  const page = await pageOf(pool, namesOf, query);
  return { ...page, units: await nameSupervisors(pool, page.units) };
}

function unlistedOf(pool: WorkerPool): Unlisted[] {
  return pool.running.flatMap((worker) => {
    const standing = pool.standing(worker);
    return standing ? [{ worker, units: pool.loadOf(worker), ...standing }] : [];
  });
}

async function pageOf(
  pool: WorkerPool,
  namesOf: (pid: string) => string[],
  { limit = 100, after, ...filter }: UnitQuery,
): Promise<UnitPage> {
  if (!Number.isInteger(limit) || limit < 1 || limit > mostPerPage) {
    throw new WippyError("Invalid", `limit must be 1 to ${mostPerPage}, not ${limit}`, {
      retryable: false,
    });
  }
  const cursor = after === undefined ? [] : /^(\d+)(?:\/(\d+\.\d+))?$/.exec(after);
  if (cursor === null) {
    throw new WippyError("Invalid", `${after} is no cursor of a list of units`, {
      retryable: false,
    });
  }
  const unlisted = after === undefined && filter.pid === undefined ? unlistedOf(pool) : [];
  const first = Number(cursor[1] ?? 0);
  let inside: string | undefined = cursor[2];
  const units: UnitInfo[] = [];
  for (const worker of pool.running.filter((index) => index >= first).toSorted((a, b) => a - b)) {
    if (filter.pid === undefined && pool.standing(worker)) continue;
    if (units.length === limit) return { units, unlisted, next: String(worker) };
    const query = {
      ...filter,
      limit: limit - units.length,
      ...(worker === first && inside !== undefined && { after: inside }),
    };
    inside = undefined;
    const page = await pool.askNow(worker, "units", query as LuaValue) as Record<string, LuaValue>;
    if (page["expired"] === true) {
      throw new WippyError("Invalid", "the list of units has expired; begin again", {
        retryable: true,
      });
    }
    for (const unit of records(page["units"])) {
      const links = Array.isArray(unit["links"]) ? unit["links"] as string[] : [];
      const pid = String(unit["pid"]);
      const { started, ...rest } = unit;
      units.push({
        ...ofKernel<UnitInfo>(rest),
        links,
        names: namesOf(pid),
        ...(started !== undefined && { started: Number(started) / 1e6 }),
      });
    }
    if (page["next"] !== undefined) {
      return { units, unlisted, next: `${worker}/${String(page["next"])}` };
    }
  }
  return { units, unlisted };
}
