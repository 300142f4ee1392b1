import { Database } from "bun:sqlite";
import { WippyError } from "../../../../vm/error.ts";
import { storageError } from "./open.ts";

/**
 * Makes this runtime the only owner of a journal, by a write lock that is held on a side file. The
 * operating system drops the lock when its process ends in whatever way, so a crash leaves none
 * behind. The journal itself stays readable for other programs.
 *
 * @returns a function that gives the journal free.
 * @throws Conflict that names the file and the owner's process id; else as `openDatabase`.
 */
export function lockJournal(path: string): () => void {
  const side = `${path}.lock`;
  let database: Database | undefined;
  try {
    database = new Database(side, { create: true, readwrite: true });
    database.run("PRAGMA journal_mode = DELETE");
    database.run("PRAGMA synchronous = OFF");
    // The owner's process id has to be committed for others to read it, and a commit ends the lock:
    // so the lock is taken twice. Whoever comes in between finds it free, takes it, and is the
    // owner; then we are not.
    database.run("BEGIN IMMEDIATE");
    database.run(`PRAGMA user_version = ${process.pid}`);
    database.run("COMMIT");
    database.run("BEGIN IMMEDIATE");
  } catch (error) {
    const owner = database && ownerOf(database);
    database?.close();
    const code = (error as { code?: unknown }).code;
    if (typeof code !== "string" || !code.startsWith("SQLITE_BUSY")) {
      throw storageError(error, path);
    }
    throw openElsewhere(path, owner);
  }
  const lock = database;
  return () => {
    lock.run("ROLLBACK");
    lock.close();
  };
}

/** @param owner id of the process that has it, where that is known */
export function openElsewhere(path: string, owner: number | undefined): WippyError {
  return new WippyError(
    "Conflict",
    `The journal ${path} is already open in another runtime` +
      (owner ? ` (process ${owner})` : "") + "; stop that one, or give this one another journal",
    { retryable: false, details: { path, ...owner ? { pid: owner } : {} } },
  );
}

function ownerOf(database: Database): number | undefined {
  try {
    const row = database.query<{ user_version: number }, []>("PRAGMA user_version").get();
    return row?.user_version || undefined;
  } catch {
    // The owner is just writing it.
    return undefined;
  }
}
