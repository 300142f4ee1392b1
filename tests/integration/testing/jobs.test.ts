import { expect, test } from "bun:test";
import { mkdtempSync, readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { root } from "../../../scripts/sources.ts";
import { writeFiles } from "../../unit/app/temporary-application.ts";
import { until } from "../../until.ts";
import { runTestsOf } from "./run-tests.ts";

const entries = `version: "1.0"
namespace: app
entries:
  - { name: durable, kind: workflow.host, lifecycle: { auto_start: true } }
  - { name: db, kind: db.sql.sqlite, file: app.db, lifecycle: { auto_start: true } }
  - { name: double, kind: function.lua, source: file://double.lua, method: main }
`;
const double = `return {
  main = function(n)
    return n * 2
  end,
}
`;

/** Files of tests, the first of which takes the longest. */
function manyFiles(): Record<string, string> {
  const test = (name: string) =>
    `it("${name}", function() expect(require("funcs").call("app:double", 2)):to_equal(4) end)\n`;
  return {
    "src/_index.yaml": entries,
    "src/double.lua": double,
    "src/a_test.lua": `it("uses a database", function()
      local db = assert(require("sql").get("app:db"))
      assert(db:execute("CREATE TABLE t (a INTEGER)"))
    end)
    it("fails", function() expect(1):to_equal(2) end)
    it("is to come")
    ${test("counts")}`,
    "src/b_test.lua": "local x = = 1",
    "src/c_test.lua": Array.from({ length: 6 }, (_, index) => test(`number ${index}`)).join(""),
    "src/d_test.lua": "",
  };
}

test("reports are in the order of files and tests, however many run at a time", async () => {
  const run = async (jobs: string) => {
    const { lines, status } = await runTestsOf(manyFiles(), "--jobs", jobs, "--coverage");
    return {
      status,
      lines: lines.map((line) => ({ ...line, duration_ms: undefined, logs: undefined })),
    };
  };
  const alone = await run("1");
  expect(alone.status).toBe(1);
  expect(alone.lines.filter(({ type }) => type === "test").map(({ file }) => file![4])).toEqual([
    ..."aaaabcccccc",
  ]);
  expect(alone.lines.find(({ type }) => type === "coverage")?.lines).toContainEqual([3, 7]);
  expect(await run("3")).toEqual(alone);
}, 120_000);

test("a signal leaves no folder behind", async () => {
  const temporary = mkdtempSync(join(tmpdir(), "wippy-jobs-"));
  const directory = writeFiles({
    "wippy.lock": "directories: { src: ./src }\n",
    "src/_index.yaml": entries,
    "src/double.lua": double,
    "src/a_test.lua":
      `for i = 1, 4 do it("never ends " .. i, function() while true do end end) end`,
  });
  const child = Bun.spawn(
    [process.execPath, join(root, "src/main.ts"), "test", "--jobs", "2", "--timeout", "300"],
    {
      cwd: directory,
      env: { ...process.env, TMPDIR: temporary },
      stdout: "ignore",
      stderr: "pipe",
    },
  );
  const jobs = () => [
    ...new Bun.Glob("wippy-test-*/job-*").scanSync({ cwd: temporary, onlyFiles: false }),
  ];
  try {
    await until(() => jobs().length === 2, Boolean, 60_000);
    child.kill("SIGINT");
    expect(await child.exited).toBe(130);
    expect(readdirSync(temporary)).toEqual([]);
  } finally {
    child.kill("SIGKILL");
  }
}, 120_000);
