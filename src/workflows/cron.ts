import { Cron } from "croner";
import { parseDuration } from "../registry/duration.ts";
import { WippyError } from "../vm/error.ts";

const zonePrefix = /^(?:CRON_)?TZ=(\S+)\s+/;
const every = /^@every\s+(\S+)$/;
/** Milliseconds between two runs, at least. */
const shortest = 1000;

/** Expressions that were read: reading one takes as long as finding its match. */
const known = new Map<string, Cron>();
const mostKnown = 1_000;

function cronOf(pattern: string, timezone: string): Cron {
  const key = `${timezone} ${pattern}`;
  let cron = known.get(key);
  if (!cron) {
    cron = new Cron(pattern, { timezone, mode: pattern.startsWith("@") ? "auto" : "5-part" });
    if (known.size >= mostKnown) known.clear();
    known.set(key, cron);
  }
  return cron;
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
    next = cronOf(pattern, timezone).nextRun(new Date(after));
  } catch (error) {
    throw invalid(expression, (error as Error).message);
  }
  if (!next) throw invalid(expression, "it never matches");
  return next.getTime();
}
