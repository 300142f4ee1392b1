import { describe, expect, test } from "bun:test";
import { failure, runWorkflow, startDurable } from "./durable-application.ts";

describe("time", () => {
  test("stands still within a task and goes on between tasks", async () => {
    expect(
      await runWorkflow(`local first = time.now()
        local n = 0
        for i = 1, 200000 do n = n + i end
        local same = time.now():equal(first)
        uuid.v4()
        local still = time.now():equal(first) and os.time() == first:unix()
        time.sleep(5)
        time.sleep("5ms")
        return { same, still, time.now():sub(first):milliseconds() >= 5 }`),
    ).toEqual([true, true, true]);
  });

  test("is UTC, wherever the machine is", async () => {
    expect(
      await runWorkflow(`local t = time.date(2024, 6, 1, 12, 0, 0, 0)
        return { t:in_local():format_rfc3339(), os.time{ year = 1970, month = 1, day = 2, hour = 0 },
          os.date("%H", 3600) }`),
    ).toEqual(["2024-06-01T12:00:00Z", 86400, "01"]);
  });

  test("os.clock counts from the start of the run", async () => {
    expect(
      await runWorkflow(`local first = os.clock()
        time.sleep("20ms")
        return { first >= 0, os.clock() - first >= 0.02, os.clock() < 60 }`),
    ).toEqual([true, true, true]);
  });
});

describe("timers", () => {
  test("nothing is scheduled for no time", async () => {
    expect(
      await runWorkflow(`local before = workflow.history_length()
        time.sleep(0) time.sleep(-5)
        local _, err = time.after(0)
        return { before == workflow.history_length(), err:kind() }`),
    ).toEqual([true, "Invalid"]);
  });

  test("after gives one Time and closes", async () => {
    expect(
      await runWorkflow(`local ch = time.after("5ms")
        local at, ok = ch:receive()
        local _, more = ch:receive()
        return { at:equal(time.now()), ok, more }`),
    ).toEqual([true, true, false]);
  });

  test("the earlier one fires first", async () => {
    expect(
      await runWorkflow(`local late, early = time.after("60ms"), time.after("5ms")
        local got = channel.select{ late:case_receive(), early:case_receive() }
        return got.channel == early`),
    ).toBe(true);
  });

  test("a stopped timer does not fire, a reset one fires anew", async () => {
    expect(
      await runWorkflow(`local stopped = time.timer("5ms")
        local first, second = stopped:stop(), stopped:stop()
        local reset = time.timer("1h")
        local armed = reset:reset("10ms")
        local at = reset:response():receive()
        return { first, second, armed, at ~= nil, reset:reset("1ms"), stopped:response():receive() == nil }`),
    ).toEqual([true, false, true, true, false, true]);
  });

  test("a stopped timer cannot wake the run", async () => {
    const error = await failure(runWorkflow(`local timer = time.timer("1h")
      timer:stop()
      channel.new():receive()`));
    expect(error.message).toContain("deadlock");
  });

  test("a ticker ticks until it is stopped", async () => {
    expect(
      await runWorkflow(`local ticker, ticks = time.ticker("5ms"), 0
        for _ = 1, 3 do ticker:response():receive() ticks = ticks + 1 end
        ticker:stop()
        return { ticks, ticker:response():receive() == nil }`),
    ).toEqual([3, true]);
  });

  test("a timer of a year is a row, not a wait", async () => {
    expect(
      await runWorkflow(`time.after("8760h")
        time.sleep("5ms")
        return "went on"`),
    ).toBe("went on");
  });
});

describe("coroutines", () => {
  test("a spawned one runs before its spawner goes on", async () => {
    expect(
      await runWorkflow(`local order = {}
        coroutine.spawn(function()
          order[#order + 1] = "spawned"
          time.sleep(1)
          order[#order + 1] = "later"
        end)
        order[#order + 1] = "spawner"
        time.sleep("20ms")
        return order`),
    ).toEqual(["spawned", "spawner", "later"]);
  });

  test("one that computes for long keeps its turn: how long a slice is decides no order", async () => {
    expect(
      await runWorkflow(
        `local order = {}
        for _, name in ipairs{ "long", "short" } do
          coroutine.spawn(function()
            local sum = 0
            for i = 1, name == "long" and 3000000 or 1 do sum = sum + i end
            order[#order + 1] = name
          end)
        end
        time.sleep(1)
        return order`,
      ),
    ).toEqual(["long", "short"]);
  });

  test("two wait at once", async () => {
    const application = await startDurable({
      workflows: {
        main: `local done = channel.new()
          for i = 1, 3 do
            coroutine.spawn(function() done:send(funcs.call("app:same", i)) end)
          end
          return done:receive() + done:receive() + done:receive()`,
      },
      functions: { same: "return ...", start: 'return workflow.exec("app:main")' },
    });
    expect(await application.call("start")).toBe(6);
  });

  test("an application's own coroutines pass waits through", async () => {
    const body = `local steps = coroutine.wrap(function()
        for i = 1, 3 do time.sleep(1) coroutine.yield(funcs.call("app:same", i)) end
      end)
      return { steps(), steps(), steps() }`;
    expect(await runWorkflow(body, { functions: { same: "return ..." } })).toEqual([1, 2, 3]);
  });

  test("pcall catches errors across waits", async () => {
    expect(
      await runWorkflow(`local ok, err = pcall(function() time.sleep(1) error("inside", 0) end)
        return { ok, tostring(err) }`),
    ).toEqual([false, "inside"]);
  });
});

test("a file stays open only within one operation, and says so", async () => {
  expect(
    await runWorkflow(`local volume = fs.get("app:files")
      volume:writefile("a.txt", "text")
      local file = assert(volume:open("a.txt", "r"))
      local data, err = file:read(4)
      return { data == nil, err:message() }`),
  ).toEqual([true, expect.stringContaining("workflow")]);
});
