/**
 * Schedules as Lua code, entries and requests write them, read into the types of the provider's port.
 * @module
 */
import type * as zod from "zod";
import { unknownFields } from "../../registry/decode.ts";
import { parseDuration } from "../../registry/duration.ts";
import { faultOf, pathText } from "../../registry/fault.ts";
import { choice } from "../../registry/kind.ts";
import { lazy } from "../../registry/lazy.ts";
import { z } from "../../registry/schema.ts";
import { WippyError } from "../../vm/error.ts";
import { isTable, LuaFloat, type LuaValue } from "../../vm/value.ts";
import { parseStartOptions } from "../options/option-table.ts";
import { checkAction, checkNote, checkPolicies, checkRemaining } from "./check.ts";
import { checkSpec } from "./spec.ts";
import {
  type BackfillRange,
  overlapPolicies,
  type OverlapPolicy,
  type SchedulePolicies,
  type ScheduleSpec,
} from "./schedules.ts";

/** Milliseconds: a number of them, or text such as "1m30s". */
const span = lazy(() =>
  z.unknown().transform((value, context): number => {
    const read = typeof value === "string" ? parseDuration(value) : value;
    if (typeof read === "number" && read >= 0 && Number.isFinite(read)) return read;
    const fix = 'write milliseconds, or a text such as "30s" or "2h45m"';
    context.addIssue({ code: "custom", message: `a duration expected; ${fix}`, params: { fix } });
    return z.NEVER;
  })
);

const dated = /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d))?$/;

/** Milliseconds since the epoch, or a date, or a date with a time and its zone. */
const instant = lazy(() =>
  z.unknown().transform((value, context): number => {
    const text = typeof value === "string" && dated.test(value);
    const read = text ? Date.parse(value) : value;
    if (typeof read === "number" && Number.isInteger(read)) return read;
    const fix = "write 2026-11-25, 2026-11-25T10:00:00Z, or milliseconds since 1970";
    context.addIssue({ code: "custom", message: `a time expected; ${fix}`, params: { fix } });
    return z.NEVER;
  })
);

/** A list; an empty table of Lua is one. */
function listOf<Item extends zod.ZodType>(item: Item) {
  const empty = (value: unknown) =>
    typeof value === "object" && value !== null && Object.keys(value).length === 0;
  return z.preprocess((value) => empty(value) ? [] : value, z.array(item));
}

const overlap = lazy(() => choice(overlapPolicies, "overlap policy"));

/** The fields of a schedule but for its id. */
export const scheduleFields = lazy(() => ({
  /** When it matches. */
  spec: z.object({
    cron: listOf(z.string()).optional(),
    time_zone: z.string().optional(),
    intervals: listOf(z.object({ every: span(), offset: span().optional() })).optional(),
    start_at: instant().optional(),
    end_at: instant().optional(),
    jitter: span().optional(),
  }).transform(specOf),
  /** What it starts. */
  action: z.object({
    /** Id of a `workflow.lua`. */
    workflow: z.string().min(1),
    /** Id of a `workflow.host`; the workflow's own, else the only one, when absent. */
    host: z.string().min(1).optional(),
    /** What the workflow ids begin with; the schedule's id when absent. */
    workflow_id: z.string().min(1).optional(),
    args: listOf(z.unknown()).default([]),
    /** Start options with their names of Lua. */
    options: z.looseObject({}).default({}),
  }),
  policies: z.object({
    overlap: overlap().optional(),
    catchup_window: span().optional(),
    pause_on_failure: z.boolean().optional(),
  }).transform(policiesOf).optional(),
  paused: z.boolean().optional(),
  note: z.string().optional(),
  /** Runs that it may start by itself. */
  remaining_actions: z.number().optional(),
}));

type Fields = ReturnType<typeof scheduleFields>;
export type ActionTable = zod.output<Fields["action"]>;

/** The object without its undefined fields. */
function defined<Made extends object>(
  fields: { [Key in keyof Made]: Made[Key] | undefined },
): Made {
  return Object.fromEntries(
    Object.entries(fields).filter(([, value]) => value !== undefined),
  ) as Made;
}

function specOf(read: {
  cron?: string[] | undefined;
  time_zone?: string | undefined;
  intervals?: { every: number; offset?: number | undefined }[] | undefined;
  start_at?: number | undefined;
  end_at?: number | undefined;
  jitter?: number | undefined;
}): ScheduleSpec {
  return defined<ScheduleSpec>({
    cron: read.cron,
    timeZone: read.time_zone,
    intervals: read.intervals?.map(({ every, offset }) => ({
      every,
      ...offset !== undefined && { offset },
    })),
    startAt: read.start_at,
    endAt: read.end_at,
    jitter: read.jitter,
  });
}

function policiesOf(read: {
  overlap?: OverlapPolicy | undefined;
  catchup_window?: number | undefined;
  pause_on_failure?: boolean | undefined;
}): SchedulePolicies {
  return defined<SchedulePolicies>({
    overlap: read.overlap,
    catchupWindow: read.catchup_window,
    pauseOnFailure: read.pause_on_failure,
  });
}

/** What of a schedule is given; the fields of `scheduleFields`, read. */
export interface ScheduleTable {
  id?: string | undefined;
  spec?: ScheduleSpec | undefined;
  action?: ActionTable | undefined;
  policies?: SchedulePolicies | undefined;
  paused?: boolean | undefined;
  note?: string | undefined;
  /** `null`: without limit. */
  remaining_actions?: number | null | undefined;
}

/** Refuses what the schema cannot tell. @throws WippyError Invalid, naming the field */
export function checkTable(table: ScheduleTable): void {
  const { spec, action, policies, note, remaining_actions: remaining } = table;
  if (spec) checkSpec(spec);
  if (policies) checkPolicies(policies);
  if (note !== undefined) checkNote(note);
  if (typeof remaining === "number") checkRemaining(remaining);
  if (!action) return;
  const { workflowId, options } = parseStartOptions(action.options as LuaValue);
  if (workflowId !== undefined) {
    throw new WippyError(
      "Invalid",
      "action.options: workflow.id: the workflow ids of a schedule's runs begin with action.workflow_id",
      { retryable: false },
    );
  }
  checkAction({ workflowId: action.workflow_id ?? "-", options });
}

const newSchedule = lazy(() => z.object({ id: z.string(), ...scheduleFields() }));
const change = lazy(() => {
  const { paused: _, ...fields } = scheduleFields();
  // Lua code has no null that it could give.
  const remaining = z.union([z.number(), z.null(), z.literal(false)])
    .transform((value) => value === false ? null : value);
  return z.object({ ...fields, remaining_actions: remaining }).partial();
});
const ranges = lazy(() =>
  z.object({
    ranges: listOf(
      z.object({ from: instant(), to: instant().optional(), overlap: overlap().optional() }),
    ),
  })
);

/** Numbers of Lua as numbers, tables as objects; what Lua code gets to see stays as it is. */
function plainFields(value: LuaValue, depth = 0): unknown {
  if (value instanceof LuaFloat) return value.value;
  if (typeof value === "bigint") return Number(value);
  if (Array.isArray(value)) return value.map((item) => plainFields(item, depth + 1));
  const pairs = value instanceof Map
    ? [...value].map(([key, item]): [string, LuaValue] => [String(key), item])
    : isTable(value)
    ? Object.entries(value)
    : undefined;
  if (!pairs) return value;
  return Object.fromEntries(pairs.map(([key, item]) => {
    const opaque = depth === 1 && (key === "args" || key === "options");
    return [key, opaque ? listed(item) : plainFields(item, depth + 1)];
  }));
}

/** A table whose keys are numbers is a list with holes. */
function listed(value: LuaValue): LuaValue {
  if (!(value instanceof Map)) return value;
  const keys = [...value.keys()];
  if (!keys.every((key) => typeof key === "number" && key >= 1 && key <= 1_000)) {
    return Object.fromEntries([...value].map(([key, item]) => [String(key), item]));
  }
  const last = Math.max(0, ...keys as number[]);
  return Array.from({ length: last }, (_, index) => value.get(index + 1));
}

/** Reads with a schema. @throws WippyError Invalid, naming the field */
function read<Schema extends zod.ZodObject>(schema: Schema, value: unknown): zod.output<Schema> {
  const invalid = (message: string) => new WippyError("Invalid", message, { retryable: false });
  const result = schema.safeParse(value);
  if (!result.success) {
    const issue = result.error.issues[0]!;
    const { path, message } = faultOf(issue, value);
    const field = pathText(path);
    throw invalid(field === "" || message.startsWith(field) ? message : `${field}: ${message}`);
  }
  const [unknown] = unknownFields(schema, value);
  if (unknown) {
    throw invalid(
      `${pathText(unknown.path)}: there is no such field; there are ${unknown.known.join(", ")}`,
    );
  }
  return result.data;
}

/** A new schedule. @throws WippyError Invalid, naming the field */
export function parseSchedule(value: LuaValue): zod.output<ReturnType<typeof newSchedule>> {
  const table = read(newSchedule(), plainFields(value));
  checkTable(table);
  return table;
}

/** What of a schedule is to be different. @throws WippyError Invalid, naming the field */
export function parseChange(value: LuaValue): ScheduleTable {
  const table = read(change(), plainFields(value));
  checkTable(table);
  return table;
}

/** Ranges of a backfill. @throws WippyError Invalid, naming the field */
export function parseRanges(value: LuaValue): BackfillRange[] {
  return read(ranges(), { ranges: plainFields(value) }).ranges
    .map(({ from, to, overlap }) => ({
      from,
      ...to !== undefined && { to },
      ...overlap !== undefined && { overlap },
    }));
}

/** An overlap policy. @throws WippyError Invalid */
export function parseOverlap(value: LuaValue): OverlapPolicy | undefined {
  if (value === undefined || value === null) return undefined;
  return read(z.object({ overlap: overlap() }), { overlap: value }).overlap;
}
