/**
 * What a prepared drizzle statement costs beside the same statement of bun:sqlite: the insert of an
 * event, the most frequent statement of the journal, in transactions of a thousand.
 * @module
 */
import type { Database } from "bun:sqlite";
import { join } from "node:path";
import { openDatabase } from "../../src/workflows/providers/sqlite/store/open.ts";
import { Store } from "../../src/workflows/providers/sqlite/store/store.ts";
import { temporaryFolder } from "../kernel/measurement/command.ts";
import { measure, quick } from "../kernel/measurement/measurement.ts";

const rows = quick ? 50_000 : 200_000;
const data = new Uint8Array(60);

/** Microseconds a row. */
function inserting(make: (database: Database) => (run: number, id: number) => unknown): number {
  const database = openDatabase(join(temporaryFolder(), "journal.db"));
  database.run("PRAGMA synchronous = OFF");
  const insert = make(database);
  const began = performance.now();
  for (let row = 0; row < rows; row++) {
    if (row % 1_000 === 0) database.run("BEGIN");
    insert(row % 200, row);
    if (row % 1_000 === 999) database.run("COMMIT");
  }
  const time = performance.now() - began;
  database.close();
  return 1_000 * time / rows;
}

await measure({
  figure: "journal.insert_event",
  unit: "µs",
  better: "lower",
  n: rows,
  target: 0.5,
  ours: () =>
    inserting((database) => {
      const store = new Store(database);
      return (run, id) => store.insertEvent({ run, id, type: "ActivityScheduled", time: 0, data });
    }),
  peer: {
    name: "bun:sqlite",
    run: () =>
      inserting((database) => {
        const statement = database.prepare(
          "INSERT INTO events (run, id, type, time, data) VALUES (?, ?, ?, ?, ?)",
        );
        return (run, id) => statement.run(run, id, "ActivityScheduled", 0, data);
      }),
  },
});
