/** Connections to servers: how many there are, what ends them, and what becomes of those who wait. */
import { describe, expect, test } from "bun:test";
import { machine } from "../../../src/platform/machine.ts";
import { mysqlDialect } from "../../../src/services/sql/mysql/mysql.ts";
import { postgresDialect } from "../../../src/services/sql/postgres/postgres.ts";
import { serverSchema, type ServerSettings } from "../../../src/services/sql/schema.ts";
import { ServerDriver } from "../../../src/services/sql/server.ts";
import type { WippyError } from "../../../src/vm/error.ts";
import { cleanAfterTest } from "../../cleanup.ts";
import { until } from "../../until.ts";
import { type Database, databases, start, type Started } from "./databases.ts";

/** What tests ask a server of the connections to a database. */
const questions = {
  postgres: {
    connections: (database: string) =>
      `SELECT pid AS id, state FROM pg_stat_activity WHERE datname = '${database}'`,
    running: (database: string) =>
      `SELECT pid AS id FROM pg_stat_activity WHERE datname = '${database}' AND state = 'active'`,
    kill: (id: unknown) => `SELECT pg_terminate_backend(${Number(id)})`,
    sleep: "SELECT pg_sleep(600)",
    missingDatabase: "3D000",
    wrongPassword: "28P01",
  },
  mysql: {
    connections: (database: string) =>
      `SELECT id, state FROM information_schema.processlist WHERE db = '${database}'`,
    running: (database: string) =>
      `SELECT id FROM information_schema.processlist WHERE db = '${database}' AND command IN ('Query', 'Execute')`,
    kill: (id: unknown) => `KILL ${Number(id)}`,
    sleep: "SELECT SLEEP(600)",
    missingDatabase: "42000",
    wrongPassword: "28000",
  },
};

const dialects = { postgres: postgresDialect, mysql: mysqlDialect };

async function driverOf(
  { entry, type }: Database,
  more: Record<string, unknown>,
): Promise<ServerDriver> {
  const made = await entry();
  const settings: ServerSettings = serverSchema().parse({ ...made.entry, ...more });
  const dialect = dialects[type as "postgres" | "mysql"](settings, "/");
  const driver = new ServerDriver(dialect, settings.pool, machine);
  cleanAfterTest(() => driver.close());
  return driver;
}

async function failureOf(promise: Promise<unknown>): Promise<WippyError> {
  return await promise.then(
    () => Promise.reject(new Error("it has not failed")),
    (error: WippyError) => error,
  );
}

const servers = databases.filter(({ type }) => type !== "sqlite");

for (const database of servers) {
  const ask = questions[database.type as "postgres" | "mysql"];
  const count = async ({ server, database: name }: Started) =>
    (await server!.ask(ask.connections(name!))).length;
  const running = async ({ server, database: name }: Started) =>
    (await server!.ask(ask.running(name!))).length;

  describe.skipIf(database.missing)(database.name, () => {
    test("without a pool no connection stays", async () => {
      const started = await start(database, { one: "return db:stats()" });
      expect(await started.run("one")).toMatchObject({
        max_open_connections: 0,
        open_connections: 0,
        in_use: 0,
        idle: 0,
        wait_count: 0,
        wait_duration: "0s",
        max_idle_closed: 1,
      });
      await until(() => count(started), (connections) => connections === 0);
    });

    test("a pool keeps what it may, and calls wait for what it may not open", async () => {
      const started = await start(database, {
        main: `
          local done, n = channel.new(20), 8
          for i = 1, n do
            coroutine.spawn(function()
              local tx = assert(db:begin())
              assert(tx:query("SELECT 1 AS one"))
              time.sleep("2ms")
              done:send(tx:commit())
            end)
          end
          for i = 1, n do assert(done:receive()) end
          return db:stats()`,
      }, { entry: { pool: { max_open: 3, max_idle: 2, max_lifetime: "1h" } } });
      const stats = await started.run("main") as Record<string, number>;
      expect(stats).toMatchObject({
        max_open_connections: 3,
        open_connections: 2,
        in_use: 0,
        idle: 2,
      });
      expect(stats["wait_count"]).toBeGreaterThan(0);
      expect(stats["wait_duration"]).toMatch(/^[\d.]+m?s$/);
      await until(() => count(started), (connections) => connections === 2);
    });

    test("a changed pool counts at once, and what is open stays", async () => {
      const made = await start(database, {
        main: `
          local tx = assert(db:begin())
          process.registry.register("holder")
          process.inbox():receive()
          assert(tx:query("SELECT 1 AS i"))
          assert(tx:commit())
          return "committed"`,
        one: "return assert(db:query('SELECT 1 AS i'))[1].i",
        stats: "return db:stats().max_open_connections",
        go: "return process.send('holder', 'go', true)",
      }, { entry: { pool: { max_open: 1, max_idle: 1 } } });
      const { application, run, figure } = made;
      const held = run("main");
      await until(() => figure("wippy_sql_transactions") === 1);
      const waits = run("one");
      const { registry } = application.node;
      const entry = registry.versions.entries.get("app:db")!;
      const change = (data: Record<string, unknown>) =>
        registry.apply([{
          kind: "entry.update",
          entry: { ...entry, data: { ...entry.data, ...data } },
        }]);
      await change({ pool: { max_open: 3, max_idle: 2 } });
      expect(await waits).toBe(1);
      expect(await run("stats")).toBe(3);
      // All but the pool counts at the next start.
      await change({ pool: { max_open: 2, max_idle: 0 }, password: "another" });
      await until(() => figure("wippy_sql_connections") === 1);
      expect(await run("stats")).toBe(2);
      expect(await run("one")).toBe(1);
      expect(await run("go")).toBe(true);
      expect(await held).toBe("committed");
      await until(() => figure("wippy_sql_connections") === 0);
    });

    test("a connection beyond its lifetime is closed", async () => {
      const started = await start(database, {
        main: `
          assert(db:query("SELECT 1 AS one"))
          while db:stats().open_connections > 0 do time.sleep("5ms") end
          return db:stats().max_lifetime_closed`,
      }, { entry: { pool: { max_idle: 5, max_lifetime: "50ms" } } });
      expect(await started.run("main")).toBeGreaterThan(0);
      await until(() => count(started), (connections) => connections === 0);
    });

    test("a statement whose unit is killed stops at the server", async () => {
      const started = await start(database, {
        spawn: `return assert(process.spawn("app:sleeps", "app:processes"))`,
        kill: `return process.terminate(...)`,
        next: `return assert(db:query("SELECT 1 AS one"))[1].one`,
      }, {
        processes: { sleeps: `db:query("${ask.sleep}")` },
        entry: { pool: { max_open: 1, max_idle: 1 } },
      });
      const pid = await started.run("spawn");
      await until(() => running(started), (statements) => statements === 1);
      await started.run("kill", pid);
      await until(() => running(started), (statements) => statements === 0);
      expect(await started.run("next")).toBe(1);
      await until(() => count(started), (connections) => connections === 1);
    });

    test("a transaction whose unit is killed in a statement is rolled back at the server", async () => {
      const started = await start(database, {
        make: `return db:execute("CREATE TABLE t (i INTEGER)")`,
        spawn: `return assert(process.spawn("app:sleeps", "app:processes"))`,
        kill: `return process.terminate(...)`,
        next: `return assert(db:query("SELECT count(*) AS n FROM t"))[1].n`,
      }, {
        processes: {
          sleeps: `
            local tx = assert(db:begin())
            assert(tx:execute("INSERT INTO t VALUES (1)"))
            tx:query("${ask.sleep}")`,
        },
        entry: { pool: { max_open: 1, max_idle: 1 } },
      });
      await started.run("make");
      const pid = await started.run("spawn");
      await until(() => running(started), (statements) => statements === 1);
      await started.run("kill", pid);
      // With one connection, this waits until the transaction has gone.
      expect(await started.run("next")).toBe(0);
      await until(() => count(started), (connections) => connections === 1);
      expect(started.figure("wippy_sql_transactions")).toBe(0);
    });

    test("a call that is canceled while it waits for a connection takes none", async () => {
      const driver = await driverOf(database, { pool: { max_open: 1, max_idle: 1 } });
      await driver.open();
      const never = new AbortController();
      const connection = await driver.begin(
        { isolation: "default", readOnly: false },
        never.signal,
      );
      const waiting = new AbortController();
      const statement = { kind: "query" as const, sql: "SELECT 1 AS one", params: [] };
      const first = failureOf(driver.run(statement, waiting.signal));
      const second = driver.run(statement, never.signal);
      waiting.abort();
      expect((await first).kind).toBe("Canceled");
      await connection.release();
      await second;
      expect(driver.figures()).toMatchObject({ open: 1, inUse: 0, waits: 2 });
    });

    test("a connection that the server ends is replaced", async () => {
      const started = await start(database, {
        sleep: `local rows, err = db:query("${ask.sleep}") return { err:kind(), err:retryable() }`,
        next: `return assert(db:query("SELECT 1 AS one"))[1].one`,
      }, { entry: { pool: { max_idle: 1 } } });
      const slept = started.run("sleep");
      const [connection] = await until(
        () => started.server!.ask(ask.running(started.database!)),
        (rows) => rows.length === 1,
      );
      await started.server!.ask(ask.kill(connection!["id"]));
      expect(await slept).toEqual(["Unavailable", true]);
      expect(await started.run("next")).toBe(1);
      // Also while it is idle.
      const [idle] = await started.server!.ask(ask.connections(started.database!));
      await started.server!.ask(ask.kill(idle!["id"]));
      await until(() => started.run("next").then((value) => value === 1, () => false));
    });

    test("of a deadlock one transaction fails, and may be repeated", async () => {
      const started = await start(database, {
        main: `
          assert(db:execute("CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER)"))
          assert(db:execute("INSERT INTO t VALUES (1, 0), (2, 0)"))
          local locked, done, failures = 0, channel.new(2), {}
          local function work(first, second)
            local waited = false
            while true do
              local tx = assert(db:begin())
              local _, err = tx:execute(mark("UPDATE t SET n = n + 1 WHERE id = ?"), { first })
              if not err then
                if not waited then
                  waited = true
                  locked = locked + 1
                  while #failures == 0 and locked < 2 do time.sleep("1ms") end
                end
                _, err = tx:execute(mark("UPDATE t SET n = n + 1 WHERE id = ?"), { second })
              end
              if not err then
                assert(tx:commit())
                return done:send(true)
              end
              tx:rollback()
              failures[#failures + 1] = { err:kind(), err:retryable(), err:details().sqlstate }
              assert(err:retryable(), tostring(err))
            end
          end
          coroutine.spawn(function() work(1, 2) end)
          coroutine.spawn(function() work(2, 1) end)
          assert(done:receive() and done:receive())
          local rows = assert(db:query("SELECT sum(n) AS n FROM t"))
          return { failures[1], tostring(rows[1].n) }`,
      });
      const state = database.type === "postgres" ? "40P01" : "40001";
      expect(await started.run("main")).toEqual([["Conflict", true, state], "4"]);
    });

    test("an isolation that the server does not have is Invalid", async () => {
      const started = await start(database, {
        main: `
          local seen = {}
          for _, name in ipairs({ "default", "read_uncommitted", "read_committed", "repeatable_read", "serializable", "write_committed" }) do
            local tx, err = db:begin({ isolation = name })
            seen[#seen + 1] = tx and "ok" or err:kind()
            if tx then tx:commit() end
          end
          return table.concat(seen, " ")`,
      });
      expect(await started.run("main")).toBe("ok ok ok ok ok Invalid");
    });

    describe("a server that cannot be used is Unavailable", () => {
      test.each<[string, Record<string, unknown>, RegExp]>([
        ["nobody listens", { port: 1 }, /ECONNREFUSED|refused/i],
        ["a wrong password", { password: "wrong" }, new RegExp(ask.wrongPassword)],
        ["no such database", { database: "missing" }, new RegExp(ask.missingDatabase)],
        ["an unknown host", { host: "unknown.invalid" }, /ENOTFOUND|EAI|DNS|unknown\.invalid/],
      ])("%s", async (_what, fields, reason) => {
        const driver = await driverOf(database, fields);
        const failure = await failureOf(driver.open());
        expect(failure).toMatchObject({ kind: "Unavailable", retryable: true });
        expect(`${failure.message} ${JSON.stringify(failure.details)}`).toMatch(reason);
        expect(failure.message).not.toContain('wrong"');
      });
    });

    test("an entry whose server cannot be reached says so, and is tried again", async () => {
      const { entry } = await database.entry();
      const started = await start(
        { ...database, entry: () => Promise.resolve({ entry: { ...entry, password: "wrong" } }) },
        { main: "return 1" },
        { entry: { lifecycle: { auto_start: false } } },
      );
      const { application } = started;
      const failure = await failureOf(started.run("main"));
      expect(failure.message).toContain("does not run");
      void application.node.control.startService("app:db").catch(() => {});
      await until(() =>
        application.logs.some(({ message, fields }) =>
          `${message} ${JSON.stringify(fields)}`.includes("connect to 127.0.0.1")
        )
      );
    });
  });
}
