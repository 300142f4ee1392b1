import { describe, expect, test } from "bun:test";
import { symlinkSync } from "node:fs";
import { join } from "node:path";
import { loadApplication } from "../../../src/app/app.ts";
import { readLock } from "../../../src/app/lock.ts";
import type { Entry } from "../../../src/registry/entry.ts";
import { loadFiles, printed, writeFiles } from "./temporary-application.ts";

async function entriesOf(files: Record<string, string>, options = {}): Promise<Entry[]> {
  const application = await loadFiles(files, options);
  expect(printed(application)).toEqual([]);
  return application.entries;
}

/** The only entry, without its origin. */
async function only(definition: string): Promise<Omit<Entry, "origin">> {
  const [found, ...others] = await entriesOf({ "src/_index.yaml": definition });
  expect(others).toEqual([]);
  const { origin: _, ...entry } = found!;
  return entry;
}

describe("definition files", () => {
  test("entries of all files, sorted by identifier, with their origin", async () => {
    const entries = await entriesOf({
      "src/b/list.yml": "namespace: shop.b\nentries:\n  - name: z\n    kind: registry.entry\n",
      "src/a.json":
        '{"namespace": "shop",\n\t"entries": [{"name": "y", "kind": "registry.entry"}]}',
      "src/.hidden/x.yaml": "namespace: hidden\nname: x\nkind: registry.entry\n",
      "src/node_modules/x.yaml": "namespace: module\nname: x\nkind: registry.entry\n",
    });
    expect(entries.map(({ id, origin }) => [id, origin])).toEqual([
      ["hidden:x", { file: "src/.hidden/x.yaml", line: 2, column: 1 }],
      ["shop.b:z", { file: "src/b/list.yml", line: 3, column: 5 }],
      ["shop:y", { file: "src/a.json", line: 2, column: 14 }],
    ]);
  });

  test("root keys and data are two forms of one payload", async () => {
    const root = "namespace: a\nentries:\n  - name: b\n    kind: registry.entry\n    x: 1\n";
    const nested =
      "namespace: a\nentries:\n  - { name: b, kind: registry.entry, data: { x: 1 } }\n";
    const expected = { id: "a:b", kind: "registry.entry", meta: {}, data: { x: 1 } };
    expect(await only(root)).toEqual(expected);
    expect(await only(nested)).toEqual(expected);
  });

  test("the payload of a registry.entry is any value; an override makes it a map", async () => {
    const entries = (form: string) => `namespace: a\nentries:\n  - { name: x, kind: ${form} }\n`;
    const data = async (value: string, options = {}) => {
      const files = { "src/1.yaml": entries(`registry.entry, data: ${value}`) };
      return (await entriesOf(files, options))[0]!.data as unknown;
    };
    expect(await data("[1, { a: 2 }]")).toEqual([1, { a: 2 }]);
    expect(await data("some text")).toBe("some text");
    expect(await data("false")).toBe(false);
    expect(await data("5", { overrides: ["a:x:y=1"] })).toEqual({ y: 1 });
    const application = await loadFiles({ "src/1.yaml": entries("store.memory, data: [1]") });
    expect(printed(application)[0]).toContain("data must be a map");
  });

  test("the single-entry form, with root keys and with data", async () => {
    const head = "namespace: a\nname: b\nkind: registry.entry\nmeta: { m: 1 }\n";
    const expected = { id: "a:b", kind: "registry.entry", meta: { m: 1 }, data: { x: 1 } };
    expect(await only(`${head}x: 1\n`)).toEqual(expected);
    expect(await only(`${head}data: { x: 1 }\n`)).toEqual(expected);
  });

  test("the file's meta lies under the entries' own, shallow", async () => {
    const entry = await only(
      "namespace: a\nmeta: { owner: x, tags: { p: 1 } }\n" +
        "entries:\n  - name: b\n    kind: registry.entry\n    meta: { tags: { q: 2 } }\n",
    );
    expect(entry.meta).toEqual({ owner: "x", tags: { q: 2 } });
  });

  test("scalars: dates, old octal, big numbers, merge keys, an ordinary __proto__", async () => {
    const entry = await only(
      "namespace: a\nname: b\nkind: registry.entry\nbase: &base { p: 1 }\n" +
        "merged:\n  <<: *base\n  q: 2\nday: 2024-05-01\ntime: 2024-05-01T10:00:00.500+02:00\n" +
        "mode: 0755\nbig: 12345678901234567890\nyes: yes\n__proto__: { polluted: true }\n",
    );
    const { base: _, ...data } = entry.data;
    expect(Object.entries(data)).toEqual([
      ["merged", { p: 1, q: 2 }],
      ["day", "2024-05-01T00:00:00Z"],
      ["time", "2024-05-01T08:00:00.5Z"],
      ["mode", 0o755],
      ["big", 12345678901234567890n],
      ["yes", "yes"],
      ["__proto__", { polluted: true }],
    ]);
  });

  test("bytes and sets, as their tags say", async () => {
    const entry = await only(
      "namespace: a\nname: b\nkind: registry.entry\ntext: !!binary aGVsbG8=\n" +
        "list: [!!binary w6k=]\nset: !!set { x, y }\n",
    );
    expect(entry.data).toEqual({ text: "hello", list: ["é"], set: { x: null, y: null } });
  });

  test("a name may hold a colon, a namespace may not", async () => {
    expect((await only("namespace: a\nname: b:c\nkind: registry.entry\n")).id).toBe("a:b:c");
    const application = await loadFiles({ "src/x.yaml": "namespace: a:b\nname: c\nkind: x\n" });
    expect(printed(application)[0]).toContain("a namespace cannot contain a colon: a:b");
  });

  test("siblings of data and a meta that is no map are pointed out", async () => {
    const application = await loadFiles({
      "src/x.yaml": "namespace: a\nentries:\n" +
        "  - { name: b, kind: registry.entry, meta: 5, data: {}, lost: 1 }\n",
    });
    expect(printed(application).map((problem) => problem.split("\n")[0])).toEqual([
      "src/x.yaml:3:38  a:b  warning: meta is not a map, so it is ignored",
      "src/x.yaml:3:57  a:b  warning: lost beside data is ignored: data is the whole payload",
    ]);
  });
});

describe("file:// strings", () => {
  test("beside the file, from the root, and at any depth", async () => {
    const entries = await entriesOf({
      "src/sub/_index.yaml": "namespace: a\nname: b\nkind: registry.entry\n" +
        "near: file://near.txt\nup: file://../up.txt\ndeep: [{ x: 'file:///sub/near.txt' }]\n" +
        "meta: { readme: file://near.txt }\n",
      "src/sub/near.txt": "near",
      "src/up.txt": "up",
    });
    expect(entries[0]!.data).toEqual({ near: "near", up: "up", deep: [{ x: "near" }] });
    expect(entries[0]!.meta).toEqual({ readme: "near" });
  });

  test("a link that leads out of the application is refused", async () => {
    const secret = writeFiles({ "secret.lua": "return 1" });
    const directory = writeFiles({
      "wippy.lock": "{}\n",
      "_index.yaml": "namespace: a\nname: b\nkind: library.lua\nsource: file://link.lua\n",
    });
    symlinkSync(join(secret, "secret.lua"), join(directory, "link.lua"));
    const application = await loadApplication({ directory, system: {} });
    expect(printed(application)[0]).toContain("path traversal detected in file path: link.lua");
  });
});

describe("load roots", () => {
  const plain = (namespace: string, rest = "") =>
    `namespace: ${namespace}\nname: x\nkind: registry.entry\n${rest}`;

  test("without a lock file nothing is loaded", async () => {
    const directory = writeFiles({ "src/_index.yaml": plain("a") });
    const application = await loadApplication({ directory, system: {} });
    expect([application.locked, application.entries]).toEqual([false, []]);
  });

  test("the default source is the directory itself, without its modules", async () => {
    const entries = await entriesOf({
      "wippy.lock": "modules: [{ name: acme/http, version: 1.0.0 }]\n",
      "_index.yaml": plain("app"),
      ".wippy/vendor/acme/http/_index.yaml": plain("acme.http"),
    });
    expect(entries.map(({ id, meta }) => [id, meta])).toEqual([
      ["acme.http:x", { module: "acme/http", module_version: "1.0.0" }],
      ["app:x", {}],
    ]);
  });

  test("a replacement takes the place of an installed module, from its src", async () => {
    const entries = await entriesOf({
      "wippy.lock": "directories: { src: src }\nmodules: [{ name: acme/http, version: 1.0.0 }]\n",
      ".wippy.yaml": "workspace: { replacements: { acme/http: ./local } }\n",
      "local/src/_index.yaml": plain("acme.http"),
      "local/test/_index.yaml": plain("acme.test"),
    });
    expect(entries.map(({ id, meta }) => [id, meta])).toEqual([
      ["acme.http:x", { module: "acme/http" }],
    ]);
  });

  test("the manifest of a replacement keeps entries to itself, too", async () => {
    const entries = await entriesOf({
      "wippy.lock": "directories: { src: src }\n",
      ".wippy.yaml": "workspace: { replacements: { acme/http: ./local } }\n",
      "local/wippy.yaml": 'exclude: ["acme.test:*"]\n',
      "local/src/1.yaml": plain("acme.http"),
      "local/src/2.yaml": plain("acme.test"),
    });
    expect(entries.map(({ id }) => id)).toEqual(["acme.http:x"]);
  });

  test("a module replaces an entry of the application that has its id, with a warning", async () => {
    const application = await loadFiles({
      "wippy.lock": "directories: { src: src }\nmodules: [{ name: a/b, version: 1.0.0 }]\n",
      "src/1.yaml": plain("app", "v: 1\n"),
      ".wippy/vendor/a/b/1.yaml": plain("app", "v: 2\n"),
    });
    expect(application.entries.map(({ id, data }) => [id, data])).toEqual([["app:x", { v: 2 }]]);
    expect(printed(application)).toEqual([
      ".wippy/vendor/a/b/1.yaml:2:1  app:x  warning: duplicate id: it replaces the definition at " +
      "src/1.yaml:2:1\n    hint: rename one of the two, or remove it",
    ]);
  });

  test("of the forms of an installed module, the directory comes first, then the pack", async () => {
    const lock = "modules: [{ name: a/b, version: 1.0.0 }]\n";
    const versioned = { "wippy.lock": lock, ".wippy/vendor/a/b-1.0.0/1.yaml": plain("versioned") };
    const packed = { ...versioned, ".wippy/vendor/a/b-1.0.0.wapp": "" };
    const directory = { ...packed, ".wippy/vendor/a/b/1.yaml": plain("directory") };
    const [first] = printed(await loadFiles(packed));
    expect(first).toStartWith(".wippy/vendor/a/b-1.0.0.wapp  cannot load: it is not a pack");
    expect((await entriesOf(versioned)).map(({ id }) => id)).toEqual(["versioned:x"]);
    expect((await entriesOf(directory)).map(({ id }) => id)).toEqual(["directory:x"]);
  });

  test("a module's manifest keeps entries to itself", async () => {
    const entries = await entriesOf({
      "wippy.lock": "modules: [{ name: a/b, version: 1.0.0 }]\n",
      ".wippy/vendor/a/b/wippy.yaml":
        'exclude: ["a.test:*"]\nexclude_meta: { internal: ["yes"] }\n',
      ".wippy/vendor/a/b/1.yaml": plain("a.test"),
      ".wippy/vendor/a/b/2.yaml": plain("a.b", "meta: { internal: yes }\n"),
      ".wippy/vendor/a/b/3.yaml": plain("a.c"),
    });
    expect(entries.map(({ id }) => id)).toEqual(["a.c:x"]);
  });

  test("missing modules, packed modules and a missing source directory", async () => {
    const application = await loadFiles({
      "wippy.lock": "directories: { src: gone }\nmodules:\n" +
        "  - { name: a/b, version: 1.0.0 }\n  - { name: a/c, version: 2.0.0 }\n",
      ".wippy/vendor/a/c-2.0.0.wapp": "",
    });
    expect(printed(application)).toEqual([
      "warning: directory not found: gone\n    hint: create it, or correct wippy.lock",
      ".wippy/vendor/a/c-2.0.0.wapp  cannot load: it is not a pack, or it is truncated: End of central " +
      "directory record signature not found. Either not a zip file, or file is truncated.\n" +
      "    hint: make it again with wippy pack, or fetch it again",
      "wippy.lock  module a/b 1.0.0 is not installed\n" +
      "    hint: put it into .wippy/vendor/a/b",
    ]);
  });

  test("a dependency on a module that is neither locked nor replaced", async () => {
    const dependency = (name: string, component: string) =>
      `  - { name: ${name}, kind: ns.dependency, component: ${component}, version: ">=1.0" }\n`;
    const application = await loadFiles({
      "wippy.lock": "directories: { src: src }\nmodules: [{ name: a/locked, version: 1.0.0 }]\n",
      ".wippy.yaml": "workspace: { replacements: { a/replaced: ./other } }\n",
      "other/_index.yaml": "namespace: a.replaced\nentries: [{ name: x, kind: registry.entry }]\n",
      ".wippy/vendor/a/locked/_index.yaml":
        "namespace: a.locked\nentries: [{ name: x, kind: registry.entry }]\n",
      "src/_index.yaml": "namespace: app\nentries:\n" + dependency("one", "a/locked") +
        dependency("two", "a/replaced") + dependency("three", "acme/none"),
    });
    expect(printed(application)).toEqual([
      "src/_index.yaml:5:5  app:three  warning: the module acme/none >=1.0 is not installed\n" +
      "    hint: put it into .wippy/vendor/acme/none and add it to modules in wippy.lock, " +
      "or write its directory to workspace.replacements in .wippy.yaml",
    ]);
  });

  test("texts of the lock file need no quotes", () => {
    const directory = writeFiles({
      "wippy.lock": "version: 1.0\ndirectories: { src: 2024, modules: 1.50 }\n" +
        "modules:\n  - { name: a/b, version: 1.20, hash: 0012, requires: [5/6] }\n" +
        "  - name: c/d\n    version: 2024-01-02\n  - { name: e/true, version: true }\n",
    });
    const { lock, problems } = readLock(directory);
    expect(problems).toEqual([]);
    expect(lock?.source).toEndWith("/2024");
    expect(lock?.vendor).toEndWith("/1.50/vendor");
    expect(lock?.modules).toEqual([
      { name: "a/b", version: "1.20", hash: "0012", requires: ["5/6"] },
      { name: "c/d", version: "2024-01-02", requires: [] },
      { name: "e/true", version: "true", requires: [] },
    ]);
  });

  test("faults of the lock file", async () => {
    const application = await loadFiles({
      "wippy.lock": 'directories: { src: "" }\nmodules: [{ name: http, version: "" }]\n' +
        "replacements: [{ from: a/b, to: ./gone }]\n",
    });
    expect(printed(application)).toEqual([
      "wippy.lock:1:16  invalid lock file: directories.src is empty\n" +
      "    hint: write a value, or remove it",
      'wippy.lock:2:13  invalid lock file: a module name must be "org/module"\n' +
      '    hint: write it like "acme/http"',
      "wippy.lock:2:25  invalid lock file: the module's version is empty\n" +
      "    hint: write a value, or remove it",
    ]);
    const moved = await loadFiles({
      "wippy.lock": "directories: { src: src }\nreplacements: [{ from: a/b, to: ./gone }]\n",
    });
    expect(printed(moved)[0]).toBe(
      "wippy.lock:2:29  invalid lock file: replacement of a/b does not exist: ./gone\n" +
        "    hint: correct the path, or remove the replacement",
    );
  });
});

describe("the pipeline", () => {
  const definition = "namespace: app\nentries:\n" +
    "  - { name: db, kind: registry.entry, host: old, options: { keep: 1 }, port: 5 }\n" +
    "  - { name: off, kind: registry.entry, meta: { env: [dev], tier: test } }\n" +
    "  - { name: on, kind: registry.entry }\n";

  async function dataOf(id: string, config: string, overrides: string[] = []) {
    const entries = await entriesOf({ "src/a.yaml": definition, ".wippy.yaml": config }, {
      overrides,
    });
    return entries.find((entry) => entry.id === id);
  }

  test("overrides of the configuration and of the command line", async () => {
    const config = "override:\n  app:db:host: new\n  app:db:options: { sslmode: x }\n" +
      "  app:db:port.deep: 1\n";
    const db = await dataOf("app:db", config, [
      "app:db:meta.title=T,app:db:data.n=007",
      'app:db:list="not a list"',
      '"app:db:text=a,b"',
      "app:db:ratio=0.5,app:db:on=TRUE,app:db:count=12",
      "app:db:large=9223372036854775807,app:db:larger=9223372036854775808",
    ]);
    expect(db?.meta).toEqual({ title: "T" });
    expect(db?.data).toEqual({
      host: "new",
      options: { keep: 1, sslmode: "x" },
      port: { deep: 1 },
      n: "007",
      list: '"not a list"',
      text: "a,b",
      ratio: 0.5,
      on: true,
      count: 12,
      large: 9223372036854775807n,
      larger: "9223372036854775808",
    });
  });

  test("placeholders of overrides: of registered variables they stay, others are the system's", async () => {
    const entries = await entriesOf({
      "src/a.yaml": "namespace: app\nentries:\n" +
        "  - { name: os, kind: env.storage.os }\n" +
        "  - { name: secret, kind: env.variable, variable: SECRET, storage: app:os }\n" +
        "  - { name: x, kind: registry.entry, data: {} }\n",
      ".wippy.yaml":
        "override:\n  app:x:password: '${env:SECRET}'\n  app:x:id: '${env:app:secret}'\n" +
        "  app:x:url: 'http://${env:HOST}/'\n  app:x:list: ['${env:HOST}']\n",
    }, { system: { SECRET: "s3cret", HOST: "h" } });
    expect(entries.find(({ id }) => id === "app:x")?.data).toEqual({
      password: "${env:SECRET}",
      id: "${env:app:secret}",
      url: "http://h/",
      list: ["h"],
    });
  });

  test("an overridden kind is the one that is checked", async () => {
    const application = await loadFiles({ "src/a.yaml": definition }, {
      overrides: ["app:on:kind=registry.enrty"],
    });
    expect(printed(application)).toEqual([
      'src/a.yaml:5:17  app:on  unknown kind "registry.enrty"\n' +
      '    hint: did you mean "registry.entry"?',
    ]);
  });

  test("faults of overrides and settings are reported together", async () => {
    const application = await loadFiles({ "src/a.yaml": definition }, {
      overrides: ["app:bd:x=1", "app:db", "app:on:kind=", "app:on:data=1"],
      settings: ["plain", "single=1"],
    });
    expect(printed(application)).toEqual([
      'invalid --set "plain": expected section.path=value\n' +
      "    hint: write it like --set logger.encoding=json",
      'invalid --set "single=1": key must be section.path (e.g. cluster.enabled)\n' +
      "    hint: write it like --set logger.encoding=json",
      "invalid override: app:db: missing separator ':', expected format: " +
      'namespace:entry:field=value\n    hint: write it like -o "app:db:options.timeout=5s"',
      'override app:bd:x: unknown entry app:bd\n    hint: did you mean "app:db"?',
      "override app:on:data: the path names no field\n    hint: write data.FIELD",
      "override app:on:kind: kind must be a non-empty string\n" +
      "    hint: name a kind such as function.lua",
    ]);
  });

  test("entries are switched off by namespace, identifier and metadata", async () => {
    const load = async (config: string) =>
      (await entriesOf({ "src/a.yaml": definition, ".wippy.yaml": config })).map(({ id }) => id);
    expect(await load("disable: { entries: ['app:(db|on)'] }\n")).toEqual(["app:off"]);
    expect(await load("disable: { meta: { tier: test } }\n")).toEqual(["app:db", "app:on"]);
    expect(await load("disable: { namespaces: ['**'] }\n")).toEqual([]);
    const wrong = await loadFiles({
      "src/a.yaml": definition,
      ".wippy.yaml": "disable: { entries: [app] }\n",
    });
    expect(printed(wrong)).toEqual([
      'invalid disable.entries pattern "app"\n    hint: write it like "app.tests:*"',
    ]);
  });

  test("a definition of a namespace has a module and a readme, which are text", async () => {
    const files = (module: string) => ({
      "wippy.lock": "directories: { src: src }\n",
      "src/README.md": "# Shop",
      "src/a.yaml": "namespace: app\nentries:\n" +
        `  - { name: it, kind: ns.definition, module: ${module}, readme: file://README.md }\n`,
    });
    const application = await loadFiles(files("Shop"));
    expect(printed(application)).toEqual([]);
    expect(application.entries.find(({ id }) => id === "app:it")?.data)
      .toEqual({ module: "Shop", readme: "# Shop" });
    expect(printed(await loadFiles(files("7"))).join("\n")).toContain("app:it  ");
  });

  test("requirements get their values from dependencies or defaults", async () => {
    const application = await loadFiles({
      "wippy.lock": "directories: { src: src }\nmodules: [{ name: acme/http, version: 1.0.0 }]\n",
      "src/a.yaml": "namespace: app\nentries:\n" +
        "  - name: http\n    kind: ns.dependency\n    component: acme/http\n    parameters:\n" +
        "      - { name: port, value: '80' }\n      - { name: 'acme.http:extra', value: b }\n",
      ".wippy/vendor/acme/http/a.yaml": "namespace: acme.http\nentries:\n" +
        "  - { name: port, kind: ns.requirement, default: '1', targets: [{ entry: s, path: port }] }\n" +
        "  - { name: extra, kind: ns.requirement, targets: [{ entry: s, path: list += }] }\n" +
        "  - { name: mode, kind: ns.requirement, default: '', targets: [{ entry: s, path: meta.m }] }\n" +
        "  - { name: open, kind: ns.requirement, targets: [{ entry: s, path: x }] }\n" +
        "  - { name: s, kind: registry.entry, list: [a, b] }\n",
    });
    const server = application.entries.find(({ id }) => id === "acme.http:s");
    expect(server?.data).toEqual({ list: ["a", "b"], port: "80" });
    expect(server?.meta["m"]).toBe("");
    expect(printed(application)).toEqual([
      ".wippy/vendor/acme/http/a.yaml:6:5  acme.http:open  warning: the requirement has no value\n" +
      "    hint: add a parameter to ns.dependency, or a default",
    ]);
  });

  test("dependencies, requirements and lists that hold nothing in a field are linked", async () => {
    const application = await loadFiles({
      "wippy.lock": "directories: { src: src }\nmodules: [{ name: acme/http, version: 1.0.0 }]\n",
      "src/a.yaml": "namespace: app\nentries:\n" +
        "  - { name: http, kind: ns.dependency, component: acme/http, version: null,\n" +
        "      parameters: [{ name: port, value: '80' }] }\n" +
        "  - { name: gone, kind: ns.dependency, component: acme/gone, version: null }\n",
      ".wippy/vendor/acme/http/a.yaml": "namespace: acme.http\nentries:\n" +
        "  - name: port\n    kind: ns.requirement\n    default:\n" +
        "    targets: [{ entry: s, path: list += }]\n" +
        "  - { name: s, kind: registry.entry, list: null }\n",
    });
    const server = application.entries.find(({ id }) => id === "acme.http:s");
    expect(server?.data).toEqual({ list: ["80"] });
    expect(printed(application).join("\n")).toContain("the module acme/gone is not installed");
  });
});
