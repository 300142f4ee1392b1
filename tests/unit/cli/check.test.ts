import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { root, sourceFiles } from "../../../scripts/sources.ts";
import { sandboxGlobals } from "../../../src/app/sandbox-globals.ts";
import { startApplication } from "../../integration/application.ts";
import { writeFiles } from "../app/temporary-application.ts";
import { runCommand } from "./run/run-command.ts";

/** An application of one function with that source, and a library. */
function application(source: string): string {
  return writeFiles({
    "wippy.lock": "directories:\n  modules: .wippy\n  src: ./src\n",
    "src/_index.yaml": `version: "1.0"
namespace: app
entries:
  - name: main
    kind: function.lua
    source: file://main.lua
    method: main
    modules: [funcs]
    imports: { words: app:words }
  - name: words
    kind: library.lua
    source: return { hello = "x" }
`,
    "src/main.lua": source,
  });
}

const sound = `type Name = string @min_len(1)
local function main(name: Name): string
  return words.hello .. Name(name) .. tostring(funcs.call("app:main", 1))
end
return { main = main }
`;
const faulty = `local count: integer = "x"
local other = require("funcs")
other.async("app:mian")
funcs.call("not an id") process.spawn("app:nothing", "app:host")
print(cuont, sql.get("x"), string.upper("x"), words, Undeclared)
function Undeclared() end
local again = function() return again() end
return { main = again }
`;

describe("wippy check", () => {
  test("does not advise a workflow to list what it may not use", async () => {
    const app = writeFiles({
      "wippy.lock": "directories: { src: ./src }\n",
      "src/_index.yaml": `namespace: app
entries:
  - name: order
    kind: workflow.lua
    source: return { main = function() io.print(require("io"), require("json")) end }
    method: main
`,
    });
    const hints = (await runCommand(app, "check")).out.match(/(?<=hint: ).*/g);
    expect(hints).toEqual([
      "do it in a function.lua and call that: it runs as an activity",
      "do it in a function.lua and call that: it runs as an activity",
      "list json under modules: of the entry",
    ]);
  });

  test("says which entries cannot be called or started", async () => {
    const calls = `local main = function()
  funcs.call("app:main") funcs.async("app:words") process.spawn("app:main", "app:host")
  funcs.call("app:task") process.exec("app:task", "app:host") process.exec("app:host", "app:host")
end
return { main = main }`;
    const app = application(calls);
    const index = join(app, "src/_index.yaml");
    writeFileSync(
      index,
      `${readFileSync(index, "utf8")}  - { name: host, kind: process.host }
  - { name: task, kind: process.lua, source: "return { main = function() end }", method: main }
`,
    );
    const { status, out } = await runCommand(app, "check");
    expect(status).toBe(1);
    expect(out.match(/app:main {2}.*|(?<=hint: ).*/g)).toEqual([
      "app:main  app:words is a library.lua, which cannot be called (E0091)",
      "list it under imports: of the entry, and require it",
      "app:main  app:main is a function.lua, which cannot be started (E0091)",
      "call it with funcs.call",
      "app:main  app:task is a process.lua, which cannot be called (E0091)",
      "start it with process.spawn or process.exec",
      "app:main  app:host is a process.host, which cannot be started (E0091)",
      "correct the id",
    ]);
  });

  test("says which field was probably meant", async () => {
    const text = "local p: { price: number } = f() return p.prise + p.cost";
    const { out } = await runCommand(application(text), "check");
    expect(out).toContain(`field 'prise' does not exist on type {price: number} (E0004)`);
    expect(out).toContain(`    hint: did you mean "price"?\n`);
    expect(out).toContain(`    hint: correct the code or the annotation\n`);
    expect((await runCommand(application(text), "lint")).out).toContain(
      `   = help: did you mean "price"?\n`,
    );
  });

  test("finds modules that code requires and its entry does not list", async () => {
    const app = application(
      `local funcs, json, sqk = require("funcs"), require("json"), require("words_")
return { main = function() return funcs, json, sqk, pcall(require, "lost") end }
`,
    );
    const { status, out } = await runCommand(app, "check");
    expect(status).toBe(1);
    expect(out).toBe(`src/main.lua:1:52  app:main  nothing declares the module json (E0090)
    | local funcs, json, sqk = require("funcs"), require("json"), require("words_")
    |                                                    ^^^^^^
    hint: list json under modules: of the entry
src/main.lua:1:69  app:main  nothing declares the module words_ (E0090)
    | local funcs, json, sqk = require("funcs"), require("json"), require("words_")
    |                                                                     ^^^^^^^^
    hint: did you mean "words"?
2 entries: 2 errors, 0 warnings
`);
  });

  test("finds every fault, with its line", async () => {
    const { status, out, err } = await runCommand(application(faulty), "check");
    expect([status, err]).toEqual([1, ""]);
    expect(out).toBe(`src/main.lua:1:24  app:main  type error: cannot assign "x" to integer (E0000)
    | local count: integer = "x"
    |                        ^^^
    hint: correct the code or the annotation
src/main.lua:3:13  app:main  entry not found: app:mian (E0091)
    | other.async("app:mian")
    |             ^^^^^^^^^^
    hint: did you mean "app:main"?
src/main.lua:4:39  app:main  entry not found: app:nothing (E0091)
    | funcs.call("not an id") process.spawn("app:nothing", "app:host")
    |                                       ^^^^^^^^^^^^^
    hint: correct the id
src/main.lua:5:7  app:main  warning: nothing defines the global cuont (E0001)
    | print(cuont, sql.get("x"), string.upper("x"), words, Undeclared)
    |       ^^^^^
    hint: declare it with local, or define it
src/main.lua:5:14  app:main  warning: nothing defines the global sql (E0001)
    | print(cuont, sql.get("x"), string.upper("x"), words, Undeclared)
    |              ^^^
    hint: list sql under modules: of the entry
2 entries: 3 errors, 2 warnings
`);
  });

  test("prints JSON", async () => {
    const { status, out } = await runCommand(application(faulty), "check", "--json");
    const found = JSON.parse(out) as { diagnostics: Record<string, unknown>[] };
    expect(status).toBe(1);
    expect(found).toMatchObject({ total_entries: 2, error_count: 3, warning_count: 2 });
    expect(found.diagnostics[0]).toEqual({
      entry_id: "app:main",
      code: "E0000",
      severity: "error",
      message: 'type error: cannot assign "x" to integer (E0000)',
      file: "src/main.lua",
      line: 1,
      column: 24,
      hint: "correct the code or the annotation",
    });
  });

  test("says nothing of what is right, and succeeds; warnings do not fail it", async () => {
    expect(await runCommand(application(sound), "check")).toEqual({
      status: 0,
      out: "2 entries: nothing is wrong\n",
      err: "",
    });
    expect(JSON.parse((await runCommand(application(sound), "check", "--json")).out)).toEqual({
      diagnostics: [],
      total_entries: 2,
      error_count: 0,
      warning_count: 0,
    });
    const warned = await runCommand(application("print(x) return { main = print }"), "check");
    expect(warned.status).toBe(0);
  });

  test("types that are called or asked are no globals, and by themselves they are nothing", async () => {
    const used = `return { main = function(v) return integer:is(v) and number(v) or any(v) end }`;
    expect((await runCommand(application(used), "check")).out).toBe(
      "2 entries: nothing is wrong\n",
    );
    const bare = await runCommand(
      application("return { main = function() return integer end }"),
      "check",
    );
    expect(bare.out + bare.err).toContain("integer");
  });

  test("needs an application", async () => {
    const { status, err } = await runCommand(writeFiles({}), "check");
    expect(status).toBe(1);
    expect(err).toContain("no wippy.lock in");
  });

  const examples = readdirSync(join(root, "examples"))
    .filter((name) => sourceFiles(`${name}/wippy.lock`, ["examples"]).length > 0);
  test.each(examples)("finds nothing in the example %s", async (name) => {
    const { out } = await runCommand(join(root, "examples", name), "check");
    expect(out).toEndWith("entries: nothing is wrong\n");
  });
});

test("the globals that the check knows are those of an entry", async () => {
  const names = [...sandboxGlobals].sort();
  const running = await startApplication({
    functions: {
      main: `return function(names)
        local missing = {}
        for _, name in ipairs(names) do
          if _G[name] == nil then missing[#missing + 1] = name end
        end
        return table.concat(missing, " ")
      end`,
    },
  });
  expect(await running.call("main", names)).toBe("");
  const kernel = readFileSync(join(root, "lua/kernel/globals.lua"), "utf8");
  const always = [...kernel.matchAll(/sandbox\.always\("(\w+)"/g)].map(([, name]) => name!);
  expect(always.length).toBeGreaterThan(4);
  expect(always.filter((name) => !sandboxGlobals.has(name))).toEqual([]);
});
