import type { PartFactory } from "../../../worker/parts.ts";
import { DirectQueries, type DirectStart, type DirectWay } from "../direct/part.ts";
import { isRead } from "./reads.ts";

/** What goes to the thread of a connection: it is woken anyway. */
export const sqliteWay: DirectWay = { takes: isRead, brief: Infinity };

/** The part of an SQLite database in a worker that asks it much. */
export const sqlitePart: PartFactory = ({ platform }, data) =>
  // The other side is `DirectReaders`.
  new DirectQueries(data as DirectStart, platform, sqliteWay);
