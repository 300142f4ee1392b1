import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { luaFolders, root, sourceFiles } from "../../../../scripts/sources.ts";
import { withSyntaxCheck } from "../../../../src/app/syntax-check.ts";
import { instrument } from "../../../../src/testing/coverage/instrument.ts";

const counter = / __lines\[\d+\]=__lines\[\d+\]\+1;/g;

test("every Lua file compiles when it counts, with its lines where they were", async () => {
  const files = sourceFiles("**/*.lua", luaFolders);
  expect(files.length).toBeGreaterThan(100);
  const wrong = await withSyntaxCheck((check) =>
    files.filter((file) => {
      const text = readFileSync(join(root, file), "utf8");
      const made = instrument(text);
      return made === undefined || made.code.replace(counter, "") !== text ||
        made.lines.length === 0 || check(made.code, `=${file}`) !== undefined;
    })
  );
  expect(wrong).toEqual([]);
}, 60_000);

test.each([
  ["#!/usr/bin/wippy\nprint(1)", [2]],
  ["local a = 1 local b = 2\n\n-- c\nreturn a", [1, 4]],
  ["for i = 1, 2 do\n  if i > 1 then goto next end\n  f(i)\n  ::next::\nend", [1, 2, 3]],
  ["f(function()\n  g()\nend, { h = function()\n  return 1\nend })", [1, 2, 4]],
  ["type A = { n: number }\nlocal a: A = { n = 1 }\n;(f or g)(a :: A)", [2, 3]],
  ["repeat\n  local x = f()\nuntil x", [1, 2]],
  ["if a then\n  b()\nelseif c then\n  d()\nelse\n  e()\nend", [1, 2, 4, 6]],
  ["local s = [[\na\nb]]\nprint(s)", [1, 4]],
  ["", []],
])("statements of %j begin on the lines %j", async (text, lines) => {
  const made = instrument(text)!;
  expect(made.lines).toEqual(lines);
  expect(await withSyntaxCheck((check) => check(made.code, "=x"))).toBeUndefined();
});

test("a text that is no Lua stays as it is", () => {
  expect(instrument("local x = = 1")).toBeUndefined();
});
