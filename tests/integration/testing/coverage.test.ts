import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { writeFiles } from "../../unit/app/temporary-application.ts";
import { runCommand } from "../../unit/cli/run/run-command.ts";
import { runTestsOf } from "./run-tests.ts";

const files = {
  "src/_index.yaml": `version: "1.0"
namespace: app
entries:
  - { name: durable, kind: workflow.host, lifecycle: { auto_start: true } }
  - { name: charge, kind: function.lua, source: file://charge.lua, method: main, modules: [time] }
  - { name: order, kind: workflow.lua, source: file://order.lua, method: main, modules: [funcs, time] }
  - { name: sizes, kind: library.lua, source: file://sizes.lua }
  - { name: inline, kind: function.lua, method: main, source: "return { main = function() return 1 end }" }
`,
  "src/charge.lua": `local function refuse()
  local reason = "no money"
  -- why
  return nil, reason
end

local function main(amount: number)
  if amount < 0 then
    return refuse()
  end
  return amount * 2
end

return { main = main }
`,
  "src/order.lua": `local funcs, time = require("funcs"), require("time")

local function main(amount)
  local charged = assert(funcs.call("app:charge", amount))
  time.sleep("1h")
  return charged
end

return { main = main }
`,
  "src/sizes.lua": `return {
  of = function(list)
    local size = 0
    for _ in ipairs(list) do
      size = size + 1
    end
    return size
  end,
}
`,
  "src/a_test.lua": `local sizes = require("sizes")

it("counts", function()
  expect(sizes.of({ 1, 2, 3 })):to_equal(3)
end)

it("charges", function()
  expect(process.exec("app:order", "app:durable", 4)):to_equal(8)
end)
`,
};

test("lines are counted over all tests, in workflows and in typed code", async () => {
  const { lines, status } = await runTestsOf(files, "--coverage");
  expect(status).toBe(0);
  const of = (name: string) => lines.find(({ file }) => file === `src/${name}.lua`)?.lines;
  expect(lines.filter(({ type }) => type === "coverage").map(({ file }) => file)).toEqual([
    "src/charge.lua",
    "src/order.lua",
    "src/sizes.lua",
  ]);
  const counts = (name: string, ...wanted: number[]) =>
    of(name)!.filter(([line]) => wanted.includes(line)).map(([, count]) => count);
  expect(of("charge")!.map(([line]) => line)).toEqual([1, 2, 4, 7, 8, 9, 11, 14]);
  expect(counts("charge", 2, 4, 8, 9, 11)).toEqual([0, 0, 1, 0, 1]);
  expect(counts("order", 4, 5, 6)).toEqual([1, 1, 1]);
  expect(counts("sizes", 3, 4, 5, 7)).toEqual([1, 1, 3, 1]);
}, 60_000);

test("the report has a table, and the output file lcov", async () => {
  const directory = writeFiles({ "wippy.lock": "directories: { src: ./src }\n", ...files });
  const { out, status } = await runCommand(
    directory,
    "test",
    "--coverage-output",
    "out/lcov.info",
  );
  expect(status).toBe(0);
  expect(out.slice(out.indexOf("File"))).toBe(
    `File               Lines  Covered  Not covered
src/charge.lua    5 of 8    62.5%  2-4, 9
src/order.lua     6 of 6   100.0%
src/sizes.lua     5 of 5   100.0%
All files       16 of 19    84.2%
`,
  );
  const written = readFileSync(join(directory, "out/lcov.info"), "utf8");
  expect(written.split("end_of_record\n")[2]).toMatch(
    /^TN:\nSF:src\/sizes.lua\nDA:1,\d+\nDA:3,1\nDA:4,1\nDA:5,3\nDA:7,1\nLF:5\nLH:5\n$/,
  );
}, 60_000);

test("counting changes nothing: the same seed fails in the same way", async () => {
  const race = `it("races", function()
    local first
    for i = 1, 3 do coroutine.spawn(function() first = first or i end) end
    clock:advance("1s")
    expect(first .. " " .. math.random(1, 1000000)):to_equal("")
  end)`;
  const run = async (...flags: string[]) =>
    (await runTestsOf({ ...files, "src/a_test.lua": race }, "--seed", "12", ...flags)).lines
      .find(({ type }) => type === "test")!.failure;
  const plain = await run();
  expect(plain!.actual).toBeDefined();
  expect(await run("--coverage")).toEqual(plain!);
}, 60_000);

test("lives before a crash count, and those that ran out of time", async () => {
  const { lines } = await runTestsOf(
    {
      ...files,
      "src/a_test.lua": `local sizes = require("sizes")
it("crashes", function()
  expect(crash.at_every_step(function() return process.exec("app:order", "app:durable", 4) end)):to_equal(8)
end)
it("never ends", function()
  sizes.of({ 1, 2 })
  while true do end
end)
`,
    },
    "--coverage",
    "--timeout",
    "3",
  );
  const count = (name: string, wanted: number) =>
    lines.find(({ file, type }) => type === "coverage" && file === `src/${name}.lua`)!.lines!
      .find(([line]) => line === wanted)![1];
  const crashes = lines[0]!.crashes!;
  expect(crashes).toBeGreaterThan(2);
  // The run without a crash, and each life that comes to this line: before the crash or after it.
  expect(count("order", 4)).toBeGreaterThan(crashes);
  expect(count("sizes", 5)).toBe(2);
}, 60_000);
