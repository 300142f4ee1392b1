import type { Database } from "bun:sqlite";
import journal from "./migrations/0000_journal.sql" with { type: "text" };
import heartbeats from "./migrations/0002_heartbeats.sql" with { type: "text" };
import schedules from "./migrations/0004_schedules.sql" with { type: "text" };
import updates from "./migrations/0001_updates.sql" with { type: "text" };
import owner from "./migrations/0005_owner.sql" with { type: "text" };
import packedEvents from "./migrations/0006_packed_events.sql" with { type: "text" };
import publications from "./migrations/0007_publications.sql" with { type: "text" };
import visibility from "./migrations/0003_visibility.sql" with { type: "text" };
import { attributeRows } from "./store/attributes.ts";

/**
 * Every migration that drizzle-kit made, oldest first. The list is code, not a folder that is read
 * at run time, so that the bundler puts the texts into the executable. The schema's version is the
 * number of migrations.
 */
const migrations: readonly string[] = [
  journal,
  updates,
  heartbeats,
  visibility,
  schedules,
  owner,
  packedEvents,
  publications,
];

/** What SQL alone cannot do, by the version that it leads to. */
const conversions: Readonly<Record<number, (database: Database) => void>> = {
  4: fillAttributes,
};

/** Search attributes were only in the rows of runs before. */
function fillAttributes(database: Database): void {
  const insert = database.prepare(
    "INSERT INTO attributes (run, key, position, text, number) VALUES (?, ?, ?, ?, ?)",
  );
  const found = database.query<{ run: number; packed: Uint8Array }, []>(
    "SELECT run, search_attributes AS packed FROM runs WHERE search_attributes IS NOT NULL",
  );
  for (const { run, packed } of found.iterate()) {
    for (const { key, position, text, number } of attributeRows(run, packed)) {
      insert.run(run, key, position, text, number);
    }
  }
}

export const schemaVersion = migrations.length;

/**
 * Brings the schema from `version` (0: an empty file) to ours, in one transaction. Forward only.
 *
 * `user_version` holds the version rather than drizzle's own table: it is read without knowing the
 * schema, so that a newer file is recognised whatever its tables are.
 */
export function migrate(database: Database, version: number): void {
  if (version === schemaVersion) return;
  database.transaction(() => {
    for (const [index, migration] of migrations.slice(version).entries()) {
      for (const statement of migration.split("--> statement-breakpoint")) database.run(statement);
      conversions[version + index + 1]?.(database);
    }
    database.run(`PRAGMA user_version = ${schemaVersion}`);
  }).immediate();
}
