import { BoundedMap } from "../../../platform/bounded-map.ts";
import type { PartFactory } from "../../../worker/parts.ts";
import { DirectQueries, type DirectStart } from "../direct/part.ts";
import { isPlainRead } from "./reads.ts";

/** Texts that are remembered. */
const remembered = 500;

/** Milliseconds of work above which the connections of the pool are asked, which run side by side. */
const brief = 5;

/** Which texts go this way: plain reads that come again, since each is prepared there. */
export function readsAgain(): (sql: string) => boolean {
  const known = new BoundedMap<string, boolean>(remembered);
  return (sql) => {
    const present = known.get(sql);
    if (present !== undefined) return present;
    known.set(sql, isPlainRead(sql));
    return false;
  };
}

/** The part of a PostgreSQL database in a worker that asks it much. */
export const postgresPart: PartFactory = ({ platform }, data) =>
  // The other side is `DirectReaders`.
  new DirectQueries(data as DirectStart, platform, { takes: readsAgain(), brief });
