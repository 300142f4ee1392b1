/** `wippy add luarocks:…` with a server that LuaRocks itself has made. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { writeFiles } from "../app/temporary-application.ts";
import { runCommand } from "../cli/run/run-command.ts";
import { tarball } from "./server.ts";

const missing = ["luarocks", "luarocks-admin", "zip", "unzip"].filter((name) => !Bun.which(name));

const folder = mkdtempSync(join(tmpdir(), "wippy-rocks-"));
const rocks = join(folder, "server");

const server = Bun.serve({
  port: 0,
  hostname: "127.0.0.1",
  fetch(request) {
    const path = join(rocks, new URL(request.url).pathname);
    return existsSync(path) ? new Response(Bun.file(path)) : new Response("", { status: 404 });
  },
});
const address = `http://127.0.0.1:${server.port}`;

async function run(...command: string[]): Promise<void> {
  const child = Bun.spawn(command, {
    cwd: folder,
    env: { ...process.env, HOME: folder },
    stdout: "pipe",
    stderr: "pipe",
  });
  const [out, err] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  if (await child.exited !== 0) throw new Error(`${command.join(" ")}: ${out}${err}`);
}

/** Writes a rockspec, and the archive of its source. */
async function write(
  name: string,
  version: string,
  { modules, files, more = "", source = (archive: string) => `file://${folder}/${archive}` }: {
    modules: string;
    files: Record<string, string>;
    more?: string;
    source?: (archive: string) => string;
  },
): Promise<string> {
  const inner = `${name}-${version}`;
  const archive = await tarball(
    Object.fromEntries(Object.entries(files).map(([path, text]) => [`${inner}/${path}`, text])),
  );
  writeFileSync(join(folder, `${inner}.tar.gz`), archive);
  const rockspec = join(folder, `${name.toLowerCase()}-${version}-1.rockspec`);
  const md5 = createHash("md5").update(archive).digest("hex");
  writeFileSync(
    rockspec,
    `package = "${name}"\nversion = "${version}-1"\n` +
      `source = { url = "${source(`${inner}.tar.gz`)}", md5 = "${md5}" }\n` +
      `description = { summary = "for a test", license = "MIT" }\n${more}\n` +
      `build = { type = "builtin", modules = { ${modules} } }\n`,
  );
  return rockspec;
}

async function build(): Promise<void> {
  mkdirSync(rocks);
  mkdirSync(join(folder, "include"));
  writeFileSync(join(folder, "include/lua.h"), "#define LUA_VERSION_NUM 504\n");
  const luarocks = (...args: string[]) => run("luarocks", "--lua-version", "5.4", ...args);

  // An archive of sources, of a package whose name has capitals.
  const shapes = await write("Shapes", "1.2", {
    modules: `shapes = "src/shapes/init.lua", ["shapes.point"] = "src/shapes/point.lua"`,
    files: {
      "src/shapes/init.lua": `return { sides = require("shapes.point").one + 3 }`,
      "src/shapes/point.lua": "return { one = 1 }",
      LICENSE: "as you like",
    },
  });
  await luarocks("pack", shapes);
  // A rock of Lua files that is installed.
  const pure = await write("pure", "1.0", {
    modules: `pure = "pure.lua", ["pure.part"] = "part/init.lua"`,
    files: { "pure.lua": `return require("pure.part") + 2`, "part/init.lua": "return 5" },
    more: `dependencies = { "lua >= 5.1, < 5.5" }`,
  });
  const tree = join(folder, "tree");
  const include = `LUA_INCDIR=${join(folder, "include")}`;
  await luarocks("--tree", tree, "install", "--deps-mode", "none", pure, include);
  await luarocks("--tree", tree, "pack", "pure");
  for (const file of ["shapes-1.2-1.src.rock", "pure-1.0-1.all.rock"]) {
    copyFileSync(join(folder, file), join(rocks, file));
  }
  // A newer release of which there is machine code only.
  copyFileSync(
    join(folder, "pure-1.0-1.all.rock"),
    join(rocks, "pure-1.1-1.linux-x86_64.rock"),
  );
  copyFileSync(join(folder, "pure-1.0-1.all.rock"), join(rocks, "fast-1.0-1.linux-x86_64.rock"));
  // Rockspecs alone: their sources are elsewhere.
  const elsewhere = {
    modules: `away = "away.lua"`,
    files: { "away.lua": `return require("shapes").sides * 2` },
    more: `dependencies = { "shapes ~> 1.2" }`,
    source: (archive: string) => `${address}/${archive}`,
  };
  const specs = [
    await write("away", "2.0", elsewhere),
    await write("forged", "1.0", {
      ...elsewhere,
      source: () => `${address}/away-2.0.tar.gz`,
      files: { "away.lua": "return 1" },
    }),
    await write("gone", "1.0", { ...elsewhere, source: () => `${address}/gone.zip` }),
    await write("local", "1.0", { ...elsewhere, source: () => "file:///etc/hostname" }),
    await write("repository", "1.0", {
      ...elsewhere,
      source: () => "git+http://127.0.0.1:1/a/b.git",
    }),
  ];
  for (const path of specs) copyFileSync(path, join(rocks, path.slice(folder.length)));
  copyFileSync(join(folder, "away-2.0.tar.gz"), join(rocks, "away-2.0.tar.gz"));
  await run("luarocks-admin", "--lua-version", "5.4", "make_manifest", rocks);
}

/** An application whose command ends with what a package returns. */
function application(name: string): string {
  return writeFiles({
    "wippy.lock": "directories: { src: src }\n",
    "src/_index.yaml": "namespace: app\nentries:\n" +
      "  - { name: terminal, kind: terminal.host, lifecycle: { auto_start: true } }\n" +
      `  - name: main\n    kind: process.lua\n    imports: { it: "luarocks.${name}:${name}" }\n` +
      `    source: 'return { main = function() local v = require("it") ` +
      `return type(v) == "table" and v.sides or v end }'\n` +
      "    meta: { command: { name: main } }\n",
  });
}

const add = (directory: string, what: string) =>
  runCommand(directory, "add", what, "--server", address);

describe.skipIf(missing.length > 0)(
  "a tree that luarocks-admin has made (skipped without luarocks, zip and unzip)",
  () => {
    beforeAll(build, 60_000);

    test.each([
      ["shapes", "1.2-1", "an archive of sources", 4],
      ["pure", "1.0-1", "an archive of Lua files, behind a newer one of machine code", 7],
      ["away", "2.0-1", "a rockspec", 8],
    ])("%s %s is added from %s, and runs", async (name, version, _form, result) => {
      const directory = application(name);
      const { status, err } = await add(directory, `luarocks:${name}`);
      expect({ status, err }).toEqual({
        status: 0,
        err: expect.stringContaining(`added luarocks/${name} ${version}\n`),
      });
      expect((await runCommand(directory, "run", "main")).status).toBe(result);
      const lock = readFileSync(join(directory, "wippy.lock"), "utf8");
      expect(lock).toContain(`source: luarocks:${name}@${version}\n`);
      rmSync(join(directory, ".wippy/vendor"), { recursive: true });
      expect((await runCommand(directory, "install", "--server", address)).status).toBe(0);
      expect((await runCommand(directory, "run", "main")).status).toBe(result);
    });

    test("the license of a rock comes with it", async () => {
      const directory = application("shapes");
      await add(directory, "luarocks:Shapes@1.2-1");
      const license = join(directory, ".wippy/vendor/luarocks/shapes/LICENSE");
      expect(readFileSync(license, "utf8")).toBe("as you like");
    });

    test.each([
      ["fast", "has only machine code of fast"],
      ["pure@1.1", "has only machine code of pure"],
      ["forged", "is not the file that the rockspec of forged means (md5)"],
      ["gone", "gone.zip, the source of gone, is not there"],
      ["local", "are at file:///etc/hostname, which is not supported"],
      ["repository", "git cannot fetch http://127.0.0.1:1/a/b.git"],
      ["shapes@1.9", `no version of shapes fits "1.9"; there are 1.2-1`],
    ])("%s is refused: %s", async (what, message) => {
      const directory = application("shapes");
      const { status, err } = await add(directory, `luarocks:${what}`);
      expect({ status, err }).toEqual({ status: 1, err: expect.stringContaining(message) });
      expect(existsSync(join(directory, ".wippy/vendor"))).toBe(false);
    });
  },
);

afterAll(async () => {
  await server.stop(true);
  rmSync(folder, { recursive: true, force: true });
});
