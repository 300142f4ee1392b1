import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { writeFiles } from "../../unit/app/temporary-application.ts";
import { runCommand } from "../../unit/cli/run/run-command.ts";
import { type Line, runTestsOf } from "./run-tests.ts";

const entries = `version: "1.0"
namespace: app
entries:
  - { name: durable, kind: workflow.host, lifecycle: { auto_start: true } }
  - { name: processes, kind: process.host, lifecycle: { auto_start: true } }
  - { name: files, kind: fs.directory, directory: data, auto_init: true }
  - { name: db, kind: db.sql.sqlite, file: app.db, lifecycle: { auto_start: true } }
  - { name: other, kind: db.sql.postgres, host: localhost, port: 5432, database: a, username: b, password: c }
  - { name: add, kind: library.lua, source: "return function(a, b) return a + b end" }
  - name: double
    kind: function.lua
    source: "return { main = function(n) return n * 2 end }"
    method: main
  - name: web
    kind: function.lua
    source: |
      local http_client = require("http_client")
      return { main = function(url)
        local response, err = http_client.get(url)
        return response and response.body, err
      end }
    method: main
    modules: [http_client]
  - name: twice
    kind: workflow.lua
    source: |
      local funcs = require("funcs")
      return { main = function(n)
        local first, err = funcs.call("app:double", n)
        if err then return nil, err end
        return funcs.call("app:double", first)
      end }
    method: main
    modules: [funcs]
`;

/** Runs a file of tests; what came of each, and the totals. */
function runTests(code: string, ...flags: string[]): ReturnType<typeof runTestsOf> {
  const files = {
    "src/_index.yaml": entries,
    "src/a_test.lua": code,
    "data/seen.txt": "as it was",
  };
  return runTestsOf(files, ...flags);
}

async function failureOf(body: string): Promise<Line["failure"]> {
  const { lines } = await runTests(`it("x", function()\n${body}\nend)`);
  return lines[0]!.failure;
}

describe("expectations", () => {
  /** Each holds, and its opposite says this. */
  const demands: [string, string][] = [
    [
      "expect({ a = { 1, 2 } })%s:to_equal({ a = { 1, 2 } })",
      "{ a = { 1, 2 } } should not equal { a = { 1, 2 } }",
    ],
    ["expect(1)%s:to_equal(1.0)", "1 should not equal 1"],
    ["expect(errors.new('x'))%s:to_equal(errors.new('x'))", "x should not equal x"],
    ["local t = {} expect(t)%s:to_be(t)", "{} should not be {}"],
    ["expect(nil)%s:to_be_nil()", "nil should not be nil"],
    ["expect(true)%s:to_be_true()", "true should not be true"],
    ["expect(false)%s:to_be_false()", "false should not be false"],
    ["expect(0)%s:to_be_truthy()", "0 should not be truthy"],
    ["expect('a')%s:to_be_a('string')", '"a" should not be a string'],
    ["expect(2)%s:to_be_greater_than(1)", "2 should not be greater than 1"],
    ["expect(1)%s:to_be_less_than(2)", "1 should not be less than 2"],
    ["expect(0.1 + 0.2)%s:to_be_near(0.3)", "0.30000000000000004 should not be near 0.3"],
    ["expect('abc')%s:to_match('^a.c$')", '"abc" should not match "^a.c$"'],
    ["expect('a.c')%s:to_contain('.')", '"a.c" should not contain "."'],
    ["expect({ { 1 } })%s:to_contain({ 1 })", "{ { 1 } } should not contain { 1 }"],
    ["expect({ a = 1, b = 2 })%s:to_have({ b = 2 })", "the value should not have the fields"],
    ["expect({ 1, 2 })%s:to_have_length(2)", "{ 1, 2 } should not have the length 2"],
    [
      "expect(function() error('no way') end)%s:to_fail('no way')",
      "the function should not fail with no way; it failed with",
    ],
    [
      "expect(function() return nil, errors.new({ kind = 'Conflict', message = 'x' }) end)%s:to_fail('Conflict')",
      "the function should not fail with Conflict; it failed with Conflict: x",
    ],
  ];
  test("hold, and their opposites fail with both values", async () => {
    const body = demands.map(([demand, message]) => {
      const [holds, opposite] = [demand.replace("%s", ""), demand.replace("%s", ".never")];
      return `do ${holds} end\n` +
        `expect(function() ${opposite} end):to_fail(${JSON.stringify(message)})`;
    }).join("\n");
    expect(await failureOf(body)).toBeUndefined();
  });

  test("show where values differ, and the line", async () => {
    const failure = await failureOf("expect({ a = 1, b = { 2 } }):to_equal({ a = 1, b = { 3 } })");
    expect(failure).toEqual({
      message: "the values differ",
      expected: "{\n  a = 1,\n  b = {\n    3,\n  },\n}",
      actual: "{\n  a = 1,\n  b = {\n    2,\n  },\n}",
      stack: "  src/a_test.lua:2 (function <src/a_test.lua:1>)",
    });
  });

  test("show in which lines texts differ", async () => {
    const failure = await failureOf(String.raw`expect("a\nb\\n"):to_equal("a\n\nc\n")`);
    expect([failure!.expected, failure!.actual]).toEqual([
      String.raw`"a\n
\n
c\n"`,
      String.raw`"a\n
b\\n"`,
    ]);
  });

  test("an unknown demand is named", async () => {
    expect((await failureOf("expect(1):to_eqaul(1)"))!.message)
      .toContain("expect(…) has no to_eqaul");
  });
});

describe("tests", () => {
  test("are functions of a returned table too, and errors that are returned fail them", async () => {
    const { lines, status } = await runTests(`return {
      b = function() return nil, "went wrong" end,
      a = function() return 1 end,
      no_function = 3,
    }`);
    expect(lines.map(({ path, status, failure }) => [path, status, failure?.message])).toEqual([
      [["a"], "passed", undefined],
      [["b"], "failed", "went wrong"],
      [undefined, undefined, undefined],
    ]);
    expect(status).toBe(1);
  });

  test("run what is before and after them, also when they fail", async () => {
    const { lines } = await runTests(`local seen = {}
      before(function() seen[#seen + 1] = "outer" end)
      after(function() print(table.concat(seen, " ")) end)
      describe("group", function()
        before(function() seen[#seen + 1] = "inner" end)
        after(function() seen[#seen + 1] = "end" end)
        it("fails", function() error(table.concat(seen, " "), 0) end)
      end)
      it("has its own", function() expect(seen):to_equal({ "outer" }) end)`);
    expect(lines.map(({ path, failure }) => [path?.join("/"), failure?.message])).toEqual([
      ["group/fails", "outer inner"],
      ["has its own", undefined],
      [undefined, undefined],
    ]);
  });

  test("use virtual time", async () => {
    const { lines } = await runTests(`local time = require("time")
      it("waits a year", function()
        local before = clock:now()
        clock:advance("8760h")
        expect(clock:now():sub(before):hours()):to_be_near(8760, 0.001)
      end)`);
    expect(lines[0]).toMatchObject({ status: "passed" });
  });

  test("have a world of their own", async () => {
    const write = `it("%", function()
      local fs, sql = require("fs"), require("sql")
      local files = assert(fs.get("app:files"))
      expect(files:readfile("seen.txt")):to_equal("as it was")
      files:writefile("seen.txt", "changed")
      local db = assert(sql.get("app:db"))
      assert(db:execute("CREATE TABLE t (a INTEGER)"))
    end)
    `;
    const { lines, directory } = await runTests(
      write.replace("%", "one") + write.replace("%", "two"),
    );
    expect(lines.map(({ status, failure }) => [status, failure?.message])).toEqual([
      ["passed", undefined],
      ["passed", undefined],
      [undefined, undefined],
    ]);
    expect(readFileSync(join(directory, "data/seen.txt"), "utf8")).toBe("as it was");
    expect([existsSync(join(directory, "app.db")), existsSync(join(directory, ".wippy"))])
      .toEqual([false, false]);
  });

  test("that never end fail", async () => {
    const { lines } = await runTests(
      `it("loops", function() while true do end end)
       it("waits", function() process.listen("nothing"):receive() end)
       it("passes", function() end)`,
      "--timeout",
      "1",
    );
    const late = "the test did not end within 1 s: ";
    expect(lines.map(({ failure }) => failure?.message)).toEqual([
      `${late}it was still running; --timeout raises the limit`,
      `${late}nothing was left to run, so it waits for what does not come`,
      undefined,
      undefined,
    ]);
  }, 60_000);

  test("are chosen by --filter, and by file", async () => {
    const code = `describe("a", function() it("b", function() end) it("c", function() end) end)`;
    expect((await runTests(code, "--filter", "a > c")).lines.map(({ path }) => path)).toEqual([[
      "a",
      "c",
    ], undefined]);
    const none = await runTests(code, "--filter", "zzz");
    expect([none.status, none.err]).toEqual([1, 'Error: no test contains "zzz"\n']);
    const file = await runTests(code, "src/_index.yaml");
    expect(file.err).toStartWith(
      "Error: no tests found in src/_index.yaml\n    hint: files of tests are named",
    );
    expect((await runTests(code, "src")).lines).toHaveLength(3);
  });

  test("of a file that cannot be loaded fail as one", async () => {
    const { lines, status } = await runTests("local x = = 1");
    expect([status, lines[0]!.path, lines[0]!.failure!.message]).toEqual([
      1,
      ["the file cannot be loaded"],
      expect.stringContaining("src/a_test.lua:1: unexpected symbol near '='"),
    ]);
  });

  test("under many seeds find what depends on the order", async () => {
    const race = `it("races", function()
      local first
      for i = 1, 3 do coroutine.spawn(function() first = first or i end) end
      clock:advance("1s")
      expect(first):to_equal(1)
    end)`;
    const { lines } = await runTests(race, "--seeds", "50");
    const { status, seed, failure } = lines[0]!;
    expect([status, failure!.message]).toEqual([
      "failed",
      expect.stringMatching(/^[23] should equal 1$/),
    ]);
    const again = await runTests(race, "--seed", String(seed));
    expect(again.lines[0]!.failure).toEqual(failure!);
  });
});

describe("mocks and fakes", () => {
  test("answer in the place of an entry", async () => {
    const { lines } = await runTests(`local funcs = require("funcs")
      it("returns", function()
        local double = mock("app:double", function(n) clock:advance("1h") return n + 0.5 end)
        expect(funcs.call("app:double", 1)):to_equal(1.5)
        expect(double):to_have_been_called(1):to_have_been_called_with(1)
        mock("app:double", function() return "again" end)
        expect(funcs.call("app:double", 1)):to_equal("again")
        expect(double):to_have_been_called(2)
      end)
      it("fails as it is told", function()
        mock("app:double", function() return nil, errors.new({ kind = "Conflict", message = "taken" }) end)
        expect(function() return funcs.call("app:double") end):to_fail("Conflict")
      end)
      it("replaces a workflow", function()
        mock("app:twice", function(n) return n .. "!" end)
        expect(process.exec("app:twice", "app:durable", "x")):to_equal("x!")
      end)
      it("is real elsewhere", function() expect(funcs.call("app:double", 4)):to_equal(8) end)`);
    expect(
      lines.filter(({ type }) => type === "test").map((
        { path, failure },
      ) => [path![0], failure?.message]),
    )
      .toEqual([["returns", undefined], ["fails as it is told", undefined], [
        "replaces a workflow",
        undefined,
      ], [
        "is real elsewhere",
        undefined,
      ]]);
  });

  test("of what is not there say so", async () => {
    const said = async (body: string) => (await failureOf(body))!.message;
    expect(await said(`mock("app:dubble")`)).toBe(
      "NotFound: cannot mock app:dubble: the application has no such entry",
    );
    expect(await said(`mock("app:add")`)).toBe(
      "NotFound: app:add is a library.lua; mock a function, a process or a workflow",
    );
    expect(await said(`mock("double")`)).toContain(
      "bad argument #1 to 'mock' (the id of an entry expected",
    );
    expect(await said(`mock("app:double", 3)`)).toContain(
      "bad argument #2 to 'mock' (function expected, got number)",
    );
    expect(await said(`fake.sql("app:double")`)).toBe(
      "NotFound: cannot fake app:double: it is not a db.sql.* entry",
    );
    expect(await said(`fake.http("example.com")`)).toContain(
      "bad argument #1 to 'http' (the beginning of an address",
    );
  });

  test("answer HTTP requests, and refuse others", async () => {
    const { lines } = await runTests(`local funcs = require("funcs")
      it("answers", function()
        fake.http("https://a.example/", function() return "general" end)
        local special = fake.http("https://a.example/x", function(request) return { status = 404, body = request.method } end)
        expect(funcs.call("app:web", "https://a.example/y")):to_equal("general")
        expect(funcs.call("app:web", "https://a.example/x?1")):to_equal("GET")
        expect(special):to_have_been_called(1)
        expect(function() return funcs.call("app:web", "https://b.example/") end):to_fail("no fake answers GET https://b.example/")
      end)`);
    expect(lines[0]!.failure).toBeUndefined();
  });

  test("answer from the start when the file makes them at its top level", async () => {
    const { lines } = await runTests(`local funcs = require("funcs")
      local site = fake.http("https://a.example/", function() return "early" end)
      it("answers", function()
        expect(funcs.call("app:web", "https://a.example/y")):to_equal("early")
        expect(site):to_have_been_called(1)
      end)`);
    expect(lines[0]!.failure).toBeUndefined();
  });

  test("replace a database", async () => {
    expect(
      await failureOf(`fake.sql("app:other")
        local db = assert(require("sql").get("app:other"))
        assert(db:execute("CREATE TABLE t (a INTEGER)"))
        assert(db:execute("INSERT INTO t VALUES (7)"))
        expect(db:query("SELECT a FROM t")):to_equal({ { a = 7 } })`),
    ).toBeUndefined();
  });
});

describe("crash points", () => {
  test("are at every commit, and the result is the same", async () => {
    const { lines } = await runTests(`it("survives", function()
      local double = mock("app:double", function(n) return n * 3 end)
      local result = crash.at_every_step(function() return process.exec("app:twice", "app:durable", 1) end)
      expect(result):to_equal(9)
      expect(#double.calls):to_be_greater_than(1)
    end)`);
    expect([lines[0]!.status, lines[0]!.failure]).toEqual(["passed", undefined]);
    expect(lines[0]!.crashes).toBeGreaterThanOrEqual(4);
  }, 60_000);

  test("need a workflow", async () => {
    expect((await failureOf("crash.at_every_step(function() end)"))!.message)
      .toBe("crash.at_every_step ran no workflow, so nothing could crash between two steps");
  });

  test("fail with the place of the crash when the rest of the test does", async () => {
    const failure = await failureOf(`local double = mock("app:double", function(n) return n end)
      crash.at_every_step(function() return process.exec("app:twice", "app:durable", 1) end)
      expect(double):to_have_been_called(2)`);
    expect(failure!.message).toBe(
      "app:double should have been called 2 times; it was called 3 times",
    );
    expect(failure!.crash).toMatch(/^crash right before commit \d+ of \d+$/);
  });

  test("have mocks count the calls before the crash, and none of the dropped runtime", async () => {
    const code = `it("x", function()
      local double = mock("app:double", function(n) return n end)
      crash.at_every_step(function() return process.exec("app:twice", "app:durable", 1) end)
      expect(double):to_have_been_called(2)
    end)`;
    for (const seed of ["3", "4", "5", "8"]) {
      const [line] = (await runTests(code, "--seed", seed)).lines;
      expect([line!.failure!.crash, line!.failure!.message]).toEqual([
        "crash right before commit 3 of 4",
        "app:double should have been called 2 times; it was called 3 times",
      ]);
    }
  });
});

describe("reports", () => {
  const code = `describe("a & b", function()
      it("passes # well", function() end)
      it("fails", function() expect("<x>\\n"):to_equal("y") end)
      it("is to come")
    end)`;
  async function reported(reporter: string): Promise<string> {
    const directory = writeFiles({
      "wippy.lock": "directories: { src: ./src }\n",
      "src/_index.yaml": entries,
      "src/a_test.lua": code,
    });
    const { out } = await runCommand(directory, "test", "--reporter", reporter);
    return out.replace(/time="[\d.]+"/g, 'time="T"').replace(/in [\d.]+ s/, "in T s");
  }

  test("for people", async () => {
    expect(await reported("pretty")).toBe(`src/a_test.lua
  ok   a & b > passes # well
  FAIL a & b > fails
  todo a & b > is to come

src/a_test.lua: a & b > fails
    the values differ
    - "y"
    + "<x>\\n"
    src/a_test.lua:3 (function <src/a_test.lua:3>)
    again with: --seed 1

1 passed, 1 failed, 1 pending in T s
`);
  });

  test("TAP", async () => {
    expect(await reported("tap")).toBe(`TAP version 14
ok 1 - src/a_test.lua: a & b > passes \\# well
not ok 2 - src/a_test.lua: a & b > fails
  ---
  message: |-
    the values differ
    - "y"
    + "<x>\\n"
    src/a_test.lua:3 (function <src/a_test.lua:3>)
    again with: --seed 1
  seed: 1
  ...
ok 3 - src/a_test.lua: a & b > is to come # TODO
1..3
`);
  });

  test("JUnit's XML", async () => {
    expect(await reported("junit")).toBe(`<?xml version="1.0" encoding="UTF-8"?>
<testsuites tests="3" failures="1" skipped="1" time="T">
  <testsuite name="src/a_test.lua" tests="3" failures="1" skipped="1" time="T">
    <testcase name="a &amp; b &gt; passes # well" classname="src/a_test.lua" time="T"/>
    <testcase name="a &amp; b &gt; fails" classname="src/a_test.lua" time="T"><failure message="the values differ">the values differ&#10;- &quot;y&quot;&#10;+ &quot;&lt;x&gt;\\n&quot;&#10;src/a_test.lua:3 (function &lt;src/a_test.lua:3&gt;)&#10;again with: --seed 1</failure></testcase>
    <testcase name="a &amp; b &gt; is to come" classname="src/a_test.lua" time="T"><skipped/></testcase>
  </testsuite>
</testsuites>
`);
  });
});

test("an application without tests says how to write one", async () => {
  const directory = writeFiles({
    "wippy.lock": "directories: { src: ./src }\n",
    "src/_index.yaml": entries,
  });
  const { status, err } = await runCommand(directory, "test");
  expect([status, err]).toEqual([
    1,
    expect.stringContaining("hint: write one beside the code, such as src/hello_test.lua"),
  ]);
});
