/** Statements that come again are prepared once on each connection of PostgreSQL; programs see no difference. */
import { describe, expect, test } from "bun:test";
import { databases, start } from "./databases.ts";

const postgres = databases.find(({ type }) => type === "postgres")!;

async function evaluate(body: string) {
  const entry = { pool: { max_open: 1, max_idle: 1 } };
  return await (await start(postgres, { main: body }, { entry })).run("main");
}

describe.skipIf(postgres.missing)(postgres.name, () => {
  test("a text that comes again is prepared once, and one that comes once is not", async () => {
    const value = await evaluate(`
      for i = 1, 5 do assert(db:query("SELECT $1::int + 1 AS more", { i })[1].more == i + 1) end
      db:query("SELECT 'once'")
      local tx = assert(db:begin())
      for i = 1, 3 do tx:query("SELECT 'within'") end
      tx:commit()
      local texts = {}
      for _, row in ipairs(db:query("SELECT statement FROM pg_prepared_statements")) do
        texts[#texts + 1] = row.statement
      end
      return texts`);
    expect(value).toEqual(["SELECT $1::int + 1 AS more"]);
  });

  test("what is prepared follows its tables", async () => {
    const value = await evaluate(`
      local function columns()
        local names = {}
        for name in pairs(assert(db:query("SELECT * FROM t"))[1]) do names[#names + 1] = name end
        table.sort(names)
        return table.concat(names, " ")
      end
      assert(db:execute("CREATE TABLE t (a int DEFAULT 1); INSERT INTO t DEFAULT VALUES"))
      local seen = { columns(), columns(), columns() }
      assert(db:execute("ALTER TABLE t ADD b text DEFAULT 'x'"))
      seen[4], seen[5], seen[6] = columns(), columns(), columns()
      assert(db:execute("ALTER TABLE t ALTER a TYPE text"))
      seen[7] = db:query("SELECT * FROM t")[1].a
      assert(db:execute("DROP TABLE t"))
      seen[8] = select(2, db:query("SELECT * FROM t")):details().sqlstate
      return seen`);
    expect(value).toEqual(["a", "a", "a", "a b", "a b", "a b", "1", "42P01"]);
  });

  test("what somebody has deallocated is prepared again", async () => {
    const value = await evaluate(`
      local sum = 0
      for i = 1, 8 do
        sum = sum + assert(db:query("SELECT $1::int AS i", { i }))[1].i
        if i % 3 == 0 then assert(db:execute("DEALLOCATE ALL")) end
      end
      return sum`);
    expect(value).toBe(36);
  });

  test("a statement that fails when it is prepared, or later, fails as ever", async () => {
    const value = await evaluate(`
      local kinds = {}
      local function note(...) kinds[#kinds + 1] = select(2, ...):details().sqlstate end
      for _ = 1, 3 do note(db:query("SELECT nothing")) end
      for _ = 1, 3 do note(db:query("SELECT 1 / $1::int AS i", { 0 })) end
      assert(#db:query("SELECT 1 FROM pg_prepared_statements") == 1)
      for _ = 1, 3 do assert(db:query("SELECT 1 / $1::int AS i", { 1 })) end
      note(db:query("SELECT 1 / $1::int AS i", { 0 }))
      for _ = 1, 2 do note(db:query("SELECT $1::int AS i", {})) end
      return kinds`);
    const [missing, zero, count] = ["42703", "22012", "08P01"];
    expect(value).toEqual([missing, missing, missing, zero, zero, zero, zero, count, count]);
  });
});
