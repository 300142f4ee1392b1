import { oneLine } from "./clean.ts";
import { span } from "./measure.ts";

/** A worker that stands still, as the admin API describes it. */
interface Standing {
  worker: number;
  /** Units that were on it at its last turn. */
  units: number;
  /** Who holds it, where that is known. */
  unit?: string | undefined;
  /** Milliseconds for which it has stood still. */
  for: number;
}

/** One sentence about units that cannot be listed, for lists of units. */
export function unlistedText({ worker, units, unit, for: time }: Standing): string {
  const held = unit === undefined ? "" : ` in a call of ${oneLine(unit)}`;
  const count = units === 1 ? "its unit is" : `its ${units} units are`;
  return `worker ${worker} has stood still${held} for ${span(time)}: ${count} not listed`;
}
