import { Database } from "bun:sqlite";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { WippyError } from "../../../../vm/error.ts";
import type { PayloadKeys } from "../../../cipher.ts";
import { migrate, schemaVersion } from "../migrations.ts";
import { checkKeys, SealedDatabase } from "./sealed.ts";

/** "wipj" in the header tells a journal from other SQLite files. */
const applicationId = 0x7769706a;

/**
 * Pages of the write-ahead log at which it is copied into the file. Fewer, larger checkpoints than SQLite's usual ones
 * of 1,000: each costs an fsync of the database file itself.
 */
export const checkpointPages = 4_000;

/**
 * Kilobytes of pages that the journal keeps in memory, as far as it needs them. Runs have random ids, so that what many
 * of them do in one second lies all over the indexes of a large journal.
 */
const cacheSize = 32 * 1024;

/**
 * Opens or makes the journal file and brings its schema up to date.
 *
 * @param maxBytes size above which the journal refuses to grow (as on a full disk); without limit
 * when absent.
 * @param keys encrypt its blobs; without them, blobs that are encrypted cannot be read.
 * @param synchronous of SQLite: `FULL` has commits wait for the disk.
 * @param sound whether the file is known to be whole.
 * @throws WippyError as `WorkflowProvider.open`; the file is left as it was.
 */
export function openDatabase(
  path: string,
  maxBytes?: number,
  keys?: PayloadKeys,
  synchronous: "FULL" | "OFF" = "FULL",
  sound = false,
): Database {
  let database: Database | undefined;
  try {
    database = connect(path, { create: true, readwrite: true }, keys);
    const version = checkHeader(database, path);
    database.run(`PRAGMA synchronous = ${synchronous}`);
    if (version === 0) database.run(`PRAGMA application_id = ${applicationId}`);
    database.run("PRAGMA journal_mode = WAL");
    database.run(`PRAGMA wal_autocheckpoint = ${checkpointPages}`);
    database.run(`PRAGMA cache_size = -${cacheSize}`);
    if (maxBytes !== undefined) limitSize(database, maxBytes);
    migrate(database, version);
    // So that the file says what it is, also without its log.
    if (version !== schemaVersion) database.run("PRAGMA wal_checkpoint(TRUNCATE)");
    if (keys) checkKeys(database, path);
    if (!sound) checkTables(database, path);
    return database;
  } catch (error) {
    database?.close();
    throw error instanceof WippyError ? error : storageError(error, path);
  }
}

/** An empty journal, to begin others with. */
let empty: Uint8Array | undefined;

/**
 * The same, for a journal that does not outlive the machine: nothing waits for the disk, and a new one is a copy of
 * an empty one, which takes a tenth of the time that its tables take to make.
 */
export function openTemporary(path: string, maxBytes?: number, keys?: PayloadKeys): Database {
  const isNew = statSync(path).size === 0;
  const copied = isNew && empty !== undefined;
  if (copied) writeFileSync(path, empty!);
  const database = openDatabase(path, maxBytes, keys, "OFF", copied);
  if (isNew) empty ??= readFileSync(path);
  return database;
}

/**
 * Opens a journal that a runtime may write to, for reading. While that one opens or closes it, SQLite locks it for a
 * moment: that is waited for.
 */
export function openForReading(path: string, keys?: PayloadKeys): Database {
  const database = connect(path, { readonly: true }, keys);
  database.run("PRAGMA busy_timeout = 5000");
  return database;
}

function connect(
  path: string,
  options: ConstructorParameters<typeof Database>[1],
  keys: PayloadKeys | undefined,
): Database {
  return keys ? new SealedDatabase(path, options, keys) : new Database(path, options);
}

/** Checks whose file it is. Returns the version of its schema, 0 for a new file. @throws WippyError Invalid */
export function checkHeader(database: Database, path: string): number {
  const version = pragma(database, "user_version");
  const id = pragma(database, "application_id");
  const tables = database.query<{ n: number }, []>("SELECT count(*) AS n FROM sqlite_schema").get();
  if (tables?.n === 0) return 0;
  if (id !== applicationId) {
    throw new WippyError(
      "Invalid",
      `${path} is an SQLite file but not a workflow journal; give the journal another path`,
      {
        retryable: false,
        details: { path },
      },
    );
  }
  if (version > schemaVersion) {
    throw new WippyError(
      "Invalid",
      `The journal ${path} was written by a newer wippy (schema ${version}, this program knows ` +
        `${schemaVersion}); ` +
        "run that newer program, or give this one another journal",
      { retryable: false, details: { path, schema: version, known: schemaVersion } },
    );
  }
  return version;
}

/** A table that cannot be read is better found now than by the first run that needs it. */
function checkTables(database: Database, path: string): void {
  for (
    const table of [
      "runs",
      "events",
      "timers",
      "activities",
      "updates",
      "attributes",
      "outbox",
      "publications",
      "schedules",
      "schedule_actions",
      "schedule_buffer",
      "owner",
    ]
  ) {
    database.query(`SELECT * FROM ${table} LIMIT 1`).get();
  }
  const pages = pragma(database, "page_count") * pragma(database, "page_size");
  if (pages > fullCheckLimit) return;
  const answer = database.query<{ quick_check: string }, []>("PRAGMA quick_check(1)").get();
  if (answer?.quick_check !== "ok") {
    throw damaged(path, answer?.quick_check ?? "no answer");
  }
}

/**
 * Up to this size every page is checked at open (about 0.2 s); beyond it damage is found when a
 * page is read.
 */
const fullCheckLimit = 64 * 1024 * 1024;

function limitSize(database: Database, maxBytes: number): void {
  const pages = Math.max(1, Math.floor(maxBytes / pragma(database, "page_size")));
  database.run(`PRAGMA max_page_count = ${pages}`);
}

function pragma(database: Database, name: string): number {
  const row = database.query<Record<string, number>, []>(`PRAGMA ${name}`).get();
  return row?.[name] ?? 0;
}

/** Puts an error of SQLite into words. Whatever it is, nothing was committed. */
export function storageError(error: unknown, path: string): WippyError {
  const code = errorCode(error);
  const text = error instanceof Error ? error.message : String(error);
  const details = { path, code };
  // Where the disk is full, the index of the log is the first that cannot grow.
  if (code.startsWith("SQLITE_FULL") || code === "SQLITE_IOERR_SHMSIZE") {
    return new WippyError(
      "Unavailable",
      `The journal ${path} cannot grow: the disk is full or its size limit is reached; ` +
        "free some space",
      { retryable: true, details },
    );
  }
  if (code.startsWith("SQLITE_CORRUPT") || code.startsWith("SQLITE_NOTADB")) {
    return damaged(path, text);
  }
  if (code === "SQLITE_READONLY_ROLLBACK" || code === "SQLITE_READONLY_RECOVERY") {
    return new WippyError(
      "Unavailable",
      `The journal ${path} was left in the middle of a write; start the runtime once, which completes it`,
      { retryable: true, details },
    );
  }
  if (code.startsWith("SQLITE_READONLY") || code === "EACCES" || code === "EROFS") {
    return new WippyError(
      "PermissionDenied",
      `The journal ${path} cannot be written: make the file and its folder writable`,
      { retryable: false, details },
    );
  }
  if (code.startsWith("SQLITE_CANTOPEN") || code === "ENOTDIR" || code === "EEXIST") {
    return new WippyError(
      "PermissionDenied",
      `The journal ${path} cannot be opened or made: its folder must be a folder that this user ` +
        "may write to",
      { retryable: false, details },
    );
  }
  if (code.startsWith("SQLITE_BUSY")) {
    return new WippyError(
      "Unavailable",
      `The journal ${path} is locked by another program that writes to it`,
      { retryable: true, details },
    );
  }
  const kind = code ? "Unavailable" : "Internal";
  return new WippyError(kind, `The journal ${path} cannot be written: ${text}`, {
    retryable: code !== "",
    details,
    cause: error,
  });
}

/**
 * Whether an error of SQLite may pass (full disk, locked file, I/O), so that trying again makes
 * sense.
 */
export function isPassing(error: unknown): boolean {
  const code = errorCode(error);
  return code.startsWith("SQLITE_") && !code.startsWith("SQLITE_CORRUPT") &&
    !code.startsWith("SQLITE_NOTADB") && !code.startsWith("SQLITE_CONSTRAINT") &&
    !code.startsWith("SQLITE_MISMATCH") && !code.startsWith("SQLITE_TOOBIG");
}

function errorCode(error: unknown): string {
  const code = (error as { code?: unknown } | undefined)?.code;
  return typeof code === "string" ? code : "";
}

function damaged(path: string, what: string): WippyError {
  return new WippyError(
    "Invalid",
    `The journal ${path} is damaged (${what}); nothing was changed. ` +
      "Restore it from a copy, or move it away to start afresh",
    { retryable: false, details: { path } },
  );
}
