import { describe, expect, test } from "bun:test";
import { globalsOf, lintLua } from "../../../scripts/lua-lint.ts";

const application = globalsOf("examples/hello/src/greet.lua");
const lint = (source: string) =>
  lintLua(source, application).map(({ line, column, message }) => `${line}:${column} ${message}`);

describe("lintLua", () => {
  test("reports a name that nothing declares, at its place", () => {
    expect(lint("local a = 1\nprint(a, b)")).toEqual(['2:10 "b" is not declared']);
  });

  test("reports names of typed code at their place", () => {
    expect(lint("type T = number\nlocal function f(a: T): T return a + b end\nprint(f)")).toEqual([
      '2:38 "b" is not declared',
    ]);
  });

  test("reports globals that are set, by assignment and by function", () => {
    expect(lint("total = 1\nfunction run() end")).toEqual([
      '1:1 sets the global "total"',
      '2:10 sets the global "run"',
    ]);
  });

  test("reports a local that is only written", () => {
    expect(lint("local a = 1\na = 2")).toEqual(['1:7 local "a" is never read']);
  });

  test("reports a local that another of its scope hides unread", () => {
    expect(lint("local a = 1\nlocal a = 2\nprint(a)")).toEqual(['1:7 local "a" is never read']);
  });

  test("a local is not known in its own initial value", () => {
    expect(lint("local a = a\nprint(a)")).toEqual(['1:11 "a" is not declared']);
  });

  test("a local function may call itself, but must be read elsewhere or be a parameter", () => {
    expect(lint("local function f() return f() end\nreturn f")).toEqual([]);
  });

  test("ends scopes with their blocks", () => {
    expect(lint("do local a = 1 print(a) end\nprint(a)")).toEqual(['2:7 "a" is not declared']);
    expect(lint("for i = 1, 2 do end\nprint(i)")).toEqual(['2:7 "i" is not declared']);
  });

  test("a repeat's condition sees the locals of its body", () => {
    expect(lint("repeat local done = true until done")).toEqual([]);
  });

  test("parameters, loop variables, self and names with an underscore need not be read", () => {
    const source = `
      local t = {}
      function t.plain(a, b) end
      function t:method() return self end
      for k, v in pairs(t) do end
      local _, err = pcall(t.plain)
      return err`;
    expect(lint(source)).toEqual([]);
  });

  test("fields, table keys, methods and labels are not names", () => {
    const source = `
      local t = { size = 1, ["a b"] = 2, 3 }
      goto done
      print(t.size, t:unknown(), t[1])
      ::done::`;
    expect(lint(source)).toEqual([]);
  });

  test("knows Lua 5.4's attributes: to be closed is a use", () => {
    expect(lint("local a <close> = setmetatable({}, {})\nlocal b <const> = 2")).toEqual([
      '2:7 local "b" is never read',
    ]);
  });

  test("skips the first line of a script", () => {
    expect(lint("#!/usr/bin/env wippy\nprint(x)")).toEqual(['2:7 "x" is not declared']);
  });

  test("reports a syntax error at its place", () => {
    expect(lint("local a =\nend")).toEqual([expect.stringMatching(/^2:1 .*'end'/)]);
  });
});

describe("globalsOf", () => {
  test("gives host to our own code only, and process to applications only", () => {
    const trusted = globalsOf("lua/kernel/core/scheduler.lua");
    expect(lintLua("return host", trusted)).toEqual([]);
    expect(lintLua("return host", application)).toHaveLength(1);
    expect(lintLua("return process", trusted)).toHaveLength(1);
    expect(lintLua("return tostring(1)", trusted)).toHaveLength(1);
    expect(lintLua("return tostring(1)", globalsOf("lua/kernel/core/stable.lua"))).toEqual([]);
    expect(lintLua("return process", application)).toEqual([]);
  });
});
