import { describe, expect, test } from "bun:test";
import { failure, main, runFunction, startApplication } from "../application.ts";

describe("errors", () => {
  test("kinds", async () => {
    expect(
      await runFunction(`return { errors.NOT_FOUND, errors.ALREADY_EXISTS, errors.INVALID,
        errors.PERMISSION_DENIED, errors.UNAVAILABLE, errors.INTERNAL, errors.CANCELED,
        errors.CONFLICT, errors.TIMEOUT, errors.RATE_LIMITED, errors.UNKNOWN }`),
    ).toEqual([
      "NotFound",
      "AlreadyExists",
      "Invalid",
      "PermissionDenied",
      "Unavailable",
      "Internal",
      "Canceled",
      "Conflict",
      "Timeout",
      "RateLimited",
      "",
    ]);
  });

  test("new with a text", async () => {
    expect(
      await runFunction(`local e = errors.new("m")
        return { e:kind(), e:message(), e:retryable() == nil, e:details() == nil, type(e:stack()),
          tostring(e), type(e) }`),
    ).toEqual(["", "m", true, true, "string", "m", "userdata"]);
  });

  test("new with a kind and a text takes the first, like the published examples", async () => {
    expect(await runFunction('return errors.new("Invalid", "m"):message()')).toBe("Invalid");
  });

  test("new with a table", async () => {
    expect(
      await runFunction(`local e = errors.new{ message = "m", kind = "Own", retryable = true,
          details = { a = 1 } }
        return { e:kind(), e:message(), e:retryable(), e:details() }`),
    ).toEqual(["Own", "m", true, { a: 1 }]);
  });

  test("bad fields raise", async () => {
    for (
      const bad of ["", "1", "{}", "{ message = 1 }", "{ message = 'm', kind = 1 }"].concat(
        "{ message = 'm', retryable = 1 }",
        "{ message = 'm', details = 1 }",
      )
    ) {
      expect(await runFunction(`return (pcall(function() errors.new(${bad}) end))`)).toBe(false);
    }
  });

  test("wrap keeps everything; the context stands apart from the text", async () => {
    expect(
      await runFunction(`local e = errors.new{ message = "seat taken", kind = errors.CONFLICT,
          retryable = false, details = { seat = "12A" } }
        local w = errors.wrap(e, "booking")
        local t = errors.wrap("plain", "context")
        return { w:kind(), w:retryable(), w:details().seat, tostring(w), w:message(), w ~= e,
          t:kind(), tostring(t) }`),
    ).toEqual([
      "Conflict",
      false,
      "12A",
      "seat taken",
      "seat taken",
      true,
      "",
      "plain",
    ]);
  });

  test("the context may be an Error", async () => {
    expect(
      await runFunction(`local w = errors.wrap("plain", errors.new("context"))
        return { w:message(), w:stack():match("^[^\\n]*") }`),
    ).toEqual(["plain", "context"]);
  });

  test("a second wrap puts the first context into the text", async () => {
    expect(
      await runFunction(`local once = errors.wrap(errors.new("a"), "b")
        local twice = errors.wrap(once, "c")
        return { once:message(), twice:message(), tostring(twice), "x " .. twice }`),
    ).toEqual(["a", "b: a", "b: a", "x b: a"]);
  });

  test("the newest context joins the text where the error leaves its unit", async () => {
    const wrapped = 'errors.wrap(errors.wrap(errors.new("a"), "b"), "c")';
    for (const end of [`return nil, ${wrapped}`, `error(${wrapped})`]) {
      expect(await failure(runFunction(end))).toMatchObject({ message: "c: b: a" });
      const called = await runFunction(
        'local _, err = funcs.call("app:fails") return err:message()',
        { functions: { fails: main(end) } },
      );
      expect(called).toBe("c: b: a");
    }
    expect(
      await runFunction(
        `local pid = process.spawn("app:echo", "app:processes", process.pid(), ${wrapped})
        return process.inbox():receive():payload():data():message()`,
        { processes: { echo: main('local to, e = ... process.send(to, "e", e)') } },
      ),
    ).toBe("c: b: a");
  });

  test("details without a name are none, and an empty table is none", async () => {
    expect(
      await runFunction(`local function details(t)
          return errors.new{ message = "m", details = t }:details()
        end
        return { details({}) == nil, details({ 1, 2 }) == nil, details({ 1, a = 2 }) }`),
    ).toEqual([true, true, { a: 2 }]);
  });

  test("stack: the place of making, also of a tail call, then those of wrapping with contexts", async () => {
    const lines = await runFunction(`local function made() return errors.new("m") end
      local function wrapped()
        return errors.wrap(made(), "first\\nline")
      end
      local e = errors.wrap(wrapped(), "second")
      local lines = {}
      for line in e:stack():gmatch("[^\\n]+") do lines[#lines + 1] = line end
      return lines`);
    expect(lines).toEqual([
      "second",
      "  app:main:7 (function <app:main:2>)",
      "first",
      "line",
      "  app:main:5 (local 'wrapped')",
      "  app:main:7 (function <app:main:2>)",
      "  app:main:3 (upvalue 'made')",
      "  app:main:5 (local 'wrapped')",
      "  app:main:7 (function <app:main:2>)",
    ]);
  });

  test("call_stack: the frames of the newest place", async () => {
    const of = (made: string) =>
      runFunction(`local function inner() return ${made} end
        local function outer() return (inner()) end
        local e = outer()
        local stack = errors.call_stack(e)
        return { type(stack.thread), stack.frames }`);
    for (const made of ['errors.new("m")', 'errors.wrap("m", "c")']) {
      const [thread, frames] = await of(made) as [string, Record<string, unknown>[]];
      expect(thread).toBe("string");
      expect(frames[0]).toEqual({
        level: 1,
        source: "app:main",
        line: 3,
        name: "inner",
        type: "Lua",
      });
      expect(frames.map(({ line }) => line)).toEqual([3, 4, 5]);
    }
  });

  test("the stack of a raised text is one of frames too", async () => {
    const [stack, frames] = await runFunction(
      `local _, err = funcs.call("app:fails")
        return { err:stack(), errors.call_stack(err).frames }`,
      { functions: { fails: main('local function inner() error("no") end\ninner() return 1') } },
    ) as [string, { line: number }[]];
    expect(stack.split("\n")[0]).toBe("  app:fails:3 (local 'inner')");
    expect(stack).not.toContain("lua/kernel");
    expect(frames.map(({ line }) => line).slice(0, 2)).toEqual([3, 4]);
  });

  test("is", async () => {
    expect(
      await runFunction(`local e = errors.new{ message = "m", kind = errors.TIMEOUT }
        return { errors.is(e, errors.TIMEOUT), errors.is(e, errors.INVALID), errors.is(nil, "x"),
          errors.is("Timeout", "Timeout"), errors.is({}, "Timeout") }`),
    ).toEqual([true, false, false, false, false]);
  });

  test("joins with texts on either side", async () => {
    expect(
      await runFunction(`local e = errors.new("e")
        return { "a " .. e, e .. " b", e .. e }`),
    ).toEqual(["a e", "e b", "ee"]);
  });

  test("pcall hands the raised object back", async () => {
    expect(
      await runFunction(`local e = errors.new("e")
        local ok, caught = pcall(error, e)
        return { ok, caught == e }`),
    ).toEqual([false, true]);
  });

  test("call_stack of what has none", async () => {
    expect(
      await runFunction(
        `local _, made_by_runtime = funcs.call("app:none")
        return { errors.call_stack(made_by_runtime) == nil, errors.call_stack("x") == nil,
          errors.call_stack(nil) == nil }`,
      ),
    ).toEqual([true, true, true]);
  });

  test("details are a copy", async () => {
    expect(
      await runFunction(`local e = errors.new{ message = "m", details = { a = 1 } }
        e:details().a = 2
        return e:details().a`),
    ).toBe(1);
  });

  test.each([
    ["a level that is the kernel's", 'error("x", 2)', "x"],
    ["a level further out", 'local function inner() error("x", 3) end inner()', "x"],
    [
      "a module that nobody lists",
      'return require("nope")',
      "module 'nope' not found; list it under modules: or imports: of the entry",
    ],
    [
      "a tail call of a function of the kernel",
      "return tostring()",
      "bad argument #1 to 'tostring' (value expected)",
    ],
  ])("no line of the kernel is told as that of an error: %s", async (_, body, message) => {
    const application = await startApplication({
      functions: { main: `return { main = function() ${body} end }` },
    });
    expect((await failure(application.call("main"))).message).toBe(message);
  });
});
