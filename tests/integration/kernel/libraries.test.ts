import { describe, expect, test } from "bun:test";
import { failure, main, runFunction, startApplication } from "../application.ts";

describe("libraries of applications, where they differ from Lua's", () => {
  test("floats as text", async () => {
    expect(
      await runFunction(
        `return { tostring(10 / 2), 2 ^ 10 .. "", ("%s"):format(1 / 4), 0.1 + 0.2 .. "",
        table.concat({ 3.0, 1e100 }, " "), tostring(-0.0), tostring(1e15) }`,
      ),
    ).toEqual(["5", "1024", "0.25", "0.30000000000000004", "3 1e+100", "0", "1000000000000000"]);
  });

  test("numbers from text have an exponent only with a point", async () => {
    expect(
      await runFunction(`local function text(...) return tostring(tonumber(...)) end
        return { text("1e5"), text("1.5e3"), text("0x1e"), text("ff", 16), text(" 12 "), text(1e5), text("1e", 16),
          select(2, pcall(function() return (tonumber()) end)):match("bad.*") }`),
    ).toEqual([
      "nil",
      "1500",
      "30",
      "255",
      "12",
      "100000",
      "30",
      "bad argument #1 to 'tonumber' (value expected)",
    ]);
  });

  test("upper and lower map letters beyond ASCII", async () => {
    expect(
      await runFunction(`local binary = "a\\xff"
        return { ("straße é"):upper(), string.lower("ÀÉ Ω"), binary:upper() == "A\\xff", ("abc"):upper(), string.upper(12),
          string.upper(errors.new("text")), select(2, pcall(string.upper)) }`),
    ).toEqual([
      "STRAßE É",
      "àé ω",
      true,
      "ABC",
      "12",
      "TEXT",
      "bad argument #1 to 'upper' (string expected, got nil)",
    ]);
  });

  test("what is not there, and what raises", async () => {
    expect(
      await runFunction(`return { rawlen == nil, utf8 == nil, pcall(string.dump, print) }`),
    ).toEqual([true, true, false, "unable to dump given function"]);
    expect(await runFunction("return math.huge")).toBe(Number.MAX_VALUE);
    expect(
      await runFunction(`name = "Ada"
        local t = {}
        package.seeall(t)
        return t.name .. type(t.print)`),
    ).toBe("Adafunction");
  });

  test("a wrong argument is an error at the place of the call", async () => {
    const calls = {
      'math.pow("x", 2)': "#1 to 'pow' (number expected, got string)",
      "math.pow(2)": "#2 to 'pow' (number expected, got no value)",
      "math.log10({})": "#1 to 'log10' (number expected, got table)",
      "math.sinh()": "#1 to 'sinh' (number expected, got no value)",
      "math.cosh({})": "#1 to 'cosh' (number expected, got table)",
      "math.tanh({})": "#1 to 'tanh' (number expected, got table)",
      "math.frexp({})": "#1 to 'frexp' (number expected, got table)",
      "math.ldexp(1, {})": "#2 to 'ldexp' (number expected, got table)",
      "table.getn(5)": "#1 to 'getn' (table expected, got number)",
      "table.maxn()": "#1 to 'maxn' (table expected, got no value)",
      "next(5)": "#1 to 'next' (table expected, got number)",
      "rawget(5, 1)": "#1 to 'rawget' (table expected, got number)",
      "rawset(5, 1, 1)": "#1 to 'rawset' (table expected, got number)",
      "funcs.call(5)": "#1 to 'call' (string expected, got number)",
      "process.unlisten(5)": "#1 to 'unlisten' (channel expected, got number)",
      "unsubscribe()": "#1 to 'unsubscribe' (channel expected, got no value)",
      "math.random({})": "#1 to 'random' (number expected, got table)",
      'math.random(1, "x")': "#2 to 'random' (number expected, got string)",
      "math.random(2, 1)": "#1 to 'random' (interval is empty)",
      "math.random(-1)": "#1 to 'random' (interval is empty)",
      'subscribe("t", {})': "#2 to 'subscribe' (channel expected, got table)",
      "process.send(process.pid(), 5)": "#2 to 'send' (string expected, got number)",
    };
    const tries = Object.keys(calls).map((call) => `(select(2, pcall(function() ${call} end)))`);
    const messages = Object.values(calls).map((message) => `app:main:3: bad argument ${message}`);
    expect(await runFunction(`return { ${tries.join(", ")} }`)).toEqual(messages);
    const texts = 'math.pow("2", 3) .. math.ldexp("1", "3") .. math.log10("100")';
    expect(await runFunction(`return ${texts}`)).toBe("882");
  });

  test("so it is in a library, whose pcall and coroutine.resume know shortage", async () => {
    const calls = {
      "pcall()": "#1 to 'pcall' (value expected)",
      "xpcall(print)": "#2 to 'xpcall' (function expected, got no value)",
      "xpcall(print, 5)": "#2 to 'xpcall' (function expected, got number)",
      "coroutine.resume(5)": "#1 to 'resume' (thread expected, got number)",
      "math.random(2, 1)": "#1 to 'random' (interval is empty)",
    };
    const tries = Object.keys(calls).map((call) => `(select(2, pcall(function() ${call} end)))`);
    const app = await startApplication({
      libraries: { tries: `return function() return { ${tries.join(", ")} } end` },
      functions: {
        main: { source: main('return require("tries")()'), imports: { tries: "app:tries" } },
      },
    });
    const messages = Object.values(calls).map((message) => `app:tries:1: bad argument ${message}`);
    expect(await app.call("main")).toEqual(messages);
  });

  test("math.random takes bounds as numbers, and texts that are some", async () => {
    expect(
      await runFunction(
        `local function inside(x, low, high)
          return math.type(x) == "integer" and x >= low and x <= high
        end
        return { inside(math.random("3"), 1, 3), inside(math.random(1.9), 1, 1), inside(math.random(-2.5, "-1"), -2, -1),
          math.type(math.random(0)), math.random() < 1, math.type(math.random(math.mininteger, math.maxinteger)),
          (select(2, pcall(math.random, 1, 2, 3))) }`,
      ),
    ).toEqual([true, true, true, "integer", true, "integer", "wrong number of arguments"]);
  });

  test("assert raises the text of an Error", async () => {
    const source = `assert(nil, errors.new({ message = "lost", kind = errors.NOT_FOUND }))`;
    const raised = await failure(runFunction(source));
    expect(raised.kind).toBe("Internal");
    expect(raised.message).toMatch(/:\d+: lost$/);
  });
});

test("a unit and its libraries have the same globals", async () => {
  const libraries = {
    counting: `at_load = "loaded"
      function helper() return "helped " .. (set_by_main or "nobody") end
      return {
        set = function(value) shared = value end,
        through_table = function() _G.other = "other" return _G.set_by_main, other end,
        listed = function() return type(time), type(funcs), require("time") == time end,
      }`,
  };
  const source = `local counting = require("counting")
    set_by_main = "main"
    counting.set("shared by the library")
    local seen, other = counting.through_table()
    return { at_load, helper(), shared, seen, other, _G.other, _G.shared, rawget(_G, "shared"), counting.listed() }`;
  const imports = { counting: "app:counting" };
  const app = await startApplication({
    libraries,
    functions: { main: { source: main(source), imports } },
  });
  const values = [
    "loaded",
    "helped main",
    "shared by the library",
    "main",
    "other",
    "other",
    "shared by the library",
    "shared by the library",
    "table",
    "table",
    true,
  ];
  expect(await app.call("main")).toEqual(values);
  // Another call has globals of its own.
  expect(await app.call("main")).toEqual(values);
});
