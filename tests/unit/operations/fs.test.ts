import { afterAll, beforeEach, describe, expect, test } from "bun:test";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { LuaValue } from "../../../src/vm/value.ts";
import { entryOf, perform, testContext, testServices } from "./services.ts";

const base = mkdtempSync(join(tmpdir(), "wippy-fs-"));
afterAll(() => rmSync(base, { recursive: true, force: true }));

const entries = [
  entryOf("app:data", "fs.directory", { directory: "data" }),
  entryOf("app:locked", "fs.directory", { directory: "data", mode: "0555" }),
  entryOf("app:write_only", "fs.directory", { directory: "data", mode: "0333" }),
  entryOf("app:private", "fs.directory", { directory: "private", mode: "0700", auto_init: true }),
  entryOf("app:absent", "fs.directory", { directory: "absent" }),
  entryOf("app:embedded", "fs.embed", { directory: "data" }),
  entryOf("app:main", "function.lua"),
];
let context = testContext(testServices(entries, base));
const data = join(base, "data");

/** Runs an operation on the volume app:data from its root. */
function run(name: string, ...args: LuaValue[]) {
  return perform(context, `fs.${name}`, "app:data", "/", ...args);
}

function failure(promise: Promise<LuaValue>): Promise<string> {
  return promise.then(
    (value) => `no failure but ${String(value)}`,
    (error) => `${error.kind}: ${error.message}`,
  );
}

beforeEach(() => {
  rmSync(data, { recursive: true, force: true });
  mkdirSync(join(data, "folder"), { recursive: true });
  writeFileSync(join(data, "a.txt"), "hello");
  writeFileSync(join(base, "secret"), "secret");
  context = testContext(testServices(entries, base));
});

describe("volumes", () => {
  test.each([
    ["app:nope", "NotFound: volume not found: app:nope"],
    [
      "app:main",
      "Invalid: app:main is a function.lua entry; give the id of an fs.directory or fs.embed entry",
    ],
    ["", "Invalid: empty volume id"],
    [
      "app:absent",
      "NotFound: volume app:absent: directory absent does not exist; make it, or set auto_init: true",
    ],
  ])("%p", async (id, expected) => {
    expect(await failure(perform(context, "fs.get", id))).toBe(expected);
  });

  test("auto_init makes the directory with the entry's mode", async () => {
    expect(await perform(context, "fs.get", "app:private")).toBe(true);
    expect(statSync(join(base, "private")).mode & 0o777).toBe(0o700);
  });

  test("what is part of the application can be read, and nothing else", async () => {
    const read = await perform(context, "fs.readfile", "app:embedded", "/", "a.txt");
    expect(String(read)).toBe("hello");
    const changes: [string, ...LuaValue[]][] = [
      ["writefile", "b", "x", "w"],
      ["mkdir", "b"],
      ["remove", "a.txt"],
      ["open", "b", "w"],
    ];
    for (const [name, ...rest] of changes) {
      expect(await failure(perform(context, `fs.${name}`, "app:embedded", "/", ...rest))).toBe(
        "PermissionDenied: volume app:embedded does not allow to write (mode 0555)",
      );
    }
    expect(existsSync(join(data, "a.txt"))).toBe(true);
  });

  test("what code may do is the owner's bits", async () => {
    const write = perform(context, "fs.writefile", "app:locked", "/", "b", "x", "w");
    expect(await failure(write)).toBe(
      "PermissionDenied: volume app:locked does not allow to write (mode 0555)",
    );
    expect(String(await perform(context, "fs.readfile", "app:locked", "/", "a.txt"))).toBe("hello");
    const read = perform(context, "fs.readfile", "app:write_only", "/", "a.txt");
    expect(await failure(read)).toBe(
      "PermissionDenied: volume app:write_only does not allow to read (mode 0333)",
    );
  });

  test("new files and directories are masked by the mode", async () => {
    await perform(context, "fs.writefile", "app:private", "/", "f", "x", "w");
    await perform(context, "fs.mkdir", "app:private", "/", "d");
    expect(statSync(join(base, "private/f")).mode & 0o777).toBe(0o600);
    expect(statSync(join(base, "private/d")).mode & 0o777).toBe(0o700);
  });
});

describe("confinement", () => {
  test.each([
    ["../secret", "Invalid: path ../secret leads out of the volume"],
    ["/../secret", "Invalid: path /../secret leads out of the volume"],
    ["folder/../../secret", "Invalid: path folder/../../secret leads out of the volume"],
    ["", "Invalid: empty path"],
    ["a\0b", "Invalid: a path cannot hold a NUL byte"],
  ])("%p", async (path, expected) => {
    expect(await failure(run("readfile", path))).toBe(expected);
  });

  test("links that lead out are refused, to read and to write", async () => {
    symlinkSync("../secret", join(data, "out"));
    symlinkSync(join(base, "secret"), join(data, "absolute"));
    symlinkSync("..", join(data, "folder/up"));
    symlinkSync("../..", join(data, "folder/out"));
    symlinkSync("../fresh", join(data, "dangling"));
    for (const path of ["out", "absolute", "folder/out/secret", "folder/up/../up/out"]) {
      expect(await failure(run("readfile", path))).toMatch(
        /^Invalid: .*out of the volume by a link/,
      );
    }
    for (const path of ["out", "dangling", "folder/out/fresh"]) {
      expect(await failure(run("writefile", path, "x", "w"))).toMatch(/^Invalid: .*by a link/);
    }
    expect(existsSync(join(base, "fresh"))).toBe(false);
    expect(readFileSync(join(base, "secret"), "utf8")).toBe("secret");
  });

  test("links inside the volume are followed", async () => {
    symlinkSync("../a.txt", join(data, "folder/relative"));
    symlinkSync(join(data, "a.txt"), join(data, "absolute"));
    symlinkSync("new.txt", join(data, "dangling"));
    expect(String(await run("readfile", "folder/relative"))).toBe("hello");
    expect(String(await run("readfile", "absolute"))).toBe("hello");
    await run("writefile", "dangling", "made", "w");
    expect(readFileSync(join(data, "new.txt"), "utf8")).toBe("made");
  });

  test("a link that leads out can be removed, its target stays", async () => {
    symlinkSync("../secret", join(data, "out"));
    await run("remove", "out");
    expect(existsSync(join(data, "out"))).toBe(false);
    expect(existsSync(join(base, "secret"))).toBe(true);
  });

  test("links that go round end", async () => {
    symlinkSync("two", join(data, "one"));
    symlinkSync("one", join(data, "two"));
    expect(await failure(run("readfile", "one"))).toMatch(
      /^Invalid: path \/one has too many links/,
    );
  });

  test("a pipe does not hang", async () => {
    Bun.spawnSync(["mkfifo", join(data, "pipe")]);
    expect(await failure(run("readfile", "pipe"))).toBe(
      "Invalid: open /pipe: it is no regular file",
    );
  });
});

describe("open files", () => {
  test("requests of one file are done in order", async () => {
    const id = await run("open", "log", "w");
    await Promise.all(
      Array.from({ length: 50 }, (_, index) => perform(context, "fs.file_write", id, `${index};`)),
    );
    await perform(context, "fs.file_close", id);
    expect(readFileSync(join(data, "log"), "utf8")).toBe(
      Array.from({ length: 50 }, (_, index) => `${index};`).join(""),
    );
  });

  test("the end of the unit closes what is open, after what was asked", async () => {
    const id = await run("open", "log", "w");
    const written = perform(context, "fs.file_write", id, "x".repeat(1_000_000));
    await context.resources.closeAll();
    expect(await written).toBe(1_000_000);
    expect(statSync(join(data, "log")).size).toBe(1_000_000);
    expect(await failure(perform(context, "fs.file_write", id, "more"))).toMatch(
      /^Invalid: .*closed/,
    );
  });

  test("a file opened for a unit that has ended meanwhile is closed", async () => {
    const opening = run("open", "a.txt", "r");
    await context.resources.closeAll();
    expect(await failure(opening)).toBe("Canceled: the unit has ended");
  });

  test("a number that is no open file fails", async () => {
    expect(await failure(perform(context, "fs.file_read", 99, 10))).toMatch(/^Invalid: /);
  });
});
