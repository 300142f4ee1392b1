import { expect, test } from "bun:test";
import { failure, main, runProcess, startApplication } from "../application.ts";

const spawnOther = `local pid, err = process.spawn("app:other", "app:processes")
  return { pid == nil, err and err:kind(), err and err:message() }`;

test("a chunk may return the function itself; the method's name is then ignored", async () => {
  const app = await startApplication({ functions: { f: "return function(x) return x + 1 end" } });
  expect(await app.call("f", 1)).toBe(2);
});

test("the method may have another name", async () => {
  const source = "return { main = function() return 1 end, other = function() return 2 end }";
  const app = await startApplication({ functions: { f: { source, method: "other" } } });
  expect(await app.call("f")).toBe(2);
});

test("spawn answers that the method is missing", async () => {
  expect(await runProcess(spawnOther, { processes: { other: "return {}" } })).toEqual([
    true,
    "NotFound",
    'method "main" not found in module',
  ]);
});

test("a chunk that returns nothing has no method", async () => {
  expect(await runProcess(spawnOther, { processes: { other: "local x = 1" } })).toEqual([
    true,
    "NotFound",
    'method "main" not found in module',
  ]);
});

test("spawn answers with the error that the chunk raised", async () => {
  expect(await runProcess(spawnOther, { processes: { other: 'error("at load")' } })).toEqual([
    true,
    "Internal",
    "failed to execute script: app:other:1: at load",
  ]);
});

test("a chunk cannot suspend", async () => {
  const result = await runProcess(spawnOther, {
    processes: { other: 'require("time").sleep("1ms") return function() end' },
  }) as unknown[];
  expect(result.slice(0, 2)).toEqual([true, "Internal"]);
});

test("an endless chunk fails to load and harms nobody else", async () => {
  const result = await runProcess(spawnOther, {
    processes: { other: "while true do end" },
  }) as unknown[];
  expect(result.slice(0, 2)).toEqual([true, "Internal"]);
});

test("a function that fails to load fails its calls, again and again", async () => {
  const app = await startApplication({ functions: { f: 'error("at load")' } });
  for (const _ of [1, 2]) {
    expect(await failure(app.call("f"))).toMatchObject({
      kind: "Internal",
      message: "failed to execute script: app:f:1: at load",
    });
  }
});

test("libraries run before the chunk, dependencies first, once per unit", async () => {
  const app = await startApplication({
    functions: {
      f: {
        source: "return function() return a.order() end",
        imports: { a: "app:first", b: "app:second" },
      },
    },
    libraries: {
      first: {
        source: 'second.note("first"); return { order = function() return second.all end }',
        imports: { second: "app:second" },
      },
      second: `local all = { "second" }
        return { all = all, note = function(name) all[#all + 1] = name end }`,
    },
  });
  expect(await app.call("f")).toEqual(["second", "first"]);
});

test("an import is a global under its alias, and require gives the same value", async () => {
  const app = await startApplication({
    functions: {
      f: {
        source:
          'return function() return require("lib") == lib and require("lib") == require("lib") end',
        imports: { lib: "app:lib" },
      },
    },
    libraries: { lib: "return {}" },
  });
  expect(await app.call("f")).toBe(true);
});

test("what a library did not list is not visible to its importer", async () => {
  const app = await startApplication({
    functions: {
      f: {
        source: 'return function() return { time == nil, pcall(require, "time") } end',
        modules: [],
        imports: { lib: "app:lib" },
      },
    },
    libraries: { lib: { source: "return {}", modules: ["time"] } },
  });
  expect(await app.call("f")).toEqual([
    true,
    false,
    expect.stringContaining("module 'time' not found"),
  ]);
});

test("the state of a library is private to each unit", async () => {
  const source = "local n = 0 return { next = function() n = n + 1 return n end }";
  const result = await runProcess(
    `local one = process.exec("app:count", "app:processes")
     local two = process.exec("app:count", "app:processes")
     return { one, two }`,
    {
      processes: {
        count: { source: main("return counter.next()"), imports: { counter: "app:counter" } },
      },
      libraries: { counter: source },
    },
  );
  expect(result).toEqual([1, 1]);
});

test("the error of a library fails what imports it", async () => {
  const app = await startApplication({
    functions: { f: { source: "return function() end", imports: { lib: "app:lib" } } },
    libraries: { lib: 'error("in the library")' },
  });
  expect((await failure(app.call("f"))).message).toContain("app:lib:1: in the library");
});

test("a method may come from the metatable of what the chunk returns", async () => {
  const app = await startApplication({
    functions: { f: "return setmetatable({}, { __index = { main = function() return 7 end } })" },
  });
  expect(await app.call("f")).toBe(7);
});

test("checkCode tells each entry whose body or method is wrong", async () => {
  const app = await startApplication({
    functions: { good: "return function() end", raises: '\nerror("x")', empty: "return {}" },
    libraries: { lib: "return nil + 1" },
  });
  const found = (await app.checkCode()).map(({ entry, line, message }) => ({
    entry,
    line,
    message,
  }));
  expect(found).toEqual([
    { entry: "app:empty", line: undefined, message: 'method "main" not found in module' },
    {
      entry: "app:lib",
      line: 1,
      message: "failed to execute script: app:lib:1: attempt to perform arithmetic on a nil value",
    },
    { entry: "app:raises", line: 2, message: "failed to execute script: app:raises:2: x" },
  ]);
});
