import { describe, expect, test } from "bun:test";
import type { LuaValue } from "../../../src/vm/value.ts";
import { evaluate } from "./lua-unit.ts";

/** Runs `eval_runner.run` with a configuration in Lua: the value, or the kind and message of the error. */
function run(config: string) {
  return evaluate(`local value, err = eval_runner.run(${config})
    if err then return { err:kind(), err:message() } end
    return value`);
}

describe("run", () => {
  test.each<[string, LuaValue]>([
    [`{ source = "return 1 + 1" }`, 2],
    [`{ source = "return ...", args = { "a" } }`, "a"],
    [`{ source = "local a, b, c = ... return { a, b == nil, c }", args = { 1, nil, 3 } }`, [
      1,
      true,
      3,
    ]],
    [`{ source = "return select('#', ...)" }`, 0],
    [
      `{ source = "return { main = function(x) return x * 2 end }", method = "main", args = { 4 } }`,
      8,
    ],
    [`{ source = "return false" }`, false],
    [`{ source = "return json.encode({ 1 })", modules = { "json" } }`, "[1]"],
    [`{ source = "return require('json').encode({ 1 })", modules = { "json" } }`, "[1]"],
    [`{ source = "return json.encode({ 1 })" }`, "[1]"],
    [`{ source = "return tostring(json)", modules = { "time" } }`, "nil"],
    [`{ source = "return ctx.get('k')", context = { k = "v" } }`, "v"],
    [`{ source = "local time = require('time') time.sleep('5ms') return 'slept'" }`, "slept"],
    [
      `{ source = "local c = channel.new(1) coroutine.spawn(function() c:send(5) end) return (c:receive())" }`,
      5,
    ],
    [`{ source = "return (time.after('5ms'):receive()) ~= nil" }`, true],
    [
      `{ source = "return greet.hello('x')", custom_modules = { greet = { hello = function(n) return "hi " .. n end } } }`,
      "hi x",
    ],
    [
      `{ source = "return require('greet').word", custom_modules = { greet = { word = "w" } } }`,
      "w",
    ],
    [`{ source = "x = 1 return tostring(_G.x) .. tostring(_ENV.x)" }`, "11"],
    // What the classes keep away is nil, even where it is a global otherwise.
    [
      `{ source = "return tostring(process) .. tostring(fs) .. tostring(http_client) .. tostring(subscribe)" }`,
      "nilnilnilnil",
    ],
    [
      `{ source = "return type(process.pid) .. tostring(fs)", allow_classes = { "process" } }`,
      "functionnil",
    ],
    [
      `{ source = "return type(fs.get)", modules = { "fs" }, allow_classes = { "storage" } }`,
      "function",
    ],
  ])("%s", async (config, wanted) => expect(await run(config)).toEqual(wanted));

  test.each<[string, string, string]>([
    ["{}", "Invalid", "source is required"],
    [`{ source = "" }`, "Invalid", "source is required"],
    [`{ source = "return 1", method = 5 }`, "Invalid", "method must be a string"],
    [`{ source = "return 1", args = 5 }`, "Invalid", "args must be a list"],
    [`{ source = "return 1", modules = "json" }`, "Invalid", "modules must be a list"],
    [`{ source = "return 1", imports = { "x", 5 } }`, "Invalid", "imports must be"],
    [`{ source = "return 1", custom_modules = { x = 5 } }`, "Invalid", "custom_modules must be"],
    [`{ source = "return 1", allow_classes = { "disk" } }`, "Invalid", "unknown class: disk"],
    [`{ source = "return +" }`, "Internal", "failed to compile: "],
    [`{ source = "error('no')" }`, "Internal", "no"],
    [`{ source = "return 1, 'wrong'" }`, "Internal", "wrong"],
    [`{ source = "return nil" }`, "Internal", "returns nothing"],
    [`{ source = "return {}", method = "main" }`, "Internal", 'method "main" not found'],
    [`{ source = "return 1", modules = { "nothing" } }`, "Internal", "module 'nothing' not found"],
    [`{ source = "return 1", modules = { "fs" } }`, "Internal", "class storage"],
    [
      `{ source = "return 1", modules = { "cloudstorage" }, allow_classes = { "storage" } }`,
      "Internal",
      "class network",
    ],
    [`{ source = "return 1", imports = { lib = "app:nothing" } }`, "Internal", "app:nothing"],
    [`{ source = "channel.new():receive() return 1" }`, "Internal", "never comes"],
    [
      `{ source = "coroutine.spawn(function() channel.new():receive() end) channel.new():receive() return 1" }`,
      "Internal",
      "never comes",
    ],
    [`{ source = "while true do time.sleep('1ms') end" }`, "Internal", "more than 10000 steps"],
    [`{ source = "while true do coroutine.yield() end" }`, "Internal", "more than 10000 steps"],
  ])("%s is an error", async (config, kind, message) => {
    expect(await run(config)).toEqual([kind, expect.stringContaining(message)]);
  });

  test("a program changes nothing of its caller", async () => {
    const code = `
      local args, tables = { { 1 } }, { t = { n = 1 } }
      assert(eval_runner.run({ source = "(...)[1] = 2 t.n = 2 leaked = 1 return true", args = args, custom_modules = tables }))
      return { args[1][1], tables.t.n, leaked == nil }`;
    expect(await evaluate(code)).toEqual([1, 1, true]);
  });

  test("programs are kept by their source, and the oldest is dropped", async () => {
    const code = `
      local sum = 0
      for i = 1, 600 do sum = sum + assert(eval_runner.run({ source = "return " .. i % 300 })) end
      return sum`;
    expect(await evaluate(code)).toBe(89_700);
  });
});

describe("compile", () => {
  test("tells what a program is", async () => {
    const code = `
      local p = assert(eval_runner.compile("return {}", "main", { modules = { "json" } }))
      local q = assert(eval_runner.compile("return 1"))
      local all = table.concat(q:modules(), " ")
      return { p:method(), p:modules(), q:method(), all:find("json") ~= nil, all:find("fs") == nil }`;
    expect(await evaluate(code)).toEqual(["main", ["json"], "", true, true]);
  });

  test.each([
    [`""`, "Invalid"],
    [`"return +"`, "Internal"],
    [`"return 1", 5`, "Invalid"],
    [`"return 1", nil, { modules = { "sql" } }`, "Internal"],
  ])("%s is an error", async (args, kind) => {
    expect(await evaluate(`local p, err = eval_runner.compile(${args}) return err:kind()`)).toBe(
      kind,
    );
  });
});
