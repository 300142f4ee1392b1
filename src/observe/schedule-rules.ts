import { span } from "./measure.ts";

/** What the spec of a schedule says, as the API shows it, on one line. */
export function rulesOf(spec: Record<string, unknown>): string {
  const { cron = [], intervals = [], time_zone: zone } = spec as {
    cron?: string[];
    intervals?: { every: number; offset?: number }[];
    time_zone?: string;
  };
  const every = intervals.map(({ every, offset }) =>
    `every ${span(every)}${offset ? ` at ${span(offset)}` : ""}`
  );
  return [...cron, ...every].join("; ") + (zone === undefined ? "" : ` (${zone})`);
}
