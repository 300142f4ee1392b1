import type { Database } from "bun:sqlite";
import journal from "./migrations/0000_journal.sql" with { type: "text" };
import heartbeats from "./migrations/0002_heartbeats.sql" with { type: "text" };
import updates from "./migrations/0001_updates.sql" with { type: "text" };

/**
 * Every migration that drizzle-kit made, oldest first. The list is code, not a folder that is read
 * at run time, so that the bundler puts the texts into the executable. The schema's version is the
 * number of migrations.
 */
const migrations: readonly string[] = [journal, updates, heartbeats];

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
    for (const migration of migrations.slice(version)) {
      for (const statement of migration.split("--> statement-breakpoint")) database.run(statement);
    }
    database.run(`PRAGMA user_version = ${schemaVersion}`);
  }).immediate();
}
