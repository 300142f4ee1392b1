import { describe, expect, test } from "bun:test";
import { unpack } from "../../../src/packages/file-tree.ts";
import { readLuaData } from "../../../src/packages/lua-data.ts";
import { parseWanted } from "../../../src/packages/package.ts";
import { compareVersions, satisfies } from "../../../src/packages/rock-version.ts";
import { readRockspec } from "../../../src/packages/rockspec.ts";
import { tarball } from "./server.ts";

test("versions have an order", () => {
  const ascending = "1.0alpha1 1.0beta2 1.0rc1 1.0-1 1.0-2 1.0.1-1 1.2-1 1.10-1 2.0-1 scm-1".split(
    " ",
  );
  expect([...ascending].reverse().sort(compareVersions)).toEqual(ascending);
});

test.each([
  ["1.2-1", "", true],
  ["1.2-1", "1.2", true],
  ["1.2-1", "== 1.2-2", false],
  ["1.2.9-1", "~> 1.2", true],
  ["1.3-1", "~> 1.2", false],
  ["1.3-1", ">= 1.2, < 1.3", false],
  ["5.4", ">= 5.1, < 5.5", true],
  ["5.4", "~= 5.4", false],
])("%s is %s: %p", (version, constraint, expected) => {
  expect(satisfies(version, constraint)).toBe(expected);
});

describe("a file of data", () => {
  test("is read without being run", () => {
    const text = `local v = "1" .. "." .. 2\na = { "x", [2] = "y", z = { v } }\na.b = true`;
    expect(readLuaData(text, "f").get("a")).toEqual(
      new Map<string, unknown>([
        ["1", "x"],
        ["2", "y"],
        ["z", new Map([["1", "1.2"]])],
        ["b", true],
      ]) as never,
    );
  });

  test.each([
    ["a = os.getenv('HOME')", "f:1: only constants are read, code is not run"],
    ["\nwhile true do end", "f:2: only assignments are read, code is not run"],
    ["a = {} .. 'x'", "f:1: only texts and numbers can be joined"],
    ["a.b = 1", "f:1: not a table"],
    [`a = ${"{".repeat(150)}${"}".repeat(150)}`, "f:1: more than 100 levels"],
    ["a = (", "f:1: "],
  ])("%p is refused", (text, expected) => {
    expect(() => readLuaData(text, "f")).toThrow(expected);
  });

  test("every beginning of a rockspec is one, or is refused", () => {
    const text = `package = "a"\nversion = "1-1"\nbuild = { modules = { a = "a.lua" } }`;
    for (let length = 0; length < text.length; length++) {
      try {
        readRockspec(text.slice(0, length), "f");
      } catch (error) {
        expect((error as Error).name).toBe("PackageError");
      }
    }
  });
});

test("an archive that is too large, and every beginning of one, is refused", async () => {
  const bomb = await tarball({ "a.lua": " ".repeat(70 * 2 ** 20) });
  await expect(unpack(bomb, "a.tgz")).rejects.toThrow("a.tgz has more than 64 MiB");
  const sound = await tarball({ "a.lua": "return 1".repeat(50) });
  expect((await unpack(sound, "a.tgz")).size).toBe(1);
  for (let length = 0; length < sound.length; length += 7) {
    await expect(unpack(sound.subarray(0, length), "a.tgz")).rejects.toThrow("a.tgz is damaged");
  }
});

test.each([
  ["luarocks:Inspect@3.1", { from: "luarocks", name: "inspect", version: "3.1" }],
  ["npm:@a/b@^1", { from: "npm", name: "@a/b", version: "^1" }],
  ["git:git@example.org:a/b.git#v1", { from: "git", url: "git@example.org:a/b.git", ref: "v1" }],
  ["./lib", { from: "path", path: "./lib" }],
  ["path:lib", { from: "path", path: "lib" }],
])("%s", (text, expected) => {
  expect(parseWanted(text)).toEqual(expected as never);
});
