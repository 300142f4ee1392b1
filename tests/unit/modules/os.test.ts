import { expect, test } from "bun:test";
import { evaluate } from "./lua-unit.ts";

test.each([
  ["os.date('!%c', 1718461845)", "Sat Jun 15 14:30:45 2024"],
  ["os.date('!%c', 1717252245)", "Sat Jun  1 14:30:45 2024"],
  ["os.date('!%a %A %b %B', 1718461845)", "Sat Saturday Jun June"],
  ["os.date('!%d %H %I %j %m %M %p %S', 1718461845)", "15 14 02 167 06 30 PM 45"],
  ["os.date('!%U %W %w', 1718461845)", "24 24 6"],
  ["os.date('!%U', 1704067199)", "52"],
  ["os.date('!%x %X %y %Y %z %Z %%', 1718461845)", "06/15/24 14:30:45 24 2024 +0000 UTC %"],
  ["os.date('!%Q %E', 0)", "%Q %E"],
  ["os.date('!%Y', -62135596800)", "1"],
  ["os.difftime(5, 3)", "2"],
  ["os.time()", "1718461845"],
  [
    "(function() local t = { year = 2024, month = 1, day = 75 } os.time(t) return t.month .. '-' .. t.day end)()",
    "3-15",
  ],
  ["(pcall(os.time, { year = 1e12, month = 1, day = 1 }))", "false"],
  ["(pcall(os.time, { year = 1, month = 1e12, day = 1 }))", "false"],
  ["os.time(os.date('*t', 1718461845))", "1718461845"],
  [
    "os.time({year = 2024, month = 14, day = 0}) - os.time({year = 2025, month = 1, day = 31})",
    "0",
  ],
  ["os.time({hour = 25}) - os.time({}) ", "90000"],
  ["os.clock()", "2.5"],
  ["math.type(os.clock())", "float"],
  ["os.platform", "wippy"],
  ["os.execute or os.getenv or os.exit", "nil"],
])("%s", async (expression, expected) => {
  expect(await evaluate(`return tostring(${expression})`)).toBe(expected);
});

test("a table has every field", async () => {
  expect(await evaluate("return os.date('!*t', 1718461845)")).toEqual(
    Object.assign(Object.create(null), {
      year: 2024,
      month: 6,
      day: 15,
      hour: 14,
      min: 30,
      sec: 45,
      wday: 7,
      yday: 167,
      isdst: false,
    }),
  );
});

test("wrong arguments raise", async () => {
  const code = `
    local function message(f, ...) return select(2, pcall(f, ...)) end
    return { message(os.difftime, 1), message(os.time, 5), message(os.time, {year = "x", month = 1, day = 1}) }`;
  expect(await evaluate(code)).toEqual([
    expect.stringContaining("bad argument #2 to 'difftime' (number expected, got no value)"),
    expect.stringContaining("bad argument #1 to 'time' (table expected, got number)"),
    expect.stringContaining("field 'year' is not an integer"),
  ]);
});

test("the two hours of an autumn night are told apart", () => {
  // 01:30 twice, on 2 November 2025; and an ordinary time in summer and in winter.
  const code = `for _, at in ipairs({ 1762061400, 1762065000, 1752000000, 1767000000 }) do
    local t = os.date("*t", at)
    t.wday, t.yday = nil, nil
    io.write(os.time(t) - at, " ")
  end`;
  const main = new URL("../../../src/main.ts", import.meta.url).pathname;
  const { stdout, stderr } = Bun.spawnSync([process.execPath, main, "-e", code], {
    env: { ...process.env, TZ: "America/New_York" },
  });
  expect([stdout.toString(), stderr.toString()]).toEqual(["0 0 0 0 ", ""]);
});
