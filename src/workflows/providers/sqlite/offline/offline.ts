/**
 * What is done to a journal file while no runtime runs: copies, new schemas, less space.
 * @module
 */
import { Database } from "bun:sqlite";
import { closeSync, existsSync, openSync, renameSync, rmSync, statSync } from "node:fs";
import { WippyError } from "../../../../vm/error.ts";
import type { StorageTools } from "../../../provider.ts";
import { checkJournal } from "./check.ts";
import { Ownership } from "../store/ownership.ts";
import { schemaVersion } from "../migrations.ts";
import { checkHeader, openDatabase, openForReading, storageError } from "../store/open.ts";

function mustExist(path: string): void {
  if (existsSync(path)) return;
  throw new WippyError("NotFound", `there is no journal at ${path}`, { retryable: false });
}

/** Does work with a database and closes it. @throws WippyError in words about the journal */
function using<Result>(path: string, open: () => Database, work: (db: Database) => Result): Result {
  let database: Database | undefined;
  try {
    database = open();
    return work(database);
  } catch (error) {
    throw error instanceof WippyError ? error : storageError(error, path);
  } finally {
    database?.close();
  }
}

/** Returns the schema of a journal that any program wrote. @throws WippyError NotFound, Invalid (another file) */
function schemaOfJournal(path: string): number {
  mustExist(path);
  return using(path, () => openForReading(path), (database) => {
    try {
      return checkHeader(database, path);
    } catch (error) {
      const schema = error instanceof WippyError ? error.details?.["schema"] : undefined;
      if (typeof schema === "number") return schema;
      throw error;
    }
  });
}

/**
 * Writes a copy of a journal as it is at one moment, also while a runtime writes to it. The copy appears whole or not
 * at all.
 *
 * @throws WippyError NotFound, AlreadyExists, PermissionDenied, Unavailable (disk full)
 */
export function backUpJournal(path: string, target: string): { bytes: number } {
  mustExist(path);
  if (existsSync(target)) {
    throw new WippyError("AlreadyExists", `${target} exists; name another file`, {
      retryable: false,
    });
  }
  const draft = `${target}.part`;
  rmSync(draft, { force: true });
  try {
    // It holds what the journal holds.
    closeSync(openSync(draft, "wx", 0o600));
    using(path, () => openForReading(path), (database) => {
      checkHeader(database, path);
      database.query("VACUUM INTO ?").run(draft);
    });
    renameSync(draft, target);
  } catch (error) {
    rmSync(draft, { force: true });
    throw error;
  }
  return { bytes: statSync(target).size };
}

/**
 * Frees the space of what was removed.
 *
 * @throws WippyError NotFound; Conflict while a runtime has the journal; Unavailable without room for a second copy
 */
export function compactJournal(path: string): { before: number; after: number } {
  mustExist(path);
  const before = statSync(path).size;
  const ownership = Ownership.take(path);
  try {
    using(path, () => openDatabase(path), (database) => {
      database.run("VACUUM");
      database.run("PRAGMA wal_checkpoint(TRUNCATE)");
    });
  } finally {
    ownership.release();
  }
  return { before, after: statSync(path).size };
}

/**
 * Brings a journal's schema up to date, as the next start would.
 *
 * @throws WippyError NotFound; Conflict while a runtime has the journal; Invalid for a newer or a damaged one
 */
export function migrateJournal(path: string): { from: number; to: number } {
  mustExist(path);
  const ownership = Ownership.take(path);
  try {
    const from = using(
      path,
      // Writable: what an earlier try left in the middle of a write is completed.
      () => new Database(path, { readwrite: true, create: false }),
      (database) => checkHeader(database, path),
    );
    using(path, () => openDatabase(path), () => {});
    return { from, to: schemaVersion };
  } finally {
    ownership.release();
  }
}

/** What can be done to a journal file. */
export const journalTools: StorageTools = {
  schema: schemaVersion,
  schemaOf: schemaOfJournal,
  check: checkJournal,
  backUp: backUpJournal,
  compact: compactJournal,
  migrate: migrateJournal,
};
