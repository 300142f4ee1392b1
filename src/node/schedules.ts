/**
 * Schedules of the workflow hosts, as callers make and change them.
 * @module
 */
import type { Entry } from "../registry/entry.ts";
import { WippyError } from "../vm/error.ts";
import type { LuaValue } from "../vm/value.ts";
import { scheduleAction } from "../workflows/schedules/action.ts";
import {
  type ActionTable,
  parseChange,
  parseOverlap,
  parseRanges,
  parseSchedule,
} from "../workflows/schedules/table.ts";
import type {
  BackfillResult,
  ScheduleAction,
  ScheduleInfo,
  ScheduleProvider,
  ScheduleQuery,
  ScheduleSummary,
  TriggerResult,
} from "../workflows/schedules/schedules.ts";

/** What schedules need of the workflow hosts. */
export interface ScheduleHosts {
  /** Identifiers of the hosts that run, sorted. */
  readonly hosts: string[];
  /** @throws WippyError Unavailable when the host does not run */
  schedulesOf(host: string): ScheduleProvider;
  /** The host that a workflow runs on unless one is named. @throws WippyError Invalid */
  hostOf(entry: Entry): string;
}

/** Who asks, and for what. */
export interface ScheduleCreation {
  /** As `parseSchedule` reads it. */
  schedule: LuaValue;
  /** Frame in which the runs work. */
  frame: LuaValue;
  /** See `NewSchedule.requestId`. */
  requestId?: string;
}

export class Schedules {
  readonly #hosts: ScheduleHosts;
  readonly #entries: ReadonlyMap<string, Entry>;

  constructor(hosts: ScheduleHosts, entries: ReadonlyMap<string, Entry>) {
    this.#hosts = hosts;
    this.#entries = entries;
  }

  /** Identifiers of the hosts that run, sorted. */
  get hosts(): string[] {
    return this.#hosts.hosts;
  }

  /** @throws WippyError Invalid, NotFound for an entry that is no workflow, AlreadyExists */
  async create({ schedule, frame, requestId }: ScheduleCreation): Promise<void> {
    const table = parseSchedule(schedule);
    const action = this.#action(table.action, table.id, frame);
    await this.#hosts.schedulesOf(action.hostId).create({
      scheduleId: table.id,
      spec: table.spec,
      action,
      ...table.policies && { policies: table.policies },
      ...table.paused !== undefined && { paused: table.paused },
      ...table.note !== undefined && { note: table.note },
      ...table.remaining_actions !== undefined && { remainingActions: table.remaining_actions },
      ...requestId !== undefined && { requestId },
    });
  }

  /** @throws WippyError NotFound; Conflict as `#find` */
  async describe(id: string, host?: string): Promise<ScheduleInfo> {
    return (await this.#find(id, host)).info;
  }

  /** A page of the schedules of a host. @throws WippyError Unavailable, Invalid */
  async list(
    host: string,
    query: ScheduleQuery,
  ): Promise<{ schedules: ScheduleSummary[]; cursor?: string }> {
    return await this.#hosts.schedulesOf(host).list(query);
  }

  /**
   * Changes what is given. Its runs work in `frame` from now on when the action changes.
   *
   * @throws WippyError Invalid, NotFound; Conflict for one that an entry declares, or for another host
   */
  async update(id: string, change: LuaValue, frame: LuaValue, host?: string): Promise<void> {
    const table = parseChange(change);
    const { info, provider } = await this.#find(id, host);
    refuseDeclared(info, "change");
    const action = table.action && this.#action(table.action, id, frame);
    if (action && action.hostId !== info.hostId) {
      throw new WippyError(
        "Conflict",
        `action.host: the schedule ${id} lives on ${info.hostId}; delete it and create it on ${action.hostId}`,
        { retryable: false },
      );
    }
    await provider.update(id, {
      ...table.spec && { spec: table.spec },
      ...action && { action },
      ...table.policies && { policies: table.policies },
      ...table.note !== undefined && { note: table.note },
      ...table.remaining_actions !== undefined && { remainingActions: table.remaining_actions },
    });
  }

  /** @throws WippyError NotFound */
  async pause(id: string, paused: boolean, note?: string, host?: string): Promise<void> {
    const { provider } = await this.#find(id, host);
    await provider.pause(id, paused, note);
  }

  /** Starts a run now. @throws WippyError NotFound, Invalid */
  async trigger(id: string, overlap?: LuaValue, host?: string): Promise<TriggerResult> {
    const policy = parseOverlap(overlap);
    const { provider } = await this.#find(id, host);
    return await provider.trigger(id, policy);
  }

  /** Acts on matches of the past. @throws WippyError NotFound, Invalid */
  async backfill(id: string, ranges: LuaValue, host?: string): Promise<BackfillResult> {
    const read = parseRanges(ranges);
    const { provider } = await this.#find(id, host);
    return await provider.backfill(id, read);
  }

  /** @throws WippyError NotFound; Conflict for one that an entry declares */
  async delete(id: string, host?: string): Promise<void> {
    const { info, provider } = await this.#find(id, host);
    refuseDeclared(info, "remove");
    await provider.delete(id);
  }

  #action(table: ActionTable, id: string, frame: LuaValue): ScheduleAction {
    const hostOf = (entry: Entry) => this.#hosts.hostOf(entry);
    return scheduleAction(table, id, frame, { entries: this.#entries, hostOf });
  }

  /** A schedule and whose it is. @throws WippyError NotFound; Conflict when several hosts have the id */
  async #find(
    id: string,
    host: string | undefined,
  ): Promise<{ info: ScheduleInfo; provider: ScheduleProvider }> {
    const hosts = host === undefined ? this.hosts : [host];
    const asked = await Promise.all(hosts.map(async (each) => {
      const provider = this.#hosts.schedulesOf(each);
      try {
        return { info: await provider.describe(id), provider };
      } catch (error) {
        if (WippyError.from(error).kind === "NotFound") return undefined;
        throw error;
      }
    }));
    const found = asked.filter((each) => each !== undefined);
    if (found.length === 1) return found[0]!;
    throw found.length === 0
      ? new WippyError("NotFound", `there is no schedule ${id}`, {
        retryable: false,
        details: { schedule_id: id },
      })
      : new WippyError(
        "Conflict",
        `several hosts have a schedule ${id}; name one of ${
          found.map(({ info }) => info.hostId).join(", ")
        }`,
        { retryable: false },
      );
  }
}

/** Where schedules are looked at: the hosts of a runtime, or a journal that no runtime owns. */
export type ScheduleSource = Pick<Schedules, "hosts" | "list" | "describe">;

/**
 * A page of the schedules of one host, or of all. The cursor is the host's place in the list, then the host's own.
 *
 * @throws WippyError Invalid for a cursor that is none; Unavailable when the host does not run
 */
export async function schedulePage(
  source: ScheduleSource,
  { host, after = "0/", limit }: { host?: string; after?: string; limit: number },
): Promise<{ schedules: ScheduleSummary[]; next?: string }> {
  const parts = /^(\d{1,6})\/(.*)$/s.exec(after);
  if (!parts) {
    throw new WippyError(
      "Invalid",
      `"${after}" is no cursor of this list; give back the one of the page before`,
      { retryable: false },
    );
  }
  const hosts = host === undefined ? source.hosts : [host];
  let cursor = parts[2];
  for (let index = Number(parts[1]); index < hosts.length; index++) {
    const found = await source.list(hosts[index]!, { limit, ...cursor && { cursor } });
    cursor = "";
    const next = found.cursor !== undefined
      ? `${index}/${found.cursor}`
      : index + 1 < hosts.length
      ? `${index + 1}/`
      : undefined;
    if (found.schedules.length === 0 && next !== undefined) continue;
    return { schedules: found.schedules, ...next !== undefined && { next } };
  }
  return { schedules: [] };
}

function refuseDeclared({ scheduleId, declaredBy }: ScheduleInfo, verb: string): void {
  if (declaredBy === undefined) return;
  throw new WippyError(
    "Conflict",
    `the schedule ${scheduleId} is declared by an entry of the registry; ${verb} the entry ${declaredBy}`,
    { retryable: false },
  );
}
