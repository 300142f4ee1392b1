/**
 * Journals in memory, of runtimes that nothing outlives.
 * @module
 */
import { Database, type Statement } from "bun:sqlite";
import type { PayloadKeys } from "../../../cipher.ts";
import { migrate } from "../migrations.ts";
import { openElsewhere } from "./lock.ts";
import type { Hold } from "./ownership.ts";
import { SealedDatabase } from "./sealed.ts";

/** Databases that are kept for the next journals, at most, and pages that each may have. */
const [mostSpare, mostPages] = [4, 1_000];

const spares: Database[] = [];

/** What empties a database that is used again, and asks for its size. */
const emptying = new WeakMap<Database, { tables: Statement[]; pages: Statement }>();

/**
 * An empty journal in memory. It may be one that was closed, with its compiled statements: to compile those that a run
 * needs takes longer than the run.
 */
export function openInMemory(keys?: PayloadKeys): Database {
  const spare = keys ? undefined : spares.pop();
  if (spare) return spare;
  const database = keys ? new SealedDatabase(":memory:", {}, keys) : new Database(":memory:");
  migrate(database, 0);
  return database;
}

function emptyingOf(database: Database) {
  const present = emptying.get(database);
  if (present) return present;
  const names = database.query<{ name: string }, []>(
    "SELECT name FROM sqlite_schema WHERE type = 'table'",
  ).all();
  const made = {
    tables: names.map(({ name }) => database.prepare(`DELETE FROM "${name}"`)),
    pages: database.prepare("PRAGMA page_count"),
  };
  emptying.set(database, made);
  return made;
}

/** Closes a journal in memory, or empties it for the next one. */
export function closeInMemory(database: Database): void {
  if (
    database instanceof SealedDatabase || database.inTransaction || spares.length >= mostSpare
  ) return database.close();
  const { tables, pages } = emptyingOf(database);
  if (Number(pages.values()[0]?.[0]) > mostPages) return database.close();
  for (const table of tables) table.run();
  spares.push(database);
}

/** Paths under which journals in memory are open. */
const held = new Set<string>();

/** The hold of a journal in memory. Nobody else can reach it; only a second host may be meant to have it as well. */
export class MemoryHold implements Hold {
  readonly hasFiles = true;

  private constructor(readonly path: string) {}

  /** @throws WippyError Conflict when another host of this process has it, as for a file */
  static take(path: string): MemoryHold {
    if (held.has(path)) throw openElsewhere(path, process.pid);
    held.add(path);
    return new MemoryHold(path);
  }

  begin(): void {}
  check(): void {}
  count(): void {}
  counted(): void {}

  release(): void {
    held.delete(this.path);
  }
}
