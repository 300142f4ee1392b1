import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { writeFiles } from "../app/temporary-application.ts";
import { runCommand } from "../cli/run/run-command.ts";
import { manifest, npmDocument, rock, serveFiles, tarball, zip } from "./server.ts";

const files: Record<string, Buffer | string> = {};
const server = serveFiles(files);
afterAll(() => server.stop());

const hello =
  `local text = require("text.upper")\nreturn { greet = function(n) return text(n) end }`;
const builtin = (modules: string) => `{ type = "builtin", modules = { ${modules} } }`;

beforeAll(async () => {
  const upper = { "src/upper.lua": "return string.upper", LICENSE: "as you like" };
  const text = builtin(`["text.upper"] = "src/upper.lua"`);
  const needs = `dependencies = { "lua >= 5.1, < 5.5", "text ~> 1" }`;
  Object.assign(
    files,
    await rock("text", "1.2.0-1", text, upper),
    await rock("text", "1.10.0-1", text, upper),
    await rock("text", "2.0-1", text, upper),
    await rock("hello", "3.1-0", builtin(`hello = "hello.lua"`), { "hello.lua": hello }, needs),
    await rock("fast", "1.0-1", builtin(`fast = { sources = { "fast.c" } }`), { "fast.c": "" }),
    await rock("made", "1.0-1", `{ type = "make" }`, { Makefile: "all:\n\ttouch /tmp/made" }),
    await rock("old", "1.0-1", builtin(""), { "old.lua": "" }, `dependencies = { "lua == 5.1" }`),
    await rock("active", "1.0-1", builtin(""), {}, `os.execute("touch /tmp/made")`),
    await rock("torn", "1.0-1", builtin(`torn = "torn.lua"`), { "other.lua": "" }),
    await rock("ring", "1.0-1", builtin(`a = "a.lua", b = "b.lua"`), {
      "a.lua": `return require "b"`,
      "b.lua": `return require "a"`,
    }),
    await rock("broken", "1.0-1", builtin(`broken = "broken.lua"`), { "broken.lua": "return (" }),
    await rock("one", "1.0-1", builtin(""), { "one.lua": "" }, `dependencies = { "two" }`),
    await rock("two", "1.0-1", builtin(""), { "two.lua": "" }, `dependencies = { "one" }`),
    { "/cut-1.0-1.src.rock": Buffer.from("PK") },
    {
      "/pure-1.0-1.all.rock": await zip({
        "pure-1.0-1.rockspec": `package = "pure" version = "1.0-1"`,
        "lua/pure/init.lua": "return require('pure.part')",
        "lua/pure/part.lua": "return 7",
      }),
    },
  );
  const names = "fast made old active torn ring broken one two cut pure".split(" ");
  files["/manifest-5.4"] = manifest([
    ["text", "1.2.0-1", "1.10.0-1", "2.0-1", "scm-1"],
    ["hello", "3.1-0"],
    ...names.map((name): [string, string] => [name, "1.0-1"]),
  ]);
  const archive = await tarball({
    "package/package.json": `{"scripts":{"install":"touch /tmp/made"}}`,
    "package/lua/shape/init.lua": "return { sides = 4 }",
    "package/lua/away.lua": "->/etc/hostname",
    "package/test/x_test.lua": "error()",
  });
  files["/shape.tgz"] = archive;
  files["/shape"] = npmDocument("shape", "1.4.2", archive);
  files["/forged"] = npmDocument("shape", "1.4.2", archive, Buffer.from("other"));
  files["/escape.tgz"] = await tarball({ "package/../../evil.lua": "" });
  files["/escape"] = npmDocument("escape", "1.0.0", files["/escape.tgz"] as Buffer);
});

/** An application whose command ends with the value of an expression. */
function application(imports: string, expression: string): string {
  return writeFiles({
    "wippy.lock": "directories: { src: src } # kept\n",
    "src/_index.yaml": "namespace: app\nentries:\n" +
      "  - { name: terminal, kind: terminal.host, lifecycle: { auto_start: true } }\n" +
      `  - name: main\n    kind: process.lua\n    imports: { ${imports} }\n` +
      `    source: 'return { main = function() return ${expression} end }'\n` +
      "    meta: { command: { name: main } }\n",
  });
}

const vendor = (directory: string, path: string) => join(directory, ".wippy/vendor", path);
const lockOf = (directory: string) => readFileSync(join(directory, "wippy.lock"), "utf8");
const add = (directory: string, text: string) =>
  runCommand(directory, "add", text, "--server", server.address);

describe("a rock", () => {
  test("is added with what it needs, run, kept, checked, installed again and removed", async () => {
    const app = application(
      "hello: luarocks.hello:hello",
      `require("hello").greet("x") == "X" and 5 or 1`,
    );
    expect(await add(app, "luarocks:hello")).toEqual({
      status: 0,
      out: "",
      err: "added luarocks/text 1.10.0-1\n    imports: { text.upper: luarocks.text:text.upper }\n" +
        "added luarocks/hello 3.1-0\n    imports: { hello: luarocks.hello:hello }\n",
    });
    expect((await runCommand(app, "run", "main")).status).toBe(5);
    const lock = lockOf(app);
    expect(lock).toStartWith("directories: { src: src } # kept\n");
    expect(lock).toContain(
      "    source: luarocks:hello@3.1-0\n    requires:\n      - luarocks/text\n",
    );
    expect(readFileSync(vendor(app, "luarocks/text/LICENSE"), "utf8")).toBe("as you like");
    // The same again changes nothing.
    expect((await add(app, "luarocks:hello@3.1-0")).err).toContain("kept luarocks/hello 3.1-0\n");
    expect(lockOf(app)).toBe(lock);

    const file = vendor(app, "luarocks/text/text/upper.lua");
    writeFileSync(file, "return 1");
    expect((await runCommand(app, "run", "main")).err).toStartWith(
      "wippy.lock  module luarocks/text 1.10.0-1 was changed: its hash is not the one in the file\n" +
        `    hint: run "wippy install" to get it again\n`,
    );
    rmSync(vendor(app, "luarocks/hello"), { recursive: true });
    expect((await runCommand(app, "run", "main")).err).toContain(
      `module luarocks/hello 3.1-0 is not installed\n    hint: run "wippy install"\n`,
    );
    const installed = await runCommand(app, "install", "--server", server.address);
    expect(installed.err).toMatch(/added luarocks\/hello 3.1-0\n.*\nchanged luarocks\/text/);
    expect((await runCommand(app, "run", "main")).status).toBe(5);

    expect((await runCommand(app, "remove", "luarocks:text")).err).toBe(
      "Error: luarocks/hello needs luarocks/text\n" +
        "    hint: remove that first: wippy remove luarocks/hello\n",
    );
    await runCommand(app, "remove", "luarocks:hello", "luarocks/text");
    expect(lockOf(app)).toBe("directories: { src: src } # kept\nmodules: []\n");
    expect(existsSync(vendor(app, "luarocks/hello"))).toBe(false);
  });

  test("of Lua files only needs no sources", async () => {
    const app = application("pure: luarocks.pure:pure", `require("pure")`);
    expect((await add(app, "luarocks:pure")).status).toBe(0);
    expect((await runCommand(app, "run", "main")).status).toBe(7);
  });

  test("that changed on the server is not installed", async () => {
    const app = application("", "0");
    await add(app, "luarocks:text@2.0-1");
    const there = files["/text-2.0-1.src.rock"]!;
    rmSync(vendor(app, "luarocks"), { recursive: true });
    Object.assign(
      files,
      await rock("text", "2.0-1", builtin(`["text.upper"] = "u.lua"`), { "u.lua": "return 2" }),
    );
    const { err } = await runCommand(app, "install", "--server", server.address);
    files["/text-2.0-1.src.rock"] = there;
    expect(err).toBe(
      "Error: what is at luarocks:text@2.0-1 is not what wippy.lock says: its hash is another\n" +
        "    hint: if that is right, run: wippy add luarocks:text@2.0-1\n",
    );
    expect(existsSync(vendor(app, "luarocks"))).toBe(false);
  });
});

test("a package of npm", async () => {
  const app = application("shape: npm.shape:shape", `require("shape").sides`);
  expect((await add(app, "npm:shape")).err).toBe(
    "added npm/shape 1.4.2\n    imports: { shape: npm.shape:shape }\n",
  );
  expect((await runCommand(app, "run", "main")).status).toBe(4);
  writeFileSync(join(app, ".npmrc"), `registry=${server.address}/\n`);
  expect((await runCommand(app, "add", "npm:shape@^1.2.0")).err).toBe("kept npm/shape 1.4.2\n");
});

test.skipIf(Bun.which("git") === null)("a repository (skipped without git)", async () => {
  const app = application("double: git.sums:double", `require("double")(4)`);
  const repository = writeFiles({ "sums/lua/double.lua": "return function(n) return 2 * n end" });
  const git = (...args: string[]) =>
    Bun.spawnSync(["git", "-c", "user.name=a", "-c", "user.email=a@example.org", ...args], {
      cwd: join(repository, "sums"),
    });
  git("init", "--quiet");
  git("add", ".");
  git("commit", "--quiet", "--message", "one");
  git("tag", "v1");
  writeFileSync(join(repository, "sums/lua/double.lua"), "return 0");
  git("commit", "--quiet", "--all", "--message", "two");
  const address = `git:${join(repository, "sums")}`;
  expect((await runCommand(app, "add", `${address}#v1`)).status).toBe(0);
  expect((await runCommand(app, "run", "main")).status).toBe(8);
  // The commit is locked, not the tag.
  expect(lockOf(app)).toMatch(/source: git:\S+#[0-9a-f]{40}\n/);
  rmSync(vendor(app, "git"), { recursive: true });
  expect((await runCommand(app, "install")).status).toBe(0);
  expect((await runCommand(app, "add", `${address}#none`)).err).toMatch(
    /^Error: git cannot fetch \S+ at none: couldn't find remote ref none\n/,
  );
});

describe("a folder", () => {
  test("of Lua files", async () => {
    const app = application("a.b: path.lib:a.b", `require("a.b")`);
    const lib = { "lib/src/a/b.lua": "return require('a')", "lib/src/a/init.lua": "return 6" };
    for (const [path, text] of Object.entries(lib)) await Bun.write(join(app, path), text);
    expect((await runCommand(app, "add", "./lib")).status).toBe(0);
    expect((await runCommand(app, "run", "main")).status).toBe(6);
  });

  test("that is a module of wippy keeps its entries and its name", async () => {
    const app = application("seven: acme.numbers:seven", `require("seven")`);
    await Bun.write(
      join(app, "m/wippy.yaml"),
      "organization: acme\nmodule: numbers\nversion: 1.0.0\n",
    );
    await Bun.write(
      join(app, "m/src/_index.yaml"),
      "namespace: acme.numbers\nentries: [{ name: seven, kind: library.lua, source: return 7 }]\n",
    );
    expect((await runCommand(app, "add", "./m")).err).toBe("added acme/numbers 1.0.0\n");
    expect((await runCommand(app, "run", "main")).status).toBe(7);
  });
});

describe("is refused, and nothing is written:", () => {
  const cases: [string, string, string][] = [
    [
      "C code",
      "luarocks:fast",
      "fast is not written in Lua alone (module fast), and wippy loads no C modules",
    ],
    ["a build", "luarocks:made", `made is built by "make", and wippy runs no programs of packages`],
    ["another Lua", "luarocks:old", "old needs Lua == 5.1, and wippy runs Lua 5.4"],
    [
      "a rockspec that acts",
      "luarocks:active",
      "active-1.0-1.rockspec:5: only assignments are read",
    ],
    ["a rock without its files", "luarocks:torn", "torn 1.0-1 lacks files that its rockspec names"],
    ["a circle of modules", "luarocks:ring", "which imports cannot: a -> b -> a"],
    ["what is no Lua", "luarocks:broken", "luarocks/broken: broken.lua is not Lua 5.4: "],
    ["a circle of rocks", "luarocks:one", "rocks need each other: one -> two -> one"],
    ["a truncated rock", "luarocks:cut", "cut-1.0-1.src.rock is damaged: "],
    ["a rock that is not there", "luarocks:none", "has no rock none"],
    [
      "a version that is not there",
      "luarocks:text@>= 9",
      `no version of text fits ">= 9"; there are`,
    ],
    [
      "a forged archive",
      "npm:forged",
      "the archive of forged 1.4.2 has another hash than the registry",
    ],
    ["a path that leads out", "npm:escape", `has a file with the path "package/../../evil.lua"`],
    ["a package that is not there", "npm:none", "the registry has no package none"],
    ["a range that is not there", "npm:shape@^9", "shape has no version ^9"],
    ["a module of a hub", "acme/http", "this wippy has no hub to fetch modules from"],
    ["an address with a password", "git:https://a:b@127.0.0.1/x", "the address has a password"],
    ["a flag as an address", "git:--upload-pack=touch", "not the address of a repository"],
    ["a program as an address", "git:ext::touch", "git cannot fetch ext::touch: "],
    ["a folder that is not there", "./none", "there is no ./none"],
  ];
  test.each(cases)("%s", async (_, text, expected) => {
    const app = application("", "0");
    const lock = lockOf(app);
    const { status, err } = await add(app, text);
    expect(err).toContain(expected);
    expect(status).toBe(1);
    expect(lockOf(app)).toBe(lock);
    expect(existsSync(vendor(app, ""))).toBe(false);
    expect(existsSync("/tmp/made")).toBe(false);
  });

  test("a server that cannot be reached, and one that is not set", async () => {
    const app = application("", "0");
    const gone = serveFiles({});
    await gone.stop();
    const { err } = await runCommand(app, "add", "luarocks:x", "--server", gone.address);
    expect(err).toMatch(/^Error: cannot reach 127\.0\.0\.1:\d+: .*\n {4}hint: check the address/);
    expect((await runCommand(app, "add", "luarocks:x")).err).toStartWith(
      "Error: the address of a LuaRocks server is not set\n    hint: write it to .wippy.yaml as ",
    );
  });
});

test("an ns.dependency that is not there says how to add it", async () => {
  const app = application("", "0");
  const index = join(app, "src/_index.yaml");
  const entry = "  - { name: dep, kind: ns.dependency, component: luarocks/inspect }\n";
  writeFileSync(index, readFileSync(index, "utf8") + entry);
  expect((await runCommand(app, "run", "list")).err).toContain(
    `app:dep  warning: the module luarocks/inspect is not installed\n    hint: run "wippy add luarocks:inspect"\n`,
  );
});
