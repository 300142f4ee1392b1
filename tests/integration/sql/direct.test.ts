/** Queries of workers on a connection to PostgreSQL that only reads, one behind the other. */
import { describe, expect, test } from "bun:test";
import { machine } from "../../../src/platform/machine.ts";
import { manyQueries } from "../../../src/services/sql/direct/direct.ts";
import { mostQueries } from "../../../src/services/sql/direct/memory.ts";
import { DirectQueries } from "../../../src/services/sql/direct/part.ts";
import { isPlainRead } from "../../../src/services/sql/postgres/reads.ts";
import { PostgresReader } from "../../../src/services/sql/postgres/reader.ts";
import { postgresDialect } from "../../../src/services/sql/postgres/postgres.ts";
import { serverSchema } from "../../../src/services/sql/schema.ts";
import { ServerDriver } from "../../../src/services/sql/server.ts";
import type { LuaValue } from "../../../src/vm/value.ts";
import { type Row, unpackRows } from "../../../src/vm/rows.ts";
import { cleanAfterTest } from "../../cleanup.ts";
import { until } from "../../until.ts";
import { ask, DirectWorkers } from "../../unit/services/sql/direct-workers.ts";
import { databases, start } from "./databases.ts";

const postgres = databases.find(({ type }) => type === "postgres")!;
const never = new AbortController().signal;
const pool = { max_open: 10, max_idle: 10 };

/** A driver with workers, whose parts are in this thread and never lose patience by themselves. */
async function opened(more: { count?: number; entry?: Record<string, unknown> } = {}) {
  const { entry, server, database } = await postgres.entry();
  const settings = serverSchema().parse({ ...entry, pool, ...more.entry });
  const late: (() => void)[] = [];
  const platform = {
    precise: () => 0,
    setTimer: (_: number, run: () => void) => {
      late.push(run);
      return () => {};
    },
  };
  const way = { takes: isPlainRead, brief: Infinity };
  const direct = new DirectWorkers(
    more.count ?? 1,
    (start) => new DirectQueries(start, platform, way),
  );
  const { workers, services } = direct;
  const dialect = postgresDialect(settings, "/");
  const driver = new ServerDriver(dialect, settings.pool, machine, services);
  await driver.open();
  cleanAfterTest(() => driver.close());
  const asked = (worker: number) => {
    for (let i = 0; i < manyQueries; i += 1) driver.asked(worker);
  };
  const partOf = (worker = 0) => direct.partOf(driver, worker);
  const plain = (sql: string, params: (bigint | string)[] = []) =>
    driver.run({ kind: "query", sql, params }, never);
  const execute = (sql: string) => driver.run({ kind: "execute", sql, params: [] }, never);
  /** Makes `locked` and locks it. */
  const lock = async () => {
    await execute("CREATE TABLE locked (i int)");
    const { run, release } = await driver.begin({ isolation: "default", readOnly: false }, never);
    await run({ kind: "execute", sql: "LOCK TABLE locked", params: [] });
    cleanAfterTest(release);
  };
  const running = async () =>
    (await server!.ask(
      `SELECT pid FROM pg_stat_activity WHERE datname = '${database}' AND state = 'active'`,
    )).length;
  const lose = () => late.splice(0).forEach((run) => run());
  const gone = (worker: number) => direct.gone(worker);
  return { driver, workers, asked, partOf, plain, execute, lock, running, lose, gone };
}

function rowsOf(rows: LuaValue): Row[] {
  if (rows instanceof Uint8Array) return unpackRows(rows);
  throw new Error("the node is to be asked");
}

const valueOf = (rows: LuaValue) => rowsOf(rows)[0]!["i"];

/** Waits for ever once the table is locked. */
const slow = "SELECT count(*) AS i FROM locked";
const echo = "SELECT $1::int AS i";

describe.skipIf(postgres.missing)(postgres.name, () => {
  test("a worker that asks much gets answers in its order, on a connection of the pool", async () => {
    const { driver, partOf } = await opened();
    const part = await partOf();
    expect(driver.figures()).toMatchObject({ max: 10, open: 2, inUse: 0 });
    const many = 3 * mostQueries;
    const asked = Array.from({ length: many }, (_, i) => ask(part, echo, [i]));
    expect(driver.figures().inUse).toBe(1);
    expect((await Promise.all(asked)).map(valueOf)).toEqual(
      Array.from({ length: many }, (_, i) => i),
    );
    expect(driver.figures().inUse).toBe(0);
    expect(driver.direct).toBe(many);
  });

  test("values are the same as those of other connections, whatever their types", async () => {
    const { plain, partOf } = await opened();
    const text =
      `SELECT 1::int2 a, -2::int2 b, 3::int4 c, -4::int4 d, 9007199254740993::int8 e, -6::int8 f,
      4294967295::oid g, 0.1::float4 h, 0.1::float8 i, 'NaN'::float8 j, '-Infinity'::float8 k, 1.50::numeric l,
      true m, false n, 'ä€😀'::text o, 'y'::char(3) p, '{"a": 1}'::jsonb q, ARRAY[1,NULL]::int8[] r,
      '2026-01-02 03:04:05.5+02'::timestamptz s, '2026-01-02 03:04:05'::timestamp t, '2026-01-02'::date u,
      '\\x00ff'::bytea v, NULL::int w, 1 x, 2 x, -0.0::float8 y, ''::text z`;
    const expected = rowsOf(await plain(text) as Uint8Array);
    const part = await partOf();
    // The server sends texts, then what it was asked for.
    expect(rowsOf(await ask(part, text))).toEqual(expected);
    expect(rowsOf(await ask(part, text))).toEqual(expected);
    expect(rowsOf(await ask(part, "SELECT"))).toEqual(rowsOf(await plain("SELECT") as Uint8Array));
  });

  test("parameters are the same as those of other connections", async () => {
    const { partOf } = await opened();
    const part = await partOf();
    const text =
      "SELECT $1::text a, $2::int8 b, $3::float8 c, $4::boolean d, $5::bytea e, $6::int f";
    const values = ["ä€😀", 9007199254740993n, 1.5, true, new Uint8Array([0, 255]), undefined];
    const [row] = rowsOf(await ask(part, text, values));
    expect(row).toEqual({ a: values[0], b: values[1], c: 1.5, d: true, e: values[4] });
  });

  test("rows of any size arrive", async () => {
    const { partOf } = await opened();
    const part = await partOf();
    const lengths = [0, 1, 70_000, 5, 5_000_000, 4];
    const texts = await Promise.all(
      lengths.map((length) => ask(part, "SELECT $1::text AS i", ["x".repeat(length)])),
    );
    expect(texts.map((rows) => String(valueOf(rows)).length)).toEqual(lengths);
  });

  test("for a query that fails, and those that fail with it, the node is asked", async () => {
    const { partOf } = await opened();
    const part = await partOf();
    const divide = "SELECT 6 / $1::int AS i";
    for (let i = 0; i < 5; i += 1) expect(valueOf(await ask(part, divide, [3]))).toBe(2);
    const answers = await Promise.all([1, 2, 0, 3, 6].map((by) => ask(part, divide, [by])));
    expect(answers.map((rows) => rows && valueOf(rows))).toEqual([6, 3, , , ,]);
    expect(valueOf(await ask(part, divide, [6]))).toBe(1);
    for (let i = 0; i < 3; i += 1) expect(await ask(part, divide, [0])).toBeUndefined();
    // One that fails always is left to the node.
    expect(await ask(part, divide, [6])).toBeUndefined();
    expect(valueOf(await ask(part, echo, [7]))).toBe(7);
    expect(await ask(part, echo, [])).toBeUndefined();
  });

  test("nothing is written there", async () => {
    const { partOf, execute, plain } = await opened();
    await execute("CREATE SEQUENCE s; CREATE VIEW numbers AS SELECT nextval('s') AS i");
    const part = await partOf();
    expect(await ask(part, "SELECT i FROM numbers")).toBeUndefined();
    const [state] = rowsOf(await plain("SELECT is_called FROM s") as Uint8Array);
    expect(state).toEqual({ is_called: false });
  });

  test("what is prepared follows its tables", async () => {
    const { partOf, execute } = await opened();
    await execute("CREATE TABLE t (i int); INSERT INTO t VALUES (1)");
    const part = await partOf();
    for (let i = 0; i < 5; i += 1) expect(valueOf(await ask(part, "SELECT * FROM t"))).toBe(1);
    await execute("ALTER TABLE t ALTER i TYPE text");
    expect(await ask(part, "SELECT * FROM t")).toBeUndefined();
    expect(valueOf(await ask(part, "SELECT * FROM t"))).toBe("1");
  });

  test("more texts than a connection keeps are prepared in turn", async () => {
    const { partOf } = await opened();
    const part = await partOf();
    for (let round = 0; round < 2; round += 1) {
      const asked = Array.from({ length: 150 }, (_, i) => ask(part, `SELECT ${i} AS i`));
      expect((await Promise.all(asked)).map(valueOf)).toEqual(asked.map((_, i) => i));
    }
  });

  test("a query that nobody waits for any more is stopped on the server", async () => {
    const { driver, partOf, lock, running, workers } = await opened();
    await lock();
    const part = await partOf();
    const abort = new AbortController();
    const asked = ask(part, slow, [], abort.signal);
    await until(running, (count) => count > 0);
    const behind = ask(part, echo, [1]);
    abort.abort();
    await expect(asked).rejects.toMatchObject({ kind: "Canceled" });
    await until(running, (count) => count === 0);
    // The connection is gone with it; the node is asked for what was behind it.
    expect(await behind).toBeUndefined();
    expect(workers[0]!.told).toEqual(["lost"]);
    expect(driver.figures().open).toBe(1);
    expect(valueOf(await ask(await partOf(), echo, [2]))).toBe(2);
  });

  test("when the server ends the connection, the node is asked for what it had", async () => {
    const { driver, partOf, lock, running, plain, workers } = await opened();
    await lock();
    const asked = [ask(await partOf(), slow), ask(workers[0]!.part!, echo, [1])];
    await until(running, (count) => count > 0);
    await plain(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND query LIKE '%FROM locked' AND pid <> pg_backend_pid()`,
    );
    expect(await Promise.all(asked)).toEqual([undefined, undefined]);
    expect(workers[0]!.told).toEqual(["lost"]);
    expect(driver.figures().inUse).toBe(1);
    expect(valueOf(await ask(await partOf(), echo, [2]))).toBe(2);
  });

  test("a query that takes long keeps no others: the node is asked for them", async () => {
    const { partOf, lock, running, lose } = await opened();
    await lock();
    const part = await partOf();
    const abort = new AbortController();
    const stuck = ask(part, slow, [], abort.signal);
    await until(running, (count) => count > 0);
    const behind = Array.from({ length: 20 }, (_, i) => ask(part, echo, [i]));
    await Promise.resolve();
    lose();
    expect(await Promise.all(behind)).toEqual(behind.map(() => undefined));
    abort.abort();
    await expect(stuck).rejects.toMatchObject({ kind: "Canceled" });
    await until(running, (count) => count === 0);
  });

  test("what a worker has running ends with it, and others go on", async () => {
    const { driver, partOf, lock, running, gone } = await opened({ count: 3 });
    await lock();
    const parts = [await partOf(0), await partOf(1), await partOf(2)];
    // Three workers have two connections, beside the one of the lock.
    expect(driver.figures().open).toBe(3);
    ask(parts[0]!, slow);
    await until(running, (count) => count > 0);
    gone(0);
    await until(running, (count) => count === 0);
    expect(valueOf(await ask(parts[1]!, echo, [3]))).toBe(3);
  });

  test("closing tells the workers, and leaves no connection", async () => {
    const { driver, partOf } = await opened();
    const part = await partOf();
    await driver.close();
    expect(ask(part, echo, [1])).toBeUndefined();
    expect(driver.figures()).toMatchObject({ open: 0, inUse: 0 });
  });

  test("a connection is not used longer than others", async () => {
    const entry = { pool: { ...pool, max_lifetime: "100ms" } };
    const { driver, partOf, workers } = await opened({ entry });
    const part = await partOf();
    await until(async () => await ask(part, echo, [1]), (rows) => rows === undefined);
    await until(() => workers[0]!.told.length === 1);
    expect(driver.figures().open).toBeLessThan(2);
  });

  test.each([
    { max_open: 2, max_idle: 2 },
    { max_open: 10, max_idle: 1 },
    { max_open: 0, max_idle: 0 },
  ])("a small pool keeps its connections: %p", async (small) => {
    const { driver, asked, plain, workers } = await opened({ entry: { pool: small } });
    asked(0);
    await plain("SELECT 1");
    expect(workers[0]!.part).toBeUndefined();
    expect(driver.figures().open).toBeLessThan(2);
  });

  test("a session that could write, or in which values look different, is not used", async () => {
    const { entry } = await postgres.entry();
    const { host, port, database, username: user, password } = serverSchema().parse(entry);
    const open = async (options: string): Promise<void> => {
      const config = { host, port, database, user, password, options };
      const ended = () => {};
      (await PostgresReader.open(config, { platform: machine, lifetime: 1, ended })).kill();
    };
    const reading = "-c default_transaction_read_only=on";
    await open(reading);
    for (
      const options of [
        "",
        `${reading} -c bytea_output=escape`,
        `${reading} -c extra_float_digits=0`,
      ]
    ) {
      await expect(open(options)).rejects.toThrow("not fit");
    }
  });

  test("programs see no difference, and every statement counts", async () => {
    const started = await start(postgres, {
      main: `
        assert(db:execute("CREATE TABLE t (i int PRIMARY KEY, s text)"))
        assert(db:execute("INSERT INTO t SELECT i, 'number ' || i FROM generate_series(1, 200) AS n(i)"))
        local done = channel.new(20)
        for c = 1, 20 do
          coroutine.spawn(function()
            for i = c, 1000, 20 do
              local k = i % 200 + 1
              local row = assert(db:query("SELECT i, s FROM t WHERE i = $1", { k }))[1]
              assert(row.i == k and row.s == "number " .. k)
            end
            done:send(true)
          end)
        end
        for _ = 1, 20 do done:receive() end
        return true`,
    }, { entry: { pool } });
    expect(await started.run("main")).toBe(true);
    expect(started.figure("wippy_sql_statements_total")).toBe(1_002);
    expect(started.figure("wippy_sql_failures_total")).toBe(0);
  });
});
