import { describe, expect, test } from "bun:test";
import { Simulation } from "../../../src/platform/simulation.ts";
import { failure, startDurable, type StartOptions } from "./durable-application.ts";

/** A counter: `add` is refused for what is no positive number, `close` ends the run. */
const counter = `
  local total, done = 0, process.listen("close")
  workflow.set_update_handler("add", function(n)
    total = total + n
    return total
  end, { validator = function(n)
    if type(n) ~= "number" or n <= 0 then return nil, errors.new{ kind = "Invalid", message = "positive expected" } end
  end })
  workflow.set_update_handler("slow", function(...)
    time.sleep("1h")
    total = total + 100
    return { total, ... }
  end)
  workflow.set_update_handler("fail", function() error("no luck") end)
  done:receive()
  return total`;

const drivers = {
  spawn: `return process.with_options{ ["workflow.id"] = "c" }:spawn("app:main", "app:durable")`,
  update: `return workflow.update("{app:durable|c}", ...)`,
  update_as:
    `local id, wait = ... return workflow.update_with({ id = id, wait = wait }, "{app:durable|c}", select(3, ...))`,
  close: `process.send("{app:durable|c}", "close")
    return process.exec("app:waiter", "app:processes")`,
};
const waiter = `process.monitor("{app:durable|c}")
  local event = process.events():receive()
  if event.result.error then return nil, event.result.error end
  return event.result.value`;

function units(main: string) {
  return { workflows: { main }, functions: drivers, processes: { waiter } };
}

async function startMain(main: string, options: StartOptions = {}) {
  const application = await startDurable(units(main), options);
  await application.call("spawn");
  return application;
}

describe("updates", () => {
  test("are validated, answered, and leave their effect", async () => {
    const application = await startMain(counter);
    expect(await application.call("update", "add", 2)).toBe(2);
    expect(await application.call("update", "add", 3)).toBe(5);
    const refused = await failure(application.call("update", "add", -1));
    expect(refused).toMatchObject({
      kind: "Invalid",
      message: "positive expected",
      details: { _wrapper: "update", _update_status: "rejected" },
    });
    const failed = await failure(application.call("update", "fail"));
    expect(failed).toMatchObject({
      kind: "Internal",
      message: expect.stringContaining("no luck"),
      details: { _update_status: "failed" },
    });
    expect(await application.call("close")).toBe(5);
  });

  test("one id is one update, also after a restart and after the end of the run", async () => {
    const application = await startMain(counter);
    expect(await application.call("update_as", "u1", "completed", "add", 2)).toBe(2);
    expect(await application.call("update_as", "u1", "completed", "add", 2)).toBe(2);
    await application.start(units(counter));
    expect(await application.call("update_as", "u1", "completed", "add", 2)).toBe(2);
    expect(await application.call("update", "add", 1)).toBe(3);
    expect(await application.call("close")).toBe(3);
    expect(await application.call("update_as", "u1", "completed", "add", 2)).toBe(2);
    expect(await failure(application.call("update", "add", 1))).toMatchObject({ kind: "NotFound" });
  });

  test("a rejected id stays rejected, though the validator has changed since", async () => {
    const application = await startMain(counter);
    expect(await failure(application.call("update_as", "u1", "completed", "add", -1)))
      .toMatchObject({ kind: "Invalid" });
    await application.start(units(counter.replace("n <= 0", "false")));
    expect(await failure(application.call("update_as", "u1", "completed", "add", -1)))
      .toMatchObject({ kind: "Invalid" });
    expect(await application.call("update", "add", -4)).toBe(-4);
    expect(await application.call("close")).toBe(-4);
  });

  test("accepted is told before completed, and a handler may wait", async () => {
    const simulation = new Simulation({ seed: 7 });
    const application = await startMain(counter, { simulation });
    expect(await application.call("update_as", "u1", "accepted", "slow", 1)).toBe("u1");
    expect(await application.call("update", "add", 1)).toBe(1);
    expect(await application.call("update_as", "u1", "completed", "slow", 1)).toEqual([101, 1]);
  });

  test("what the run never answers is told when it closes", async () => {
    const application = await startMain(counter);
    expect(await application.call("update_as", "u1", "accepted", "slow")).toBe("u1");
    const waiting = failure(application.call("update_as", "u1", "completed", "slow"));
    expect(await application.call("close")).toBe(0);
    expect(await waiting).toMatchObject({
      kind: "Canceled",
      message: "workflow c closed before the update was completed",
    });
  });

  test("come before their handler is set and wait for it; unknown names are rejected", async () => {
    const late = `time.sleep("20ms")
      workflow.set_update_handler("add", function(...) return select("#", ...) end)
      process.listen("close"):receive()`;
    const application = await startMain(late);
    expect(await application.call("update", "add", 1, 2, 3)).toBe(3);
    expect(await failure(application.call("update", "sub", 1))).toMatchObject({
      kind: "NotFound",
      message: "unknown update 'sub'; known are: add",
    });
  });

  test("a validator must not have side effects nor wait", async () => {
    const impure = `
      workflow.set_update_handler("a", print, { validator = function() funcs.call("app:close") end })
      workflow.set_update_handler("b", print, { validator = function() time.sleep(1) end })
      workflow.set_update_handler("c", print, { validator = function() channel.new():receive() end })
      workflow.set_update_handler("d", print, { validator = function() return math.random() end })
      process.listen("close"):receive()
      return "well"`;
    const application = await startMain(impure);
    for (const name of ["a", "b", "d"]) {
      expect(await failure(application.call("update", name))).toMatchObject({
        message: "the validator of an update must not have side effects",
      });
    }
    expect(await failure(application.call("update", "c"))).toMatchObject({ kind: "Internal" });
    expect(await application.call("close")).toBe("well");
  });

  test("are messages to code without handlers, answered by ack and ok, nak or error", async () => {
    const inbox = `local inbox, sum = process.inbox(), 0
      while true do
        local message = inbox:receive()
        if message:topic() == "close" then return sum end
        local from, n = message:from(), message:payload():data()
        if n > 0 then
          local early = select(2, process.send(from, "ok", n))
          process.send(from, "ack")
          local again = select(2, process.send(from, "ack"))
          sum = sum + n
          process.send(from, n > 99 and "error" or "ok", { sum, early:kind(), again:kind(), from })
        else process.send(from, "nak", "too small") end
      end`;
    const application = await startMain(inbox);
    expect(await application.call("update_as", "u1", "completed", "add", 2))
      .toEqual([2, "Invalid", "Invalid", "{update|u1}"]);
    expect(await failure(application.call("update", "add", 0))).toMatchObject({
      message: "too small",
      details: { _update_status: "rejected" },
    });
    expect(await failure(application.call("update", "add", 100))).toMatchObject({
      details: { _update_status: "failed" },
    });
    await application.start(units(inbox));
    expect(await application.call("close")).toBe(102);
  });

  test("not accepted at continue-as-new are delivered to the next run", async () => {
    const twice = `local round = ...
      if not round then
        time.sleep("1h")
        process.upgrade(nil, 2)
      end
      workflow.set_update_handler("add", function(n) return n + round end)
      process.listen("close"):receive()`;
    const application = await startMain(twice, { simulation: new Simulation({ seed: 3 }) });
    expect(await application.call("update_as", "u1", "completed", "add", 40)).toBe(42);
    expect(await application.call("update_as", "u1", "completed", "add", 40)).toBe(42);
  });

  test("from one run to another are recorded", async () => {
    const application = await startDurable({
      workflows: {
        main: counter,
        asker: `local sum = assert(workflow.update("{app:durable|c}", "add", 5))
          local _, err = workflow.update("{app:durable|c}", "add", -5)
          local _, own = workflow.update(process.pid(), "add", 5)
          process.listen("go"):receive()
          return { sum, err:kind(), own:kind() }`,
      },
      functions: {
        ...drivers,
        ask:
          `return process.with_options{ ["workflow.id"] = "asker" }:spawn("app:asker", "app:durable")`,
        wait: `return process.exec("app:waiter", "app:processes")`,
      },
      processes: {
        waiter: `process.monitor("{app:durable|asker}")
          process.send("{app:durable|asker}", "go")
          return process.events():receive().result.value`,
      },
    });
    await application.call("spawn");
    await application.call("ask");
    expect(await application.call("wait")).toEqual([5, "Invalid", "Invalid"]);
    expect(await application.call("update", "add", 1)).toBe(6);
  });

  test("of unknown runs, and with wrong arguments, are refused", async () => {
    const application = await startMain(counter);
    const bad = await startDurable({
      functions: {
        unknown: `return workflow.update("{app:durable|nobody}", "add")`,
        options: `return workflow.update_with({ wait = "soon" }, "{app:durable|c}", "add")`,
        id: `return workflow.update_with({ id = "a|b" }, "{app:durable|c}", "add")`,
        types: `workflow.update(1, "add")`,
        handler: `return workflow.set_update_handler("x", print)`,
      },
    });
    expect(await failure(bad.call("unknown"))).toMatchObject({ kind: "NotFound" });
    expect(await failure(bad.call("options"))).toMatchObject({ kind: "Invalid" });
    expect(await failure(bad.call("id"))).toMatchObject({ kind: "Invalid" });
    expect((await failure(bad.call("types"))).message).toContain(
      "bad argument #2 to 'update_with'",
    );
    expect(await failure(bad.call("handler"))).toMatchObject({ kind: "Invalid" });
    expect(await application.call("update", "add", 1)).toBe(1);
  });

  test("and queries need a permission", async () => {
    const application = await startDurable({
      workflows: { main: counter },
      policies: { rule: { actions: ["funcs.call"], resources: "*", effect: "allow" } },
      functions: {
        ...drivers,
        denied: `return funcs.new():with_actor(security.new_actor("u1"))
          :with_scope(security.new_scope({ security.policy("app:rule") })):call("app:tries")`,
        tries: `local pid = "{app:durable|c}"
          return { select(2, workflow.update(pid, "add", 1)):message(), select(2, workflow.query(pid, "pid")):kind() }`,
      },
    });
    await application.call("spawn");
    expect(await application.call("denied")).toEqual([
      "not allowed to update workflow: {app:durable|c}",
      "PermissionDenied",
    ]);
  });
});
