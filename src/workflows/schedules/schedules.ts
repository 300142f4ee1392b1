import type { RunOptions } from "../options/options.ts";
import type { Payload } from "../payload.ts";

// Schedules are Temporal's: objects of the service that start workflows. Times are milliseconds since
// the epoch, durations milliseconds.

/**
 * What a match means while a run that the schedule has started is open.
 * - `skip`: nothing is started.
 * - `buffer_one`: one start waits for the end of the run; further ones are skipped.
 * - `buffer_all`: every start waits, up to `maxBuffered`.
 * - `cancel_other`: the run is asked to cancel; the newest start waits for its end.
 * - `terminate_other`: the run is terminated.
 * - `allow_all`: runs overlap.
 */
export type OverlapPolicy =
  | "skip"
  | "buffer_one"
  | "buffer_all"
  | "cancel_other"
  | "terminate_other"
  | "allow_all";

export const overlapPolicies = [
  "skip",
  "buffer_one",
  "buffer_all",
  "cancel_other",
  "terminate_other",
  "allow_all",
] as const satisfies readonly OverlapPolicy[];

/** Starts of one schedule that wait, at most; further ones are dropped and counted. */
export const maxBuffered = 1_000;
/** Matches of one backfill, at most. */
export const maxBackfilled = 1_000;
/** A match that was missed by more than this is left out, unless the schedule says otherwise: a year. */
export const defaultCatchupWindow = 365 * 24 * 3_600_000;
/** The shortest catch-up window: a runtime that is busy must not miss matches. */
export const minCatchupWindow = 10_000;

/** When a schedule matches: whenever one of its expressions or intervals does. */
export interface ScheduleSpec {
  /** Cron expressions as `cron.ts` reads them; `@every` counts from the epoch. */
  cron?: string[];
  /** Zone of the expressions that name none; default UTC. */
  timeZone?: string;
  /** Every `every`, counted from `offset` after the epoch. */
  intervals?: { every: number; offset?: number }[];
  /** Matches before it do not count. */
  startAt?: number;
  /** Matches after it do not count. */
  endAt?: number;
  /**
   * A match is acted on up to this much later, never past the next match. How much is drawn from
   * schedule id and match, so that it is the same after a restart.
   */
  jitter?: number;
}

/** The workflow that a schedule starts. */
export interface ScheduleAction {
  entry: string;
  hostId: string;
  /** The runs' workflow ids are this, a hyphen and the time of the match in ISO 8601. */
  workflowId: string;
  /** Packed `LuaValue[]`. */
  args: Payload;
  /** Packed frame of who made the schedule. */
  frame?: Payload;
  /** Packed tables with string keys. */
  memo?: Payload;
  searchAttributes?: Payload;
  /** Without a cron schedule and without policies of the id, which are the schedule's own affair. */
  options?: RunOptions;
}

export interface SchedulePolicies {
  /** Default `skip`. */
  overlap?: OverlapPolicy;
  /** How late a match may be made up for after a stop; default `defaultCatchupWindow`. */
  catchupWindow?: number;
  /** Whether a run that fails or times out pauses the schedule. */
  pauseOnFailure?: boolean;
}

/** A schedule as its author writes it. */
export interface ScheduleDefinition {
  spec: ScheduleSpec;
  action: ScheduleAction;
  policies?: SchedulePolicies;
}

export interface NewSchedule extends ScheduleDefinition {
  scheduleId: string;
  paused?: boolean;
  note?: string;
  /** Runs that it may still start by itself; without limit when absent. */
  remainingActions?: number;
  /** Id of the registry entry that declares it. */
  declaredBy?: string;
  /** A second creation with the same request id, by a caller that has not got its answer, is the same one. */
  requestId?: string;
}

/** What is to be different; what is absent stays. */
export interface ScheduleChange extends Partial<ScheduleDefinition> {
  note?: string;
  /** `null`: without limit. */
  remainingActions?: number | null;
}

/** A run that a schedule has started. */
export interface ScheduledAction {
  /** The match, or when it was asked for. */
  scheduledTime: number;
  startTime: number;
  workflowId: string;
  runId: string;
}

export interface ScheduleCounts {
  /** Runs started. */
  actions: number;
  /** Matches that were too old when the runtime came to them. */
  missedCatchup: number;
  /** Matches that the overlap policy left out. */
  overlapSkipped: number;
  /** Starts that were dropped because too many waited. */
  bufferDropped: number;
}

/** A schedule in a list. */
export interface ScheduleSummary {
  scheduleId: string;
  hostId: string;
  entry: string;
  spec: ScheduleSpec;
  paused: boolean;
  note: string;
  /** The next match that is going to be acted on; absent when there is none. */
  nextTime?: number;
  declaredBy?: string;
}

export interface ScheduleInfo extends ScheduleSummary, ScheduleDefinition {
  hostId: string;
  policies: Required<SchedulePolicies>;
  /** Absent: without limit. */
  remainingActions?: number;
  createTime: number;
  updateTime: number;
  /** The next matches, ten at most. */
  nextTimes: number[];
  /** The last runs that it started, ten at most, the newest last. */
  recent: ScheduledAction[];
  /** Open runs, a hundred at most. */
  running: ScheduledAction[];
  /** How many are open. */
  runningCount: number;
  /** Starts that wait for the end of a run. */
  buffered: number;
  counts: ScheduleCounts;
}

/** What became of a start. */
export type StartFate = "started" | "buffered" | "skipped";

export interface TriggerResult {
  fate: StartFate;
  /** When started. */
  workflowId?: string;
  runId?: string;
  pid?: string;
}

/** Matches from `from` to `to`, both included. */
export interface BackfillRange {
  from: number;
  /** Now when absent. */
  to?: number;
  /** In place of the schedule's. */
  overlap?: OverlapPolicy;
}

/** How many of the matches had which fate. */
export type BackfillResult = Record<StartFate, number>;

export interface ScheduleQuery {
  /** At most this many, default 100. */
  limit?: number;
  /** `cursor` of the page before. */
  cursor?: string;
}

/** The schedules of one provider. Every promise is rejected with a `WippyError`. */
export interface ScheduleProvider {
  /** @throws AlreadyExists for an id that is in use; Invalid, naming the field. */
  create(schedule: NewSchedule): Promise<void>;
  /** @throws NotFound */
  describe(scheduleId: string): Promise<ScheduleInfo>;
  /** Schedules in the order of their ids. @throws Invalid for a cursor that is none. */
  list(query: ScheduleQuery): Promise<{ schedules: ScheduleSummary[]; cursor?: string }>;
  /** Matches that are due by now are acted on first. @throws NotFound; Invalid, naming the field. */
  update(scheduleId: string, change: ScheduleChange): Promise<void>;
  /** Matches while it is paused are left out. A note replaces the one before. @throws NotFound */
  pause(scheduleId: string, paused: boolean, note?: string): Promise<void>;
  /** Starts a run now, also when paused. @throws NotFound; Invalid for an overlap policy that is none. */
  trigger(scheduleId: string, overlap?: OverlapPolicy): Promise<TriggerResult>;
  /**
   * Acts on matches of the past, in order, also when paused.
   *
   * @throws NotFound; Invalid for a range that is none, lies in the future, or when there are more than
   * `maxBackfilled` matches.
   */
  backfill(scheduleId: string, ranges: BackfillRange[]): Promise<BackfillResult>;
  /**
   * Makes these the schedules that registry entries declare: what is new is created, what has changed
   * is updated, what is gone is deleted. Whether one is paused stays.
   *
   * @throws Invalid, naming the field
   */
  declare(schedules: NewSchedule[]): Promise<void>;
  /** Its runs go on. @throws NotFound */
  delete(scheduleId: string): Promise<void>;
}
