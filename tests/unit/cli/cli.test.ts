import { describe, expect, test } from "bun:test";
import { chmodSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import manifest from "../../../package.json" with { type: "json" };
import { schemaVersion } from "../../../src/workflows/providers/sqlite/migrations.ts";
import { writeFiles } from "../app/temporary-application.ts";
import { runCommand } from "./run/run-command.ts";

const nowhere = "/nowhere";

describe("wippy", () => {
  test("alone shows the banner and help", async () => {
    const { status, out, err } = await runCommand(nowhere);
    expect([status, err]).toEqual([0, ""]);
    expect(out).toStartWith(`wippy ${manifest.version}`);
    expect(out).toContain("Usage: wippy [options] [command]");
  });

  test("help shows help, also of a command", async () => {
    expect((await runCommand(nowhere, "help")).out).toContain("Commands:\n  run ");
    expect((await runCommand(nowhere, "help", "run")).out).toContain("--exec <id>");
    expect(await runCommand(nowhere, "run", "--help")).toMatchObject({ status: 0, err: "" });
  });

  test("version", async () => {
    const short = { status: 0, out: `${manifest.version}\n`, err: "" };
    expect(await runCommand(nowhere, "version", "--short")).toEqual(short);
    expect((await runCommand(nowhere, "version")).out).toContain(`wippy ${manifest.version}`);
    expect(JSON.parse((await runCommand(nowhere, "version", "--json")).out)).toEqual({
      version: manifest.version,
      commit: "",
      target: "source",
      bun: Bun.version,
      lua: "5.4",
      journal_schema: schemaVersion,
    });
    expect((await runCommand(nowhere, "version", "--json", "--short")).err).toContain(
      "option '--json' cannot be used with option '--short'",
    );
  });

  const wrong: [string, string[], string][] = [
    [
      "an unknown command",
      ["vrsion"],
      'Error: unknown command "vrsion"\n    hint: did you mean "wippy version"?\n',
    ],
    [
      "a command of an application",
      ["greet"],
      'Error: unknown command "greet"\n    hint: wippy help lists commands; run a command of ' +
      "the application with: wippy run greet\n",
    ],
    [
      "an unknown flag",
      ["run", "--foo"],
      "Error: unknown option '--foo'\n    hint: wippy help lists commands and flags\n",
    ],
    [
      "a flag without its value",
      ["run", "--exec"],
      "Error: option '-x, --exec <id>' argument missing\n" +
      "    hint: wippy help lists commands and flags\n",
    ],
    [
      "a number that is none",
      ["run", "--workers", "many"],
      "Error: option '--workers <number>' argument 'many' is invalid. Write a whole number from " +
      "1 to 9999.\n    hint: wippy help lists commands and flags\n",
    ],
    [
      "no workers at all",
      ["run", "--workers", "0"],
      "Error: option '--workers <number>' argument '0' is invalid. Write a whole number from " +
      "1 to 9999.\n    hint: wippy help lists commands and flags\n",
    ],
    [
      "a missing argument",
      ["registry", "show"],
      "Error: missing required argument 'id'\n    hint: wippy help lists commands and flags\n",
    ],
  ];
  for (const [name, args, err] of wrong) {
    test(`${name} is told how to mend`, async () => {
      expect(await runCommand(nowhere, ...args)).toEqual({ status: 1, out: "", err });
    });
  }
});

describe("wippy init", () => {
  test("writes the lock file, and keeps what is in an existing one", async () => {
    const directory = writeFiles({});
    const path = join(directory, "wippy.lock");
    expect(await runCommand(directory, "init")).toEqual({
      status: 0,
      out: "",
      err: "wrote wippy.lock; sources: ./src\n",
    });
    expect(readFileSync(path, "utf8")).toBe("directories:\n  modules: .wippy\n  src: ./src\n");
    expect(statSync(path).mode & 0o777).toBe(0o600);

    const modules = "# installed\nmodules:\n  - name: a/b\n    version: 1.0.0\n";
    await Bun.write(path, modules);
    await runCommand("/", "-C", directory, "init", "-d", "lua", "--modules-dir", "m");
    expect(readFileSync(path, "utf8")).toBe(
      `${modules}directories:\n  modules: m\n  src: lua\n`,
    );
  });

  test("keeps the directories of an existing file, unless a flag names others", async () => {
    const directory = writeFiles({ "wippy.lock": "directories:\n  src: ./code\n" });
    const path = join(directory, "wippy.lock");
    chmodSync(path, 0o644);
    expect(await runCommand(directory, "init")).toMatchObject({
      err: "updated wippy.lock; sources: ./code\n",
    });
    expect(readFileSync(path, "utf8")).toBe("directories:\n  src: ./code\n  modules: .wippy\n");
    expect(statSync(path).mode & 0o777).toBe(0o644);
    await runCommand(directory, "init", "-d", "lua");
    expect(readFileSync(path, "utf8")).toBe("directories:\n  src: lua\n  modules: .wippy\n");
  });

  test("sorts the modules and replacements of an existing file, each once", async () => {
    const directory = writeFiles({
      "wippy.lock": "modules:\n  - { name: b/x, version: 1.0.0, hash: one, local_hash: two }\n" +
        "  - { name: a/y, version: 2.0.0 }\n  - { name: b/x, version: 1.0.0 }\n" +
        "  - { name: a/y, version: 1.0.0 }\n" +
        "replacements:\n  - { from: c/z, to: . }\n  - { from: a/z, to: . }\n",
    });
    await runCommand(directory, "init");
    expect(readFileSync(join(directory, "wippy.lock"), "utf8")).toBe(
      "modules:\n  - { name: a/y, version: 2.0.0 }\n  - { name: a/y, version: 1.0.0 }\n" +
        "  - { name: b/x, version: 1.0.0, hash: one, local_hash: two }\n" +
        "replacements:\n  - { from: a/z, to: . }\n  - { from: c/z, to: . }\n" +
        "directories:\n  modules: .wippy\n  src: ./src\n",
    );
  });

  test("does not touch a file that it cannot read", async () => {
    const directory = writeFiles({ "wippy.lock": "- [\n" });
    const { status, err } = await runCommand(directory, "init");
    expect([status, err]).toEqual([
      1,
      "Error: wippy.lock is not a valid lock file\n" +
      "    hint: correct it, or remove it and run this again\n",
    ]);
    expect(readFileSync(join(directory, "wippy.lock"), "utf8")).toBe("- [\n");
  });
});

describe("wippy run", () => {
  const lock = { "wippy.lock": "directories: { src: src }\n" };
  const process = (name: string, command: string) =>
    `  - name: ${name}\n    kind: process.lua\n    source: return { main = function() end }\n` +
    `    meta: { command: ${command} }\n`;
  const commands = {
    ...lock,
    "src/_index.yaml": "namespace: app\nentries:\n" +
      process("cli", "{ name: greet, short: Greet the user }") +
      process("long", "{ name: a-longer-name }"),
  };

  test("list shows the named commands", async () => {
    expect(await runCommand(writeFiles(commands), "run", "list")).toEqual({
      status: 0,
      err: "",
      out: "Available commands:\n\n" +
        "  greet          Greet the user  (app:cli)\n" +
        "  a-longer-name  (app:long)\n" +
        "\nRun with: wippy run <command>\n",
    });
  });

  test("list without commands, and without an application", async () => {
    const empty = writeFiles({ ...lock, "src/.keep": "" });
    expect((await runCommand(empty, "run", "list")).out).toStartWith("No commands found.\n");
    const bare = writeFiles({});
    expect(await runCommand(bare, "run", "list")).toEqual({
      status: 1,
      out: "",
      err: `Error: no wippy.lock in ${bare}\n    hint: run "wippy init", or -C DIR\n`,
    });
  });

  const refused: [string, string[], string][] = [
    [
      "an unknown command",
      ["gret"],
      "Error: command \"gret\" not found. Use 'wippy run list' to see available commands\n" +
      '    hint: did you mean "greet"?\n',
    ],
    [
      "a pack that is not there",
      ["x.wapp"],
      "x.wapp  cannot load: there is no such file\n    hint: correct the path\n" +
      "Error: the application has 1 error; nothing was run\n",
    ],
    [
      "a module of a hub",
      ["acme/http@1.0"],
      "Error: cannot run acme/http@1.0: this wippy has no hub to fetch modules from\n" +
      "    hint: get the module, and run wippy in its directory\n",
    ],
    [
      "a process that is not there",
      ["--exec", "app:cly"],
      'Error: process not found: app:cly\n    hint: did you mean "app:cli"?\n',
    ],
    [
      "a process without a namespace",
      ["-x", "cli"],
      "Error: invalid exec spec: cli\n    hint: write --exec namespace:name\n",
    ],
    [
      "a command without a terminal host",
      ["greet"],
      "Error: no terminal.host found in registry\n" +
      '    hint: add an entry "kind: terminal.host" with "lifecycle: { auto_start: true }"\n',
    ],
    [
      "a host that is no terminal host",
      ["--host", "app:cli", "greet"],
      "Error: app:cli is not a terminal.host\n    hint: name a terminal.host: there is none\n",
    ],
  ];
  for (const [name, args, err] of refused) {
    test(`${name} is refused before anything runs`, async () => {
      const outcome = await runCommand(writeFiles(commands), "run", ...args);
      expect(outcome).toEqual({ status: 1, out: "", err });
    });
  }

  test("several terminal hosts need --host", async () => {
    const host = (name: string) => `  - { name: ${name}, kind: terminal.host }\n`;
    const files = {
      ...commands,
      "src/_index.yaml": commands["src/_index.yaml"] + host("t1") + host("t2"),
    };
    expect((await runCommand(writeFiles(files), "run", "greet")).err).toBe(
      "Error: multiple terminal hosts found (app:t1, app:t2), use --host to specify\n",
    );
  });

  test("a command without an application", async () => {
    const bare = writeFiles({});
    expect((await runCommand(bare, "run", "greet")).err).toBe(
      `Error: no wippy.lock in ${bare}\n` +
        '    hint: run "wippy init" there, or name the directory with -C\n',
    );
  });

  test("everything wrong with the application is told, with Lua syntax, and nothing runs", async () => {
    const directory = writeFiles({
      ...lock,
      "src/_index.yaml": "namespace: app\nentries:\n" +
        "  - { name: a, kind: functon.lua }\n" +
        "  - { name: b, kind: library.lua, source: 'file://b.lua', lifecycl: 1 }\n",
      "src/b.lua": "#!/usr/bin/env wippy\n\nlocal x = = 1\n",
    });
    expect(await runCommand(directory, "run")).toEqual({
      status: 1,
      out: "",
      err: 'src/_index.yaml:3:16  app:a  unknown kind "functon.lua"\n' +
        '    hint: did you mean "function.lua"?\n' +
        "src/_index.yaml:4:59  app:b  warning: unknown field lifecycl is ignored\n" +
        "    hint: there are source, modules, imports\n" +
        "src/b.lua:3  app:b  Lua syntax error: unexpected symbol near '='\n" +
        "    hint: correct the code at that line\n" +
        "Error: the application has 2 errors and 1 warning; nothing was run\n",
    });
  });

  test("a script with a syntax error, and one that is not there", async () => {
    const directory = writeFiles({ "bad.lua": "#!/usr/bin/env wippy\nlocal\n" });
    expect(await runCommand(directory, "bad.lua", "--flag", "x")).toMatchObject({
      status: 1,
      err: "bad.lua:3  Lua syntax error: <name> expected near <eof>\n" +
        "    hint: correct the code at that line\n" +
        "Error: the script has 1 error; nothing was run\n",
    });
    expect((await runCommand(directory, "-v", "gone.lua")).err).toStartWith(
      "Error: cannot read gone.lua: ",
    );
  });
});
