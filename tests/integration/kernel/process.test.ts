import { expect, test } from "bun:test";
import { main, startApplication } from "../application.ts";

const gone = '"{app:processes|0x00000}"';

/** Every error of the module `process` that its documentation names: call, kind, message. */
const documented: [call: string, kind: string, message: string | RegExp][] = [
  ["process.send()", "Invalid", "process.send needs a destination and a topic"],
  ["process.send(here)", "Invalid", "process.send needs a destination and a topic"],
  ['process.send(here, "@pid", 1)', "Invalid", "cannot send to @ topics"],
  ['process.send("nobody", "t", 1)', "NotFound", /^name not registered/],
  [`process.send(${gone}, "t", 1)`, "NotFound", /^process not found: /],
  ['process.send("{app:elsewhere|0x00001}", "t", 1)', "NotFound", /^process not found: /],
  ['process.listen("")', "Invalid", "topic is empty"],
  ['process.listen("@t")', "Invalid", "cannot listen to @ topics"],
  ["process.unlisten(channel.new())", "NotFound", "channel is not a listener"],
  ["process.spawn()", "Invalid", /spawn needs the id of a process and the id of a host/],
  ['process.spawn("app:idle")', "Invalid", /spawn needs the id of a process and the id of a host/],
  ['process.spawn("app:nothing", "app:processes")', "NotFound", /^factory not found/],
  ['process.spawn("app:add", "app:processes")', "NotFound", /^factory not found/],
  ['process.spawn("app:idle", "app:nothing")', "NotFound", /^host not found/],
  ['process.spawn("app:idle", "app:add")', "Internal", "host does not implement process.Host"],
  ['process.spawn("app:idle", "app:stopped")', "Unavailable", "host is not running"],
  ['process.spawn_monitored("app:nothing", "app:processes")', "NotFound", /^factory not found/],
  ['process.spawn_linked("app:idle", "app:nothing")', "NotFound", /^host not found/],
  ['process.spawn("app:faulty", "app:processes")', "Internal", /failed to execute script/],
  ['process.spawn("app:methodless", "app:processes")', "NotFound", /method "main" not found/],
  ['process.exec("", "app:processes")', "Invalid", /exec needs the id/],
  ['process.exec("app:idle", "")', "Invalid", /exec needs the id/],
  ['process.exec("idle", "app:processes")', "Invalid", /invalid id: 'idle'/],
  ['process.exec("app:nothing", "app:processes")', "Internal", /^exec failed: factory not found/],
  ['process.exec("app:idle", "app:nothing")', "Internal", /^exec failed: host not found/],
  ['process.exec("app:failing", "app:processes")', "Conflict", "no"],
  ['process.terminate("nobody")', "NotFound", /^name not registered/],
  [`process.terminate(${gone})`, "Internal", "terminate failed: process not found"],
  [`process.cancel(${gone})`, "Internal", "cancel failed: process not found"],
  [
    'process.cancel(here, "x", { deadline = "soon" })',
    "Invalid",
    "deadline must be a duration, not soon",
  ],
  [`process.monitor(${gone})`, "Internal", "monitor failed: pid not registered"],
  [
    "(function() process.monitor(idle) return process.monitor(idle) end)()",
    "Internal",
    "monitor failed: already monitoring pid",
  ],
  [`process.link(${gone})`, "Internal", /^link failed: /],
  ["process.set_options()", "Invalid", "options parameter must be a table"],
  ["process.set_options({ colour = true })", "Invalid", "option colour is not supported"],
  ["process.set_options({ trap_links = 1 })", "Invalid", "trap_links must be a boolean"],
  ['process.registry.register("taken", idle)', "AlreadyExists", /taken/],
  ['process.registry.register("x", "y")', "Invalid", "invalid pid: y"],
  ['process.registry.register("x", 5)', "Invalid", "invalid pid: 5"],
  ['process.registry.register("x", here, "wide")', "Invalid", "scope must be a number"],
  [
    'process.registry.register("x", here, process.registry.STRONG)',
    "Internal",
    "cluster registry not available",
  ],
  ['process.registry.lookup("nobody")', "NotFound", /^name not registered/],
];

/** Calls that raise: what they say of the argument. */
const raising: [call: string, message: string][] = [
  ["process.send({}, 't')", "bad argument #1 to 'send' (string expected, got table)"],
  ["process.send(here, {})", "bad argument #2 to 'send' (string expected, got table)"],
  ["process.listen(5)", "bad argument #1 to 'listen' (string expected, got number)"],
  ["process.unlisten({})", "bad argument #1 to 'unlisten'"],
  ["process.terminate()", "bad argument #1 to 'terminate' (string expected, got no value)"],
  ["process.cancel(here, 5)", "bad argument #2 to 'cancel' (string expected, got number)"],
  ["process.monitor(5)", "bad argument #1 to 'monitor' (string expected, got number)"],
  ["process.link({})", "bad argument #1 to 'link' (string expected, got table)"],
  ["process.with_context(5)", "bad argument #1 to 'with_context' (table expected, got number)"],
  ["process.with_options()", "bad argument #1 to 'with_options' (table expected, got no value)"],
  ["process.with_options({}):with_name('')", "bad argument #1 to 'with_name' (name is empty)"],
  ["process.with_options({}):with_message('@x')", "cannot send to @ topics"],
  ["process.registry.register(5)", "bad argument #1 to 'register' (string expected, got number)"],
  ["process.registry.lookup()", "bad argument #1 to 'lookup' (string expected, got no value)"],
];

async function start() {
  const table = (list: [string, ...unknown[]][], wrap: (call: string) => string) =>
    list.map(([call]) => `function(here, idle) return ${wrap(call)} end`).join(",\n");
  const application = await startApplication({
    entries: { stopped: { kind: "process.host" } },
    functions: {
      add: "return { main = function(a, b) return a + b end }",
      errors:
        'return { main = function() return process.exec("app:errors_process", "app:processes") end }',
      raised:
        'return { main = function() return process.exec("app:raised_process", "app:processes") end }',
    },
    processes: {
      idle: main("process.inbox():receive()"),
      failing: main('return nil, errors.new({ message = "no", kind = "Conflict" })'),
      faulty: 'error("at load")',
      methodless: "return {}",
      errors_process: main(`
        process.registry.register("taken")
        local idle = process.spawn("app:idle", "app:processes")
        local results = {}
        for i, call in ipairs({ ${table(documented, (call) => call)} }) do
          local value, err = call(process.pid(), idle)
          results[i] = { not value, err and err:kind(), err and err:message() }
        end
        return results`),
      raised_process: main(`
        local results = {}
        for i, call in ipairs({ ${table(raising, (call) => call)} }) do
          results[i] = { pcall(call, process.pid()) }
          results[i][2] = tostring(results[i][2])
        end
        return results`),
    },
  });
  return application;
}

test("each documented error has its kind and message", async () => {
  const results = await (await start()).call("errors") as unknown[][];
  for (const [index, [call, kind, message]] of documented.entries()) {
    const text = message instanceof RegExp ? expect.stringMatching(message) : message;
    expect([call, ...results[index]!]).toEqual([call, true, kind, text]);
  }
  expect(results.length).toBe(documented.length);
});

test("a wrong type of argument raises with its position and name", async () => {
  const results = await (await start()).call("raised") as unknown[][];
  for (const [index, [call, message]] of raising.entries()) {
    expect([call, ...results[index]!]).toEqual([call, false, expect.stringContaining(message)]);
  }
});
