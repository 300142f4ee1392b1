import { describe, expect, test } from "bun:test";
import { Simulation } from "../../../src/platform/simulation.ts";
import { startDurable, type Units } from "./durable-application.ts";

/** Runs `app:main` under the virtual clock; answers its result and what was written down. */
async function run(main: string, units: Units = {}): Promise<{ value: unknown; notes: string[] }> {
  const application = await startDurable({
    ...units,
    workflows: { main, ...units.workflows },
    functions: {
      start: 'return workflow.exec("app:main")',
      slow: `note("began") time.sleep("5m") note("ended") return "slow"`,
      undo: `note("undone") return "undone"`,
      ...units.functions,
    },
  }, { simulation: new Simulation({ seed: 4 }) });
  const value = await application.call("start");
  return { value, notes: application.notes() };
}

describe("a cancellation scope", () => {
  test("gives the results of its function when nothing is canceled", async () => {
    const { value } = await run(
      `
      local a, b = workflow.cancellation_scope(function(scope, x)
        time.sleep("1s")
        return x + funcs.call("app:one"), scope:is_canceled()
      end, 1)
      return { a, b }`,
      { functions: { one: "return 1" } },
    );
    expect(value).toEqual([2, false]);
  });

  test("cancels the activities, sleeps and children that were started inside", async () => {
    const { value, notes } = await run(
      `
      local seen = {}
      local result, err = workflow.cancellation_scope(function(scope)
        coroutine.spawn(function()
          local _, failure = funcs.call("app:slow")
          seen.activity = failure:kind()
        end)
        coroutine.spawn(function()
          local _, failure = workflow.exec("app:child")
          seen.child = failure:kind()
        end)
        coroutine.spawn(function()
          local ok, raised = pcall(time.sleep, "2h")
          seen.sleep = not ok and raised:kind() .. " " .. raised:message()
        end)
        local future = funcs.async("app:slow")
        time.sleep("1m")
        scope:cancel("enough")
        local got = future:channel():receive()
        seen.future = errors.is(got, "Canceled")
        local _, refused = funcs.call("app:slow")
        seen.later = refused:message()
        time.sleep("1s")
        seen.never = true
      end)
      seen.result = { result == nil, err:kind(), err:message() }
      time.sleep("1m")
      seen.minutes = os.clock() // 60
      return seen`,
      {
        workflows: {
          child: `local event = process.events():receive()
            note("child " .. event.reason)
            return nil, errors.new{ kind = "Canceled", message = "gone" }`,
        },
      },
    );
    expect(value).toEqual({
      activity: "Canceled",
      child: "Canceled",
      sleep: "Canceled enough",
      future: true,
      later: "enough",
      result: [true, "Canceled", "enough"],
      minutes: 2,
    });
    expect(notes).toEqual(["began", "began", "child enough"]);
  });

  test("leaves what is outside of it alone, and does not reach a shielded scope", async () => {
    const { value, notes } = await run(`
      local outside = funcs.async("app:slow")
      local ok, err = workflow.cancellation_scope(function(scope)
        coroutine.spawn(function() time.sleep("1m") scope:cancel() end)
        local _, failure = pcall(time.sleep, "2h")
        return workflow.non_cancellable(function()
          time.sleep("1m")
          return funcs.call("app:undo"), failure:message()
        end)
      end)
      return { ok, err, outside:channel():receive():data() }`);
    expect(value).toEqual(["undone", "scope canceled", "slow"]);
    expect(notes).toEqual(["began", "undone", "ended"]);
  });

  test("reaches the scopes inside of it, and tells who waits for a channel", async () => {
    const { value } = await run(`
      local seen = {}
      workflow.cancellation_scope(function(outer)
        coroutine.spawn(function()
          workflow.cancellation_scope(function(inner)
            local _, open = inner:done():receive()
            seen[#seen + 1] = { open, inner:is_canceled() }
          end)
        end)
        time.sleep("1s")
        outer:cancel()
        outer:cancel("again")
      end)
      time.sleep("1s")
      return seen`);
    expect(value).toEqual([[false, true]]);
  });

  test("ends after its timeout, or before it", async () => {
    const { value } = await run(`
      local function nap(_, d) time.sleep(d) return "rested" end
      local late, err = workflow.with_timeout("1m", nap, "1h")
      local soon = workflow.with_timeout("1h", nap, "1m")
      return { late == nil, err:message(), soon, os.clock() // 60 }`);
    expect(value).toEqual([true, "scope timed out", "rested", 2]);
  });

  test("passes on other errors", async () => {
    const { value } = await run(`
      local ok, err = pcall(workflow.cancellation_scope, function() error("broken") end)
      local wrong = select(2, pcall(workflow.cancellation_scope, 5))
      return { ok, err, wrong, select(2, workflow.with_timeout(0, print)):kind() }`);
    expect(value).toEqual([
      false,
      expect.stringContaining("broken"),
      expect.stringContaining("bad argument #1 to 'cancellation_scope' (function expected"),
      "Invalid",
    ]);
  });

  test("is Invalid outside of workflows", async () => {
    const application = await startDurable({
      functions: { outside: "return select(2, workflow.cancellation_scope(print)):kind()" },
    });
    expect(await application.call("outside")).toBe("Invalid");
  });

  test("is the same after a restart", async () => {
    const units = (more = "") => ({
      workflows: {
        main: `local done = process.listen("go")
          local _, err = workflow.cancellation_scope(function(scope)
            coroutine.spawn(function() done:receive() scope:cancel("asked") end)
            funcs.async("app:long")
            print("waiting")
            time.sleep("1h")
          end)
          print("canceled")
          done:receive() ${more}
          return err:message()`,
      },
      functions: {
        long: 'time.sleep("1h")',
        begin:
          'return process.with_options{ ["workflow.id"] = "s" }:spawn("app:main", "app:durable")',
        go: 'return process.send("{app:durable|s}", "go")',
        result: `process.monitor("{app:durable|s}") return process.events():receive().result.value`,
      },
    });
    const application = await startDurable(units());
    await application.call("begin");
    await application.reported("waiting");
    await application.start(units());
    await application.call("go");
    await application.reported("canceled");
    await application.start(units());
    await application.call("go");
    expect(await application.call("result")).toBe("asked");
  });
});
