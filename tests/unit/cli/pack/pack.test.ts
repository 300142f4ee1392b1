import { describe, expect, test } from "bun:test";
import { copyFileSync, existsSync } from "node:fs";
import { join } from "node:path";
import { writeFiles } from "../../app/temporary-application.ts";
import { runCommand } from "../run/run-command.ts";

const command = (name: string, code: string, more = "") =>
  `  - name: ${name}\n    kind: process.lua\n    modules: [fs]\n` +
  `    source: 'return { main = function(...) ${code} end }'\n` +
  `    meta: { command: { name: ${name}${more} } }\n`;

/** Ends with 40 and one more for each argument; with 1 if the file is not the packed one. */
const read =
  `return require("fs").get("app:public"):readfile("a.txt") == "packed" and 40 + #{...} or 1`;

/** An application with the given commands and a folder of files. */
function application(commands: string): string {
  return writeFiles({
    "wippy.lock": "directories: { src: src }\n",
    "public/a.txt": "packed",
    "data/b.txt": "b",
    "src/_index.yaml": "namespace: app\nentries:\n" +
      "  - { name: terminal, kind: terminal.host, lifecycle: { auto_start: true } }\n" +
      "  - { name: public, kind: fs.embed, directory: ./public }\n" +
      "  - { name: data, kind: fs.directory, directory: ./data }\n" + commands,
  });
}

/** Packs an application and moves the pack to an empty directory, which is returned. */
async function packed(commands: string, ...flags: string[]): Promise<string> {
  const source = application(commands);
  const { status, err } = await runCommand(source, "pack", "shop.wapp", ...flags);
  expect([status, err]).toEqual([0, expect.stringContaining("wrote shop.wapp: ")]);
  const target = writeFiles({});
  copyFileSync(join(source, "shop.wapp"), join(target, "shop.wapp"));
  return target;
}

describe("a pack", () => {
  test("runs where nothing else is: the command named, the main one, or the only one", async () => {
    const run = await packed(command("show", read, ", main: true") + command("other", ""));
    const status = async (...args: string[]) =>
      (await runCommand(run, "run", "shop.wapp", ...args)).status;
    expect(await status("show", "x")).toBe(41);
    expect(await status()).toBe(40);
    expect(await status("--exec", "app:show", "y", "z")).toBe(42);
    expect((await runCommand(run, "run", "shop.wapp", "shw")).err).toBe(
      'Error: command "shw" not found in pack\n    hint: did you mean "show"?\n',
    );
  });

  test("without a main command asks which", async () => {
    const run = await packed(command("one", "") + command("two", ""), "--exclude", "app:public");
    expect((await runCommand(run, "run", "shop.wapp")).err).toBe(
      "Error: no command is marked as main; specify one of: one, two\n",
    );
    expect((await runCommand(run, "run", "shop.wapp", "--watch")).err).toBe(
      "Error: --watch follows source files, and a pack has none\n    hint: leave it out\n",
    );
  });

  test("may hold the files of a directory", async () => {
    const code = `return require("fs").get("app:data"):readfile("b.txt") == "b" and 9 or 1`;
    const run = await packed(command("show", code), "--embed", "*:data");
    expect((await runCommand(run, "run", "shop.wapp")).status).toBe(9);
  });
});

test("pack lists the directories of an application", async () => {
  expect((await runCommand(application(""), "pack", "--list")).out).toBe(
    "app:data  fs.directory  ./data\napp:public  fs.embed  ./public\n",
  );
});

test("pack takes the application of a lock file, and writes to the current directory", async () => {
  const directory = writeFiles({
    "app/other.lock": "directories: { src: src }\n",
    "app/public/a.txt": "packed",
    "app/src/_index.yaml": "namespace: app\nentries:\n" +
      "  - { name: public, kind: fs.embed, directory: ./public }\n",
  });
  const { err, status } = await runCommand(directory, "pack", "a.wapp", "-l", "app/other.lock");
  expect(err).toStartWith("wrote a.wapp: 1 entries, 1 files");
  expect([status, existsSync(join(directory, "a.wapp"))]).toEqual([0, true]);
});

describe("pack refuses", () => {
  const wrong: [string, string[], string][] = [
    ["no file", [], "Error: no output file given\n    hint: write wippy pack NAME.wapp\n"],
    ["another name", ["x.zip"], "Error: x.zip does not end in .wapp\n"],
    ["bytecode", ["x.wapp", "--bytecode", "**"], "Error: packs have no bytecode: "],
    ["bad metadata", ["x.wapp", "--meta", "a"], 'Error: invalid --meta "a": expected key=value\n'],
    ["reserved metadata", ["x.wapp", "--meta", "wippy.a=1"], "wippy.a is reserved\n"],
    [
      "an unused pattern",
      ["x.wapp", "--embed", "app:public"],
      "app:public matches no fs.directory",
    ],
    ["a folder that cannot be written", ["none/x.wapp"], "Error: cannot write none/x.wapp: "],
  ];
  test.each(wrong)("%s", async (_, args, expected) => {
    const { status, err } = await runCommand(application(""), "pack", ...args);
    expect(status).toBe(1);
    expect(err).toContain(expected);
  });

  test("an application with errors", async () => {
    const { status, err } = await runCommand(application(command("x", "!")), "pack", "x.wapp");
    expect([status, err]).toEqual([1, expect.stringContaining("the application has 1 error")]);
  });
});

test("serve accepts packs only", async () => {
  expect((await runCommand(writeFiles({}), "serve", "folder")).err).toBe(
    "Error: folder is not a pack\n    hint: name a file that ends in .wapp, or nothing; -C names a directory\n",
  );
});
