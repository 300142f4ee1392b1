import { describe, expect, test } from "bun:test";
import { chmodSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { writeFiles } from "../app/temporary-application.ts";
import { runCommand } from "./run/run-command.ts";

const files = {
  "wippy.lock": "directories: { src: ./src }\n",
  "src/_index.yaml": `version: "1.0"
namespace: app
entries:
  - { name: a, kind: function.lua, source: file://a.lua, method: main, modules: [funcs] }
  - { name: good, kind: library.lua, source: "return {}" }
`,
  "src/a.lua": `local count: integer = "x"
local json = require("json")
local funcs = require("funcs")
return { main = function(a) return count == count end }
`,
  "src/deep/_index.yaml": `version: "1.0"
namespace: app.deep
entries:
  - { name: b, kind: function.lua, source: file://b.lua, method: main }
`,
  "src/deep/b.lua": "return {\n  main = = 1 }\n",
};
async function diagnosticsOf(
  ...flags: string[]
): Promise<{ codes: string[]; counts: number[]; status: number }> {
  const { status, out } = await runCommand(writeFiles(files), "lint", "--json", ...flags);
  expect(out).toMatch(/^\{.*\}\n$/);
  const { diagnostics, total_entries, error_count, warning_count, hint_count } = JSON.parse(
    out,
  ) as {
    diagnostics: {
      entry_id: string;
      code: string;
      severity: string;
      line: number;
      column: number;
    }[];
    total_entries: number;
    error_count: number;
    warning_count: number;
    hint_count: number;
  };
  return {
    codes: diagnostics.map(({ entry_id, code, line, column }) =>
      `${entry_id} ${code} ${line}:${column}`
    ),
    counts: [total_entries, error_count, warning_count, hint_count],
    status,
  };
}

describe("wippy lint", () => {
  test("shows errors with their place and line", async () => {
    const { status, out, err } = await runCommand(writeFiles(files), "lint");
    expect(out).toBe(`error[P0001]: unexpected symbol near '='
  --> src/deep/b.lua:2:1
   |
 2 |   main = = 1 }
   | ^

error[E0000]: cannot assign "x" to integer
  --> src/a.lua:1:24
   |
 1 | local count: integer = "x"
   |                        ^^^

error[E0090]: nothing declares the module json
  --> src/a.lua:2:22
   |
 2 | local json = require("json")
   |                      ^^^^^^
   = help: list json under modules: of the entry

Checked 3 entries: 3 errors
`);
    expect([status, err]).toEqual([1, "Error: lint failed: 3 errors, 0 warnings\n"]);
  });

  test("says when there is nothing", async () => {
    const sound = writeFiles({
      ...files,
      "src/a.lua": "return { main = print }",
      "src/deep/b.lua": "return { main = print }",
    });
    expect(await runCommand(sound, "lint", "--rules")).toMatchObject({
      status: 0,
      out: "No issues found\nChecked 3 entries\n",
      err: "",
    });
  });

  test.each<[flags: string[], codes: string[], counts: number[], status: number]>([
    [[], ["app.deep:b P0001 2:1", "app:a E0000 1:24", "app:a E0090 2:22"], [3, 3, 0, 0], 1],
    [
      ["--rules", "--ns", "app"],
      [
        "app:a E0000 1:24",
        "app:a E0090 2:22",
        "app:a W0003 4:36",
        "app:a W0004 2:7",
        "app:a W0006 2:7",
        "app:a W0004 3:7",
        "app:a W0006 3:7",
      ],
      [2, 3, 4, 0],
      1,
    ],
    [["--rules", "--level", "hint", "--code", "w0005"], ["app:a W0005 4:17"], [3, 0, 0, 1], 0],
    [["--rules", "--level", "warn", "--code", "w0005"], [], [3, 0, 0, 0], 0],
    [
      ["--rules", "--level", "nonsense", "--ns", "app"],
      ["app:a E0000 1:24", "app:a E0090 2:22", "app:a W0003 4:36"],
      [2, 3, 0, 0],
      1,
    ],
    [["--ns", "app.deep"], ["app.deep:b P0001 2:1"], [1, 1, 0, 0], 1],
    [["--ns", "app.**", "--limit", "1"], ["app.deep:b P0001 2:1"], [3, 3, 0, 0], 1],
    [["--ns", "other.*"], [], [0, 0, 0, 0], 0],
  ])("%p", async (flags, codes, counts, status) => {
    expect(await diagnosticsOf(...flags)).toEqual({ codes, counts, status });
  });

  test("counts by namespace and code", async () => {
    const { out } = await runCommand(
      writeFiles(files),
      "lint",
      "--summary",
      "--rules",
      "--limit",
      "1",
    );
    expect(out).toContain("NAMESPACE  COUNT\napp        7\napp.deep   1\n");
    expect(out).toContain("CODE   COUNT\nW0004  2\nW0006  2\n");
  });

  test("writes SARIF with the columns of characters", async () => {
    const { out } = await runCommand(
      writeFiles({
        ...files,
        "src/a.lua": 'local é, x: integer = "ä", "x" return { main = print(é, x) }',
      }),
      "lint",
      "--sarif",
      "--ns",
      "app",
    );
    const { version, runs: [run] } = JSON.parse(out);
    expect([version, run.tool.driver.name, run.results.length]).toEqual(["2.1.0", "wippy", 1]);
    expect(run.results[0]).toMatchObject({ ruleId: "P0001", level: "error" });
  });

  test("--fix writes what cannot change behaviour, and says what that was", async () => {
    const code = '#!/usr/bin/env wippy\r\nlocal a = "x" -- why\r\n' +
      "return { main = function(b) return a == a end }\r\n";
    const directory = writeFiles({
      ...files,
      "src/a.lua": code.replace("local a", 'local funcs = require("funcs") local a'),
      "src/deep/b.lua": "local = 1\n",
      "src/_index.yaml": `${files["src/_index.yaml"]}  - {
    name: inline, kind: library.lua, source: "local x = 1 return {}" }\n`,
    });
    const path = join(directory, "src/a.lua");
    chmodSync(path, 0o750);
    const first = await runCommand(directory, "lint", "--fix", "--level", "hint", "--ns", "app");
    expect(first).toMatchObject({ status: 1 });
    expect(first.out).toStartWith(
      "fixed src/a.lua:2:7: funcs is now _funcs (W0004, W0006)\n" +
        "fixed src/a.lua:3:26: b is now _b (W0005)\n" +
        "error[W0003]: a == a is always true\n",
    );
    expect(first.out).toContain("warning[W0004]: the local x is never read\n");
    expect(readFileSync(path, "utf8")).toBe(
      code.replace("local a", 'local _funcs = require("funcs") local a').replace("(b)", "(_b)"),
    );
    expect(statSync(path).mode & 0o777).toBe(0o750);
    expect(readdirSync(join(directory, "src")).sort()).toEqual(["_index.yaml", "a.lua", "deep"]);
    expect(readFileSync(join(directory, "src/deep/b.lua"), "utf8")).toBe("local = 1\n");

    const again = await runCommand(directory, "lint", "--fix", "--json", "--ns", "app");
    expect(JSON.parse(again.out)).toMatchObject({ fixes: [], error_count: 1, warning_count: 1 });
  });

  test("--fix leaves alone what is not to be shown", async () => {
    const directory = writeFiles(files);
    const { out } = await runCommand(directory, "lint", "--fix", "--json", "--code", "w0006");
    expect(JSON.parse(out).fixes).toEqual([
      { file: "src/a.lua", line: 2, column: 7, codes: ["W0006"], message: "json is now _json" },
      { file: "src/a.lua", line: 3, column: 7, codes: ["W0006"], message: "funcs is now _funcs" },
    ]);
    expect(readFileSync(join(directory, "src/a.lua"), "utf8")).toContain("function(a)");
  });

  test("takes a lock file of any name and place, and refuses a folder without one", async () => {
    const directory = writeFiles({
      "app/other.lock": "directories: { src: ./src/deep }\n",
      "app/src/deep/_index.yaml": files["src/deep/_index.yaml"],
      "app/src/deep/b.lua": "return {}\n",
    });
    const { out, status } = await runCommand(directory, "lint", "-l", "app/other.lock");
    expect([out, status]).toEqual(["No issues found\nChecked 1 entry\n", 0]);
    expect((await runCommand(directory, "lint", "-l", "app/none.lock")).err).toStartWith(
      `Error: no none.lock in ${join(directory, "app")}\n`,
    );
    expect((await runCommand(writeFiles({ "README": "" }), "lint")).err).toContain(
      "no wippy.lock in",
    );
  });
});
