import type { DebugProtocol } from "@vscode/debugprotocol";
import { describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cleanAfterTest } from "../../cleanup.ts";
import { until } from "../../until.ts";
import { TestApplication } from "../application.ts";
import { DapClient } from "./dap-client.ts";

const definitions = `version: "1.0"
namespace: app
entries:
  - { name: processes, kind: process.host, lifecycle: { auto_start: true } }
  - { name: terminal, kind: terminal.host, lifecycle: { auto_start: true } }
  - { name: sum, kind: function.lua, source: "file://sum.lua", method: main, imports: { adder: "app:adder" } }
  - { name: adder, kind: library.lua, source: "file://adder.lua" }
  - name: inline
    kind: function.lua
    method: main
    source: |
      return { main = function(x)
        return x * 2
      end }
  - name: main
    kind: process.lua
    meta: { command: { name: main } }
    source: file://main.lua
    method: main
    modules: [funcs, io, time]
`;

const adder = `local calls = 0

local function add(a, b, ...)
  calls = calls + 1

  local total = a + b
  return total
end

return { add = add }
`;

const sum = `local adder = require("adder")

return {
  main = function(list)
    local sum = 0
    for _, n in ipairs(list) do
      sum = adder.add(sum, n, "extra", sum)
    end
    return sum
  end,
}
`;

const mainCode = `local funcs, io = require("funcs"), require("io")

local function main(mode)
  if mode == "fail" then
    local reason = { code = 7 }
    error("broken " .. reason.code)
  end
  local list = { 1, 2, 3, name = "three" }
  list.self = list
  local result = funcs.call("app:sum", list)
  local text = "ab\\0\\255"
  local next = coroutine.wrap(function(limit)
    for inner = 1, limit do
      coroutine.yield(inner)
    end
  end)
  local first = next(2)
  local second = next()
  io.print("result", result, first + second, funcs.call("app:inline", 4))
  return 0
end

return { main = main }
`;

function application(): { root: string; file: (name: string) => string } {
  const root = mkdtempSync(join(tmpdir(), "wippy-debug-"));
  cleanAfterTest(() => rmSync(root, { recursive: true, force: true }));
  mkdirSync(join(root, "src"));
  writeFileSync(join(root, "wippy.lock"), "directories: { src: ./src }\n");
  const file = (name: string) => join(root, "src", name);
  const files = {
    "_index.yaml": definitions,
    "adder.lua": adder,
    "sum.lua": sum,
    "main.lua": mainCode,
  };
  for (const [name, text] of Object.entries(files)) writeFileSync(file(name), text);
  return { root, file };
}

const place = ({ name, source, line }: DebugProtocol.StackFrame) =>
  `${name} ${source?.name}:${line}`;
const text = ({ name, value }: DebugProtocol.Variable) => `${name} = ${value}`;

describe("an application", () => {
  test("stops, steps, shows and changes its variables, and goes on", async () => {
    const { root, file } = application();
    const editor = new DapClient();
    const capabilities = await editor.request<DebugProtocol.Capabilities>("initialize", {
      adapterID: "wippy",
    });
    expect(capabilities).toMatchObject({
      supportsConditionalBreakpoints: true,
      supportsHitConditionalBreakpoints: true,
      supportsLogPoints: true,
      supportsSetVariable: true,
    });
    await expect(editor.request("threads")).rejects.toThrow("nothing is being debugged");
    await expect(editor.request("launch", { args: 5 })).rejects.toThrow("launch: args");
    await expect(editor.request("launch", { program: "a.lua", command: "b" })).rejects.toThrow(
      "only one of program, command, run and test",
    );

    await editor.launch({ cwd: root, command: "main" }, {
      // No statement is on line 5: the next one is on line 6.
      [file("adder.lua")]: [{ line: 5 }],
    });
    expect(await editor.breakpoints(file("nothing.lua"), [{ line: 1 }])).toMatchObject([
      { verified: false, message: "no code of the application is here" },
    ]);

    // In a library, in a function, called by a process that waits meanwhile.
    const { threadId, ...stopped } = await editor.event("stopped");
    expect(stopped).toMatchObject({ reason: "breakpoint", allThreadsStopped: false });
    const thread = threadId!;
    const { threads } = await editor.request<DebugProtocol.ThreadsResponse["body"]>("threads");
    expect(threads.find(({ id }) => id === thread)?.name).toStartWith("app:sum");
    const main = threads.find(({ name }) => name.startsWith("app:main {app:terminal|"))!;
    const frames = await editor.stack(thread);
    expect(frames.map(place)).toEqual(["add adder.lua:6", "function at line 4 sum.lua:7"]);
    expect(frames[0]!.source!.path).toBe(file("adder.lua"));

    // Locals, the arguments of `...`, upvalues, globals.
    const scopes = await editor.scopes(frames[0]!.id);
    expect((await editor.variables(scopes["Locals"]!)).map(text)).toEqual([
      "a = 0",
      "b = 1",
      '(...)[1] = "extra"',
      "(...)[2] = 0",
    ]);
    expect((await editor.variables(scopes["Upvalues"]!)).map(text)).toEqual(["calls = 1"]);
    expect(Object.keys(scopes)).toEqual(["Locals", "Upvalues", "Globals"]);

    // A table with a list, fields and itself, a page at a time.
    const caller = await editor.scopes(frames[1]!.id);
    const list = (await editor.variables(caller["Locals"]!)).find(({ name }) => name === "list")!;
    expect(list).toMatchObject({ value: "table (3 items)", type: "table", indexedVariables: 3 });
    const items = list.variablesReference;
    const all = await editor.variables(items);
    expect(all.map(text)).toEqual([
      "[1] = 1",
      "[2] = 2",
      "[3] = 3",
      'name = "three"',
      "self = table (3 items)",
    ]);
    expect((await editor.variables(items, { filter: "indexed", start: 1, count: 1 })).map(text))
      .toEqual(["[2] = 2"]);
    expect((await editor.variables(items, { filter: "named" })).map(text)).toEqual([
      'name = "three"',
      "self = table (3 items)",
    ]);
    const again = await editor.variables(all[4]!.variablesReference);
    expect(again.map(text)).toEqual(all.map(text));

    // Code in a frame: its locals, its upvalues, statements, errors.
    const evaluate = (expression: string, frame = frames[0]!) =>
      editor.request<DebugProtocol.EvaluateResponse["body"]>("evaluate", {
        frameId: frame.id,
        expression,
      });
    expect((await evaluate("a + b + calls")).result).toBe("2");
    expect((await evaluate("list[3]", frames[1]!)).result).toBe("3");
    expect((await evaluate("calls = 10")).result).toBe("nil");
    expect((await evaluate("calls")).result).toBe("10");
    await expect(evaluate("a +")).rejects.toThrow("unexpected symbol");
    await expect(evaluate("error('no')")).rejects.toThrow("no");
    for (
      const [command, args] of [
        ["evaluate", { frameId: frames[0]!.id, expression: { a: 1 } }],
        ["setVariable", { variablesReference: scopes["Locals"], name: 1, value: "1" }],
        ["variables", { variablesReference: "x" }],
        ["stackTrace", {}],
        ["setBreakpoints", {
          source: { path: file("adder.lua") },
          breakpoints: [{ line: 6, condition: {} }],
        }],
        ["setBreakpoints", { source: {}, breakpoints: [] }],
        ["stepBack", { threadId: thread }],
        ["nothing", {}],
      ] as const
    ) expect((await editor.ask(command, args)).success).toBe(false);
    await expect(evaluate("a", { ...frames[0]!, id: 640_000 })).rejects.toThrow(
      "no frame that stands",
    );

    // 0 + 1 becomes 100 + 1.
    const set = (variablesReference: number, name: string, value: string) =>
      editor.request<DebugProtocol.SetVariableResponse["body"]>("setVariable", {
        variablesReference,
        name,
        value,
      });
    expect((await set(scopes["Locals"]!, "a", "99 + b")).value).toBe("100");
    expect((await set(scopes["Upvalues"]!, "calls", "a")).value).toBe("100");
    expect((await set(items, "name", '"changed"')).value).toBe('"changed"');
    await expect(set(scopes["Locals"]!, "c", "1")).rejects.toThrow("no local variable c");

    // Over: the next line; out: the caller; then into the callee.
    const step = async (kind: string) => {
      await editor.request(kind, { threadId: thread });
      const { reason } = await editor.event("stopped");
      return [reason, ...(await editor.stack(thread)).map(place)];
    };
    await editor.breakpoints(file("adder.lua"), []);
    expect(await step("next")).toEqual([
      "step",
      "add adder.lua:7",
      "function at line 4 sum.lua:7",
    ]);
    expect(await step("stepOut")).toEqual(["step", "function at line 4 sum.lua:6"]);
    expect(await step("next")).toEqual(["step", "function at line 4 sum.lua:7"]);
    expect(await step("stepIn")).toEqual([
      "step",
      "add adder.lua:4",
      "function at line 4 sum.lua:7",
    ]);
    await expect(editor.stack(main.id)).rejects.toThrow("no coroutine that stands");

    // A generator of the process: its frames, then the process's; a text that is no UTF-8.
    await editor.breakpoints(file("main.lua"), [{ line: 14, condition: "inner == 2" }]);
    await editor.request("continue", { threadId: thread });
    expect((await editor.event("stopped")).threadId).toBe(main.id);
    const inner = await editor.stack(main.id);
    expect(inner.map(place)).toEqual([
      "function at line 12 main.lua:14",
      "function at line 3 main.lua:18",
    ]);
    expect((await evaluate("inner", inner[0])).result).toBe("2");
    expect((await evaluate("text", inner[1])).result).toBe('"ab\\x00\\xff"');

    // An entry whose code is in the definition file.
    const inDefinition = await editor.breakpoints(file("_index.yaml"), [
      { line: 12 },
      { line: 13 },
      { line: 9 },
    ]);
    expect(inDefinition).toMatchObject([
      { verified: true, line: 12 },
      { verified: true, line: 13 },
      { verified: false },
    ]);
    await editor.request("continue", { threadId: main.id });
    const inYaml = await editor.event("stopped");
    expect((await editor.stack(inYaml.threadId!)).map(place)).toEqual([
      "function at line 1 _index.yaml:13",
    ]);
    await editor.request("continue", { threadId: inYaml.threadId });

    expect(await editor.output("stdout", "result")).toBe("result\t106\t3\t8\tnil\n");
    expect(await editor.event<DebugProtocol.ExitedEvent["body"]>("exited")).toEqual({
      exitCode: 0,
    });
    await editor.event("terminated");
    await editor.request("disconnect");
  });

  test("stops by conditions and hits, and logs without stopping", async () => {
    const { root, file } = application();
    const editor = new DapClient();
    await editor.launch({ cwd: root, command: "main" }, {
      [file("adder.lua")]: [
        { line: 6, logMessage: "adds {a} and {b}: {nothing.x}" },
        { line: 7, condition: "total == 3" },
        { line: 7, condition: "nothing.x" },
        { line: 4, hitCondition: "== 3" },
        { line: 4, hitCondition: "often" },
      ],
    });
    const stops: string[] = [];
    for (let i = 0; i < 6; i++) {
      const { threadId, hitBreakpointIds } = await editor.event("stopped");
      const [frame] = await editor.stack(threadId!);
      stops.push(`${frame!.line} ${hitBreakpointIds}`);
      await editor.request("continue", { threadId });
    }
    // A condition that fails stops, so that it is seen.
    expect(stops).toEqual(["4 5", "7 3", "4 5", "7 2,3", "4 4,5", "7 3"]);
    const output = await editor.output("console", "adds 3 and 3");
    expect(output).toContain("adds 0 and 1: <expression:1: attempt to index a nil value");
    expect(output).toContain("a number of hits is written 5, == 5, > 5, < 5 or % 5");
    await editor.event("terminated");
  });

  test("stops at an error that nothing catches, with the variables of the place", async () => {
    const { root } = application();
    const editor = new DapClient();
    await editor.launch({ cwd: root, command: "main", args: ["fail"] }, {}, ["uncaught"]);
    const { threadId, reason, text } = await editor.event("stopped");
    expect(reason).toBe("exception");
    expect(text).toContain("broken 7");
    const info = await editor.request<DebugProtocol.ExceptionInfoResponse["body"]>(
      "exceptionInfo",
      { threadId },
    );
    expect(info).toMatchObject({ breakMode: "unhandled" });
    expect(info.description).toContain("broken 7");
    const [frame] = await editor.stack(threadId!);
    expect(frame!.line).toBe(6);
    const { result } = await editor.request<DebugProtocol.EvaluateResponse["body"]>("evaluate", {
      frameId: frame!.id,
      expression: "reason.code",
    });
    expect(result).toBe("7");
    await editor.request("continue", { threadId });
    expect((await editor.event<DebugProtocol.ExitedEvent["body"]>("exited")).exitCode).not.toBe(0);
  });

  test("is paused while it waits, and while it computes", async () => {
    const { root, file } = application();
    writeFileSync(
      file("main.lua"),
      `return { main = function()
        local go = true
        while go do
          local x = 1
        end
        require("time").sleep("1h")
      end }`,
    );
    const editor = new DapClient();
    await editor.launch({ cwd: root, command: "main" });
    let thread: number | undefined;
    while (thread === undefined) {
      const { threads } = await editor.request<DebugProtocol.ThreadsResponse["body"]>("threads");
      thread = threads.find(({ name }) => name.startsWith("app:main"))?.id;
    }
    await editor.request("pause", { threadId: thread });
    expect(await editor.event("stopped")).toMatchObject({ reason: "pause", threadId: thread });
    const [frame] = await editor.stack(thread);
    await editor.request("evaluate", { frameId: frame!.id, expression: "go = false" });
    await editor.breakpoints(file("main.lua"), [{ line: 6 }]);
    await editor.request("continue", { threadId: thread });
    expect(await editor.event("stopped")).toMatchObject({ reason: "breakpoint" });
    await editor.breakpoints(file("main.lua"), []);
    await editor.request("continue", { threadId: thread });
    // It may still be on its way into the sleep: then it stops before a line, else where it waits.
    await editor.request("pause", { threadId: thread });
    expect(await editor.event("stopped")).toMatchObject({ reason: "pause", threadId: thread });
    expect((await editor.stack(thread)).map(place)).toEqual(["function at line 1 main.lua:6"]);
    await editor.request("terminate");
    await editor.event("terminated");
  });
});

describe("a debugger that vanishes", () => {
  test("leaves a unit that stands to go on, without breakpoints", async () => {
    const { root, file } = application();
    writeFileSync(
      file("main.lua"),
      `return { main = function()
        for i = 1, 3 do
          require("io").print("turn", i)
        end
        require("fs").get("app:out"):writefile("done", "yes")
        return 0
      end }`,
    );
    writeFileSync(
      file("_index.yaml"),
      definitions.replace("[funcs, io, time]", "[fs, io]") +
        `  - { name: out, kind: fs.directory, directory: ${root} }\n`,
    );
    const editor = new DapClient();
    await editor.launch({ cwd: root, command: "main" }, { [file("main.lua")]: [{ line: 3 }] });
    await editor.event("stopped");
    editor.kill();
    await until(() => existsSync(join(root, "done")));
  });

  test("has its hooks taken from coroutines that serve further calls", async () => {
    const source = "return { main = function()\n  local x = 1\n  return x\nend }";
    const application = await TestApplication.start({ functions: { one: source } }, {});
    cleanAfterTest(() => application.stop());
    const { node } = application;
    const debug = await node.debugger();
    const path = application.path("src/one.lua");
    let stops = 0;
    await debug.attach((event) => {
      if (event.kind !== "stopped") return;
      stops++;
      void debug.continue(event.thread);
    });
    await expect(debug.attach(() => {})).rejects.toThrow("attached already");
    await debug.breakpoints(path, [{ line: 3 }]);
    for (let i = 0; i < 3; i++) expect(await node.call("app:one", [])).toBe(1);
    expect(stops).toBe(3);
    await debug.detach();
    expect(await node.call("app:one", [])).toBe(1);
    expect(stops).toBe(3);
  });
});

test("a unit that stands is not ended by the time limit of its call", async () => {
  const limit = 50;
  const one = `return { main = function()\n  local x = 1\n  return x\nend }`;
  const outer = `local funcs = require("funcs")
    return { main = function()
      return funcs.new():with_options({ timeout = "${limit}ms" }):call("app:one")
    end }`;
  const application = await TestApplication.start({ functions: { one, outer } }, {});
  cleanAfterTest(() => application.stop());
  const debug = await application.node.debugger();
  const stopped = Promise.withResolvers<number>();
  await debug.attach((event) => {
    if (event.kind === "stopped") stopped.resolve(event.thread);
  });
  await debug.breakpoints(application.path("src/one.lua"), [{ line: 3 }]);
  const result = application.node.call("app:outer", []);
  result.catch(() => {});
  const thread = await stopped.promise;
  // Sleeps because the time limit is to be over while the unit stands.
  await Bun.sleep(3 * limit);
  await debug.continue(thread);
  expect(await result).toBe(1);
});

describe("a script", () => {
  test("is debugged as an application is", async () => {
    const { root } = application();
    const script = join(root, "script.lua");
    writeFileSync(script, `local n = ...\nlocal double = n * 2\nprint("double", double)\n`);
    const editor = new DapClient();
    await editor.launch({ cwd: root, program: script, args: ["21"] }, { [script]: [{ line: 3 }] });
    const { threadId } = await editor.event("stopped");
    const [frame] = await editor.stack(threadId!);
    expect(place(frame!)).toBe("function at line 1 script.lua:3");
    const scopes = await editor.scopes(frame!.id);
    expect((await editor.variables(scopes["Locals"]!)).map(text)).toContain("double = 42");
    await editor.request("continue", { threadId });
    expect(await editor.output("stdout", "42\n")).toBe("double\t42\n");
    expect(await editor.event<DebugProtocol.ExitedEvent["body"]>("exited")).toEqual({
      exitCode: 0,
    });
  });
});
