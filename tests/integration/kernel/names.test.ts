import { expect, test } from "bun:test";
import { main, runProcess, startApplication } from "../application.ts";

const waits = main("return process.inbox():receive():topic()");
const run = (body: string) => runProcess(body, { processes: { waits } });

test("a name stands for its PID wherever a PID is wanted", async () => {
  expect(
    await run(`local pid = process.spawn("app:waits", "app:processes")
      local log = { process.registry.register("w", pid), process.registry.lookup("w") == pid,
        process.monitor("w"), process.send("w", "done") }
      table.insert(log, process.events():receive().result.value)
      return log`),
  ).toEqual([true, true, true, true, "done"]);
});

test("the same name for the same PID again succeeds, for another it does not", async () => {
  expect(
    await run(`local pid = process.spawn("app:waits", "app:processes")
      local log = { process.registry.register("n"), process.registry.register("n"),
        process.registry.register("n", process.pid(), process.registry.LOCAL) }
      local ok, err = process.registry.register("n", pid)
      table.insert(log, ok == nil)
      table.insert(log, err:kind())
      return log`),
  ).toEqual([true, true, true, true, "AlreadyExists"]);
});

test("a PID may hold many names, and its end frees them all", async () => {
  expect(
    await run(`local pid = process.spawn_monitored("app:waits", "app:processes")
      process.registry.register("a", pid)
      process.registry.register("b", pid)
      process.send("b", "end")
      process.events():receive()
      local log = {}
      for _, name in ipairs({ "a", "b" }) do
        local found, err = process.registry.lookup(name)
        table.insert(log, tostring(found) .. err:kind())
        table.insert(log, process.registry.register(name))
      end
      return log`),
  ).toEqual(["nilNotFound", true, "nilNotFound", true]);
});

test("unregister says whether there was one", async () => {
  expect(
    await run(`process.registry.register("n")
      return { process.registry.unregister("n"), process.registry.unregister("n"),
        (process.registry.lookup("n")) == nil }`),
  ).toEqual([true, false, true]);
});

test("the name of a dead PID is free at once", async () => {
  expect(
    await run(`local pid = process.spawn_monitored("app:waits", "app:processes")
      process.send(pid, "end")
      process.events():receive()
      process.registry.register("late", pid)
      return process.registry.lookup("late") == nil`),
  ).toBe(true);
});

test("what register refuses", async () => {
  expect(
    await run(`local kinds = {}
      local function try(...)
        local ok, err = process.registry.register(...)
        table.insert(kinds, tostring(ok) .. err:kind())
      end
      try("n", 1)
      try("n", "no pid")
      try("n", nil, "scope")
      try("n", nil, process.registry.STRONG)
      try("n", nil, process.registry.EVENTUAL)
      return { kinds, (pcall(process.registry.register)), (pcall(process.registry.lookup, 1)) }`),
  ).toEqual([
    ["nilInvalid", "nilInvalid", "nilInvalid", "nilInternal", "nilInternal"],
    false,
    false,
  ]);
});

test("the scopes", async () => {
  expect(
    await run(`local r = process.registry
      return { r.LOCAL, r.EVENTUAL, r.CONSISTENT, r.STRONG }`),
  ).toEqual([0, 1, 2, 3]);
});

test("a spawner that is terminated while it waits for a name leaves no name behind", async () => {
  const app = await startApplication({
    functions: {
      main: `return { main = function()
        local spawner = process.spawn("app:namer", "app:processes")
        coroutine.yield()
        process.terminate(spawner)
        time.sleep("30ms")
        local pid, err = process.registry.lookup("left behind")
        return pid or err:kind()
      end }`,
    },
    processes: {
      idle: "return { main = function() process.inbox():receive() end }",
      namer: `return { main = function()
        process.with_context({}):with_name("left behind"):spawn("app:idle", "app:processes")
      end }`,
    },
  });
  expect(await app.call("main")).toBe("NotFound");
});
