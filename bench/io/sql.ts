/**
 * Queries of Lua, beside Bun's client alone in the same process: one row by its key, asked for by 50 coroutines
 * at a time (50 promises with Bun's client), and 10,000 rows of three columns at once. SQLite is a file;
 * PostgreSQL, on the same machine and without `fsync`, is left out where Debian's is not installed.
 * @module
 */
import { join } from "node:path";
import type { Node } from "../../src/node/node.ts";
import { emptyDatabase, postgres } from "../../tests/integration/sql/servers.ts";
import { temporaryFolder } from "../kernel/measurement/command.ts";
import { measure, quick, wanted } from "../kernel/measurement/measurement.ts";
import { entry, startNode } from "./node/node.ts";

const coroutines = 50;
const queries = quick ? 2_000 : 10_000;
const rows = 10_000;
const readings = quick ? 3 : 10;

/** A database under measurement. */
interface Subject {
  entry: Record<string, unknown>;
  /** Bun's client of it. */
  client: Bun.SQL;
  mark: string;
}

const source = `
local sql = require("sql")
local function one(queries, coroutines, mark)
  local db = assert(sql.get("app:db"))
  local done = channel.new(coroutines)
  local text = "SELECT i, f, s FROM rows WHERE i = " .. mark
  for c = 1, coroutines do
    coroutine.spawn(function()
      for i = c, queries, coroutines do
        local row = assert(db:query(text, { i }))[1]
        assert(row.i == i)
      end
      done:send(true)
    end)
  end
  for _ = 1, coroutines do done:receive() end
end
local function all(readings)
  local db = assert(sql.get("app:db"))
  for _ = 1, readings do
    local rows = assert(db:query("SELECT i, f, s FROM rows"))
    assert(#rows == 10000 and rows[10000].s)
  end
end
return { one = one, all = all }`;

/** Starts a runtime with a database. */
function runtime({ entry: data }: Subject, folder: string): Promise<Node> {
  const { kind, ...fields } = data;
  const code = { modules: ["sql"], source };
  return startNode(folder, [
    entry("db", String(kind), fields),
    entry("one", "function.lua", { ...code, method: "one" }),
    entry("all", "function.lua", { ...code, method: "all" }),
  ]);
}

async function fill({ client }: Subject, series: string): Promise<void> {
  await client.unsafe("CREATE TABLE rows (i BIGINT PRIMARY KEY, f DOUBLE PRECISION, s TEXT)");
  await client.unsafe(`INSERT INTO rows SELECT i, i / 3.0, 'item number ' || i FROM ${series}`);
}

/** How often something is done in a second. */
async function rate(count: number, work: (count: number) => Promise<unknown>): Promise<number> {
  await work(Math.ceil(count / 10));
  const begin = performance.now();
  await work(count);
  return count * 1000 / (performance.now() - begin);
}

async function compare(name: string, subject: Subject, folder: string): Promise<void> {
  const node = await runtime(subject, folder);
  const { client, mark } = subject;
  const text = `SELECT i, f, s FROM rows WHERE i = ${mark}`;
  const peer = `Bun.SQL`;
  try {
    await measure({
      figure: `io.sql.${name}.one`,
      unit: "1/s",
      better: "higher",
      n: queries,
      target: 0.5,
      ours: () =>
        rate(
          queries,
          (count) => node.call("app:one", [Math.max(count, coroutines), coroutines, mark]),
        ),
      peer: {
        name: peer,
        run: () =>
          rate(queries, (count) =>
            Promise.all(Array.from({ length: coroutines }, async (_, c) => {
              for (let i = c + 1; i <= count; i += coroutines) await client.unsafe(text, [i]);
            }))),
      },
    });
    await measure({
      figure: `io.sql.${name}.rows`,
      unit: "1/s",
      better: "higher",
      n: rows,
      target: 0.3,
      ours: () => rate(readings, (count) => node.call("app:all", [count])),
      peer: {
        name: peer,
        run: () =>
          rate(readings, async (count) => {
            for (let i = 0; i < count; i++) await client.unsafe("SELECT i, f, s FROM rows");
          }),
      },
    });
  } finally {
    await client.close();
    await node.stop();
  }
}

if (wanted("io.sql.sqlite.one") || wanted("io.sql.sqlite.rows")) {
  const folder = temporaryFolder();
  const file = join(folder, "rows.db");
  const subject: Subject = {
    entry: { kind: "db.sql.sqlite", file, lifecycle: { auto_start: true } },
    client: new Bun.SQL({ adapter: "sqlite", filename: file }),
    mark: "?",
  };
  const series =
    `(WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${rows}) SELECT i FROM n)`;
  await fill(subject, series);
  await compare("sqlite", subject, folder);
}

if (wanted("io.sql.postgres.one") || wanted("io.sql.postgres.rows")) {
  if (postgres.missing) console.error(`without PostgreSQL: ${postgres.missing}`);
  else {
    const { server, entry: data, database } = await emptyDatabase(postgres);
    const { port, username, password } = server;
    const subject: Subject = {
      entry: { ...data, pool: { max_open: 10, max_idle: 10 }, options: { sslmode: "disable" } },
      client: new Bun.SQL({
        ...{ adapter: "postgres", hostname: "127.0.0.1", port, username, password, database },
        ...{ max: 10, tls: false },
      }),
      mark: "$1",
    };
    await fill(subject, `generate_series(1, ${rows}) AS n(i)`);
    await compare("postgres", subject, temporaryFolder());
  }
  process.exit(0);
}
