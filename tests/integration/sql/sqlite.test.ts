/** The module `sql` on SQLite, in files and in memory, through the whole runtime. */
import { expect, test } from "bun:test";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sqliteDatabase } from "../../../src/services/sql/sql.ts";
import { WippyError } from "../../../src/vm/error.ts";
import type { LuaValue } from "../../../src/vm/value.ts";
import { cleanAfterTest } from "../../cleanup.ts";
import { until } from "../../until.ts";
import { startApplication, type TestApplication } from "../application.ts";

const auto = { lifecycle: { auto_start: true } };
const modules = ["sql", "time", "funcs", "process", "security"];

/** A function around a body that has `db`. */
function main(body: string, id = "app:db"): string {
  return `local sql, time = require("sql"), require("time")
    return { main = function(...)
      local db = assert(sql.get("${id}"))
      ${body}
    end }`;
}

interface Started {
  application: TestApplication;
  file: string;
  run(name: string, ...args: LuaValue[]): Promise<LuaValue>;
  open(): number;
}

async function start(
  functions: Record<string, string>,
  more: Record<string, Record<string, unknown>> = {},
  options = {},
): Promise<Started> {
  const directory = mkdtempSync(join(tmpdir(), "wippy-sql-"));
  cleanAfterTest(() => rmSync(directory, { recursive: true, force: true }));
  const file = join(directory, "test.db");
  const application = await startApplication({
    entries: {
      db: { kind: sqliteDatabase.name, file, busy_timeout: "300ms", ...auto },
      memory: { kind: sqliteDatabase.name, file: ":memory:", ...auto },
      ...more,
    },
    functions: Object.fromEntries(
      Object.entries(functions).map((
        [name, source],
      ) => [name, { source, modules, pool: { type: "lazy" } }]),
    ),
  }, options);
  return {
    application,
    file,
    run: (name, ...args) => application.call(name, ...args),
    open() {
      const figures = application.node.control.figures;
      return figures.find(({ name, service }) =>
        name === "wippy_sql_transactions" && service === "app:db"
      )!.value;
    },
  };
}

async function evaluateOn(id: string, body: string): Promise<LuaValue> {
  const { run } = await start({ main: main(body, id) });
  return await run("main");
}

for (const id of ["app:db", "app:memory"]) {
  test(`values go into ${id} and come back as they were`, async () => {
    const value = await evaluateOn(
      id,
      `
      assert(db:execute("CREATE TABLE t (i INTEGER, f REAL, s TEXT, b BLOB, flag BOOLEAN, at TIMESTAMP, n INTEGER)"))
      local done = assert(db:execute("INSERT INTO t VALUES (?, ?, ?, ?, ?, ?, ?)", {
        math.maxinteger, 1.0, "Grüße\\0x", "\\255\\0\\254", true, "2026-01-02 03:04:05", sql.NULL }))
      assert(done.rows_affected == 1 and done.last_insert_id == 1)
      local row = assert(db:query("SELECT *, typeof(b) AS kind, 2.0 AS two FROM t"))[1]
      assert(row.i == math.maxinteger and math.type(row.i) == "integer", "integer")
      assert(row.f == 1.0 and math.type(row.f) == "float", "float")
      assert(math.type(row.two) == "float", "computed float")
      assert(row.s == "Grüße\\0x", "text")
      assert(row.b == "\\255\\0\\254" and row.kind == "blob", "bytes")
      assert(row.flag == true, "boolean")
      assert(row.at == "2026-01-02T03:04:05Z", row.at)
      assert(row.n == nil)
      assert(#assert(db:query("SELECT * FROM t WHERE i = 0")) == 0)
      return "same"
    `,
    );
    expect(value).toBe("same");
  });
}

test("typed values are what they say", async () => {
  const value = await evaluateOn(
    "app:memory",
    `
    local row = assert(db:query([[SELECT typeof(?) a, typeof(?) b, typeof(?) c, typeof(?) d, typeof(?) e, typeof(?) f,
      ? g, ? h, ? i]], {
      sql.as.int("7"), sql.as.text(12), sql.as.binary("x"), sql.as.null(), sql.as.binary(5), {},
      sql.as.int({}), sql.as.text(print), sql.as.int(2.9) }))[1]
    local list = {}
    for _, name in ipairs({ "a", "b", "c", "d", "e", "f", "g", "h", "i" }) do list[#list + 1] = tostring(row[name]) end
    return table.concat(list, " ")
  `,
  );
  expect(value).toBe("integer text blob null null null 0  2");
});

test("a float is a float, also a whole one and one beyond all integers", async () => {
  const value = await evaluateOn(
    "app:memory",
    `
    local list = {}
    for _, value in ipairs({ sql.as.float(3), 3.0, 2 ^ 53, 1e19, -1e300, sql.as.float("0"), 3 }) do
      for _, text in ipairs({ "SELECT typeof(?) t, ? v", "SELECT typeof(?2) t, ?1 v", "SELECT typeof(:a) t, @b v" }) do
        local row = assert(db:query(text, { value, value }))[1]
        local given = math.type(value) and value or row.v
        assert(row.v == given and math.type(row.v) == math.type(given), tostring(value))
        list[row.t] = (list[row.t] or 0) + 1
      end
    end
    assert(db:execute("CREATE TABLE t (i INTEGER, s TEXT, any)"))
    assert(db:execute("INSERT INTO t VALUES (?1, ?1, ?)", { 3.0, 4.0 }))
    local row = assert(db:query([[
      SELECT *, 7 / ? AS "divided?", '?' AS quoted -- ?
      FROM t /* ? */ WHERE s = ?3 AND "any" IN (?2) AND i = ?3 LIMIT ?]], { 2.0, 4.0, 3.0, 1.0 }))[1]
    return ("%d %d %s %s %s %s %s"):format(
      list.real, list.integer, row.i, row.s, math.type(row.any), row["divided?"], row.quoted)
  `,
  );
  expect(value).toBe("18 3 3 3.0 float 3.5 ?");
});

test("a transaction commits, rolls back, and has savepoints", async () => {
  const value = await evaluateOn(
    "app:db",
    `
    assert(db:execute("CREATE TABLE t (i INTEGER)"))
    local function count() return assert(db:query("SELECT count(*) AS n FROM t"))[1].n end
    local tx = assert(db:begin({ isolation = sql.isolation.SERIALIZABLE }))
    assert(tx:db_type() == "sqlite")
    assert(tx:execute("INSERT INTO t VALUES (1)"))
    assert(tx:savepoint("a1"))
    assert(tx:execute("INSERT INTO t VALUES (2)"))
    assert(tx:rollback_to("a1"))
    assert(tx:release("a1"))
    local prepared = assert(tx:prepare("INSERT INTO t VALUES (?)"))
    assert(prepared:execute({ 3 }))
    assert(count() == 0, "not seen before the commit")
    local ok, err = tx:savepoint("no name")
    assert(not ok and err:kind() == "Invalid")
    assert(tx:commit())
    ok, err = tx:execute("INSERT INTO t VALUES (4)")
    assert(not ok and err:message() == "transaction is not active" and err:kind() == "Invalid")
    ok, err = prepared:execute({ 5 })
    assert(not ok and err:kind() == "Invalid")
    ok, err = tx:commit()
    assert(ok == false and err:kind() == "Invalid")
    tx = assert(db:begin())
    assert(tx:execute("DELETE FROM t"))
    assert(tx:rollback())
    tx = assert(db:begin({ read_only = true }))
    ok, err = tx:execute("DELETE FROM t")
    assert(not ok and err:kind() == "PermissionDenied", tostring(err))
    assert(#assert(tx:query("SELECT * FROM t")) == 2)
    assert(tx:rollback())
    ok, err = db:begin({ isolation = "wild" })
    assert(not ok and err:kind() == "Invalid")
    return count()
  `,
  );
  expect(value).toBe(2);
});

test("a prepared statement runs often, until it is closed", async () => {
  const value = await evaluateOn(
    "app:db",
    `
    assert(db:execute("CREATE TABLE t (i INTEGER)"))
    local insert = assert(db:prepare("INSERT INTO t VALUES (?)"))
    for i = 1, 10 do assert(insert:execute({ i })) end
    assert(insert:close() and insert:close())
    local rows, err = insert:execute({ 11 })
    assert(rows == nil and err:kind() == "Invalid" and err:message() == "the statement is closed")
    local _, wrong = db:prepare("SELEC 1")
    local sum = assert(db:prepare("SELECT sum(i) AS n FROM t WHERE i > ?"))
    return { sum:query({ 8 })[1].n, wrong:kind() }
  `,
  );
  expect(value).toEqual([19, "Invalid"]);
});

test.each<[string, string, Partial<WippyError>]>([
  [
    "a unique column",
    `db:execute("INSERT INTO u VALUES (1, 1, 1)")`,
    {
      kind: "AlreadyExists",
      retryable: false,
      details: { code: "SQLITE_CONSTRAINT_PRIMARYKEY", constraint: "primary_key", subject: "u.id" },
    },
  ],
  [
    "a check",
    `db:execute("INSERT INTO u VALUES (2, -1, 1)")`,
    {
      kind: "Invalid",
      details: { code: "SQLITE_CONSTRAINT_CHECK", constraint: "check", subject: "positive" },
    },
  ],
  [
    "a column that must not be null",
    `db:execute("INSERT INTO u VALUES (2, 1, ?)", { sql.NULL })`,
    {
      kind: "Invalid",
      details: { code: "SQLITE_CONSTRAINT_NOTNULL", constraint: "not_null", subject: "u.name" },
    },
  ],
  ["syntax", `db:query("SELEC 1")`, { kind: "Invalid", details: { code: "SQLITE_ERROR" } }],
  ["a missing table", `db:query("SELECT * FROM none")`, { kind: "Invalid" }],
  ["too few parameters", `db:query("SELECT ?, ?", { 1 })`, { kind: "Invalid" }],
  ["parameters that are no table", `db:query("SELECT ?", 1)`, { kind: "Invalid" }],
  ["an empty text", `db:query(" -- nothing")`, { kind: "Invalid" }],
  ["two queries", `db:query("SELECT 1; SELECT 2")`, { kind: "Invalid" }],
  ["two statements with parameters", `db:execute("DELETE FROM u; SELECT ?", { 1 })`, {
    kind: "Invalid",
  }],
  ["its own BEGIN", `db:execute("/* x */ begin")`, { kind: "Invalid" }],
  ["its own COMMIT behind another statement", `db:execute("SELECT 1; COMMIT")`, {
    kind: "Invalid",
  }],
  ["another file", `db:execute("ATTACH DATABASE '/tmp/x.db' AS x")`, { kind: "PermissionDenied" }],
  ["another file, quoted", `db:execute("SELECT ';'; attach '/tmp/x.db' AS x")`, {
    kind: "PermissionDenied",
  }],
  ["a copy to another file", `db:execute("VACUUM INTO '/tmp/x.db'")`, { kind: "PermissionDenied" }],
  ["bytes as a statement", `db:query("SELECT \\255")`, { kind: "Invalid" }],
])("%s is an error with kind and details", async (_, call, expected) => {
  const { run } = await start({
    main: main(`
      db:execute([[CREATE TABLE u (id INTEGER PRIMARY KEY,
        n INTEGER CONSTRAINT positive CHECK (n > 0), name TEXT NOT NULL)]])
      db:execute("INSERT INTO u VALUES (1, 1, 'a')")
      local value, err = ${call}
      assert(value == nil)
      return nil, err`),
  });
  const error = await run("main").then(() => undefined, (failure: WippyError) => failure);
  expect(error?.toJSON()).toMatchObject(expected as object);
});

test("several statements without parameters run all", async () => {
  const value = await evaluateOn(
    "app:db",
    `
    assert(db:execute([[
      CREATE TABLE a (i INTEGER); CREATE TABLE log (i INTEGER);
      CREATE TRIGGER t AFTER INSERT ON a BEGIN INSERT INTO log VALUES (new.i); END;
      INSERT INTO a VALUES (1), (2);]]))
    assert(db:execute([[CREATE TRIGGER u AFTER DELETE ON a BEGIN DELETE FROM log; DELETE FROM log; END]]))
    return db:query("SELECT count(*) AS n FROM log")[1].n
  `,
  );
  expect(value).toBe(2);
});

test("missing, wrong and forbidden databases", async () => {
  const { run } = await start({
    main: `local sql = require("sql")
      return { main = function(id) return sql.get(id) end }`,
  }, { off: { kind: "db.sql.sqlite", file: ":memory:" } });
  const failure = (id: string) =>
    run("main", id).then(() => "", (error: WippyError) => `${error.kind}: ${error.message}`);
  expect(await failure("")).toBe("Invalid: empty database id");
  expect(await failure("app:none")).toBe("NotFound: database not found: app:none");
  expect(await failure("app:main")).toMatch(/^Invalid: app:main is a function.lua entry/);
  expect(await failure("app:off")).toBe(
    "Unavailable: database app:off does not run; give it lifecycle: { auto_start: true }",
  );
});

test("each use of a handle asks for db.get", async () => {
  const { run } = await start({
    main: `local sql, security = require("sql"), require("security")
      local funcs = require("funcs")
      return { main = function()
        local nobody = funcs.new():with_actor(security.new_actor("u")):with_scope(security.new_scope({}))
        local _, err = nobody:call("app:inner")
        return nil, err
      end }`,
    inner: main(`return db:query("SELECT 1")`),
  });
  await expect(run("main")).rejects.toThrow(/db\.get|not allowed/);
});

test("what a unit has open ends with it, however it ends", async () => {
  const { application, run, open } = await start(
    {
      prepare: main(`return db:execute("CREATE TABLE t (i INTEGER)")`),
      leave: main(`local tx = db:begin() tx:execute("INSERT INTO t VALUES (1)") return "left"`),
      fail: main(`local tx = db:begin() tx:execute("INSERT INTO t VALUES (1)") error("broken")`),
      sleep: main(`local tx = db:begin() tx:execute("INSERT INTO t VALUES (1)") time.sleep("1m")`),
      cancelled: `local funcs, time = require("funcs"), require("time")
      return { main = function()
        local call = funcs.new():async("app:sleep")
        time.sleep("200ms")
        call:cancel()
        time.sleep("100ms")
        return true
      end }`,
      count: main(`return db:query("SELECT count(*) AS n FROM t")[1].n`),
      insert: main(`return db:execute("INSERT INTO t VALUES (1)").rows_affected`),
    },
    {},
    { workers: 2, threads: true },
  );
  await run("prepare");
  await run("leave");
  // `rejects` keeps messages of threads from arriving.
  expect(await run("fail").catch((error: Error) => error.message)).toContain("broken");
  await run("cancelled");
  expect(open()).toBe(0);
  const slept = run("sleep").catch((error: Error) => error.message);
  await until(() => open() > 0);
  for (const worker of [0, 1]) application.node.killWorker(worker);
  expect(await slept).toContain("was killed");
  await until(() => open() === 0);
  expect(await run("count")).toBe(0);
  // The writing connection is free again.
  expect(await run("insert")).toBe(1);
});

test("a worker that asks much sees what was written, and its queries end with their units", async () => {
  const endless =
    "WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c) SELECT i FROM c WHERE i % 9999 = 0";
  const { application, run, open } = await start(
    {
      prepare: main(`return db:execute("CREATE TABLE t (i INTEGER)")`),
      main: main(`
        for i = 1, 500 do
          assert(db:execute("INSERT INTO t VALUES (?)", { i }))
          assert(db:query("SELECT max(i) AS i FROM t")[1].i == i)
        end
        local _, err = db:query("SELECT * FROM missing")
        return { err:kind(), #db:query("SELECT * FROM t"), db:stats().in_use }`),
      flood: main(`
        for _ = 1, 200 do assert(db:query("SELECT 1")) end
        return db:query("${endless}")`),
      used: main(`return db:stats().in_use`),
      insert: main(`return db:execute("INSERT INTO t VALUES (1)").rows_affected`),
    },
    {},
    { workers: 2, threads: true },
  );
  await run("prepare");
  expect(await run("main")).toEqual(["Invalid", 500, 0]);
  const statements = () =>
    application.node.control.figures.find(({ name }) => name === "wippy_sql_statements_total")!
      .value;
  // A table, and what `main` ran; the query that failed was asked for again.
  expect(statements()).toBe(1 + 2 * 500 + 2);
  const stuck = run("flood").catch((error: Error) => error.message);
  await until(async () => await run("used") === 1);
  for (const worker of [0, 1]) application.node.killWorker(worker);
  expect(await stuck).toContain("was killed");
  await until(async () => await run("used") === 0);
  expect(open()).toBe(0);
  expect(await run("insert")).toBe(1);
});

test("who waits for a transaction of others too long gets a retryable error, and reads go on", async () => {
  const { run } = await start({
    prepare: main(`return db:execute("CREATE TABLE t (i INTEGER)")`),
    hold: main(
      `local tx = db:begin() tx:execute("INSERT INTO t VALUES (1)") time.sleep("1500ms") return tx:commit()`,
    ),
    main: main(`
      time.sleep("200ms")
      assert(#db:query("SELECT * FROM t") == 0)
      local _, err = db:execute("INSERT INTO t VALUES (2)")
      return { err:kind(), err:retryable(), err:details().code, err:message(), db:stats().wait_count }`),
  });
  await run("prepare");
  const [, seen] = await Promise.all([run("hold"), run("main")]);
  expect(seen).toEqual([
    "Unavailable",
    true,
    "SQLITE_BUSY",
    "the database is busy: another transaction was open for 300 ms; keep transactions short, " +
    "or set a longer busy_timeout",
    1,
  ]);
});

test("a query that nobody waits for any more stops between two rows", async () => {
  const endless = "WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c) SELECT i FROM c";
  const { run } = await start({
    endless: main(`return db:query("${endless}")`, "app:memory"),
    main: `local funcs, time = require("funcs"), require("time")
      return { main = function()
        local call = funcs.new():async("app:endless")
        time.sleep("200ms")
        call:cancel()
        return true
      end }`,
    after: main(`return db:query("SELECT 1 AS one")[1].one`, "app:memory"),
  });
  await run("main");
  expect(await run("after")).toBe(1);
});

test("a file that cannot be opened stops the start with its reason", async () => {
  const { application } = await start({}, {
    lost: {
      kind: "db.sql.sqlite",
      file: "nowhere/x.db",
      lifecycle: { auto_start: true, startup: "optional" },
    },
  });
  const text = JSON.stringify(application.logs);
  expect(text).toContain("open nowhere/x.db: its folder does not exist; make it");
});

test("what was committed is in the file after a restart", async () => {
  const { run, file, application } = await start({
    main: main(
      `db:execute("CREATE TABLE t (i INTEGER)") return db:execute("INSERT INTO t VALUES (7)")`,
    ),
  });
  await run("main");
  await application.stop();
  expect(existsSync(`${file}-wal`)).toBe(false);
  const { Database } = await import("bun:sqlite");
  const database = new Database(file);
  expect(database.query("SELECT i FROM t").get()).toEqual({ i: 7 });
  database.close();
});
