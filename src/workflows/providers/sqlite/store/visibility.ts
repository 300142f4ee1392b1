import {
  and,
  desc,
  eq,
  exists,
  getTableColumns,
  gte,
  isNotNull,
  lt,
  or,
  type SQL,
} from "drizzle-orm";
import type { BunSQLiteDatabase } from "drizzle-orm/bun-sqlite";
import { WippyError } from "../../../../vm/error.ts";
import type { RunQuery } from "../../../provider.ts";
import { attributeValue } from "./attributes.ts";
import { attributes, runs } from "./schema.ts";

/** Where a page ends: the last run's number, and its time where runs are in the order of a time. */
export interface RunPosition {
  run: number;
  time?: number;
}

/** The order of a query's runs: by number, or by the time that it has a range of. */
type Order = "run" | "startTime" | "closeTime";

/** In what order the runs of a query come. A range of times goes through the index of that time. */
export function orderOf(query: RunQuery): Order {
  if (query.startedFrom !== undefined || query.startedBefore !== undefined) return "startTime";
  if (query.closedFrom !== undefined || query.closedBefore !== undefined) return "closeTime";
  return "run";
}

/** Reads what `writePosition` made. @throws WippyError Invalid when it is none */
export function readPosition(cursor: string, query: RunQuery): RunPosition {
  const timed = orderOf(query) !== "run";
  const parts = (timed ? /^(\d+)\.(\d+)$/ : /^()(\d+)$/).exec(cursor);
  if (!parts) {
    throw new WippyError(
      "Invalid",
      `"${cursor}" is no cursor of this list; give back the one of the page before`,
      { retryable: false },
    );
  }
  return { run: Number(parts[2]), ...(timed && { time: Number(parts[1]) }) };
}

/** Where a page ends, as text. */
export function writePosition(
  query: RunQuery,
  row: Pick<typeof runs.$inferSelect, "run" | "startTime" | "closeTime">,
): string {
  const order = orderOf(query);
  return order === "run" ? String(row.run) : `${row[order] ?? 0}.${row.run}`;
}

/** The least text that is greater than every text with this beginning. */
function afterPrefix(prefix: string): string {
  return `${prefix}\u{10ffff}`;
}

/** The statement of a page of runs. Each filter has its index: no page needs a look at all runs. */
export function selectRuns(
  db: BunSQLiteDatabase,
  query: RunQuery,
  after: RunPosition | undefined,
  limit: number,
) {
  const order = orderOf(query);
  const wanted = Object.entries(query.attributes ?? {});
  const has = (key: string, value: string | number | boolean): SQL | undefined => {
    const { text, number } = attributeValue(value);
    return and(
      eq(attributes.key, key),
      number === null ? eq(attributes.text, text ?? "") : eq(attributes.number, number),
    );
  };
  const { status, workflowId, workflowIdPrefix: prefix, entry } = query;
  const when = <Value>(value: Value | undefined, make: (value: Value) => SQL | undefined) =>
    value === undefined ? undefined : make(value);
  const column = order === "run" ? undefined : runs[order];
  const conditions = [
    when(status, (value) => eq(runs.status, value)),
    when(workflowId, (value) => eq(runs.workflowId, value)),
    when(
      prefix,
      (value) => and(gte(runs.workflowId, value), lt(runs.workflowId, afterPrefix(value))),
    ),
    when(entry, (value) => eq(runs.entry, value)),
    when(query.startedFrom, (value) => gte(runs.startTime, value)),
    when(query.startedBefore, (value) => lt(runs.startTime, value)),
    order === "closeTime" ? isNotNull(runs.closeTime) : undefined,
    when(query.closedFrom, (value) => gte(runs.closeTime, value)),
    when(query.closedBefore, (value) => lt(runs.closeTime, value)),
    when(
      after,
      ({ run, time }) =>
        column && time !== undefined
          ? or(lt(column, time), and(eq(column, time), lt(runs.run, run)))
          : lt(runs.run, run),
    ),
    // The first attribute finds the runs, the others are looked up in them.
    ...wanted.slice(1).map(([key, value]) =>
      exists(
        db.select({ run: attributes.run }).from(attributes)
          .where(and(eq(attributes.run, runs.run), has(key, value))),
      )
    ),
  ];
  const [first] = wanted;
  const selected = db.select(getTableColumns(runs)).from(runs);
  const joined = first === undefined
    ? selected.$dynamic()
    : selected.innerJoin(attributes, and(eq(attributes.run, runs.run), has(...first))).$dynamic();
  return joined.where(and(...conditions))
    .orderBy(...column ? [desc(column), desc(runs.run)] : [desc(runs.run)])
    .limit(limit);
}
