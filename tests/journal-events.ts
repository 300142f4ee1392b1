/** The events of a journal file, read and changed without a provider. */
import type { Database } from "bun:sqlite";
import type { StoredEvent } from "../src/workflows/history/history.ts";
import { type EventRow, eventsOf } from "../src/workflows/providers/sqlite/store/event-rows.ts";

export interface EventOfRun extends StoredEvent {
  run: number;
}

/** Returns all events, in the order in which their rows were written. */
export function eventsIn(database: Database): EventOfRun[] {
  return database.query<EventRow, []>(
    "SELECT run, id, type, time, data FROM events ORDER BY position",
  ).all().flatMap((row) => eventsOf(row).map((event) => ({ run: row.run, ...event })));
}

/** Gives each event a row of its own, as before schema 7, so that SQL can change one. */
export function separateRows(database: Database): void {
  const events = eventsIn(database);
  const insert = database.prepare(
    "INSERT INTO events (run, id, type, time, data) VALUES (?, ?, ?, ?, ?)",
  );
  database.transaction(() => {
    database.run("DELETE FROM events");
    for (const { run, id, type, time, data } of events) insert.run(run, id, type, time, data);
  })();
}
