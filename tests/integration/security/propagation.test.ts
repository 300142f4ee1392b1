import { expect, test } from "bun:test";
import { allow, asService, unit } from "./as_service.ts";

const root = { actor: { id: "root", meta: { level: 9 } }, policies: ["all"] };

test("a service has the identity of its lifecycle; short names are of its namespace", async () => {
  expect(await asService(root, "return who()")).toBe("root: app:all");
  expect(
    await asService({ actor: { id: "a" }, groups: ["readers"], policies: ["all"] }, "return who()"),
  ).toBe("a: app:all app:reads");
  expect(await asService(undefined, "return who()")).toBe("nobody: no scope");
  expect(await asService({ actor: { id: "a" } }, "return who()")).toBe("a: no scope");
  expect(await asService(root, "return security.actor():meta()")).toEqual({ level: 9 });
});

test("a service whose policies are all unknown may do nothing", async () => {
  const body = `
    local _, err = funcs.call("app:who")
    return who() .. ", " .. err:kind() .. ": " .. err:message()`;
  expect(await asService({ actor: { id: "a" }, policies: ["gone"] }, body))
    .toBe("a: nothing, PermissionDenied: not allowed: app:who");
});

for (const workers of [1, 2]) {
  test(`calls and spawns inherit the identity, ${workers} worker(s)`, async () => {
    const answers = await asService(
      root,
      `
      local channel = process.listen("who")
      -- Enough of them that some are placed on another worker.
      for i = 1, 40 do
        process.spawn("app:telling", "app:processes", process.pid())
      end
      local others = {}
      for i = 1, 40 do others[channel:receive()] = true end
      process.with_context({ x = 1 }):spawn("app:telling", "app:processes", process.pid())
      local told = channel:receive()
      local futures, called = {}, {}
      for i = 1, 40 do futures[i] = funcs.async("app:who") end
      for i = 1, 40 do called[futures[i]:response():receive():data()] = true end
      return {
        others, told, called, funcs.call("app:who"), process.exec("app:whoever", "app:processes"),
      }`,
      {},
      workers === 1 ? {} : { workers, threads: true },
    );
    const all = "root: app:all";
    expect(answers).toEqual([{ [all]: true }, all, { [all]: true }, all, all]);
  });
}

test("executors and builders replace the actor, the scope or both", async () => {
  const answers = await asService(
    root,
    `
    local reader = security.new_actor("reader", { team = "x" })
    local scope = security.named_scope("app:readers")
    local executor = funcs.new():with_actor(reader)
    local builder = process.with_context({}):with_actor(reader)
    local channel = process.listen("who")
    builder:spawn("app:telling", "app:processes", process.pid())
    return {
      executor:call("app:who"),
      executor:with_scope(scope):call("app:who"),
      executor:with_scope(scope):async("app:who"):response():receive():data(),
      funcs.new():with_scope(security.new_scope()):call("app:who"),
      channel:receive(),
      builder:with_scope(scope):exec("app:whoever", "app:processes"),
      who(),
    }`,
  );
  expect(answers).toEqual([
    "reader: app:all",
    "reader: app:reads",
    "reader: app:reads",
    "root: nothing",
    "reader: app:all",
    "reader: app:reads",
    "root: app:all",
  ]);
});

test("anything but an actor or a scope raises, with its name", async () => {
  expect(
    await asService(
      undefined,
      `
      local builder = process.with_context({})
      local errors = {}
      for _, object in ipairs({ funcs.new(), builder }) do
        for _, method in ipairs({ "with_actor", "with_scope" }) do
          for _, value in ipairs({ false, "root", { id = "root" }, object }) do
            local ok, err = pcall(object[method], object, value or nil)
            errors[#errors + 1] = tostring(ok) .. tostring(err):match("bad argument.*$")
          end
        end
      end
      return errors`,
    ),
  ).toEqual(
    [1, 2].flatMap(() =>
      ["with_actor' (security.Actor", "with_scope' (security.Scope"].flatMap((begin) =>
        ["no value", "string", "table", "userdata"].map((got) =>
          `falsebad argument #1 to '${begin} expected, got ${got})`
        )
      )
    ),
  );
});

test("messages carry no identity, an upgrade keeps it", async () => {
  expect(
    await asService(
      root,
      `
      local channel = process.listen("who")
      local plain = process.with_context({}):with_actor(security.new_actor("plain"))
        :spawn("app:repeating", "app:processes")
      process.send(plain, "ask", process.pid())
      local before = channel:receive()
      process.send(plain, "upgrade")
      process.send(plain, "ask", process.pid())
      local after = channel:receive()
      return { before, after }`,
      {
        processes: {
          repeating: unit(`
            local inbox = process.inbox()
            while true do
              local message = inbox:receive()
              if message:topic() == "upgrade" then process.upgrade() end
              process.send(message:payload():data(), "who", who())
            end`),
        },
      },
    ),
  ).toEqual(["plain: app:all", "plain: app:all"]);
});

test("a scope holds policies as they were, and a registry change makes new ones", async () => {
  expect(
    await asService(
      root,
      `
      local registry = require("registry")
      local scope = security.named_scope("app:readers")
      local actor = security.new_actor("x")
      local entry = registry.get("app:reads")
      entry.data.policy.effect = "deny"
      local snapshot = registry.snapshot()
      assert(snapshot:changes():update(entry):apply())
      return {
        scope:evaluate(actor, "doc.read", "doc:1"),
        security.named_scope("app:readers"):evaluate(actor, "doc.read", "doc:1"),
      }`,
    ),
  ).toEqual(["allow", "deny"]);
});

test("a workflow, its activities and its children have the starter's identity", async () => {
  const flow = unit(`
    local outer = ...
    local executor, refused = funcs.new():with_scope(security.new_scope())
    local called, denied = executor:call("app:who")
    local answer, no_call = funcs.call("app:who")
    return {
      who(), tostring(answer or no_call), called,
      security.can("funcs.call", "app:who"),
      outer and process.exec("app:flow", "app:workflows") or nil,
    }`) as { source: string };
  const modules = ["funcs", "logger", "security", "time"];
  const answers = await asService(
    root,
    `
    local reader = security.new_actor("reader", { team = "x" })
    local scope = security.named_scope("app:flows")
    local builder = process.with_context({})
    local nothing = builder:with_scope(security.new_scope())
    return {
      process.exec("app:flow", "app:workflows", true),
      builder:with_actor(reader):with_scope(scope):exec("app:flow", "app:workflows", true),
      nothing:exec("app:small", "app:workflows"),
    }`,
    {
      entries: {
        workflows: { kind: "workflow.host", lifecycle: { auto_start: true } },
        flow: { ...flow, kind: "workflow.lua", modules },
        small: {
          kind: "workflow.lua",
          modules,
          source: (unit("return { who(), tostring(select(2, funcs.call('app:who'))) }") as {
            source: string;
          }).source,
        },
        flows: {
          ...allow(["funcs.*", "process.*", "security.scope.create"]),
          groups: ["flows"],
        },
      },
    },
  );
  const whole = (who: string, actor: string) => [who, who, `${actor}: nothing`, true];
  expect(answers).toEqual([
    [...whole("root: app:all", "root"), whole("root: app:all", "root")],
    [...whole("reader: app:flows", "reader"), whole("reader: app:flows", "reader")],
    ["root: nothing", "not allowed: app:who"],
  ]);
});

test("an upgrade to another entry needs no permission", async () => {
  const body = "process.upgrade('app:whoever_says')";
  const more = {
    processes: {
      whoever_says: unit('require("logger"):info("outcome", { ok = true, value = who() })'),
    },
  };
  expect(await asService({ actor: { id: "a" }, policies: ["reads"] }, body, more)).toBe(
    "a: app:reads",
  );
});
