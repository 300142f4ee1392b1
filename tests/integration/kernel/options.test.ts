import { describe, expect, test } from "bun:test";
import { main, runProcess } from "../application.ts";

/** Fails with a kind until it has been called so often; it counts by sending to `counter`. */
const flaky = main(`local kind, succeeds_at, n = ...
  process.send("counter", "attempt")
  local so_far = funcs.call("app:count")
  if so_far < succeeds_at then
    error(errors.new{ message = "attempt " .. so_far, kind = kind })
  end
  return so_far`);
const count = main(`local reply = process.listen("count")
  process.send("counter", "ask", process.pid())
  return reply:receive()`);
const counter = main(`process.registry.register("counter")
  process.send(..., "up")
  local inbox, attempts = process.inbox(), 0
  while true do
    local m = inbox:receive()
    if m:topic() == "attempt" then attempts = attempts + 1
    elseif m:topic() == "reset" then attempts = 0
    else process.send(m:payload():data(), "count", attempts) end
  end`);

/** `try(retry, kind, succeeds_at)` gives what the call gives, and how often it was attempted. */
const run = (body: string, meta: Record<string, unknown> = {}) =>
  runProcess(
    `local up = process.listen("up")
     process.spawn("app:counter", "app:processes", process.pid())
     up:receive()
     local function try(options, ...)
       process.send("counter", "reset")
       local value, err = funcs.new():with_options(options):call("app:flaky", ...)
       return tostring(value or err:kind()) .. " after " .. funcs.call("app:count")
     end
     local quick = { max_attempts = 3, initial_delay = 1, max_delay = "2ms" }
     ${body}`,
    { functions: { flaky: { source: flaky, meta }, count }, processes: { counter } },
  );

describe("retry", () => {
  test("repeats until it succeeds, or its attempts are used up", async () => {
    expect(
      await run(
        `return { try({ retry = quick }, "Unavailable", 2), try({ retry = quick }, "Timeout", 9),
        try({}, "Unavailable", 2), try({ retry = { max_attempts = 1 } }, "Unavailable", 2) }`,
      ),
    ).toEqual(["2 after 2", "Timeout after 3", "Unavailable after 1", "Unavailable after 1"]);
  });

  test("not for errors that say so, nor cancellations, nor kinds that would fail again", async () => {
    expect(
      await run(`local log = {}
        for _, kind in ipairs({ "Invalid", "PermissionDenied", "Internal", "Canceled", "NotFound" }) do
          table.insert(log, try({ retry = quick }, kind, 2))
        end
        return log`),
    ).toEqual([
      "Invalid after 1",
      "PermissionDenied after 1",
      "Internal after 1",
      "Canceled after 1",
      "2 after 2",
    ]);
  });

  test("retry_kinds allows only those, skip_kinds forbids first", async () => {
    expect(
      await run(`quick.retry_kinds = { "Internal", errors.TIMEOUT }
        local log = { try({ retry = quick }, "Internal", 2), try({ retry = quick }, "Conflict", 2) }
        quick.skip_kinds = { "Timeout" }
        table.insert(log, try({ retry = quick }, "Timeout", 2))
        return log`),
    ).toEqual(["2 after 2", "Conflict after 1", "Timeout after 1"]);
  });

  test("comes from the entry's meta.options too, replaced by the caller's", async () => {
    const meta = { options: { retry: { max_attempts: 2, initial_delay: "1ms" } } };
    expect(
      await run(
        `process.send("counter", "reset")
         local plain = funcs.call("app:flaky", "Unavailable", 2)
         return { plain, try({ retry = { max_attempts = 0 } }, "Unavailable", 2) }`,
        meta,
      ),
    ).toEqual([2, "Unavailable after 1"]);
  });

  test("works for async", async () => {
    expect(
      await run(`return funcs.new():with_options({ retry = quick })
        :async("app:flaky", "Unavailable", 3):channel():receive():data()`),
    ).toBe(3);
  });

  test("a cancelled future is not tried again", async () => {
    expect(
      await run(
        `local f = funcs.new():with_options({ retry = { max_attempts = 9, initial_delay = "50ms" } })
        :async("app:flaky", "Unavailable", 9)
        repeat until funcs.call("app:count") == 1
        f:cancel()
        local before = funcs.call("app:count")
        time.sleep("60ms")
        return { before, (funcs.call("app:count")) }`,
      ),
    ).toEqual([1, 1]);
  });

  test("options that make no sense are Invalid", async () => {
    expect(
      await run(`local log = {}
        for _, options in ipairs({ { retry = 1 }, { timeout = "soon" }, { timeout = -1 },
          { retry = { max_attempts = "many" } }, { retry = { max_attempts = 2, initial_delay = {} } } }) do
          local _, err = funcs.new():with_options(options):call("app:count")
          table.insert(log, err:kind())
        end
        local f = funcs.new():with_options({ retry = 1 }):async("app:count")
        table.insert(log, f:channel():receive():message())
        return log`),
    ).toEqual([...Array(5).fill("Invalid"), "option retry: a table expected, got 1"]);
  });
});

describe("timeout", () => {
  const functions = {
    slow: main(`process.registry.register("slow")
      time.sleep("1h")`),
    quick: 'return function(x) require("time").sleep("1ms") return x end',
  };
  const run = (body: string) => runProcess(body, { functions });

  test("ends the call and the function", async () => {
    expect(
      await run(`local value, err = funcs.new():with_options({ timeout = "2ms" }):call("app:slow")
        return { value == nil, err:kind(), (process.registry.lookup("slow")) == nil }`),
    ).toEqual([true, "Timeout", true]);
  });

  test("does nothing to a call that is quick", async () => {
    expect(
      await run(`local e = funcs.new():with_options({ timeout = "1h" })
        return { (e:call("app:quick", 1)), e:async("app:quick", 2):channel():receive():data() }`),
    ).toEqual([1, 2]);
  });

  test("of an asynchronous call fails its future", async () => {
    expect(
      await run(`local f = funcs.new():with_options({ timeout = 2 }):async("app:slow")
        return f:channel():receive():kind()`),
    ).toBe("Timeout");
  });
});
