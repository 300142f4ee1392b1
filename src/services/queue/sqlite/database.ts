import { Database } from "bun:sqlite";
import { closeSync, openSync } from "node:fs";
import { WippyError } from "../../../vm/error.ts";
import type { Command, Opened, Row } from "./commands.ts";

const version = 1;

/**
 * A message is waiting or leased. A lease is one of the runtime that has the file open, and ends with it: what is
 * leased when the file is opened was in the hands of a runtime that is gone.
 */
const schema = `
  CREATE TABLE message (
    seq INTEGER PRIMARY KEY,
    queue TEXT NOT NULL,
    id TEXT NOT NULL,
    due INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    leased INTEGER NOT NULL,
    headers BLOB NOT NULL,
    body BLOB NOT NULL
  ) STRICT;
  CREATE INDEX message_waiting ON message (queue, due, seq) WHERE leased = 0;
  CREATE INDEX message_leased ON message (seq) WHERE leased = 1;
  CREATE TABLE published (
    queue TEXT NOT NULL,
    id TEXT NOT NULL,
    time INTEGER NOT NULL,
    PRIMARY KEY (queue, id)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX published_time ON published (time);
  PRAGMA user_version = ${version};
`;

const insert = `INSERT INTO message (seq, queue, id, due, attempts, leased, headers, body)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?)`;
const record = "INSERT OR IGNORE INTO published (queue, id, time) VALUES (?, ?, ?)";
const due = `SELECT seq, id, attempts + 1 AS attempts, headers, body FROM message
  WHERE queue = ? AND leased = 0 AND due <= ? ORDER BY due, seq LIMIT ?`;
const lease = "UPDATE message SET leased = 1, attempts = attempts + 1 WHERE seq = ?";
const next = "SELECT due FROM message WHERE queue = ? AND leased = 0 ORDER BY due LIMIT 1";
const remove = "DELETE FROM message WHERE seq = ?";
const putBack = `UPDATE message SET leased = 0, due = coalesce(?, due), attempts = attempts - ?
  WHERE seq = ?`;
const ready = "SELECT count(*) AS count FROM message WHERE queue = ? AND leased = 0 AND due <= ?";
const prune = "DELETE FROM published WHERE time < ?";

/** The statements, which are looked up once: there are several for each message. */
function prepareAll(database: Database) {
  return {
    insert: database.prepare(insert),
    record: database.prepare(record),
    due: database.prepare<Row, [string, number, number]>(due),
    lease: database.prepare(lease),
    next: database.prepare<{ due: number }, [string]>(next),
    remove: database.prepare(remove),
    putBack: database.prepare(putBack),
    ready: database.prepare(ready),
    prune: database.prepare(prune),
    begin: database.prepare("BEGIN IMMEDIATE"),
    commit: database.prepare("COMMIT"),
  };
}

/** The file of a `queue.driver.sqlite`, which one runtime has open. */
export class QueueDatabase {
  readonly #database: Database;
  #prepared: ReturnType<typeof prepareAll> | undefined;

  /**
   * Opens the file, or makes it, readable by its owner only.
   *
   * @throws WippyError Unavailable (retryable) when another runtime has it open; Invalid for a newer version
   */
  constructor(path: string) {
    closeSync(openSync(path, "a", 0o600));
    this.#database = new Database(path, { create: true, readwrite: true, strict: true });
    try {
      this.#prepare(path);
    } catch (error) {
      this.#database.close();
      throw error;
    }
  }

  #prepare(path: string): void {
    const database = this.#database;
    try {
      // One runtime has the file, until it ends: nobody else could know which leases are still good.
      database.run("PRAGMA locking_mode = EXCLUSIVE");
      database.run("PRAGMA journal_mode = WAL");
      database.run("PRAGMA synchronous = FULL");
      database.run("PRAGMA wal_autocheckpoint = 4000");
      database.run("BEGIN IMMEDIATE");
    } catch (error) {
      if (!/^SQLITE_BUSY/.test((error as { code?: string }).code ?? "")) throw error;
      throw new WippyError("Unavailable", `${path} is in use by another runtime`, {
        retryable: true,
        cause: error,
      });
    }
    const found = database.query<{ user_version: number }, []>("PRAGMA user_version").get();
    const present = found?.user_version ?? 0;
    if (present > version) {
      throw new WippyError("Invalid", `${path} was written by a newer wippy; use that one`, {
        retryable: false,
      });
    }
    if (present === 0) database.run(schema);
    database.run("UPDATE message SET leased = 0 WHERE leased = 1");
    database.run("COMMIT");
  }

  /** What is in the file. */
  get contents(): Opened {
    const rows = this.#database.query<{ queue: string; count: number }, []>(
      "SELECT queue, count(*) AS count FROM message GROUP BY queue",
    ).all();
    const last = this.#database.query<{ last: number | null }, []>(
      "SELECT max(seq) AS last FROM message",
    ).get();
    return {
      waiting: Object.fromEntries(rows.map(({ queue, count }) => [queue, count])),
      last: last?.last ?? 0,
    };
  }

  /** Does all of this, or nothing. @throws what SQLite says */
  run(commands: readonly Command[]): unknown[] {
    const { begin, commit } = this.#prepared ??= prepareAll(this.#database);
    begin.run();
    try {
      const outcomes = commands.map((command) => this.#one(command));
      commit.run();
      return outcomes;
    } catch (error) {
      if (this.#database.inTransaction) this.#database.run("ROLLBACK");
      throw error;
    }
  }

  #one(command: Command): unknown {
    const prepared = this.#prepared ??= prepareAll(this.#database);
    switch (command.type) {
      case "publish": {
        const { queue, seq, id, leased, headers, body, unique } = command;
        if (unique !== undefined && prepared.record.run(queue, id, unique).changes === 0) {
          return true;
        }
        const taken = leased ? 1 : 0;
        prepared.insert.run(seq, queue, id, command.due, taken, taken, headers, body);
        return false;
      }
      case "take": {
        const { queue, now, limit } = command;
        const rows = prepared.due.all(queue, now, limit);
        for (const { seq } of rows) prepared.lease.run(seq);
        if (rows.length === limit) return { rows };
        const waiting = prepared.next.get(queue);
        return { rows, ...(waiting && { next: waiting.due }) };
      }
      case "ack":
        prepared.remove.run(command.seq);
        return null;
      case "return":
        prepared.putBack.run(command.due ?? null, command.forget ? 1 : 0, command.seq);
        return null;
      case "ready":
        return prepared.ready.get(command.queue, command.now);
      case "prune":
        prepared.prune.run(command.before);
        return null;
    }
  }

  close(): void {
    // The file stays locked as long as there is one.
    for (const statement of Object.values(this.#prepared ?? {})) statement.finalize();
    this.#database.close();
  }
}
