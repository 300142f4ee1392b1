/** What asks others to do something: it is decided as the sender's, whoever receives it. */
import { expect, test } from "bun:test";
import { WippyError } from "../../../src/vm/error.ts";
import { startApplication } from "../application.ts";

const god = { actions: "*", resources: "*", effect: "allow" };

/** `attack` runs with these actions allowed, and knows the PIDs of a supervisor and of a server that may do all. */
function start(allowed: Record<string, unknown>[], attack: string) {
  const policies = Object.fromEntries(
    [...allowed, {
      actions: ["process.send", "process.monitor", "process.unmonitor"],
      resources: "*",
    }]
      .map((
        policy,
        at,
      ) => [`low${at}`, { kind: "security.policy", policy: { effect: "allow", ...policy } }]),
  );
  const security = { actor: { id: "god" }, policies: ["god"] };
  const lifecycle = { auto_start: true, security };
  return startApplication({
    entries: {
      god: { kind: "security.policy", policy: god },
      ...policies,
      tree: {
        kind: "process.supervisor",
        host: "app:processes",
        children: [{ id: "idle", process: "idle", shutdown: "50ms" }],
        lifecycle,
      },
      serving: { kind: "process.service", process: "server", host: "app:processes", lifecycle },
    },
    functions: {
      attack: {
        modules: ["supervisor", "sys", "server", "process"],
        source: `
local supervisor, sys, server = require("supervisor"), require("sys"), require("server")
return { main = function(tree, serving)
  ${attack}
end }`,
      },
      count: {
        modules: ["supervisor"],
        source:
          'return { main = function(tree) return require("supervisor").count_children(tree, nil, "2s") end }',
      },
      low: {
        modules: ["security", "funcs"],
        source: `
local security, funcs = require("security"), require("funcs")
return { main = function(tree, serving)
  local list = {}
  for i = 0, ${allowed.length} do list[#list + 1] = assert(security.policy("app:low" .. i)) end
  return funcs.new():with_actor(security.new_actor("mallory", {})):with_scope(security.new_scope(list))
    :call("app:attack", tree, serving)
end }`,
      },
    },
    processes: {
      idle: {
        modules: ["process"],
        source: `return { main = function() process.inbox():receive() end }`,
      },
      harmless: {
        modules: ["process"],
        source: `return { main = function() process.inbox():receive() end }`,
      },
      privileged: {
        modules: ["process"],
        source: `return { main = function() print("PRIVILEGED") process.inbox():receive() end }`,
      },
      server: {
        modules: ["server"],
        source: `local server = require("server")
return { main = function() return server.run({ init = function() return "secret" end,
  handle_call = function(body, _, state) return server.reply(body, state) end }) end }`,
      },
    },
  });
}

async function attack(allowed: Record<string, unknown>[], code: string) {
  const application = await start(allowed, code);
  const { units } = await application.node.control.units();
  const pid = (entry: string) => units.find((unit) => unit.entry === entry)!.pid;
  const outcome = await application.call("low", pid("wippy:supervisor"), pid("app:server"))
    .catch((error) => WippyError.from(error));
  return { application, outcome, pid };
}

const failure = (call: string) =>
  `local value, err = ${call} return { tostring(value), err and err:kind() or "" }`;
const denied = ["nil", "PermissionDenied"];

test.each([
  ['supervisor.start_child(tree, { id = "x", process = "app:privileged" }, "2s")'],
  ['supervisor.start_child(tree, { id = "x", supervisor = { children = { { process = "app:privileged" } } } }, "2s")'],
  ['supervisor.start_child(tree, { id = "x", process = "wippy:supervisor", input = { { host = "app:processes", children = { { process = "app:privileged" } } } } }, "2s")'],
  ['supervisor.start_child(tree, { id = "x", process = "app:harmless", name = "taken" }, "2s")'],
  ['supervisor.terminate_child(tree, "idle", "2s")'],
  ['supervisor.stop(tree, nil, "2s")'],
  ['sys.get_state(serving, "2s")'],
  ['sys.get_status(serving, "2s")'],
  ['sys.statistics(serving, true, "2s")'],
  ['sys.replace_state(serving, "mine", "2s")'],
  ['sys.suspend(serving, "2s")'],
  ['sys.resume(serving, "2s")'],
  ['sys.upgrade(serving, "2s")'],
  ['server.stop(serving, nil, "2s")'],
])("%s needs more than process.send", async (call) => {
  const spawns = {
    actions: ["process.spawn", "process.host"],
    resources: ["app:harmless", "app:processes", "wippy:supervisor"],
  };
  const { application, outcome, pid } = await attack([spawns], failure(call));
  expect(outcome).toEqual(denied);
  expect(application.logs.filter(({ message }) => message.includes("PRIVILEGED"))).toEqual([]);
  const { units } = await application.node.control.units();
  expect(units.map((unit) => unit.pid)).toContain(pid("app:idle"));
  expect(units.map((unit) => unit.pid)).toContain(pid("app:server"));
});

test("a message that the kernel gave no frame is nobody's", async () => {
  const { application, pid } = await attack([], "return true");
  const value = { id: "x", process: "app:privileged" };
  const request = { alias: "x", request: { op: "start_child", value } };
  await application.node.control.send(pid("wippy:supervisor"), "$supervisor", [request]);
  // The supervisor has looked at it when it answers this.
  const counts = await application.call("count", pid("wippy:supervisor"));
  expect(counts).toMatchObject({ active: 1, specs: 1 });
  expect(application.logs.filter(({ message }) => message.includes("PRIVILEGED"))).toEqual([]);
});

test("who may spawn an entry may have a supervisor start it", async () => {
  const { outcome } = await attack(
    [{ actions: ["process.spawn", "process.host"], resources: ["app:harmless", "app:processes"] }],
    failure(
      'supervisor.start_child(tree, { id = "x", process = "app:harmless", shutdown = "50ms" }, "2s")',
    ),
  );
  expect(outcome).toEqual([expect.stringMatching(/^\{app:processes\|0x/), ""]);
});

test.each([
  ["sys.read", 'sys.get_state(serving, "2s")', "secret"],
  ["sys.control", 'sys.replace_state(serving, "mine", "2s")', "mine"],
  ["process.cancel", 'server.stop(serving, nil, "2s")', "true"],
  ["process.terminate", 'supervisor.terminate_child(tree, "idle", "2s")', "true"],
])("%s permits %s", async (action, call, value) => {
  const { outcome } = await attack([{ actions: [action], resources: "*" }], failure(call));
  expect(outcome).toEqual([value, ""]);
});

test("a PID is not told by its neighbours'", async () => {
  const application = await startApplication({
    functions: {
      guess: {
        modules: ["process"],
        source: `return { main = function()
          local made = {}
          for i = 1, 64 do made[i] = assert(process.spawn("app:idle", "app:processes")) end
          local known, digits = {}, {}
          for _, pid in ipairs(made) do known[pid] = true digits[#digits + 1] = pid:match("|0x(%x%x%x%x%x%x%x%x)") end
          local found = 0
          for _, pid in ipairs(made) do
            local host, secret, rest = pid:match("^{([^|]*)|0x(%x%x%x%x%x%x%x%x)(%x+)}$")
            local number = tonumber(rest, 16)
            for d = -8, 8 do
              local guess = ("{%s|0x%s%x}"):format(host, secret, number + d * 64)
              local short = ("{%s|0x%05x}"):format(host, number + d * 64)
              if not known[guess] and process.send(guess, "x", 1) then found = found + 1 end
              if process.send(short, "x", 1) then found = found + 1 end
            end
          end
          table.sort(digits)
          local same = 0
          for i = 2, #digits do if digits[i] == digits[i - 1] then same = same + 1 end end
          return { found, same }
        end }`,
      },
    },
    processes: {
      idle: {
        modules: ["process"],
        source: `return { main = function() process.inbox():receive() end }`,
      },
    },
  });
  expect(await application.call("guess")).toEqual([0, 0]);
});
