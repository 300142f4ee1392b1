import { describe, expect, test } from "bun:test";
import { Simulation } from "../../../src/platform/simulation.ts";
import { failure, startDurable } from "./durable-application.ts";

/** A cart: `add` gives the sum and who has begun it; `pay` ends it. */
const cart = `
  local owner = ...
  note("began for " .. tostring(owner))
  local total = 0
  workflow.set_update_handler("add", function(n)
    total = total + n
    note("add " .. n)
    return { total, owner }
  end, { validator = function(n) return n > 0, "positive expected" end })
  workflow.set_update_handler("slow", function() time.sleep("1h") return "slow" end)
  workflow.set_update_handler("pay", function() return total end)
  process.listen("close"):receive()
  return total`;

const functions = {
  send: `local options, update = ...
    options["workflow.id"] = options["workflow.id"] or "cart"
    return workflow.update_with_start(options, "app:cart", "app:durable", update, select(3, ...))`,
  close: `process.monitor("{app:durable|cart}")
    process.send("{app:durable|cart}", "close")
    return process.events():receive().result.value`,
};
const units = { workflows: { cart }, functions };
const add = (n: number, more: Record<string, string> = {}) => ({ name: "add", args: [n], ...more });

describe("an update with a start", () => {
  test("starts the run with the arguments, once; later ones join it", async () => {
    const application = await startDurable(units);
    expect(await application.call("send", {}, add(2), "Ada")).toEqual([2, "Ada"]);
    expect(await application.call("send", {}, add(3), "Bob")).toEqual([5, "Ada"]);
    const { runs } = await application.workflows.list("app:durable", {});
    expect(runs).toHaveLength(1);
    const history = await application.workflows.history("app:durable", runs[0]!.runId);
    // The start and its update are shown to the code together.
    expect(history.slice(0, 4).map(({ type }) => type)).toEqual([
      "ExecutionStarted",
      "UpdateDelivered",
      "TaskStarted",
      "TaskCompleted",
    ]);
    expect(application.notes()).toEqual(["began for Ada", "add 2", "add 3"]);
  });

  test("with an id happens once: at once, after a restart, after the end of the run", async () => {
    const application = await startDurable(units);
    const once = () => application.call("send", {}, add(4, { id: "click" }), "Ada");
    expect(await Promise.all([once(), once(), once()])).toEqual([[4, "Ada"], [4, "Ada"], [
      4,
      "Ada",
    ]]);
    await application.start(units);
    expect(await once()).toEqual([4, "Ada"]);
    expect(await application.call("close")).toBe(4);
    expect(await once()).toEqual([4, "Ada"]);
    expect((await application.workflows.list("app:durable", {})).runs).toHaveLength(1);
    // Another id is another update, and so another run of the workflow id.
    expect(await application.call("send", {}, add(1, { id: "next" }), "Eve")).toEqual([1, "Eve"]);
    expect((await application.workflows.list("app:durable", {})).runs).toHaveLength(2);
    expect(application.notes()).toEqual(["began for Ada", "add 4", "began for Eve", "add 1"]);
  });

  test("of many at once makes one run", async () => {
    const application = await startDurable(units, { workers: 2 });
    const sent = Array.from(
      { length: 50 },
      (_, n) => application.call("send", {}, add(n + 1), "Ada"),
    );
    const totals = (await Promise.all(sent) as [number, string][]).map(([total]) => total);
    expect(Math.max(...totals)).toBe(1275);
    expect((await application.workflows.list("app:durable", {})).runs).toHaveLength(1);
  });

  test("that is refused leaves a run that was there as it was, and the new one open", async () => {
    const application = await startDurable(units);
    expect(await failure(application.call("send", {}, add(-1), "Ada"))).toMatchObject({
      message: "positive expected",
      details: { _update_status: "rejected" },
    });
    expect(await application.call("send", {}, add(1), "Bob")).toEqual([1, "Ada"]);
  });

  test("may wait for acceptance only", async () => {
    const application = await startDurable(units, { simulation: new Simulation({ seed: 2 }) });
    const slow = { name: "slow", id: "s", wait: "accepted" };
    expect(await application.call("send", {}, slow)).toBe("s");
    expect(await application.call("send", {}, { name: "slow", id: "s" })).toBe("slow");
  });

  test("obeys the id policies; what they refuse is not delivered", async () => {
    const application = await startDurable(units);
    await application.call("send", {}, add(1), "Ada");
    const fail = { "workflow.id_conflict_policy": "fail" };
    expect(await failure(application.call("send", fail, add(1)))).toMatchObject({
      kind: "AlreadyExists",
    });
    const replace = { "workflow.id_conflict_policy": "terminate_existing" };
    expect(await application.call("send", replace, add(7), "Bob")).toEqual([7, "Bob"]);
    expect(await application.call("close")).toBe(7);
    const reject = { "workflow.id_reuse_policy": "reject_duplicate" };
    expect(await failure(application.call("send", reject, add(1)))).toMatchObject({
      kind: "NotFound",
      message: "workflow cart is closed (completed)",
    });
    const both = { ...reject, "workflow.id_conflict_policy": "fail" };
    expect(await failure(application.call("send", both, add(1)))).toMatchObject({
      kind: "AlreadyExists",
    });
    expect(application.notes()).toEqual(["began for Ada", "add 1", "began for Bob", "add 7"]);
  });

  test("with bad input starts nothing", async () => {
    const application = await startDurable({
      ...units,
      functions: {
        ...functions,
        nameless:
          'return workflow.update_with_start({}, "app:cart", "app:durable", { name = "add" })',
        unknown:
          'return workflow.update_with_start({ ["workflow.id"] = "x" }, "app:no", "app:durable", { name = "add" })',
        elsewhere:
          'return workflow.update_with_start({ ["workflow.id"] = "x" }, "app:cart", "app:nowhere", { name = "add" })',
        types:
          'return workflow.update_with_start({ ["workflow.id"] = "x" }, "app:cart", "app:durable", "add")',
      },
    });
    const bad: [string, Record<string, string>, Record<string, unknown>][] = [
      ["name of the update", {}, {}],
      ["the name of the update is empty", {}, { name: "" }],
      ["args of the update", {}, { name: "add", args: 1 }],
      ["option wait", {}, { name: "add", wait: "never" }],
      ['the update id "a|b"', {}, { name: "add", id: "a|b" }],
      ["workflow.start_delay", { "workflow.start_delay": "1m" }, { name: "add" }],
      ["workflow.cron_schedule", { "workflow.cron_schedule": "@daily" }, { name: "add" }],
      ["workflow.run_timeout", { "workflow.run_timeout": "soon" }, { name: "add" }],
      ['holds "|"', { "workflow.id": "a|b" }, { name: "add" }],
    ];
    for (const [message, options, update] of bad) {
      const refused = await failure(application.call("send", options, update as never));
      expect(refused).toMatchObject({ kind: "Invalid", message: expect.stringContaining(message) });
    }
    expect(await failure(application.call("nameless"))).toMatchObject({ kind: "Invalid" });
    expect(await failure(application.call("unknown"))).toMatchObject({ kind: "NotFound" });
    expect(await failure(application.call("elsewhere"))).toMatchObject({ kind: "Unavailable" });
    expect((await failure(application.call("types"))).message).toContain("bad argument #4");
    expect((await application.workflows.list("app:durable", {})).runs).toEqual([]);
  });

  test("needs the permissions of both", async () => {
    const rule = (actions: string[]) => ({ actions, resources: "*", effect: "allow" });
    const as = (policy: string) =>
      `return funcs.new():with_actor(security.new_actor("u"))
        :with_scope(security.new_scope({ security.policy("app:${policy}") }))
        :call("app:send", {}, { name = "add", args = { 1 } }, "Ada")`;
    const application = await startDurable({
      ...units,
      policies: {
        starts: rule(["funcs.call", "process.spawn", "process.host"]),
        updates: rule(["funcs.call", "workflow.update", "process.host"]),
        both: rule(["funcs.call", "workflow.update", "process.spawn", "process.host", "fs.*"]),
      },
      functions: { ...functions, a: as("starts"), b: as("updates"), c: as("both") },
    });
    for (
      const [name, what] of [["a", "update workflow: {app:durable|cart}"], [
        "b",
        "spawn process: app:cart",
      ]] as const
    ) {
      expect(await failure(application.call(name))).toMatchObject({
        kind: "PermissionDenied",
        message: `not allowed to ${what}`,
      });
    }
    expect(application.notes()).toEqual([]);
    expect(await application.call("c")).toEqual([1, "Ada"]);
  });

  test("from a workflow is recorded, and not repeated by a replay", async () => {
    const main = `
      local seen = {}
      for i = 1, 2 do
        seen[i] = assert(workflow.update_with_start({ ["workflow.id"] = "cart" }, "app:cart", "app:durable",
          { name = "add", args = { i } }, "Ada"))
      end
      print("waiting") process.listen("go"):receive()
      return seen`;
    const all = {
      workflows: { cart, main },
      functions: {
        ...functions,
        begin:
          'return process.with_options{ ["workflow.id"] = "main" }:spawn("app:main", "app:durable")',
        finish: `process.monitor("{app:durable|main}")
          process.send("{app:durable|main}", "go")
          local result = process.events():receive().result
          if result.error then return nil, result.error end
          return result.value`,
      },
    };
    const application = await startDurable(all);
    await application.call("begin");
    await application.printedBy("main");
    await application.start(all);
    expect(await application.call("finish")).toEqual([[1, "Ada"], [3, "Ada"]]);
    expect(application.notes()).toEqual(["began for Ada", "add 1", "add 2"]);
  });
});
