import { describe, expect, test } from "bun:test";
import { loadFiles, printed } from "./temporary-application.ts";

/** A definition file of namespace `app` with these entries. */
function index(entries: string): string {
  return `version: "1.0"\nnamespace: app\nentries:\n${entries}`;
}

const code = "return { run = function() return 1 end }\n";

/** Stands for the compiler: a line that says `!` is a syntax error. */
function checkSyntax(source: string): { line: number; message: string } | undefined {
  const line = source.split("\n").findIndex((text) => text.includes("!")) + 1;
  return line === 0 ? undefined : { line, message: "unexpected symbol near '!'" };
}

/** Loads one definition file beside `good.lua`, and gives what is printed. */
async function faults(entries: string, files: Record<string, string> = {}): Promise<string[]> {
  return printed(
    await loadFiles(
      { "src/_index.yaml": index(entries), "src/good.lua": code, ...files },
      { checkSyntax },
    ),
  );
}

/** An entry that is right, to import or to lean on. */
function good(name: string, kind: string, rest = ""): string {
  return `  - name: ${name}\n    kind: ${kind}\n${rest}`;
}

const money = good("money", "library.lua", "    source: file://good.lua\n");

describe("faults of definition files", () => {
  test("an unknown kind", async () => {
    expect(await faults("  - name: orders\n    kind: functon.lua\n    source: file://good.lua\n"))
      .toEqual([
        'src/_index.yaml:5:5  app:orders  unknown kind "functon.lua"\n' +
        '    hint: did you mean "function.lua"?',
      ]);
  });

  test("kinds that this runtime lacks say so", async () => {
    expect(await faults("  - name: a\n    kind: module.lua\n")).toEqual([
      'src/_index.yaml:5:5  app:a  unknown kind "module.lua"\n' +
      "    hint: module.lua declares a built-in module, which needs no entry here; list the module under modules",
    ]);
  });

  test("a missing name and a missing kind", async () => {
    expect(await faults('  - kind: registry.entry\n  - name: b\n  - name: " "\n    kind: ""\n'))
      .toEqual([
        "src/_index.yaml:4:5  entry[0].name: name is required and must be a non-empty string\n" +
        '    hint: add "name: NAME" to the entry',
        "src/_index.yaml:5:5  app:b  entry[1].kind: kind is required and must be a non-empty " +
        'string\n    hint: add "kind: function.lua", for example',
        "src/_index.yaml:6:5  entry[2].name: name is required and must be a non-empty string\n" +
        '    hint: add "name: NAME" to the entry',
        "src/_index.yaml:7:5  entry[2].kind: kind is required and must be a non-empty string\n" +
        '    hint: add "kind: function.lua", for example',
      ]);
  });

  test("a duplicate identifier, in another file", async () => {
    const other = index(good("money", "registry.entry"));
    expect(await faults(money, { "src/more/_index.yaml": other })).toEqual([
      "src/more/_index.yaml:4:5  app:money  warning: duplicate id: it replaces the definition at " +
      "src/_index.yaml:4:5\n    hint: rename one of the two, or remove it",
    ]);
  });

  test("text that is not YAML", async () => {
    const [problem] = await faults('  - name: "a\n');
    expect(problem).toStartWith("src/_index.yaml:5:1  not valid YAML: Missing closing");
    expect(await faults("  - name: a\n    kind: registry.entry\n    name: b\n")).toEqual([
      "src/_index.yaml:6:5  not valid YAML: Map keys must be unique\n" +
      "    hint: remove or rename one of the two keys",
    ]);
  });

  test("keys that are not text", async () => {
    expect(await faults("  - name: a\n    kind: registry.entry\n    7: x\n")).toEqual([
      'src/_index.yaml:6:5  the key 7 is not text\n    hint: write it in quotes: "7"',
    ]);
  });

  test("entries without a namespace are pointed out, other YAML is not", async () => {
    const application = await loadFiles({
      "src/lost.yaml": "entries:\n  - { name: a, kind: registry.entry }\n",
      "src/other.yaml": "apiVersion: v1\nkind: Service\n",
      "src/broken.yaml": "a: [\n",
    });
    expect(printed(application)).toEqual([
      "src/lost.yaml:1:1  warning: the file has no namespace, so its entries are ignored\n" +
      '    hint: add "namespace: NAME" at the top of the file',
    ]);
  });
});

describe("faults of sources", () => {
  test("a missing file", async () => {
    expect(await faults("  - name: a\n    kind: library.lua\n    source: file://gone/a.lua\n"))
      .toEqual([
        "src/_index.yaml:6:5  app:a  source: file not found: gone/a.lua\n" +
        "    hint: create the file or correct the path",
      ]);
  });

  test("a path that leaves the application", async () => {
    expect(await faults("  - name: a\n    kind: library.lua\n    source: file://../../secret\n"))
      .toEqual([
        "src/_index.yaml:6:5  app:a  source: path traversal detected in file path: ../../secret\n" +
        "    hint: move the file into src, sources cannot lie outside",
      ]);
  });

  test("an empty path, and a directory", async () => {
    const [empty, directory] = await faults(
      "  - { name: a, kind: library.lua, source: 'file://' }\n" +
        "  - { name: b, kind: library.lua, source: 'file://sub' }\n",
      { "src/sub/x.lua": code },
    );
    expect(empty).toContain("app:a  source: empty path in file://");
    expect(directory).toContain("app:b  source: sub is a directory");
  });

  test("a Lua syntax error, in a file of its own", async () => {
    const source = "#!/usr/bin/env wippy\nlocal x = 1\nx !\n";
    expect(
      await faults("  - name: a\n    kind: library.lua\n    source: file://lua/bad.lua\n", {
        "src/lua/bad.lua": source,
      }),
    ).toEqual([
      "src/lua/bad.lua:3  app:a  Lua syntax error: unexpected symbol near '!'\n" +
      "    hint: correct the code at that line",
    ]);
  });

  test("a Lua syntax error, inside the definition file", async () => {
    const block =
      "  - name: a\n    kind: library.lua\n    source: |\n      local x = 1\n      x !\n";
    expect(await faults(block)).toEqual([
      "src/_index.yaml:8  app:a  Lua syntax error: unexpected symbol near '!'\n" +
      "    hint: correct the code at that line",
    ]);
  });

  test("required fields", async () => {
    expect(await faults("  - name: a\n    kind: function.lua\n")).toEqual([
      'src/_index.yaml:4:5  app:a  method is required\n    hint: add "method: NAME", the ' +
      "function that the source returns",
      'src/_index.yaml:4:5  app:a  source is required\n    hint: add "source: file://NAME.lua" ' +
      "to the entry",
    ]);
  });
});

describe("faults of modules and imports", () => {
  const library = (rest: string) =>
    `  - name: a\n    kind: library.lua\n    source: file://good.lua\n${rest}`;

  test("unknown modules", async () => {
    const [typo, absent, ...more] = await faults(library("    modules: [jsn, hub, json]\n"));
    expect(typo).toBe(
      'src/_index.yaml:7:15  app:a  unknown module "jsn"\n    hint: did you mean "json"?',
    );
    expect(absent).toStartWith(
      'src/_index.yaml:7:20  app:a  unknown module "hub"\n    hint: hub searches a public registry of modules, ',
    );
    expect(more).toEqual([]);
  });

  test("empty, qualified and repeated modules", async () => {
    expect(await faults(library('    modules: ["", "app:money", json, json]\n'))).toEqual([
      "src/_index.yaml:7:15  app:a  module cannot be empty\n" +
      "    hint: remove the empty element of the list",
      "src/_index.yaml:7:19  app:a  module cannot have a namespace\n" +
      '    hint: put "app:money" under imports, with an alias',
      "src/_index.yaml:7:38  app:a  dependency from app:a to json already exists\n" +
      "    hint: list the module once",
    ]);
  });

  test("unknown imports", async () => {
    expect(await faults(money + library('    imports: { m: "app:mony" }\n'))).toEqual([
      'src/_index.yaml:10:16  app:a  unknown import "app:mony"\n    hint: did you mean "app:money"?',
    ]);
    expect(await faults(library("    imports: { m: other:thing }\n"))).toEqual([
      'src/_index.yaml:7:16  app:a  unknown import "other:thing"\n' +
      "    hint: add a library.lua entry of that name",
    ]);
  });

  test("a bare import names a built-in module", async () => {
    expect(await faults(money + library("    imports: { m: money, j: json }\n"))).toEqual([
      'src/_index.yaml:10:16  app:a  import "money" names a built-in module\n' +
      '    hint: write "app:money"',
    ]);
  });

  test("imports of what is not code", async () => {
    expect(await faults(good("h", "process.host") + library("    imports: { h: app:h }\n")))
      .toEqual([
        "src/_index.yaml:9:16  app:a  cannot import app:h: a process.host holds no code\n" +
        "    hint: import a library.lua entry",
      ]);
  });

  test("alias collisions", async () => {
    expect(await faults(money + library("    modules: [json]\n    imports: { json: app:money }\n")))
      .toEqual([
        "src/_index.yaml:11:16  app:a  alias 'json' collision: it is a module and an import\n" +
        "    hint: choose another alias, or do not list the module",
      ]);
  });

  test("an import cycle shows its path", async () => {
    const node = (name: string, target: string) =>
      `  - name: ${name}\n    kind: library.lua\n    source: file://good.lua\n` +
      `    imports: { next: app:${target} }\n`;
    expect(await faults(node("a", "b") + node("b", "c") + node("c", "b") + node("d", "d"))).toEqual(
      [
        "src/_index.yaml:11:16  app:b  import cycle: app:b -> app:c -> app:b\n" +
        "    hint: move what both need into a library that imports neither",
        "src/_index.yaml:19:16  app:d  import cycle: app:d -> app:d\n" +
        "    hint: move what both need into a library that imports neither",
      ],
    );
  });

  test("modules that a workflow cannot use, also through a library", async () => {
    const workflow = "  - name: w\n    kind: workflow.lua\n    source: file://good.lua\n" +
      "    modules: [time, io]\n    imports: { a: app:a }\n";
    expect(await faults(library("    modules: [io]\n") + workflow)).toEqual([
      'src/_index.yaml:11:21  app:w  module "io" is not allowed in a workflow\n' +
      "    hint: do it in a function.lua and call that: it runs as an activity",
      'src/_index.yaml:12:16  app:w  module "io" is not allowed in a workflow (listed by app:a)\n' +
      "    hint: do it in a function.lua and call that: it runs as an activity",
    ]);
  });
});

describe("faults of fields", () => {
  test("pool types, durations, sizes and types", async () => {
    expect(
      await faults(
        "  - name: f\n    kind: function.lua\n    source: file://good.lua\n    method: run\n" +
          "    pool: { type: statc, workers: four }\n" +
          "  - name: h\n    kind: process.host\n    host: { workers: -1 }\n" +
          '    lifecycle:\n      stop_timeout: 10\n      start_timeout: "5 sec"\n',
      ),
    ).toEqual([
      "src/_index.yaml:8:13  app:f  unknown pool type: statc\n" +
      '    hint: did you mean "static"?',
      'src/_index.yaml:8:26  app:f  pool.workers must be a number, not the text "four"\n' +
      "    hint: write a number",
      "src/_index.yaml:11:13  app:h  workers must be greater than 0\n" +
      "    hint: write 1 or more, or leave it out for the default",
      "src/_index.yaml:13:7  app:h  lifecycle.stop_timeout must be text, not 10\n" +
      '    hint: write it in quotes: "10"',
      'src/_index.yaml:14:7  app:h  bad duration "5 sec"\n' +
      '    hint: write it like "300ms", "1.5s" or "2h45m"',
    ]);
  });

  test("empty texts, negative numbers and unknown words", async () => {
    expect(
      await faults(
        '  - { name: w, kind: workflow.host, journal: "" }\n' +
          "  - name: h\n    kind: process.host\n" +
          "    lifecycle: { startup: 5, restart: { max_attempts: -1 } }\n",
      ),
    ).toEqual([
      "src/_index.yaml:4:37  app:w  journal must not be empty\n    hint: write a value",
      "src/_index.yaml:7:18  app:h  lifecycle.startup must be text, not 5\n" +
      '    hint: write it in quotes: "5"',
      "src/_index.yaml:7:41  app:h  lifecycle.restart.max_attempts must be at least 0, not -1\n" +
      "    hint: write 0 or more",
    ]);
  });

  test("an integer beyond 2^53 in the place of a text", async () => {
    const large = "9007199254740993";
    expect(
      await faults(
        `  - { name: s, kind: store.sql, database: ${large}, table_name: t }\n` +
          `  - { name: t, kind: security.token_store, store: [${large}] }\n`,
      ),
    ).toEqual([
      expect.stringContaining(`database must be text, not ${large}\n`),
      expect.stringContaining(`store must be text, not ["${large}"]\n`),
    ]);
  });

  test("an unknown word of startup is a warning: it counts as required", async () => {
    expect(
      await faults(
        good("h", "process.host", "    lifecycle: { startup: optinal }\n") +
          "  - { name: data, kind: registry.entry, lifecycle: { startup: whatever } }\n",
      ),
    ).toEqual([
      "src/_index.yaml:6:18  app:h  warning: unknown lifecycle.startup: optinal; it counts as required\n" +
      '    hint: did you mean "optional"?',
    ]);
  });

  test("an unknown field is a warning", async () => {
    expect(
      await faults(
        good("h", "process.host", "    lifecicle: { auto_start: true }\n    owner: me\n"),
      ),
    ).toEqual([
      "src/_index.yaml:6:5  app:h  warning: unknown field lifecicle is ignored\n" +
      '    hint: did you mean "lifecycle"?',
      "src/_index.yaml:7:5  app:h  warning: unknown field owner is ignored\n" +
      "    hint: there are host, lifecycle",
    ]);
  });

  test("references of a service", async () => {
    const worker = good("worker", "process.lua", "    source: file://good.lua\n");
    const service = (process: string, host: string) =>
      `  - name: s\n    kind: process.service\n    process: ${process}\n    host: ${host}\n`;
    const host = good("host", "process.host");
    expect(await faults(worker + host + service("worker", "app:host"))).toEqual([]);
    expect(await faults(worker + host + service("wroker", "host"))).toEqual([
      "src/_index.yaml:11:5  app:s  process names an unknown entry: app:wroker\n" +
      '    hint: did you mean "app:worker"?',
      'src/_index.yaml:12:5  app:s  host must be a full identifier, not "host"\n' +
      '    hint: write "app:host"',
    ]);
    expect(await faults(worker + host + service("host", "app:worker"))).toEqual([
      "src/_index.yaml:11:5  app:s  process names app:host, which is a process.host\n" +
      "    hint: name an entry of kind process.lua or workflow.lua",
      "src/_index.yaml:12:5  app:s  host names app:worker, which is a process.lua\n" +
      "    hint: name an entry of kind process.host or terminal.host or workflow.host or temporal.worker",
    ]);
    expect((await faults(worker + service("worker", "node:control")))[0]).toContain(
      "app:s  invalid host: node:control",
    );
  });

  test("references of lifecycle, default_host, variables and routers", async () => {
    expect(
      await faults(
        "  - name: h\n    kind: process.host\n    lifecycle: { requires: [gone] }\n" +
          "  - name: p\n    kind: process.lua\n    meta: { default_host: app:p }\n" +
          "    source: file://good.lua\n" +
          "  - { name: v, kind: env.variable, variable: A-B, storage: app:h }\n" +
          "  - { name: r, kind: env.storage.router }\n",
      ),
    ).toEqual([
      "src/_index.yaml:6:29  app:h  lifecycle.requires[0] names an unknown entry: app:gone\n" +
      "    hint: add an entry of that name",
      "src/_index.yaml:9:13  app:p  default_host names app:p, which is a process.lua\n" +
      "    hint: name an entry of kind process.host",
      'src/_index.yaml:11:36  app:v  invalid variable name "A-B"\n' +
      "    hint: use letters, digits and underscores",
      "src/_index.yaml:11:51  app:v  storage names app:h, which is a process.host\n" +
      "    hint: name an entry of kind env.storage.*",
      "src/_index.yaml:12:5  app:r  router storage must have at least one storage\n" +
      '    hint: list env.storage entries: "storages: [namespace:name]"',
    ]);
  });

  test("two variables of one name, two commands of one name", async () => {
    const variable = (name: string) =>
      `  - { name: ${name}, kind: env.variable, variable: PORT, storage: app:m }\n`;
    const command = (name: string) =>
      `  - name: ${name}\n    kind: process.lua\n    source: file://good.lua\n` +
      "    meta: { command: { name: go } }\n";
    expect(
      await faults(
        good("m", "env.storage.memory") + variable("a") + variable("b") + command("c") +
          command("d"),
      ),
    ).toEqual([
      "src/_index.yaml:7:36  app:b  variable name already exists: PORT (app:a)\n" +
      "    hint: choose another name",
      'src/_index.yaml:15:24  app:d  warning: command "go" is already the command of app:c, which ' +
      "is the one run\n    hint: rename one of them",
    ]);
  });

  test("everything is reported at once, in the order of the files", async () => {
    const problems = await faults(
      "  - name: a\n    kind: functon.lua\n" +
        "  - name: b\n    kind: library.lua\n    source: file://gone.lua\n    modules: [tme]\n" +
        "  - name: b\n    kind: registry.entry\n",
      { "src/z.yaml": "namespace: z\nentries: 5\n" },
    );
    expect(problems.map((problem) => problem.split("\n")[0])).toEqual([
      'src/_index.yaml:5:5  app:a  unknown kind "functon.lua"',
      "src/_index.yaml:8:5  app:b  source: file not found: gone.lua",
      'src/_index.yaml:9:15  app:b  unknown module "tme"',
      "src/_index.yaml:10:5  app:b  duplicate id: it is already defined at src/_index.yaml:6:5",
      "src/z.yaml:2:1  entries must be a list",
    ]);
  });
});
