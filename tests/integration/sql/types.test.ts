/** Types and statements that one kind of server has by itself. */
import { describe, expect, test } from "bun:test";
import { databases, evaluate, start } from "./databases.ts";

const [, postgres, mysql] = databases;

describe.skipIf(postgres!.missing)(postgres!.name, () => {
  test("every type has a value in Lua", async () => {
    const value = await evaluate(
      postgres!,
      `
      local row = assert(db:query([[SELECT 1::int2 a, 2::int4 b, 3::int8 c, 4::oid d, 1.5::float4 e, 2::float8 f,
        'NaN'::float8 g, '-Infinity'::float8 h, 12345678901234567890.1200::numeric i, true j, false k, 'x'::"char" l,
        'y'::char(3) m, '{"a": 9007199254740993}'::jsonb n, '{"a" :1}'::json o, array[1,NULL,3]::int8[] p,
        '2026-01-02 03:04:05.5+02'::timestamptz q, '2026-01-02 03:04:05'::timestamp r, '2026-01-02'::date s,
        '03:04:05'::time t, '1 day 2 hours'::interval u, 'infinity'::timestamptz v,
        '6ba7b810-9dad-11d1-80b4-00c04fd430c8'::uuid w, '127.0.0.1'::inet x, '\\x00ff'::bytea y, NULL::int z]]))[1]
      assert(row.g ~= row.g and row.h == -1 / 0 and row.y == "\\0\\255" and row.z == nil)
      assert(math.type(row.e) == "float" and math.type(row.f) == "float" and math.type(row.d) == "integer")
      row.f, row.g, row.h, row.y = nil, nil, nil, nil
      return row
    `,
    );
    expect(value).toEqual({
      a: 1,
      b: 2,
      c: 3,
      d: 4,
      e: 1.5,
      i: "12345678901234567890.1200",
      j: true,
      k: false,
      l: "x",
      m: "y  ",
      n: '{"a": 9007199254740993}',
      o: '{"a" :1}',
      p: "{1,NULL,3}",
      q: "2026-01-02T01:04:05.5Z",
      r: "2026-01-02T03:04:05Z",
      s: "2026-01-02T00:00:00Z",
      t: "03:04:05",
      u: "1 day 02:00:00",
      v: "infinity",
      w: "6ba7b810-9dad-11d1-80b4-00c04fd430c8",
      x: "127.0.0.1",
    });
  });

  test("the server gives a parameter the type that it needs", async () => {
    const value = await evaluate(
      postgres!,
      `
      assert(db:execute("CREATE TYPE mood AS ENUM ('good', 'bad')"))
      local row = assert(db:query([[SELECT jsonb_typeof($1::jsonb) a, $2::numeric + 1 b, $3::int[] c, $4::mood d,
        $5::date e, $6::int + 1 f, $7::text g, encode($8::bytea, 'hex') h, $9::boolean i]], {
        '{"a":1}', "1.10", "{1,2}", "good", "2026-01-02", "41", 5, sql.as.binary("\\0\\255"), true }))[1]
      local _, fraction = db:query("SELECT $1::int AS a", { 1.5 })
      local _, zero = db:query("SELECT $1::text AS a", { "a\\0b" })
      return { row, fraction:kind(), fraction:details().sqlstate, zero:kind() }
    `,
    );
    expect(value).toEqual([
      {
        ...{ a: "object", b: "2.10", c: "{1,2}", d: "good", e: "2026-01-02T00:00:00Z" },
        ...{ f: 42, g: "5", h: "00ff", i: true },
      },
      "Invalid",
      "22P02",
      "Invalid",
    ]);
  });

  test("what a statement changed", async () => {
    const value = await evaluate(
      postgres!,
      `
      local seen = {}
      local function note(text)
        local done = assert(db:execute(text))
        assert(done.last_insert_id == 0)
        seen[#seen + 1] = done.rows_affected
      end
      note("CREATE TABLE t (i serial PRIMARY KEY, n int)")
      note("INSERT INTO t (n) VALUES (1), (2), (3) RETURNING i")
      note("UPDATE t SET n = n + 1 WHERE n > 1")
      note("CREATE TABLE u (i int); INSERT INTO u VALUES (1); DELETE FROM t WHERE n > 0")
      local _, copy = db:execute("COPY t FROM STDIN")
      local _, half = db:execute("INSERT INTO u VALUES (2); INSERT INTO missing VALUES (1)")
      local rows = assert(db:query("INSERT INTO u VALUES (7) RETURNING i AS id, 'x' AS name"))
      return { seen, copy:kind(), half:kind(), rows, db:query("SELECT count(*) AS n FROM u")[1].n }
    `,
    );
    expect(value).toEqual([[0, 3, 2, 3], "Invalid", "Invalid", [{ id: 7, name: "x" }], 2]);
  });

  test("a serialization failure may be repeated", async () => {
    const value = await evaluate(
      postgres!,
      `
      assert(db:execute("CREATE TABLE t (n int); INSERT INTO t VALUES (0)"))
      local function begin() return assert(db:begin({ isolation = sql.isolation.SERIALIZABLE })) end
      local one, two = begin(), begin()
      assert(one:query("SELECT n FROM t") and two:query("SELECT n FROM t"))
      assert(one:execute("UPDATE t SET n = n + 1"))
      assert(one:commit())
      local _, err = two:execute("UPDATE t SET n = n + 1")
      two:rollback()
      return { err:kind(), err:retryable(), err:details().sqlstate }
    `,
    );
    expect(value).toEqual(["Conflict", true, "40001"]);
  });

  test("options are settings of the session", async () => {
    const { run } = await start(postgres!, {
      main: `return assert(db:query([[SELECT current_setting('application_name') AS name,
        current_setting('search_path') AS path, current_setting('statement_timeout') AS timeout]]))[1]`,
      slow:
        `local _, err = db:query("SELECT pg_sleep(600)") return { err:kind(), err:retryable() }`,
      time: `return assert(db:query("SELECT '2026-01-02 03:04:05+00'::timestamptz AS at"))[1].at`,
    }, {
      entry: {
        options: {
          ...{ application_name: "shop", search_path: "a, public", statement_timeout: 100 },
          ...{ DateStyle: "SQL, DMY", TimeZone: "Asia/Kolkata" },
        },
      },
    });
    expect(await run("main")).toEqual({ name: "shop", path: "a, public", timeout: "100ms" });
    expect(await run("slow")).toEqual(["Timeout", true]);
    expect(await run("time")).toBe("2026-01-02T03:04:05Z");
  });
});

describe.skipIf(mysql!.missing)(mysql!.name, () => {
  test("every type has a value in Lua, whether a statement has parameters or not", async () => {
    const value = await evaluate(
      mysql!,
      `
      assert(db:execute([[CREATE TABLE t (a TINYINT, b SMALLINT, c INT UNSIGNED, d BIGINT UNSIGNED, e FLOAT, f DOUBLE,
        g DECIMAL(20, 4), h BIT(9), i DATE, j DATETIME, k TIMESTAMP(6), l TIME, m YEAR, n VARBINARY(9), o JSON,
        p ENUM('x', 'y'), q TEXT, r BIGINT UNSIGNED, s BOOLEAN)]]))
      assert(db:execute([[INSERT INTO t VALUES (-1, 2, 4294967295, 18446744073709551615, 1.5, 2, 12.5, b'100000001',
        '2026-01-02', '2026-01-02 03:04:05', '2026-01-02 03:04:05.123456', '10:11:12', 2026, x'00ff', '{"a": 9007199254740993}',
        'y', 'Grüße', 9223372036854775807, TRUE)]]))
      local plain = assert(db:query("SELECT * FROM t"))[1]
      local prepared = assert(db:query("SELECT * FROM t WHERE 1 = ?", { 1 }))[1]
      for _, row in ipairs({ plain, prepared }) do
        assert(row.h == "\\1\\1" and row.n == "\\0\\255" and math.type(row.f) == "float" and row.r == math.maxinteger)
        assert(math.type(row.r) == "integer")
        row.h, row.n, row.f, row.r = nil, nil, nil, nil
      end
      return { plain, prepared }
    `,
    );
    const row = {
      ...{ a: -1, b: 2, c: 4_294_967_295, d: "18446744073709551615", e: 1.5, g: "12.5000" },
      ...{ i: "2026-01-02T00:00:00Z", j: "2026-01-02T03:04:05Z", k: "2026-01-02T03:04:05.123456Z" },
      ...{ l: "10:11:12", m: 2026, o: '{"a": 9007199254740993}', p: "y", q: "Grüße", s: 1 },
    };
    expect(value).toEqual([row, row]);
  });

  test("integers are parameters of 64 bits, where a number decides too", async () => {
    const value = await evaluate(
      mysql!,
      `
      local row = assert(db:query("SELECT ? AS a, ? AS b, ? AS c, ? AS d FROM DUAL LIMIT ?", {
        math.maxinteger, 1.0, "x", sql.as.int(-5), 1 }))[1]
      assert(row.a == math.maxinteger and math.type(row.a) == "integer")
      assert(math.type(row.b) == "float" and row.c == "x" and row.d == -5)
      return true
    `,
    );
    expect(value).toBe(true);
  });

  test("what a statement changed", async () => {
    const value = await evaluate(
      mysql!,
      `
      local seen = {}
      local function note(text, params)
        local done = assert(db:execute(text, params))
        seen[#seen + 1] = { done.last_insert_id, done.rows_affected }
      end
      note("CREATE TABLE t (i BIGINT AUTO_INCREMENT PRIMARY KEY, n INT)")
      note("INSERT INTO t (n) VALUES (1), (2)")
      note("INSERT INTO t (n) VALUES (?)", { 3 })
      note("UPDATE t SET n = 3 WHERE n > 1")
      local _, several = db:execute("INSERT INTO t (n) VALUES (4); INSERT INTO t (n) VALUES (5)")
      local _, hidden = db:execute("INSERT INTO t (n) VALUES (4) /*! ; COMMIT */")
      return { seen, several:kind(), hidden:kind() }
    `,
    );
    expect(value).toEqual([[[0, 0], [1, 2], [3, 1], [0, 1]], "Invalid", "Invalid"]);
  });

  test("options set up the session", async () => {
    const { run } = await start(mysql!, {
      main: `
        assert(db:execute("CREATE TABLE t (n INT); INSERT INTO t VALUES (1), (2)"))
        return {
          db:execute("UPDATE t SET n = 1").rows_affected,
          assert(db:query("SELECT @@sql_mode AS mode, @@lock_wait_timeout AS wait, @@time_zone AS zone"))[1],
        }`,
    }, {
      entry: {
        options: {
          ...{ multiStatements: true, clientFoundRows: "true", parseTime: true, loc: "UTC" },
          ...{ sql_mode: "'ANSI_QUOTES'", lock_wait_timeout: 7 },
        },
      },
    });
    expect(await run("main")).toEqual([2, { mode: "ANSI_QUOTES", wait: 7, zone: "+00:00" }]);
  });

  test("a statement that defines something ends the transaction", async () => {
    const value = await evaluate(
      mysql!,
      `
      assert(db:execute("CREATE TABLE t (n INT)"))
      local tx = assert(db:begin())
      assert(tx:execute("INSERT INTO t VALUES (1)"))
      assert(tx:execute("CREATE TABLE u (n INT)"))
      local ok, err = tx:execute("INSERT INTO t VALUES (2)")
      return { ok == nil, err:message(), db:query("SELECT count(*) AS n FROM t")[1].n }
    `,
    );
    expect(value).toEqual([true, "transaction is not active", 1]);
  });

  test("a procedure returns its rows", async () => {
    const value = await evaluate(
      mysql!,
      `
      assert(db:execute("CREATE PROCEDURE p(IN x INT) BEGIN SELECT x + 1 AS y; END"))
      return { assert(db:query("CALL p(1)")), assert(db:query("CALL p(?)", { 2 })) }
    `,
    );
    expect(value).toEqual([[{ y: 2 }], [{ y: 3 }]]);
  });
});
