import { expect, test } from "bun:test";
import { type Sources, startApplication } from "../application.ts";
import { until } from "../../until.ts";

const host = "app:processes";

const processes = {
  named: {
    modules: ["time"],
    source: `return { main = function(name, how)
      if how == "fail" then error("no " .. name) end
      assert(process.registry.register(name))
      process.events():receive()
      if how == "slow" then time.sleep("20ms") end
    end }`,
  },
};

const functions = {
  lookup:
    `return { main = function(name) local pid = process.registry.lookup(name) return pid end }`,
  kill: `return { main = function(name) return process.terminate(name) end }`,
};

async function start(entries: Sources["entries"]) {
  return await startApplication({ processes, functions, entries: entries! });
}

const child = (name: string, fields = {}) => ({
  id: name,
  process: "named",
  input: [name],
  ...fields,
});

test("a tree of entries starts, restarts what fails, and stops with the runtime", async () => {
  const app = await start({
    tree: {
      kind: "process.supervisor",
      host,
      strategy: "rest_for_one",
      intensity: 5,
      period: "1s",
      children: [child("first"), { id: "branch", supervisor: "branch" }],
      lifecycle: { auto_start: true },
    },
    branch: {
      kind: "process.supervisor",
      host,
      children: [child("leaf", { shutdown: "1s", input: ["leaf", "slow"] })],
    },
  });
  const pid = async (name: string) => await app.call("lookup", name);
  await until(async () => await pid("leaf") && await pid("first"));
  const [first, leaf] = [await pid("first"), await pid("leaf")];
  await app.call("kill", "first");
  await until(async () => {
    const [now, then] = [await pid("first"), await pid("leaf")];
    return now && then && now !== first && then !== leaf;
  });
});

test("a tree that cannot start says which child and why", async () => {
  const app = await start({
    tree: {
      kind: "process.supervisor",
      host,
      children: [child("ok"), { id: "inner", supervisor: "inner" }],
      lifecycle: { auto_start: true, restart: { max_attempts: 1 } },
    },
    inner: {
      kind: "process.supervisor",
      host,
      children: [{ id: "bad", process: "missing", host: "app:processes" }],
    },
  }).catch((error) => String(error));
  expect(app).toContain("missing");
});

test.each([
  [{ strategy: "one_for_some" }, "unknown strategy: one_for_some"],
  [{ children: [child("a"), child("a")] }, 'two children have the id "a"'],
  [{ children: [{ id: "a" }] }, "a child needs either process or supervisor"],
  [{ children: [child("a", { significant: true })] }, "a permanent child cannot be significant"],
  [
    { children: [child("a", { significant: true, restart: "transient" })] },
    "a significant child needs auto_shutdown",
  ],
  [{ strategy: "simple_one_for_one" }, "simple_one_for_one needs exactly one child, not 0"],
  [{ children: [child("a", { shutdown: "later" })] }, 'bad shutdown "later"'],
  [{ host: "" }, "host is required"],
  [{ period: "x" }, 'bad duration "x"'],
])("%j is refused before anything runs", async (fields, message) => {
  const problem = await start({ tree: { kind: "process.supervisor", host, ...fields } })
    .then(() => "it started", (error) => String(error));
  expect(problem).toContain(message);
});

test("supervisors that are children of each other are refused, with the circle", async () => {
  const lifecycle = { auto_start: true };
  const problem = await start({
    a: { kind: "process.supervisor", host, children: [{ supervisor: "b" }], lifecycle },
    b: { kind: "process.supervisor", host, children: [{ supervisor: "a" }] },
  }).then(() => "it started", (error) => String(error));
  expect(problem).toContain("app:a → app:b → app:a");
});

test("the namespace of the runtime's own entries is taken", async () => {
  const { Node } = await import("../../../src/node/node.ts");
  await expect(
    (Node as unknown as { start(options: object): Promise<unknown> }).start({
      entries: [{ id: "wippy:supervisor", kind: "registry.entry", meta: {}, data: {} }],
      directory: ".",
    }),
  ).rejects.toThrow("the namespace wippy is the runtime's own");
});

test("a service that requires a tree does not start before the tree's children run", async () => {
  const application = await startApplication({
    entries: {
      values: { kind: "env.storage.memory" },
      fit: { kind: "env.variable", storage: "app:values", default: "no" },
      tree: {
        kind: "process.supervisor",
        host: "app:processes",
        children: [{ id: "child", process: "child", shutdown: "50ms" }],
        lifecycle: { auto_start: true },
      },
      user: {
        kind: "process.service",
        process: "user_process",
        host: "app:processes",
        lifecycle: { auto_start: true, requires: ["tree"] },
      },
    },
    functions: {
      state: {
        modules: ["system"],
        source: `return { main = function()
          return require("system").supervisor.state("app:user").details
        end }`,
      },
      repair: {
        modules: ["env"],
        source: 'return { main = function() return require("env").set("app:fit", "yes") end }',
      },
    },
    processes: {
      child: {
        modules: ["env"],
        source: `if require("env").get("app:fit") ~= "yes" then error("not yet") end
          return { main = function() process.inbox():receive() end }`,
      },
      user_process: 'return { main = function() print("started") end }',
    },
  });
  expect(await application.call("state")).toBe(
    "service startup blocked by missing dependencies: app:user requires app:tree",
  );
  expect(application.logged("user_process")).toEqual([]);
  await application.call("repair");
  application.node.bus.publish({ system: "supervisor", kind: "service.start", path: "app:user" });
  await until(() => application.logged("user_process").length > 0);
  expect(application.logged("user_process")).toEqual(["started"]);
  const { units } = await application.node.control.units();
  const tree = units.find(({ supervises }) => supervises)!;
  expect(
    units.filter(({ supervisor }) => supervisor).map((
      { entry, supervisor },
    ) => [entry, supervisor]),
  )
    .toEqual([["app:child", tree.pid]]);
  const alone = await application.node.control.units({ entry: "app:child" });
  expect(alone.units.map(({ supervisor }) => supervisor)).toEqual([tree.pid]);
});
