import { Database, type SQLQueryBindings } from "bun:sqlite";
import { type BunSQLiteDatabase, drizzle } from "drizzle-orm/bun-sqlite";
import { onDemand } from "./on-demand.ts";

/** A statement as drizzle has built it. */
interface Built {
  getQuery(): { sql: string };
}

/** A database that compiles nothing: statements are built for it, and then compiled for those that have tables. */
class Unbound extends Database {
  override prepare<Row, Params extends SQLQueryBindings | SQLQueryBindings[]>() {
    return super.prepare<Row, Params>("SELECT 1");
  }
}

/** Those that were made for a database, by the functions that make them. */
const bound = new WeakMap<Database, Map<unknown, unknown>>();

const built = new Map<unknown, Record<string, Built>>();

function bind<Statement extends Built>(statement: Statement, database: Database): Statement {
  const copy: Statement = Object.create(Object.getPrototypeOf(statement));
  return Object.assign(copy, statement, { stmt: database.prepare(statement.getQuery().sql) });
}

/**
 * The statements that a function makes, for a database, each compiled when it is first used. What drizzle builds of it
 * is the same for all journals: a program that opens one for each test builds it once. For the same database they are
 * the same.
 *
 * @param make makes statements that it does not run
 */
export function boundStatements<Statements extends Record<keyof Statements, Built>>(
  make: (db: BunSQLiteDatabase) => Statements,
  database: Database,
): Statements {
  const present = bound.get(database) ?? new Map<unknown, unknown>();
  const same = present.get(make) as Statements | undefined;
  if (same) return same;
  let of = built.get(make) as Statements | undefined;
  if (!of) built.set(make, of = make(drizzle({ client: new Unbound(":memory:") })));
  const known = of;
  const makers: Record<string, () => Built> = {};
  for (const name in known) makers[name] = () => bind(known[name], database);
  const made = onDemand(makers) as Statements;
  bound.set(database, present.set(make, made));
  return made;
}
