/**
 * Rows of the table `events`. The events that one transaction appends to a run are one row, of the type `packed`: its
 * id and time are those of the first of them, and its data holds the rest. One event alone is a row of its own type, as
 * are all in journals before schema 7. Both forms stay readable.
 * @module
 */
import { packHeads, readHeads } from "../../../history/heads.ts";
import { eventTypeOf, numberOfType, type StoredEvent } from "../../../history/history.ts";
import type { events } from "./schema.ts";

export type EventRow = Omit<typeof events.$inferSelect, "position">;

/** The type of a row that holds several events. */
export const packed = "packed";

/** Bytes of data, and events, at which a row is full: reading one event reads the whole row. */
const mostBytes = 64 * 1024;
const mostEvents = 256;

/** Returns the rows for events of a run whose ids are dense. */
export function rowsOf(run: number, events: readonly StoredEvent[]): EventRow[] {
  const rows: EventRow[] = [];
  for (let from = 0; from < events.length;) {
    let to = from;
    let bytes = 0;
    while (to < events.length && to - from < mostEvents && bytes < mostBytes) {
      bytes += events[to++]!.data.length;
    }
    rows.push(rowOf(run, events.slice(from, to), bytes));
    from = to;
  }
  return rows;
}

function rowOf(run: number, events: readonly StoredEvent[], bytes: number): EventRow {
  const { id, time, type, data } = events[0]!;
  if (events.length === 1) return { run, id, type, time, data };
  return { run, id, type: packed, time, data: packRow(time, events, bytes) };
}

/**
 * Packs events into the data of one row, with three numbers per event: its type, its time relative to that of the row,
 * the length of its data. `bytes`: of their data together.
 */
function packRow(time: number, events: readonly StoredEvent[], bytes: number): Uint8Array {
  const heads: number[] = [];
  for (const event of events) {
    heads.push(numberOfType(event.type), event.time - time, event.data.length);
  }
  return packHeads(heads, events, bytes);
}

/** Returns the events of a row. @throws RangeError for a damaged row */
export function eventsOf(row: Pick<EventRow, "id" | "type" | "time" | "data">): StoredEvent[] {
  if (row.type !== packed) return [{ id: row.id, time: row.time, type: row.type, data: row.data }];
  const read = readHeads(row.data);
  if (!read) throw new RangeError("no packed events");
  const { heads } = read;
  let { from } = read;
  const events: StoredEvent[] = [];
  for (let at = 0; at < heads.length; at += 3) {
    const to = from + heads[at + 2]!;
    const type = eventTypeOf(heads[at]!);
    if (type === undefined || to > row.data.length) throw new RangeError("no packed events");
    events.push({
      id: row.id + events.length,
      time: row.time + heads[at + 1]!,
      type,
      data: row.data.subarray(from, to),
    });
    from = to;
  }
  if (from !== row.data.length) throw new RangeError("no packed events");
  return events;
}
