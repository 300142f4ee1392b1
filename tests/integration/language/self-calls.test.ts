import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { root } from "../../../scripts/sources.ts";
import type { LuaValue } from "../../../src/vm/value.ts";
import { writeFiles } from "../../unit/app/temporary-application.ts";
import { type Sources, startApplication } from "../application.ts";

/** Runs the body of a function, with what stands before it. */
async function run(body: string, more: Sources, fields: Record<string, unknown>) {
  const application = await startApplication({
    ...more,
    functions: { main: { source: body, ...fields } },
  });
  return await application.call("main");
}

describe("local f = function, in code without types", () => {
  test.each<[what: string, code: string, result: LuaValue]>([
    [
      "calls itself",
      "local f = function(n) return n < 2 and 1 or n * f(n - 1) end return f(5)",
      120,
    ],
    [
      "over two lines",
      "local\nf\n=\nfunction(n) return n == 0 and 'end' or f(n - 1) end return f(3)",
      "end",
    ],
    [
      "in a function within",
      "local f = function() return function() return f ~= nil end end return f()()",
      true,
    ],
    [
      "beside fields and texts of its name",
      "local t = {} local f = function(n) t.f = 'f' return n == 0 and t.f or f(n - 1) end return f(1)",
      "f",
    ],
    [
      "within another one",
      "local g = function() local f = function() return f end return f() end return type(g())",
      "function",
    ],
    [
      "behind text of many bytes",
      "local s = '日本é' local f = function() return f end return type(f())",
      "function",
    ],
    ["assigns to itself", "local f = function() f = 5 return f end return f() + f", 10],
    [
      "beside a text that looks like one",
      "local s = 'local f = function' local f = function() return s .. type(f) end return f()",
      "local f = functionfunction",
    ],
    [
      "beside a remark that looks like one",
      "-- local f = function\nlocal f = function() return type(f) end return f()",
      "function",
    ],
    [
      "means a local that is visible before",
      "local f = 'before' local f = function() return f end return f()",
      "before",
    ],
    [
      "means a global of all programs",
      "local type = function(v) return type(v) end return type(1)",
      "number",
    ],
    [
      "means a module that it can list",
      "local time = function() return time.SECOND end return time()",
      1_000_000_000,
    ],
    ["means a library that it imports", "local lib = function() return lib.n end return lib()", 7],
    [
      "does so for one name alone",
      "local f, g = function() return f end, 1 return f() == nil",
      true,
    ],
  ])("%s", async (_what, code, expected) => {
    const libraries = { lib: "return { n = 7 }" };
    expect(
      await run(`return function() ${code} end`, { libraries }, { imports: { lib: "app:lib" } }),
    )
      .toBe(expected);
  });

  test("in libraries and programs that are made at run time, and on the same lines", async () => {
    const libraries = {
      lib: `local f = function(n)
        if n == 0 then error("here") end
        return f(n - 1)
      end
      return { f = f }`,
    };
    const body = `local lib = require("lib")
      local eval = require("eval_runner")
      return function()
        local _, message = pcall(lib.f, 2)
        local source = "local f = function(n) return n == 0 and 'run' or f(n - 1) end return f(2)"
        return { message, (eval.run({ source = source })) }
      end`;
    expect(
      await run(body, { libraries }, { imports: { lib: "app:lib" }, modules: ["eval_runner"] }),
    )
      .toEqual(["app:lib:2: here", "run"]);
  });

  test("not in scripts, which are Lua 5.4", async () => {
    const child = Bun.spawn([process.execPath, join(root, "src/main.ts"), "main.lua"], {
      cwd: writeFiles({ "main.lua": "local f = function() return f end print(f())" }),
      stdout: "pipe",
    });
    expect(await new Response(child.stdout).text()).toBe("nil\n");
  });
});
