import { describe, expect, test } from "bun:test";
import { writeFiles } from "../../app/temporary-application.ts";
import { runCommand } from "../run/run-command.ts";

const files = {
  "wippy.lock": "directories: { src: src }\n",
  "src/a.yaml": "namespace: app\nentries:\n" +
    "  - name: settings\n    kind: registry.entry\n    meta: { title: All settings, on: yes, n: 1 }\n" +
    "    text: hello\n    list: [1, 2]\n" +
    "  - name: db\n    kind: env.storage.memory\n",
  "src/b.yaml": "namespace: other\nname: db\nkind: registry.entry\nbig: 12345678901234567890\n",
};

async function registry(...args: string[]): Promise<string> {
  const { status, out, err } = await runCommand(writeFiles(files), "registry", ...args);
  return status === 0 && err === "" ? out : `${status}: ${err}`;
}

describe("wippy registry list", () => {
  test("as a table", async () => {
    expect(await registry("list")).toBe(
      "ID            KIND\n" +
        "------------  ------------------\n" +
        "app:db        env.storage.memory\n" +
        "app:settings  registry.entry\n" +
        "other:db      registry.entry\n" +
        "\nTotal: 3 entries\n",
    );
  });

  test("filtered by kind, namespace, name and metadata", async () => {
    const ids = async (...args: string[]) =>
      JSON.parse(await registry("list", "--json", ...args)).map(({ id }: { id: string }) => id);
    expect(await ids("-k", "registry.*")).toEqual(["app:settings", "other:db"]);
    expect(await ids("--ns", "app", "--name", "d*")).toEqual(["app:db"]);
    expect(await ids("--meta", "title=All settings")).toEqual(["app:settings"]);
    expect(await ids("--meta", "title~^All", "--meta", "on=yes")).toEqual(["app:settings"]);
    expect(await ids("--meta", "title*sett")).toEqual(["app:settings"]);
    expect(await ids("--meta", "n=1")).toEqual([]);
    expect(await registry("list", "--meta", "title")).toBe(
      '1: Error: invalid --meta "title"\n    hint: write field=value, or field~pattern\n',
    );
  });

  test("nothing found, and YAML", async () => {
    expect(await registry("list", "--name", "x")).toBe("No entries found\n");
    expect(await registry("list", "-n", "other", "--yaml")).toBe(
      "- id: other:db\n  kind: registry.entry\n  meta: {}\n",
    );
  });

  test("the lock file may have any name and place, other paths are of the current directory", async () => {
    const directory = writeFiles({
      "x.yaml": "override: { 'app:a:kind': env.storage.memory }\n",
      "app/other.lock": "directories: { src: code }\n",
      "app/code/a.yaml": "namespace: app\nname: a\nkind: registry.entry\n",
    });
    const at = ["-l", "app/other.lock", "--config", "x.yaml"];
    const list = await runCommand(directory, "registry", "list", "--json", ...at);
    expect([list.err, JSON.parse(list.out)]).toEqual(["", [
      { id: "app:a", kind: "env.storage.memory", meta: {} },
    ]]);
    const show = await runCommand(directory, "registry", "show", "a", ...at);
    expect(show.out).toContain("Kind: env.storage.memory\n");
  });

  test("long identifiers are cut", async () => {
    const long = "x".repeat(60);
    const directory = writeFiles({
      ...files,
      "src/c.yaml": `namespace: a\nname: ${long}\nkind: registry.entry\n`,
    });
    const { out } = await runCommand(directory, "registry", "list");
    expect(out).toContain(`a:${"x".repeat(45)}...  registry.entry\n`);
  });
});

describe("wippy registry show", () => {
  test("one entry, by identifier or by unambiguous name", async () => {
    const shown = "ID: app:settings\nKind: registry.entry\nMetadata:\n  n: 1\n  on: yes\n" +
      "  title: All settings\nData:\n  text: hello\n  list:\n    - 1\n    - 2\n";
    expect(await registry("show", "app:settings")).toBe(shown);
    expect(await registry("show", "settings")).toBe(shown);
  });

  test("nested metadata and source code keep their lines", async () => {
    const source = `local a = 1\n-- ${"long ".repeat(30)}\nreturn a\n`;
    const directory = writeFiles({
      "wippy.lock": "directories: { src: src }\n",
      "src/a.yaml": `namespace: app
name: f
kind: function.lua
meta: { a: { b: { c: 1 } }, list: [x, y], none: {} }
method: main
source: file://f.lua
`,
      "src/f.lua": source,
    });
    const { out } = await runCommand(directory, "registry", "show", "f");
    expect(out).toContain(
      "Metadata:\n  a:\n    b:\n      c: 1\n  list:\n    - x\n    - y\n  none: {}\nData:\n",
    );
    expect(out).toContain(
      `  source: |\n${
        source.trimEnd().split("\n").map((line) => `    ${line.trimEnd()}\n`).join("")
      }`,
    );
  });

  test("one field", async () => {
    expect(await registry("show", "settings", "-f", "text")).toBe("hello\n");
    expect(await registry("show", "settings", "-f", "text", "--raw")).toBe("hello");
    expect(await registry("show", "settings", "-f", "list")).toBe("- 1\n- 2\n");
    expect(await registry("show", "settings", "-f", "list", "--json")).toBe("[\n  1,\n  2\n]\n");
    expect(await registry("show", "settings", "-f", "txt")).toBe(
      '1: Error: field "txt" not found in entry data\n    hint: app:settings has: text, list\n',
    );
  });

  test("JSON keeps big integers", async () => {
    expect(await registry("show", "other:db", "--json")).toContain('"big": 12345678901234567890');
  });

  test("unknown and ambiguous names", async () => {
    expect(await registry("show", "setings")).toBe(
      '1: Error: entry not found: setings\n    hint: did you mean "settings"?\n',
    );
    expect(await registry("show", "db")).toBe(
      '1: Error: ambiguous entry name "db", use full ID (namespace:name)\n' +
        "    hint: choose one of app:db, other:db\n",
    );
  });
});
