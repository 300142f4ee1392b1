/** What the module `sql` does on every kind of database alike. */
import { describe, expect, test } from "bun:test";
import { until } from "../../until.ts";
import { databases, evaluate, start } from "./databases.ts";

for (const database of databases) {
  const { name, missing, types, type } = database;
  const { key, integer, float, bytes, time } = types;

  describe.skipIf(missing)(name, () => {
    test("values go in and come back as they were", async () => {
      const value = await evaluate(
        database,
        `
        assert(db:execute("CREATE TABLE t (i ${integer}, small ${integer}, f ${float}, s VARCHAR(100), b ${bytes}, flag BOOLEAN, at ${time}, n ${integer})"))
        local done = assert(db:execute(mark("INSERT INTO t VALUES (?, ?, ?, ?, ?, ?, ?, ?)"), {
          math.mininteger, 7, 1.0, "Grüße ✓ 'x' \\\\", sql.as.binary("\\255\\0\\254"), true, "2026-01-02 03:04:05.123456", sql.NULL }))
        assert(done.rows_affected == 1)
        assert(db:execute(mark("INSERT INTO t VALUES (?, ?, ?, ?, ?, ?, ?, ?)"), {
          math.maxinteger, -7, 0.1, "", sql.as.binary(""), false, sql.as.null(), sql.as.int("12") }))
        local rows = assert(db:query("SELECT * FROM t ORDER BY i"))
        assert(#rows == 2)
        local row, other = rows[1], rows[2]
        assert(row.i == math.mininteger and math.type(row.i) == "integer", "integer")
        assert(row.small == 7 and math.type(row.small) == "integer", "small integer")
        assert(row.f == 1.0 and math.type(row.f) == "float", "float")
        assert(row.s == "Grüße ✓ 'x' \\\\", "text")
        assert(row.b == "\\255\\0\\254", "bytes")
        assert(row.n == nil)
        assert(other.i == math.maxinteger and other.small == -7 and other.f == 0.1 and other.s == "" and other.b == "" and other.n == 12)
        assert(other.at == nil)
        assert(#assert(db:query("SELECT * FROM t WHERE i = 0")) == 0)
        return { row.at, row.flag, other.flag }
      `,
      );
      // MySQL has no booleans, and calls an integer one.
      const flags = type === "mysql" ? [1, 0] : [true, false];
      expect(value).toEqual(["2026-01-02T03:04:05.123456Z", ...flags]);
    });

    test("a transaction commits, rolls back, and has savepoints", async () => {
      const value = await evaluate(
        database,
        `
        assert(db:execute("CREATE TABLE t (i ${integer})"))
        local function count() return assert(db:query("SELECT count(*) AS n FROM t"))[1].n end
        local tx = assert(db:begin({ isolation = sql.isolation.SERIALIZABLE }))
        assert(tx:execute("INSERT INTO t VALUES (1)"))
        assert(tx:savepoint("a1"))
        assert(tx:execute("INSERT INTO t VALUES (2)"))
        assert(tx:rollback_to("a1"))
        assert(tx:release("a1"))
        local prepared = assert(tx:prepare(mark("INSERT INTO t VALUES (?)")))
        assert(prepared:execute({ 3 }))
        local ok, err = tx:savepoint("no name")
        assert(not ok and err:kind() == "Invalid")
        assert(tx:commit())
        assert(count() == 2)
        ok, err = tx:execute("INSERT INTO t VALUES (4)")
        assert(not ok and err:message() == "transaction is not active" and err:kind() == "Invalid")
        ok, err = prepared:execute({ 5 })
        assert(not ok and err:kind() == "Invalid")
        ok, err = tx:commit()
        assert(ok == false and err:kind() == "Invalid")
        tx = assert(db:begin())
        assert(tx:execute("DELETE FROM t"))
        assert(tx:rollback())
        assert(count() == 2)
        tx = assert(db:begin({ read_only = true }))
        assert(#tx:query("SELECT * FROM t") == 2)
        ok, err = tx:execute("DELETE FROM t")
        assert(not ok and err:kind() == "PermissionDenied", tostring(err))
        assert(tx:rollback())
        local _, unknown = db:begin({ isolation = "chaos" })
        return { db:type(), assert(db:begin()):db_type(), unknown:kind() }
      `,
      );
      expect(value).toEqual([type, type, "Invalid"]);
    });

    test("what fails says how", async () => {
      const value = await evaluate(
        database,
        `
        assert(db:execute("CREATE TABLE p (id ${key} NOT NULL PRIMARY KEY, name VARCHAR(9) NOT NULL, age ${integer} CHECK (age > 0))"))
        ${type === "sqlite" ? 'db:execute("PRAGMA foreign_keys = ON")' : ""}
        assert(db:execute("CREATE TABLE c (id ${key} NOT NULL, FOREIGN KEY (id) REFERENCES p (id))"))
        assert(db:execute("INSERT INTO p VALUES (1, 'a', 1)"))
        local seen = {}
        local function note(_, err)
          local details = err:details() or {}
          seen[#seen + 1] = err:kind() .. " " .. tostring(err:retryable()) .. " " .. tostring(details.constraint)
        end
        note(db:execute(mark("INSERT INTO p VALUES (?, 'b', 1)"), { 1 }))
        note(db:execute("INSERT INTO c VALUES (2)"))
        note(db:execute("INSERT INTO p VALUES (2, NULL, 1)"))
        note(db:execute("INSERT INTO p VALUES (2, 'b', 0)"))
        note(db:query("SELEC 1"))
        note(db:query("SELECT * FROM missing"))
        note(db:query("SELECT nothing FROM p"))
        note(db:query(mark("SELECT * FROM p WHERE id = ?"), "no table"))
        note(db:query(mark("SELECT * FROM p WHERE id = ?")))
        note(db:query(mark("SELECT * FROM p WHERE id = ?"), { 1, 2 }))
        note(db:query("SELECT 1; SELECT 2"))
        note(db:execute("BEGIN"))
        note(db:execute("COMMIT"))
        note(db:query(""))
        note(db:prepare("SELEC 1"))
        return seen
      `,
      );
      expect(value).toEqual([
        "AlreadyExists false " + (type === "sqlite" ? "primary_key" : "unique"),
        "Conflict false foreign_key",
        "Invalid false not_null",
        "Invalid false check",
        ...Array.from({ length: 11 }, () => "Invalid false nil"),
      ]);
    });

    test("a failed statement leaves the transaction as its database does", async () => {
      const value = await evaluate(
        database,
        `
        assert(db:execute("CREATE TABLE t (i ${key} NOT NULL PRIMARY KEY)"))
        local tx = assert(db:begin())
        assert(tx:execute("INSERT INTO t VALUES (1)"))
        assert(not tx:execute("INSERT INTO t VALUES (1)"))
        local ok, err = tx:commit()
        local rows = assert(db:query("SELECT count(*) AS n FROM t"))[1].n
        return { ok, err and err:kind() or "", rows }
      `,
      );
      expect(value).toEqual(type === "postgres" ? [false, "Invalid", 0] : [true, "", 1]);
    });

    test("builders write and run their statements", async () => {
      const value = await evaluate(
        database,
        `
        local b = sql.builder
        assert(db:execute("CREATE TABLE t (id ${key} NOT NULL PRIMARY KEY, name VARCHAR(20), age ${integer}, note ${bytes})"))
        local inserted = assert(b.insert("t"):columns("id", "name", "age"):values(1, "ann", 30):values(2, "bob", sql.NULL):run_with(db):exec())
        assert(inserted.rows_affected == 2)
        assert(b.insert("t"):set_map({ id = 3, name = "cem", age = b.expr("? + 1", sql.as.int(40)), note = sql.as.binary("\\255") }):run_with(db):exec())
        local tx = assert(db:begin())
        local changed = assert(b.update("t"):set("age", b.expr("age + ?", 1)):where({ name = "ann" }):run_with(tx):exec())
        assert(changed.rows_affected == 1)
        assert(tx:commit())
        local found = assert(b.select("name", "age"):from("t")
          :where(b.or_({ b.gt({ age = 40 }), b.and_({ { name = "ann" }, b.not_eq({ age = 5 }) }) }))
          :where("name <> ?", "nobody"):order_by("name DESC"):limit(5):run_with(db):query())
        local nulls = assert(b.select("name"):from("t"):where({ age = sql.NULL }):run_with(db):query())
        assert(b.delete("t"):where(b.eq({ id = 2 })):run_with(db):exec().rows_affected == 1)
        local text, args = b.select("a"):from("t"):where("x = ? AND y = ?", 1, 2):run_with(db):to_sql()
        return { found[1].name, found[1].age, found[2].name, found[2].age, #found, nulls[1].name, text, #args }
      `,
      );
      const text = database.marks("SELECT a FROM t WHERE x = ? AND y = ?");
      expect(value).toEqual(["cem", 41, "ann", 31, 2, "bob", text, 2]);
    });

    test("what is in parameters stays a value", async () => {
      const value = await evaluate(
        database,
        `
        assert(db:execute("CREATE TABLE t (name VARCHAR(99))"))
        for _, evil in ipairs({ "x'; DROP TABLE t; --", "' OR '1'='1", "\\' OR 1=1 -- ", "$1", "?", "/*", "%" }) do
          assert(db:execute(mark("INSERT INTO t VALUES (?)"), { evil }))
          assert(sql.builder.insert("t"):set_map({ name = evil }):run_with(db):exec())
          local rows = assert(sql.builder.select("name"):from("t"):where({ name = evil }):run_with(db):query())
          assert(#rows == 2 and rows[1].name == evil and rows[2].name == evil, evil)
        end
        return assert(db:query("SELECT count(*) AS n FROM t"))[1].n
      `,
      );
      expect(value).toBe(14);
    });

    test("a prepared statement runs until it is closed", async () => {
      const value = await evaluate(
        database,
        `
        assert(db:execute("CREATE TABLE t (i ${integer})"))
        local insert = assert(db:prepare(mark("INSERT INTO t VALUES (?)")))
        for i = 1, 5 do assert(insert:execute({ i })) end
        local select = assert(db:prepare(mark("SELECT i FROM t WHERE i > ? ORDER BY i")))
        local first, second = assert(select:query({ 2 })), assert(select:query({ 4 }))
        assert(insert:close() and insert:close())
        local ok, err = insert:execute({ 6 })
        return { #first, second[1].i, ok == nil, err:kind() }
      `,
      );
      expect(value).toEqual([3, 5, true, "Invalid"]);
    });

    test("a transaction that is left open is rolled back, however its unit ends", async () => {
      const { run, figure, application } = await start(database, {
        make: `assert(db:execute("CREATE TABLE t (i ${integer})")) return true`,
        leaves:
          `local tx = assert(db:begin()) assert(tx:execute("INSERT INTO t VALUES (1)")) return true`,
        raises:
          `local tx = assert(db:begin()) assert(tx:execute("INSERT INTO t VALUES (1)")) error("no")`,
        killed: `
          local pid = assert(process.spawn("app:holds", "app:processes"))
          return pid`,
        kill: `return process.terminate(...)`,
        count: `return assert(db:query("SELECT count(*) AS n FROM t"))[1].n`,
      }, {
        processes: {
          holds: `local tx = assert(db:begin())
            assert(tx:execute("INSERT INTO t VALUES (1)"))
            time.sleep("1h")`,
        },
      });
      const open = () => figure("wippy_sql_transactions");
      await run("make");
      await run("leaves");
      await until(() => open() === 0);
      await run("raises").catch(() => {});
      await until(() => open() === 0);
      const pid = await run("killed");
      await until(() => open() === 1);
      await run("kill", pid);
      await until(() => open() === 0);
      expect(await run("count")).toBe(0);
      expect(figure("wippy_sql_connections_in_use")).toBe(0);
      expect(application.logs.filter(({ level }) => level === "error")).toHaveLength(0);
    });

    test("rows are read piece by piece, and no more than is asked for", async () => {
      const made = await start(database, {
        main: `
          assert(db:execute("CREATE TABLE t (i ${integer}, s VARCHAR(50))"))
          assert(db:execute([[INSERT INTO t SELECT i, 'row' FROM ${database.series(5_000)}]]))
          local function read(text, params, options)
            local rows, sum, count = assert(db:stream(mark(text), params, options)), 0, 0
            for row in rows:each() do
              sum, count = sum + row.i, count + 1
              assert(row.s == "row")
            end
            assert(not rows:err(), rows:err())
            local row, err = rows:next()
            assert(row == nil and err == nil and rows:close() and rows:close())
            return { count, sum }
          end
          local all = "SELECT i, s FROM t ORDER BY i"
          local part = "SELECT i, s FROM t WHERE i <= ? ORDER BY i"
          return {
            read(all), read(all, nil, { batch = 7 }), read(part, { 300 }, { batch = 100 }), read(part, { 0 }),
            read(part, { 1 }, { batch = 1 }),
          }`,
      });
      expect(await made.run("main")).toEqual([
        [5_000, 12_502_500],
        [5_000, 12_502_500],
        [300, 45_150],
        [0, 0],
        [1, 1],
      ]);
      await until(() => made.figure("wippy_sql_streams") === 0);
      await until(() => made.figure("wippy_sql_connections_in_use") === 0);
    });

    test("rows that nobody reads to the end are closed, by close and by the end of the unit", async () => {
      const { run, figure } = await start(database, {
        closed: `
          local rows = assert(db:stream([[SELECT i FROM ${database.series(100_000)}]]))
          assert(rows:next().i)
          rows:close()
          local row, err = rows:next()
          return row == nil and err == nil`,
        left: `
          local rows = assert(db:stream([[SELECT i FROM ${database.series(100_000)}]]))
          return rows:next().i ~= nil`,
        killed: `return assert(process.spawn("app:reads", "app:processes"))`,
        kill: `return process.terminate(...)`,
        others: "return assert(db:query('SELECT 1 AS i'))[1].i",
      }, {
        processes: {
          reads: `local rows = assert(db:stream([[SELECT i FROM ${database.series(100_000)}]]))
            assert(rows:next())
            time.sleep("1h")`,
        },
      });
      expect(await run("closed")).toBe(true);
      await until(() => figure("wippy_sql_streams") === 0);
      expect(await run("left")).toBe(true);
      await until(() => figure("wippy_sql_streams") === 0);
      const pid = await run("killed");
      await until(() => figure("wippy_sql_streams") === 1);
      expect(await run("others")).toBe(1);
      await run("kill", pid);
      await until(() => figure("wippy_sql_streams") === 0);
      await until(() => figure("wippy_sql_connections_in_use") === 0);
    });

    test("what cannot be streamed says so", async () => {
      const value = await evaluate(
        database,
        `
        assert(db:execute("CREATE TABLE t (i ${integer})"))
        local found = {}
        local function try(...)
          local rows, err = db:stream(...)
          if rows then rows:next() err = rows:err() end
          found[#found + 1] = err and err:kind() or "fine"
        end
        try("DELETE FROM t")
        try("SELECT nothing FROM t")
        try("SELECT 1; SELECT 2")
        try("SELECT 1", nil, { batch = 0 })
        try("SELECT 1", "x")
        return found
      `,
      );
      expect(value).toEqual(["Invalid", "Invalid", "Invalid", "Invalid", "Invalid"]);
    });

    test("a transaction streams what it sees, or says that it cannot", async () => {
      const value = await evaluate(
        database,
        `
        assert(db:execute("CREATE TABLE t (i ${integer})"))
        local tx = assert(db:begin())
        assert(tx:execute("INSERT INTO t VALUES (1), (2), (3)"))
        local rows, err = tx:stream("SELECT i FROM t ORDER BY i", nil, { batch = 1 })
        if not rows then
          assert(tx:rollback())
          return err:message()
        end
        assert(rows:next().i == 1)
        assert(tx:execute("INSERT INTO t VALUES (4)"))
        assert(rows:next().i == 2)
        assert(tx:commit())
        local row, failure = rows:next()
        return { row == nil, failure:kind(), assert(db:query("SELECT count(*) AS n FROM t"))[1].n }
      `,
      );
      expect(value).toEqual(
        type === "mysql"
          ? "a transaction of MySQL reads no rows piece by piece; use db:stream, or LIMIT"
          : [true, "Invalid", 4],
      );
    });

    test("more rows than may cross at once are refused, and the worker goes on", async () => {
      const value = await evaluate(
        database,
        `
        local rows, err = db:query([[SELECT i, i + 1 AS j FROM ${database.series(700_000)}]])
        assert(rows == nil and err:kind() == "Invalid")
        return { err:message(), assert(db:query("SELECT 7 AS i"))[1].i }
      `,
      );
      expect(value).toEqual([expect.stringContaining("hold more than 1200000 values"), 7]);
    }, 30_000);

    test("ten thousand rows come in one piece", async () => {
      const value = await evaluate(
        database,
        `
        assert(db:execute("CREATE TABLE t (i ${integer}, f ${float}, s VARCHAR(50))"))
        assert(db:execute([[INSERT INTO t SELECT i, i / 2.0, 'row' FROM ${
          database.series(10_000)
        }]]))
        local rows = assert(db:query("SELECT * FROM t ORDER BY i"))
        local sum = 0
        for i, row in ipairs(rows) do
          assert(row.i == i and row.s == "row")
          sum = sum + row.f
        end
        return { #rows, math.tointeger(sum), math.type(rows[2].f) }
      `,
      );
      expect(value).toEqual([10_000, 25_002_500, "float"]);
    });
  });
}
