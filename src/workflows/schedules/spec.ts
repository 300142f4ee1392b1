import { parseDuration } from "../../registry/duration.ts";
import { WippyError } from "../../vm/error.ts";
import { nextCron } from "../cron.ts";
import type { ScheduleSpec } from "./schedules.ts";

/** Milliseconds between two matches of an interval, at least. */
const shortestInterval = 1_000;
/** Expressions and intervals of one schedule, at most. */
const mostRules = 100;
/** The last time that a date can hold. */
const lastTime = 8.64e15;

const every = /^@every\s+([^\s/]+)(?:\/(\S+))?$/;
const ownZone = /^(?:CRON_)?TZ=/;

/** A spec as it is computed with: `@every` among the intervals, expressions with their zones. */
interface Rules {
  cron: string[];
  intervals: { every: number; offset: number }[];
}

/** What is wrong with a field of a schedule. */
export function invalidField(field: string, why: string): WippyError {
  return new WippyError("Invalid", `${field}: ${why}`, { retryable: false });
}

function rulesOf(spec: ScheduleSpec): Rules {
  const rules: Rules = { cron: [], intervals: [] };
  for (const { every: length, offset = 0 } of spec.intervals ?? []) {
    rules.intervals.push({ every: length, offset });
  }
  for (const expression of spec.cron ?? []) {
    const interval = every.exec(expression.trim());
    if (interval) {
      const offset = interval[2] === undefined ? 0 : parseDuration(interval[2]);
      rules.intervals.push({
        every: parseDuration(interval[1]!) ?? NaN,
        offset: offset ?? NaN,
      });
    } else {
      rules.cron.push(
        spec.timeZone === undefined || ownZone.test(expression)
          ? expression
          : `CRON_TZ=${spec.timeZone} ${expression}`,
      );
    }
  }
  return rules;
}

/** Refuses a spec that cannot be. @throws WippyError Invalid, naming the field */
export function checkSpec(spec: ScheduleSpec): void {
  const { cron = [], intervals = [], timeZone, startAt, endAt, jitter } = spec;
  if (cron.length + intervals.length === 0) {
    throw invalidField("spec", "it never matches; give it a cron expression or an interval");
  }
  if (cron.length + intervals.length > mostRules) {
    throw invalidField(
      "spec",
      `${cron.length + intervals.length} expressions and intervals; at most ${mostRules}`,
    );
  }
  if (timeZone !== undefined) {
    try {
      new Intl.DateTimeFormat("en", { timeZone });
    } catch {
      throw invalidField(
        "spec.time_zone",
        `"${timeZone}" is no time zone; write one such as Europe/Oslo`,
      );
    }
  }
  for (const [index, interval] of intervals.entries()) {
    checkInterval(`spec.intervals[${index}]`, interval.every, interval.offset ?? 0);
  }
  for (const [index, expression] of cron.entries()) {
    const field = `spec.cron[${index}]`;
    const { cron: [zoned], intervals: [interval] } = rulesOf({
      ...spec,
      cron: [expression],
      intervals: [],
    });
    if (interval) checkInterval(field, interval.every, interval.offset);
    if (zoned === undefined) continue;
    try {
      nextCron(zoned, 0);
    } catch (error) {
      throw invalidField(field, WippyError.from(error).message);
    }
  }
  checkTime("spec.start_at", startAt);
  checkTime("spec.end_at", endAt);
  if (startAt !== undefined && endAt !== undefined && endAt < startAt) {
    throw invalidField("spec.end_at", "it lies before spec.start_at");
  }
  if (jitter !== undefined && !(jitter >= 0 && Number.isFinite(jitter))) {
    throw invalidField("spec.jitter", "a duration expected");
  }
}

function checkInterval(field: string, length: number, offset: number): void {
  if (!(length >= shortestInterval) || !Number.isInteger(length)) {
    throw invalidField(
      field,
      "every: a duration of at least a second, in whole milliseconds, expected",
    );
  }
  if (!(offset >= 0 && offset < length) || !Number.isInteger(offset)) {
    throw invalidField(
      field,
      "offset: a duration shorter than every, in whole milliseconds, expected",
    );
  }
}

function checkTime(field: string, time: number | undefined): void {
  if (time === undefined || (Number.isInteger(time) && Math.abs(time) <= lastTime)) return;
  throw invalidField(
    field,
    "milliseconds since 1970 or a time such as 2026-11-25T10:00:00Z expected",
  );
}

/** The first match later than `after`; undefined when there is none. The spec has been checked. */
export function nextMatch(spec: ScheduleSpec, after: number): number | undefined {
  const { startAt = -Infinity, endAt = Infinity } = spec;
  const from = Math.max(after, startAt - 1);
  if (from >= endAt) return undefined;
  const { cron, intervals } = rulesOf(spec);
  let first = Infinity;
  for (const { every: length, offset } of intervals) {
    first = Math.min(first, (Math.floor((from - offset) / length) + 1) * length + offset);
  }
  for (const expression of cron) {
    try {
      first = Math.min(first, nextCron(expression, from));
    } catch {
      // It matches no more, such as a 29th of February beyond what croner looks at.
    }
  }
  return first <= Math.min(endAt, lastTime) ? first : undefined;
}

/** Matches from `from` to `to`, both included; `limit` at most. */
export function matchesBetween(
  spec: ScheduleSpec,
  from: number,
  to: number,
  limit: number,
): number[] {
  const found: number[] = [];
  let time = nextMatch(spec, from - 1);
  while (time !== undefined && time <= to && found.length < limit) {
    found.push(time);
    time = nextMatch(spec, time);
  }
  return found;
}

/** When a match is acted on: later by its jitter, but not past the match that follows. */
export function jittered(scheduleId: string, spec: ScheduleSpec, match: number): number {
  if (!spec.jitter) return match;
  const following = nextMatch(spec, match) ?? Infinity;
  const most = Math.min(spec.jitter, following - match);
  const drawn = Bun.hash.xxHash32(`${scheduleId} ${match}`) / 2 ** 32;
  return match + Math.floor(drawn * most);
}
