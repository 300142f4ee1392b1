import { expect, test } from "bun:test";
import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { main } from "../../../src/cli/cli.ts";
import { root } from "../../../scripts/sources.ts";
import { writeFiles } from "../app/temporary-application.ts";
import { runCommand } from "./run/run-command.ts";

/** A folder with files, in which StyLua is installed. */
function installed(files: Record<string, string>): string {
  const directory = writeFiles(files);
  mkdirSync(join(directory, "node_modules"));
  symlinkSync(
    join(root, "node_modules/@johnnymorganz"),
    join(directory, "node_modules/@johnnymorganz"),
  );
  return directory;
}

const lock = { "wippy.lock": "directories: { src: ./src }\n" };
const spaces = { "stylua.toml": 'syntax = "Lua54"\nindent_type = "Spaces"\nindent_width = 2\n' };

test("fmt formats what is below the source folder, and nothing else", async () => {
  const directory = installed({
    ...lock,
    ...spaces,
    "src/a.lua": "local function f(x:number):string return 'a' end",
    "src/deep/b.lua": "local x = 1\n",
    "src/.wippy/c.lua": "local  x",
    "other.lua": "local  x",
  });
  const path = join(directory, "src/a.lua");
  chmodSync(path, 0o640);
  const check = await runCommand(directory, "fmt", "--check");
  expect(check).toEqual({
    status: 1,
    out: "src/a.lua: not formatted\n2 files: 1 not formatted, 1 unchanged\n",
    err: "",
  });
  expect(readFileSync(path, "utf8")).toStartWith("local function f(x:number)");
  expect(await runCommand(directory, "fmt")).toEqual({
    status: 0,
    out: "formatted src/a.lua\n2 files: 1 formatted, 1 unchanged\n",
    err: "",
  });
  expect(readFileSync(path, "utf8")).toBe(
    'local function f(x: number): string\n  return "a"\nend\n',
  );
  expect(statSync(path).mode & 0o777).toBe(0o640);
  expect(readdirSync(join(directory, "src")).sort()).toEqual([".wippy", "a.lua", "deep"]);
  expect((await runCommand(directory, "fmt", "--check")).status).toBe(0);
  expect(readFileSync(join(directory, "other.lua"), "utf8")).toBe("local  x");
  expect((await runCommand(directory, "fmt", "other.lua")).out).toStartWith("formatted other.lua");
});

test("the nearest stylua.toml decides; without one the style is StyLua's own", async () => {
  const directory = installed({
    "a.lua": "do f() end",
    "inner/a.lua": "do f() end",
    "inner/stylua.toml": 'indent_type = "Spaces"\nindent_width = 3\n',
  });
  await runCommand(directory, "fmt", ".");
  expect(readFileSync(join(directory, "a.lua"), "utf8")).toBe("do\n\tf()\nend\n");
  expect(readFileSync(join(directory, "inner/a.lua"), "utf8")).toBe("do\n   f()\nend\n");
});

test("a file that cannot be formatted is named with the place, and stays", async () => {
  const directory = installed({ ...lock, "src/a.lua": "local x: = 1", "src/b.lua": "local  y" });
  const { status, out, err } = await runCommand(directory, "fmt");
  expect(status).toBe(1);
  expect(out).toBe("formatted src/b.lua\n2 files: 1 formatted, 0 unchanged, 1 failed\n");
  expect(err).toMatch(/^src\/a\.lua:1:10: .*; it is left as it is\n$/);
  expect(readFileSync(join(directory, "src/a.lua"), "utf8")).toBe("local x: = 1");
});

test("--stdin formats standard input", async () => {
  const directory = installed(spaces);
  let out = "";
  const status = await main(["fmt", "--stdin"], {
    out: (text) => void (out += Buffer.from(text).toString()),
    err: () => {},
    directory,
    system: {},
    input: () => Promise.resolve("local  x : integer=1"),
    terminal: false,
    colour: false,
  });
  expect([status, out]).toEqual([0, "local x: integer = 1\n"]);
});

test.each<[what: string, settings: string, message: string]>([
  ["value", 'indent_type = "Dots"', 'indent_type = "Dots" is unknown (known: Tabs, Spaces)'],
  ["name", "indent = 2", "indent = 2 is not supported (supported: column_width, indent_width,"],
  ["number", "indent_width = -1", "indent_width = -1 is no whole number"],
  ["text", "= =", "stylua.toml cannot be read"],
])("a wrong %s in stylua.toml is refused", async (_what, settings, message) => {
  const directory = installed({ "stylua.toml": settings, "a.lua": "" });
  const { status, err } = await runCommand(directory, "fmt", "a.lua");
  expect([status, err]).toEqual([1, expect.stringContaining(message)]);
});

test("says how to get StyLua where it is not installed, and what else is missing", async () => {
  expect(await runCommand(writeFiles({}), "fmt")).toEqual({
    status: 1,
    out: "",
    err: "Error: StyLua, which formats, is not installed\n" +
      '    hint: run "npm install --save-dev @johnnymorganz/stylua" in the folder of the application\n',
  });
  expect((await runCommand(installed({}), "fmt")).err).toContain("no wippy.lock in");
  expect((await runCommand(installed({}), "fmt", "no.lua")).err).toContain("there is no no.lua");
});
