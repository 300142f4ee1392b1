/** The query builder of the module `sql`; databases are in tests/integration/sql. */
import { expect, test } from "bun:test";
import { evaluate } from "./lua-unit.ts";

const show = `
local sql = require("sql")
local b = sql.builder
local function show(builder)
  local text, args = builder:to_sql()
  if not text then return args:kind() .. ": " .. args:message() end
  local list = {}
  for i, value in ipairs(args) do list[i] = tostring(value == sql.NULL and "NULL" or value) end
  return text .. " [" .. table.concat(list, ",") .. "]"
end
`;

test.each([
  ['b.select("a", "b"):from("t")', "SELECT a, b FROM t []"],
  [
    `b.select("a"):distinct():from("t"):join("u ON u.id = ?", 1):left_join("v USING (id)"):where("x > ?", 2)
      :where({ z = 4, y = 3 }):group_by("a", "b"):having("count(*) > ?", 5):order_by("a DESC"):limit(-1):offset(7)
      :suffix("FOR UPDATE /* ? */", 8)`,
    "SELECT DISTINCT a FROM t JOIN u ON u.id = ? LEFT JOIN v USING (id) WHERE x > ? AND y = ? AND z = ? " +
    "GROUP BY a, b HAVING count(*) > ? ORDER BY a DESC LIMIT 0 OFFSET 7 FOR UPDATE /* ? */ [1,2,3,4,5,8]",
  ],
  ['b.select("a"):columns("b"):from("t"):where({})', "SELECT a, b FROM t WHERE (1=1) []"],
  [
    'b.select("a"):where(b.eq({ b = sql.NULL, a = sql.as.null() })):where(b.not_eq({ c = sql.NULL, d = 1 }))',
    "SELECT a WHERE a IS NULL AND b IS NULL AND c IS NOT NULL AND d <> ? [1]",
  ],
  ['b.select("a"):where(b.lt({ b = sql.NULL }))', "Invalid: cannot compare b < NULL"],
  [
    'b.select("a"):where(b.or_({ b.gte({ a = 1 }), { c = 2 }, b.and_({}), b.or_({}) }))',
    "SELECT a WHERE (a >= ? OR c = ? OR (1=1) OR (1=0)) [1,2]",
  ],
  [
    'b.select("a"):where(b.expr("x IN (?, ?) AND y ?? 1", 1, 2)):where("z = ?", 3):placeholder_format(b.dollar)',
    "SELECT a WHERE x IN ($1, $2) AND y ? 1 AND z = $3 [1,2,3]",
  ],
  ['b.select("a"):where("x = ?", 1):placeholder_format(b.at)', "SELECT a WHERE x = @p1 [1]"],
  ['b.select("a"):where("x = ?", 1):placeholder_format(b.colon)', "SELECT a WHERE x = :1 [1]"],
  ["b.select()", "Invalid: select needs columns"],
  [
    'b.insert("t"):columns("a", "b"):values(1, nil):values(b.expr("now()"), 2):suffix("RETURNING a")',
    "INSERT INTO t (a,b) VALUES (?,?),(now(),?) RETURNING a [1,NULL,2]",
  ],
  [
    'b.insert():into("t"):prefix("WITH x AS (SELECT ?)", 0):options("OR IGNORE"):set_map({ b = 2, a = 1 })',
    "WITH x AS (SELECT ?) INSERT OR IGNORE INTO t (a,b) VALUES (?,?) [0,1,2]",
  ],
  [
    'b.insert("t"):columns("a"):select(b.select("x"):from("u"):where({ y = 1 }))',
    "INSERT INTO t (a) SELECT x FROM u WHERE y = ? [1]",
  ],
  ['b.insert("t")', "Invalid: insert needs values"],
  ["b.insert():values(1)", "Invalid: insert needs a table"],
  [
    `b.update("t"):set("n", b.expr("n + ?", 1)):set_map({ z = 3, a = b.expr("b") }):from_select(b.select("1"):where({ k = 4 }), "s")
      :where("id = ?", 5):order_by("id"):limit(6)`,
    "UPDATE t SET n = n + ?, a = b, z = ? FROM (SELECT 1 WHERE k = ?) AS s WHERE id = ? ORDER BY id LIMIT 6 [1,3,4,5]",
  ],
  ['b.update("t"):where({ a = 1 })', "Invalid: update needs at least one set"],
  [
    'b.delete("t"):where(b.like({ a = "x%" })):limit(1)',
    "DELETE FROM t WHERE a LIKE ? LIMIT 1 [x%]",
  ],
  ["b.delete()", "Invalid: delete needs a table"],
])("%s", async (code, expected) => {
  expect(await evaluate(`${show} return show(${code})`)).toBe(expected);
});

test("a builder stays as it was", async () => {
  const value = await evaluate(`${show}
    local first = b.select("a"):from("t")
    local second = first:where({ x = 1 }):columns("b"):limit(1)
    return { show(first), show(second), tostring(second) }`);
  expect(value).toEqual([
    "SELECT a FROM t []",
    "SELECT a, b FROM t WHERE x = ? LIMIT 1 [1]",
    "SELECT a, b FROM t WHERE x = ? LIMIT 1",
  ]);
});

test("nothing of the module can be replaced for other units", async () => {
  const value = await evaluate(`
    local sql = require("sql")
    local seen = {}
    for name, part in pairs({ sql = sql, as = sql.as, builder = sql.builder, type = sql.type }) do
      if pcall(function() part.int = print end) then seen[#seen + 1] = name end
    end
    if pcall(function() sql.NULL.tag = "v" end) then seen[#seen + 1] = "NULL" end
    return table.concat(seen, ",")`);
  expect(value).toBe("");
});

test.each([
  [
    'b.select("a"):where(5)',
    "where: a condition is a text, a table of columns or a condition object",
  ],
  ['b.select("a"):placeholder_format("?")', "bad argument #1 to 'placeholder_format'"],
  ['b.select("a"):run_with({})', "bad argument #1 to 'run_with' (DB or Transaction expected"],
  ["b.select(5)", "bad argument #1 to 'select' (string expected, got number)"],
])("%s is refused", async (code, message) => {
  const value = await evaluate(`${show}
    local ok, result = pcall(function() return show(${code}) end)
    return tostring(result)`);
  expect(value).toContain(message);
});
