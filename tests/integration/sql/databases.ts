/**
 * Every kind of database that the module `sql` has, with what its SQL has of its own, for tests of what they have in
 * common.
 * @module
 */
import type { LuaValue } from "../../../src/vm/value.ts";
import {
  type Code,
  startApplication,
  type StartOptions,
  type TestApplication,
} from "../application.ts";
import { emptyDatabase, mariadb, postgres, type RunningServer } from "./servers.ts";

/** A kind of database under test. */
export interface Database {
  type: "sqlite" | "postgres" | "mysql";
  /** The type, and why it is skipped. */
  name: string;
  missing: boolean;
  /** Types of columns. */
  types: { key: string; integer: string; float: string; bytes: string; time: string };
  /** What makes the placeholders of a text. */
  marks(sql: string): string;
  /** A table with a column `i` of 1 to `count`. */
  series(count: number): string;
  entry(): Promise<{ entry: Record<string, unknown>; server?: RunningServer; database?: string }>;
}

const questions = (sql: string) => sql;

function numbered(sql: string): string {
  let last = 0;
  return sql.replaceAll("?", () => `$${last += 1}`);
}

export const databases: Database[] = [
  {
    type: "sqlite",
    name: "sqlite",
    missing: false,
    types: { key: "INTEGER", integer: "INTEGER", float: "REAL", bytes: "BLOB", time: "TIMESTAMP" },
    marks: questions,
    series: (count) =>
      `(WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${count}) SELECT i FROM n)`,
    entry: () =>
      Promise.resolve({
        entry: { kind: "db.sql.sqlite", file: "test.db", lifecycle: { auto_start: true } },
      }),
  },
  {
    type: "postgres",
    name: postgres.missing ? `postgres (skipped: ${postgres.missing})` : "postgres",
    missing: postgres.missing !== undefined,
    types: {
      key: "bigint",
      integer: "bigint",
      float: "double precision",
      bytes: "bytea",
      time: "timestamptz",
    },
    marks: numbered,
    series: (count) => `generate_series(1, ${count}) AS n(i)`,
    entry: () => emptyDatabase(postgres),
  },
  {
    type: "mysql",
    name: mariadb.missing ? `mysql (skipped: ${mariadb.missing})` : "mysql",
    missing: mariadb.missing !== undefined,
    types: {
      key: "BIGINT",
      integer: "BIGINT",
      float: "DOUBLE",
      bytes: "BLOB",
      time: "DATETIME(6)",
    },
    marks: questions,
    series: (count) => `(SELECT seq AS i FROM seq_1_to_${count}) AS n`,
    entry: () => emptyDatabase(mariadb),
  },
];

/** An application with a database `app:db`. */
export interface Started {
  application: TestApplication;
  server?: RunningServer;
  database?: string;
  run(name: string, ...args: LuaValue[]): Promise<LuaValue>;
  /** What the entry counts. */
  figure(name: string): number;
}

/** Lua for `mark(text)`, which writes the placeholders of the database. */
function marker({ type }: Database): string {
  return type === "postgres"
    ? `local function mark(text)
        local n = 0
        return (text:gsub("%?", function() n = n + 1 return "$" .. n end))
      end`
    : "local function mark(text) return text end";
}

/** Starts an application whose functions have `db`, `sql`, `time` and `mark`. */
export async function start(
  database: Database,
  functions: Record<string, string>,
  more: {
    entry?: Record<string, unknown>;
    entries?: Record<string, Record<string, unknown>>;
    processes?: Record<string, string>;
    options?: StartOptions;
  } = {},
): Promise<Started> {
  const { entry, server, database: name } = await database.entry();
  const modules = ["sql", "store", "time", "funcs", "process"];
  const code = (bodies: Record<string, string>): Record<string, Code> =>
    Object.fromEntries(
      Object.entries(bodies).map(([key, body]) => [key, {
        modules,
        source: `local sql, time, store = require("sql"), require("time"), require("store")
          local funcs = require("funcs")
          ${marker(database)}
          return { main = function(...)
            local db = assert(sql.get("app:db"))
            ${body}
          end }`,
      }]),
    );
  const application = await startApplication({
    entries: { db: { ...entry, ...more.entry }, ...more.entries },
    functions: code(functions),
    processes: code(more.processes ?? {}),
  }, more.options);
  return {
    application,
    ...(server && { server }),
    ...(name !== undefined && { database: name }),
    run: (called, ...args) => application.call(called, ...args),
    figure: (wanted) =>
      application.node.control.figures.find((each) =>
        each.name === wanted && each.service === "app:db"
      )?.value ?? Number.NaN,
  };
}

/** What a function with this body returns. */
export async function evaluate(database: Database, body: string): Promise<LuaValue> {
  return await (await start(database, { main: body })).run("main");
}
