import { WippyError } from "../../../../vm/error.ts";
import { packPlain } from "../../../history/history.ts";
import { workflowPid } from "../../../pid.ts";
import {
  checkDefinition,
  checkNote,
  checkRemaining,
  checkScheduleId,
} from "../../../schedules/check.ts";
import {
  type BackfillRange,
  type BackfillResult,
  maxBackfilled,
  type NewSchedule,
  overlapPolicies,
  type OverlapPolicy,
  type ScheduleChange,
  type ScheduleInfo,
  type ScheduleProvider,
  type ScheduleQuery,
  type ScheduleSummary,
  type TriggerResult,
} from "../../../schedules/schedules.ts";
import { invalidField, matchesBetween } from "../../../schedules/spec.ts";
import type { ClientContext } from "../client/client.ts";
import { timestamp } from "../proto.ts";
import {
  actionMessage,
  definitionIn,
  infoOf,
  isOwn,
  overlaps,
  ownMemo,
  policiesMessage,
  scheduleMessage,
  specMessage,
  stateMessage,
  summaryOf,
} from "./messages.ts";

const defaultLimit = 100;
const maxLimit = 1_000;
/** Milliseconds within which the server acts on what it has taken, mostly. */
const actingTime = 5_000;
const lookInterval = 20;
/** Policies with which a start may wait for the end of another run. With others it does so only for a moment. */
const waiting: ReadonlySet<OverlapPolicy> = new Set(["buffer_one", "buffer_all", "cancel_other"]);

/** The schedules of a Temporal namespace that this program has made. */
export class TemporalSchedules implements ScheduleProvider {
  readonly #open: () => ClientContext;

  /** @param open what requests need. @throws Unavailable while the provider is not open */
  constructor(open: () => ClientContext) {
    this.#open = open;
  }

  async create(schedule: NewSchedule): Promise<void> {
    const { scheduleId, note = "", remainingActions, requestId } = schedule;
    checkScheduleId(scheduleId);
    checkDefinition(schedule);
    checkNote(note);
    if (remainingActions !== undefined) checkRemaining(remainingActions);
    const context = this.#open();
    try {
      await context.connection.rpc("createSchedule", {
        scheduleId,
        schedule: scheduleMessage(context, schedule),
        requestId: requestId ?? context.uuid(),
        memo: ownMemo(),
      });
    } catch (error) {
      if (WippyError.from(error).kind !== "AlreadyExists") throw error;
      throw new WippyError(
        "AlreadyExists",
        `there is a schedule ${scheduleId} already; update it, or choose another id`,
        { retryable: false, details: { schedule_id: scheduleId } },
      );
    }
  }

  async describe(scheduleId: string): Promise<ScheduleInfo> {
    const { connection } = this.#open();
    const described = await found(scheduleId, connection.rpc("describeSchedule", { scheduleId }));
    const info = infoOf(scheduleId, described);
    if (info) return info;
    throw new WippyError(
      "Invalid",
      `the schedule ${scheduleId} was made by another program; change it there`,
      { retryable: false },
    );
  }

  async list(
    { limit = defaultLimit, cursor }: ScheduleQuery,
  ): Promise<{ schedules: ScheduleSummary[]; cursor?: string }> {
    // The server has an order of its own: all are fetched, and put into that of their ids.
    const ids = (await this.#ids()).filter((id) => cursor === undefined || id > cursor).sort();
    const most = Math.max(1, Math.min(maxLimit, limit));
    const page = ids.slice(0, most);
    const found = await Promise.all(page.map((id) => this.#known(id)));
    const schedules = found.flatMap((info) => info ? [summaryOf(info)] : []);
    const last = page.at(-1);
    return { schedules, ...ids.length > most && last !== undefined && { cursor: last } };
  }

  /** Ids of the schedules that this program has made. */
  async #ids(): Promise<string[]> {
    const { connection } = this.#open();
    const ids: string[] = [];
    for (let nextPageToken = new Uint8Array();;) {
      const page = await connection.rpc("listSchedules", {
        maximumPageSize: maxLimit,
        nextPageToken,
      });
      for (const { scheduleId, memo } of page.schedules) {
        if (scheduleId && isOwn(memo)) ids.push(scheduleId);
      }
      nextPageToken = page.nextPageToken as Uint8Array<ArrayBuffer>;
      if (nextPageToken.length === 0) return ids;
    }
  }

  async update(scheduleId: string, change: ScheduleChange): Promise<void> {
    await this.#change(scheduleId, change);
  }

  async #change(scheduleId: string, change: ScheduleChange, declaredBy?: string): Promise<void> {
    const context = this.#open();
    const { connection } = context;
    const described = await found(scheduleId, connection.rpc("describeSchedule", { scheduleId }));
    const { schedule, conflictToken } = described;
    const old = definitionIn(schedule);
    const info = infoOf(scheduleId, described);
    if (!old || !info) throw notFound(scheduleId);
    const { spec = old.spec, action = old.action, policies = old.policies ?? {} } = change;
    const by = declaredBy ?? old.declaredBy;
    checkDefinition({ spec, action, policies });
    if (change.note !== undefined) checkNote(change.note);
    if (typeof change.remainingActions === "number") checkRemaining(change.remainingActions);
    const remaining = change.remainingActions === undefined
      ? info.remainingActions
      : change.remainingActions ?? undefined;
    const definition = { spec, action, policies, ...by !== undefined && { declaredBy: by } };
    await connection.rpc("updateSchedule", {
      scheduleId,
      conflictToken,
      requestId: context.uuid(),
      schedule: {
        spec: change.spec ? specMessage(spec) : schedule?.spec ?? specMessage(spec),
        action: actionMessage(context, definition),
        policies: policiesMessage(policies),
        state: stateMessage(info.paused, change.note ?? info.note, remaining),
      },
    });
  }

  async pause(scheduleId: string, paused: boolean, note?: string): Promise<void> {
    if (note !== undefined) checkNote(note);
    const context = this.#open();
    const before = await this.describe(scheduleId);
    // A patch replaces the note by its own: the one before is given back.
    const text = (note ?? before.note) || " ";
    await found(
      scheduleId,
      context.connection.rpc("patchSchedule", {
        scheduleId,
        requestId: context.uuid(),
        patch: paused ? { pause: text } : { unpause: text },
      }),
    );
  }

  async trigger(scheduleId: string, overlap?: OverlapPolicy): Promise<TriggerResult> {
    checkOverlap("overlap", overlap);
    const context = this.#open();
    const before = await this.describe(scheduleId);
    const policy = overlap ?? before.policies.overlap;
    await context.connection.rpc("patchSchedule", {
      scheduleId,
      requestId: context.uuid(),
      patch: { triggerImmediately: { overlapPolicy: overlaps[policy] } },
    });
    const after = await this.#acted(scheduleId, before, { matches: 1, waits: waiting.has(policy) });
    if (after.counts.actions > before.counts.actions) {
      const made = after.recent.at(-1);
      if (made) {
        const { workflowId, runId } = made;
        context.note(workflowId, runId);
        const pid = workflowPid(context.node, after.hostId, workflowId);
        return { fate: "started", workflowId, runId, pid };
      }
    }
    return { fate: after.buffered > before.buffered ? "buffered" : "skipped" };
  }

  async backfill(scheduleId: string, ranges: BackfillRange[]): Promise<BackfillResult> {
    const context = this.#open();
    const before = await this.describe(scheduleId);
    const now = Date.now();
    let matches = 0;
    let waits = false;
    const backfillRequest = ranges.map(({ from, to = now, overlap }, index) => {
      const field = `ranges[${index}]`;
      checkOverlap(`${field}.overlap`, overlap);
      if (!Number.isFinite(from) || !Number.isFinite(to) || to < from) {
        throw invalidField(field, "from and to, a time that is not before it, expected");
      }
      if (to > now) throw invalidField(`${field}.to`, "it lies in the future");
      matches += matchesBetween(before.spec, from, to, maxBackfilled + 1 - matches).length;
      if (matches > maxBackfilled) {
        throw invalidField(
          field,
          `more than ${maxBackfilled} matches; ask for shorter ranges, one after the other`,
        );
      }
      const policy = overlap ?? before.policies.overlap;
      waits ||= waiting.has(policy);
      return {
        // The server does not include the beginning.
        startTime: timestamp(from - 1),
        endTime: timestamp(to),
        overlapPolicy: overlaps[policy],
      };
    });
    if (matches === 0) return { started: 0, buffered: 0, skipped: 0 };
    await context.connection.rpc("patchSchedule", {
      scheduleId,
      requestId: context.uuid(),
      patch: { backfillRequest },
    });
    const after = await this.#acted(scheduleId, before, { matches, waits });
    const started = after.counts.actions - before.counts.actions;
    const buffered = Math.max(0, after.buffered - before.buffered);
    return { started, buffered, skipped: Math.max(0, matches - started - buffered) };
  }

  /** Waits until the server has acted on as many matches. @param waits whether starts may wait for others */
  async #acted(
    scheduleId: string,
    before: ScheduleInfo,
    { matches, waits }: { matches: number; waits: boolean },
  ): Promise<ScheduleInfo> {
    const sum = ({ counts, buffered }: ScheduleInfo) =>
      counts.actions + counts.overlapSkipped + counts.bufferDropped + (waits ? buffered : 0);
    for (const end = Date.now() + actingTime;;) {
      const after = await this.describe(scheduleId);
      if (sum(after) >= sum(before) + matches || Date.now() > end) return after;
      await Bun.sleep(lookInterval);
    }
  }

  async declare(declared: NewSchedule[]): Promise<void> {
    for (const schedule of declared) checkDefinition(schedule);
    const wanted = new Set(declared.map(({ scheduleId }) => scheduleId));
    for (const scheduleId of await this.#ids()) {
      if (wanted.has(scheduleId)) continue;
      const { declaredBy } = await this.#known(scheduleId) ?? {};
      if (declaredBy !== undefined) await this.delete(scheduleId);
    }
    for (const schedule of declared) {
      const { spec, action, policies = {}, declaredBy, scheduleId } = schedule;
      const old = await this.#known(scheduleId);
      if (!old) {
        await this.create(schedule);
        continue;
      }
      const same = Buffer.compare(
        packPlain({ spec: old.spec, action: old.action, policies: old.policies ?? {} }),
        packPlain({ spec, action, policies }),
      ) === 0;
      if (same && old.declaredBy === declaredBy) continue;
      await this.#change(scheduleId, { spec, action, policies }, declaredBy);
    }
  }

  async #known(scheduleId: string): Promise<ScheduleInfo | undefined> {
    try {
      return await this.describe(scheduleId);
    } catch (error) {
      if (WippyError.from(error).kind === "NotFound") return undefined;
      throw error;
    }
  }

  async delete(scheduleId: string): Promise<void> {
    const { connection } = this.#open();
    await found(scheduleId, connection.rpc("deleteSchedule", { scheduleId }));
  }
}

function checkOverlap(field: string, overlap: OverlapPolicy | undefined): void {
  if (overlap === undefined || overlapPolicies.includes(overlap)) return;
  throw invalidField(field, `${overlapPolicies.join(" | ")} expected, got "${overlap}"`);
}

function notFound(scheduleId: string): WippyError {
  return new WippyError("NotFound", `there is no schedule ${scheduleId}`, {
    retryable: false,
    details: { schedule_id: scheduleId },
  });
}

async function found<Value>(scheduleId: string, request: Promise<Value>): Promise<Value> {
  try {
    return await request;
  } catch (error) {
    if (WippyError.from(error).kind === "NotFound") throw notFound(scheduleId);
    throw error;
  }
}
