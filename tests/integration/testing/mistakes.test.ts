/** Mistakes in tests: none of them passes, and each says what is wrong, and where. */
import { describe, expect, test } from "bun:test";
import { writeFiles } from "../../unit/app/temporary-application.ts";
import { runCommand } from "../../unit/cli/run/run-command.ts";
import { type Line, runTestsOf } from "./run-tests.ts";

const entries = `version: "1.0"
namespace: app
entries:
  - { name: add, kind: function.lua, source: "return { main = function(a, b) return a + b end }", method: main }
`;

async function linesOf(code: string, ...flags: string[]): Promise<Line[]> {
  const files = { "src/_index.yaml": entries, "src/a_test.lua": code };
  return (await runTestsOf(files, ...flags)).lines;
}

async function failureOf(body: string): Promise<Line["failure"]> {
  const [line] = await linesOf(`local funcs = require("funcs") it("x", function()\n${body}\nend)`);
  return line!.failure;
}

describe("expectations", () => {
  const said: [string, string][] = [
    ["expect(3):to_fail()", "a_test.lua:2: to_fail calls a function, got 3"],
    [
      "expect(3):to_be_near()",
      "a_test.lua:2: bad argument #1 to 'to_be_near' (number expected, got nil)",
    ],
    [
      "expect('a'):to_match()",
      "a_test.lua:2: bad argument #1 to 'to_match' (string expected, got nil)",
    ],
    [
      "expect('a'):to_match('[a')",
      "a_test.lua:2: bad argument #1 to 'to_match' (malformed pattern",
    ],
    [
      "expect({}):to_have()",
      "a_test.lua:2: bad argument #1 to 'to_have' (table expected, got nil)",
    ],
    [
      "expect({}):to_have_length()",
      "bad argument #1 to 'to_have_length' (number expected, got nil)",
    ],
    ["expect({}):to_be_a({})", "bad argument #1 to 'to_be_a' (string expected, got table)"],
    ["expect(3).to_equal(3)", "a_test.lua:2: expect(…).to_equal is called with a colon"],
    [
      "expect({ 1 }):to_be({ 1 })",
      "{ 1 } should be the same table; it is another one with equal contents",
    ],
  ];
  for (const [code, message] of said) {
    test(code, async () => {
      expect((await failureOf(code))!.message).toContain(message);
    });
  }

  test("long values are cut between two characters", async () => {
    for (const shift of ["", "x", "xx"]) {
      const { message } = (await failureOf(`expect("${shift}" .. ("€"):rep(100)):to_be_nil()`))!;
      expect(message).toMatch(/^"x*€+… should be nil$/);
    }
  });

  test("a function that raises nil has failed", async () => {
    expect(await failureOf("expect(function() error(nil) end):to_fail()")).toBeUndefined();
  });

  test("of mocks name the calls", async () => {
    const once = `local add = mock("app:add") funcs.call("app:add", 1, 2)`;
    expect((await failureOf(`expect(mock("app:add")):to_have_been_called()`))!.message)
      .toBe("app:add should have been called; it was not called");
    expect((await failureOf(`${once} expect(add):to_have_been_called(2)`))!.message)
      .toBe("app:add should have been called 2 times; it was called once");
    expect((await failureOf(`expect(mock("app:add")):to_have_been_called_with(1)`))!.message)
      .toBe("app:add should have been called with { 1 }; it was not called");
    expect(await failureOf(`${once} expect(add):to_have_been_called_with(1, 3)`)).toMatchObject({
      expected: "{\n  1,\n  3,\n}",
      actual: "{\n  1,\n  2,\n}",
    });
  });
});

describe("what passed without a check", () => {
  test("an overflow of the stack fails", async () => {
    const failure = await failureOf("local function f() return 1 + f() end f()");
    expect(failure!.message).toBe("stack overflow");
  });

  test("a clock that cannot be advanced fails", async () => {
    const messages: (string | undefined)[] = [];
    for (const duration of [`"soon"`, `"-1h"`, ""]) {
      messages.push((await failureOf(`clock:advance(${duration})`))?.message);
    }
    expect(messages).toEqual([
      expect.stringContaining(`a_test.lua:2: invalid duration "soon"`),
      expect.stringContaining("a_test.lua:2: the clock cannot go back by -1h"),
      expect.stringContaining("a_test.lua:2: invalid duration"),
    ]);
    expect(await failureOf(`clock:advance(1000) clock:advance("1s") clock.advance("1s")`))
      .toBeUndefined();
  });

  test("what is defined in a test fails", async () => {
    for (
      const code of [
        `it("inner", function() end)`,
        `describe("inner", function() end)`,
        "before(function() end)",
        "after(function() end)",
      ]
    ) {
      expect((await failureOf(code))!.message).toContain("() in a test has no effect; call it at");
    }
  });
});

describe("raised", () => {
  test("nil is told as such", async () => {
    expect((await failureOf("error(nil)"))!.message).toBe("nil was raised");
  });

  test("an error without a kind has no colon before it", async () => {
    expect((await failureOf(`return nil, errors.new("gone")`))!.message).toBe("gone");
  });

  test("in a coroutine: the frames are apart", async () => {
    expect(await failureOf(`coroutine.spawn(function() error("in it") end) clock:advance("1s")`))
      .toMatchObject({
        message: "Internal: src/a_test.lua:2: in it",
        stack: "\tsrc/a_test.lua:2: in function <src/a_test.lua:2>",
      });
  });
});

describe("files", () => {
  async function reportOf(code: string) {
    const directory = writeFiles({
      "wippy.lock": "directories: { src: ./src }\n",
      "src/_index.yaml": entries,
      "src/a_test.lua": code,
    });
    return await runCommand(directory, "test");
  }

  test("without a test are told", async () => {
    const { status, err } = await reportOf("local nothing = true\n");
    expect([status, err]).toEqual([1, expect.stringContaining("src/a_test.lua has no test")]);
  });

  test("that wait at their top level say what to do", async () => {
    const [line] = await linesOf(`require("time").sleep("1s")`);
    expect(line!.failure!.message).toContain("the top level of a file cannot wait");
  });

  test("that fail when they are loaded say so once", async () => {
    const [line] = await linesOf(`error("here")`);
    expect(line!.failure!.message).toBe("src/a_test.lua:1: here");
  });

  test("what a failed test has printed and logged is shown", async () => {
    const { out } = await reportOf(`it("x", function()
      print("seen", 1)
      require("logger"):info("noted", { a = 1 })
      for i = 1, 20 do print(i) end
      error("y")
    end)`);
    expect(out).toContain("    … 2 earlier log records\n    print: 1\n");
    const few = await reportOf(`it("x", function()
      print("seen", 1)
      require("logger"):info("noted", { a = 1 })
      error("y")
    end)`);
    expect(few.out).toContain('    print: seen 1\n    log: info noted {"a":1}\n');
  });
});
