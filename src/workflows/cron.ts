import type { Cron } from "croner";
import { parseDuration } from "../registry/duration.ts";
import { lazy } from "../registry/lazy.ts";
import { WippyError } from "../vm/error.ts";

/** Loaded when the first expression is read. */
const croner = lazy(() =>
  require(
    Bun.fileURLToPath(new URL("./croner.ts", import.meta.url)),
  ) as typeof import("./croner.ts")
);

const zonePrefix = /^(?:CRON_)?TZ=(\S+)\s+/;
const every = /^@every\s+(\S+)$/;
/** Milliseconds between two runs, at least. */
const shortest = 1000;

/** An expression that was read, and the match that was last looked for: many schedules ask for the same. */
interface Known {
  cron: Cron;
  after: number;
  next: Date | null;
}

/** Reading an expression takes as long as finding its match. */
const known = new Map<string, Known>();
const mostKnown = 1_000;

function nextRun(pattern: string, timezone: string, after: number): Date | null {
  const key = `${timezone} ${pattern}`;
  let found = known.get(key);
  if (!found) {
    const mode = pattern.startsWith("@") ? "auto" : "5-part";
    found = { cron: new (croner().Cron)(pattern, { timezone, mode }), after: NaN, next: null };
    if (known.size >= mostKnown) known.clear();
    known.set(key, found);
  }
  if (found.after !== after) {
    found.next = found.cron.nextRun(new Date(after));
    found.after = after;
  }
  return found.next;
}

function invalid(expression: string, why: string): WippyError {
  return new WippyError(
    "Invalid",
    `"${expression}" is no cron schedule: ${why}; write five fields such as "30 6 * * 1-5", "@daily" or ` +
      '"@every 1h", with "CRON_TZ=Europe/Oslo " before it for another zone than UTC',
    { retryable: false },
  );
}

/**
 * When a cron schedule matches next: five fields (minute, hour, day of month, month, day of week), a nickname such as
 * `@daily`, or `@every DURATION`, in UTC unless `CRON_TZ=ZONE ` comes first. Day of month and day of week are
 * alternatives, as in cron.
 *
 * @param after milliseconds since the epoch
 * @returns milliseconds since the epoch, later than `after`
 * @throws WippyError Invalid for an expression that is none, or that never matches
 */
export function nextCron(expression: string, after: number): number {
  const timezone = zonePrefix.exec(expression)?.[1] ?? "UTC";
  const pattern = expression.replace(zonePrefix, "").trim();
  const interval = every.exec(pattern)?.[1];
  if (interval !== undefined) {
    const length = parseDuration(interval);
    if (length === undefined || length < shortest) {
      throw invalid(expression, `${interval} is no duration of at least a second`);
    }
    return after + length;
  }
  let next: Date | null;
  try {
    next = nextRun(pattern, timezone, after);
  } catch (error) {
    throw invalid(expression, (error as Error).message);
  }
  if (!next) throw invalid(expression, "it never matches");
  return next.getTime();
}
