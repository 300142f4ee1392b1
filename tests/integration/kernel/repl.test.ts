import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Config } from "../../../src/app/config.ts";
import { promptEntries, script } from "../../../src/app/script.ts";
import { Node } from "../../../src/node/node.ts";
import type { ReplSession } from "../../../src/node/repl.ts";
import { silentSink } from "../../../src/observe/log.ts";

let directory: string;
let node: Node;
let prompt: ReplSession;
let told = Promise.withResolvers<string>();

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "wippy-prompt-"));
  node = await Node.start({
    entries: promptEntries({ journal: join(directory, "journal.db") }),
    config: Config.empty,
    directory,
    stateDir: directory,
    workers: 1,
    inline: true,
    log: silentSink,
  });
  await node.launch();
  prompt = await node.prompt(script.main, script.terminal, (why) => told.resolve(why));
});
afterAll(async () => {
  await prompt.close();
  await node.stop();
  rmSync(directory, { recursive: true, force: true });
});

/** The values of a piece of code that has no error. */
async function values(code: string): Promise<string[]> {
  const { error, values = [] } = await prompt.evaluate(code);
  if (error !== undefined) throw new Error(error);
  return values;
}

describe("a value is shown", () => {
  const shown: [string, string[]][] = [
    ["1 + 1, 2 / 1, true, nil", ["2", "2.0", "true"]],
    ["nil", ["nil"]],
    ["local x = 1", []],
    ["", []],
    ["-- nothing", []],
    ['"a\\n\\"b\\" \\0 ä", "\\255"', ['"a\\n\\"b\\" \\x00 ä"', '"\\xff"']],
    ["{ 1, { x = 2 }, ['a b'] = {} }", ['{ 1, { x = 2 }, ["a b"] = {} }']],
    ["{ [1.5] = true, [3] = false, z = 1, a = 2 }", [
      "{ [1.5] = true, [3] = false, a = 2, z = 1 }",
    ]],
    ["local t = {} t.t = t return t", ["{ t = <cycle> }"]],
    ["{{{{{1}}}}}, {{{{{}}}}}", ["{ { { { {…} } } } }", "{ { { { {} } } } }"]],
    ["print, function() end", ["function", "function (repl:1)"]],
    ["errors.new('broken')", ["broken"]],
    ["setmetatable({}, { __tostring = function() return 'me' end })", ["me"]],
    ["setmetatable({}, { __tostring = function() error('x') end })", ["table"]],
    ["setmetatable({ 1 }, {})", ["{ 1 }"]],
    ["('x'):rep(2001)", [`"${"x".repeat(2000)}"… (2001 bytes)`]],
  ];
  for (const [code, expected] of shown) {
    test(code, async () => expect(await values(code)).toEqual(expected));
  }

  test("in several lines where one is too long", async () => {
    expect(await values("{ a = ('x'):rep(40), b = { ('y'):rep(40) } }")).toEqual([
      `{\n  a = "${"x".repeat(40)}",\n  b = { "${"y".repeat(40)}" },\n}`,
    ]);
    const [numbers] = await values("local t = {} for i = 1, 1e5 do t[i] = i end return t");
    expect(numbers!.split("\n")).toHaveLength(6);
    expect(numbers).toEndWith("50,\n  … 99950 more,\n}");
  });

  test("of a table with very many keys some are shown", async () => {
    const [text] = await values("local t = {} for i = 1, 1e5 do t['k' .. i] = i end return t");
    expect(text).toContain("… more");
    expect(text!.length).toBeLessThan(2000);
  });
});

describe("code", () => {
  test("keeps its globals, not its locals, and the last value", async () => {
    await values("a = 5 local b = 6");
    expect(await values("a, b == nil")).toEqual(["5", "true"]);
    expect(await values("_ + 1")).toEqual(["6"]);
    expect(await values("_G.a")).toEqual(["5"]);
  });

  test("may need more lines", async () => {
    for (const beginning of ["for i = 1, 2 do", "x = {", "1 +", "x ==", "[[text"]) {
      expect(await prompt.evaluate(beginning)).toEqual({ incomplete: true });
    }
    for (const [code, message] of [["x = = 1", "unexpected symbol"], ["foo bar", "syntax error"]]) {
      const { error, incomplete } = await prompt.evaluate(code!);
      expect(error).toContain(message!);
      expect(incomplete).toBeUndefined();
    }
  });

  test("has errors with the places that led to them", async () => {
    expect(await prompt.evaluate("local function f()\nerror('no')\nend\nf()")).toEqual({
      error: "repl:2: no",
      trace: ["repl:2: in local 'f'", "repl:4: in main chunk"],
    });
    expect((await prompt.evaluate("error({ code = 7 })")).error).toBe("{ code = 7 }");
    expect((await prompt.evaluate("error()")).error).toBe("nil");
  });

  test("may wait", async () => {
    expect(await values('time.sleep("1ms") return 1')).toEqual(["1"]);
  });

  test("goes on in a new process when its own has ended, with the same globals", async () => {
    const [before] = await values("kept = {} return process.pid()");
    const { error } = await prompt.evaluate("coroutine.spawn(function() error('gone') end)");
    expect(error).toBe("repl:1: gone");
    const [after] = await values("process.pid()");
    expect(after).not.toBe(before);
    expect(await values("kept")).toEqual(["{}"]);
  });

  test("is told when its process ends by itself", async () => {
    await values("coroutine.spawn(function() time.sleep('1ms') error('later') end)");
    expect(await told.promise).toBe("repl:1: later");
    told = Promise.withResolvers();
    expect(await values("1")).toEqual(["1"]);
  });

  test("ends when it is interrupted", async () => {
    for (const code of ["while true do end", "channel.new():receive()", "time.sleep('1h')"]) {
      const running = prompt.evaluate(code);
      // Sleeps because the code is to have started, which shows nowhere.
      await new Promise((resolve) => setTimeout(resolve, 1));
      await prompt.interrupt();
      expect((await running).error).toBe("process terminated");
      expect(await values("kept")).toEqual(["{}"]);
    }
  });
});

describe("units that are made at the prompt", () => {
  test("a function, and what it is changed to", async () => {
    await values("factor = 2 function functions.times(n) return n * factor end");
    expect(await values('funcs.call("script:times", 4)')).toEqual(["8"]);
    await values("function functions.times(n) return n + factor end");
    expect(await values('funcs.call("script:times", 4)')).toEqual(["6"]);
  });

  test("a process", async () => {
    await values("function processes.greet(to, name) process.send(to, 'hello', name) end");
    await values("hello = process.listen('hello')");
    await values('process.spawn("script:greet", "script:processes", process.pid(), "Ada")');
    expect(await values("hello:receive()")).toEqual(['"Ada"', "true"]);
  });

  test("a workflow with an activity", async () => {
    await values("function functions.one() return 1 end");
    await values(
      'function workflows.order(n) time.sleep("1ms") return n + funcs.call("script:one") end',
    );
    expect(await values('workflow.execute("script:order", 4)')).toEqual(["5"]);
  });

  const wrong: [string, string][] = [
    ["functions.main = print", "functions.main: the name is taken"],
    ["functions.bad = 1", "functions.bad must be a function, got number"],
    ["functions['a b'] = print", "functions: a name is made of"],
    ["processes.times = print", "already"],
  ];
  for (const [code, message] of wrong) {
    test(`${code} is refused, once`, async () => {
      expect((await prompt.evaluate(code)).error).toContain(message);
      expect(await prompt.evaluate("1")).toEqual({ values: ["1"] });
    });
  }
});

describe("completion", () => {
  const completed: [string, string[]][] = [
    ["x = proc", ["process", "processes"]],
    ["string.re", ["string.rep", "string.reverse"]],
    ["process.registry.l", ["process.registry.lookup"]],
    ["f(mine.in", ["mine.inner"]],
    ["mine.inner.x", []],
    ["mine.none.x", []],
    ["mine.text:upp", ["mine.text:upper"]],
    ["mine.moment:mon", ["mine.moment:month"]],
    ["1 + .", []],
  ];
  for (const [text, expected] of completed) {
    test(text, async () => {
      await values("mine = { inner = {}, text = '', moment = time.now(), [1] = 2 }");
      expect(await prompt.complete(text)).toEqual(expected);
    });
  }

  test("of nothing gives the globals", async () => {
    const names = await prompt.complete("");
    expect(names).toContain("print");
    expect(names).toContain("functions");
    expect(names).not.toContain("_G");
  });
});
