import { expect, test } from "bun:test";
import { evaluate, runUnit } from "./lua-unit.ts";

/** What a unit logs: level, logger, message and fields of each line. */
async function logged(code: string) {
  const { logs, error } = await runUnit(`return { main = function() ${code} end }`);
  expect(error).toBeUndefined();
  return logs.map(({ level, logger, message, fields }) => [level, logger, message, fields]);
}

function fields(of: Record<string, unknown>) {
  return Object.assign(Object.create(null), of);
}

test("each level writes a line", async () => {
  const code =
    `for _, level in ipairs{ "debug", "info", "warn", "error" } do logger[level](logger, "m") end`;
  expect(await logged(code)).toEqual(
    ["debug", "info", "warn", "error"].map((level) => [level, "", "m", fields({})]),
  );
});

test("fields keep their types; errors become text and stay in the caller's table", async () => {
  const code = `
    local own = { n = 1, f = 1.5, b = true, t = { 1, 2 }, error = errors.new("boom"), [5] = "dropped" }
    logger:error("m", own)
    assert(own.error and own[5])`;
  expect(await logged(code)).toEqual([
    ["error", "", "m", fields({ n: 1, f: 1.5, b: true, t: [1, 2], error: "boom" })],
  ]);
});

test("children carry names and fields, parents stay as they are", async () => {
  const code = `
    local a = logger:named("a")
    local b = a:with{ x = 1, y = 1 }:named("b"):with{ y = 2 }
    b:info("b", { z = 3 })
    b:info("b")
    a:info("a")`;
  expect(await logged(code)).toEqual([
    ["info", "a.b", "b", fields({ x: 1, y: 2, z: 3 })],
    ["info", "a.b", "b", fields({ x: 1, y: 2 })],
    ["info", "a", "a", fields({})],
  ]);
});

test("the location is the caller's line", async () => {
  const { logs } = await runUnit(`return { main = function()\n\n  logger:info("m")\nend }`);
  expect(logs[0]!.location).toBe("test:main:3");
});

test.each([
  ["logger:info(5)", /bad argument #1 to 'info' \(string expected, got number\)/],
  ["logger:info('m', 5)", /bad argument #2 to 'info' \(table expected, got number\)/],
  ["logger.info('m')", /call it with a colon: logger:info/],
  ["logger:named('')", /non-empty string expected/],
  ["logger:with(5)", /bad argument #1 to 'with'/],
])("%s raises", async (code, expected) => {
  const message = await evaluate(`
    local _, err = pcall(function() ${code} end)
    return tostring(err)`);
  expect(message).toMatch(expected);
});
