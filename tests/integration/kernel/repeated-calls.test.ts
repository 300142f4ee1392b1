import { expect, test } from "bun:test";
import { main, runFunction } from "../application.ts";

/** Does a thing five times: natives make the calls of a function from its second one on. */
const five = (body: string) =>
  `local log = {}
  for i = 1, 5 do
    log[i] = (function() ${body} end)()
  end
  return log`;

async function same(body: string, functions: Record<string, string>): Promise<unknown> {
  const log = await runFunction(five(body), { functions });
  expect(log).toEqual(Array(5).fill((log as unknown[])[0]));
  return (log as unknown[])[0];
}

const shows = main(`local n = select("#", ...)
  local text = {}
  for i = 1, n do text[i] = type((select(i, ...))) .. ":" .. tostring((select(i, ...))) end
  return n .. " " .. table.concat(text, " ")`);

test("each call gets exactly its arguments", async () => {
  expect(
    await same(
      `local values = {}
      for i, result in ipairs({
        funcs.call("app:shows"), (funcs.call("app:shows", nil)), (funcs.call("app:shows", 1)),
        (funcs.call("app:shows", "text")), (funcs.call("app:shows", 1.5, false)), (funcs.call("app:shows", nil, nil)),
        (funcs.call("app:shows", ("long"):rep(20))), (funcs.call("app:shows", 1, 2, 3)), (funcs.call("app:shows", print)),
      }) do values[i] = result end
      return values`,
      { shows },
    ),
  ).toEqual([
    "0 ",
    "1 nil:nil",
    "1 number:1",
    "1 string:text",
    "2 number:1.5 boolean:false",
    "2 nil:nil nil:nil",
    `1 string:${"long".repeat(20)}`,
    "3 number:1 number:2 number:3",
    "1 nil:nil",
  ]);
});

test("each call gets its result, or the error", async () => {
  const gives = main(`local what = ...
    if what == "nothing" then return
    elseif what == "nil" then return nil
    elseif what == "false" then return false
    elseif what == "table" then return { 1, { a = 2 } }
    elseif what == "error" then return nil, errors.new({ message = "m", kind = errors.CONFLICT })
    elseif what == "both" then return 1, nil
    elseif what == "raise" then error("raised")
    elseif what == "wait" then time.sleep("1ms") return "waited"
    elseif what == "call" then return (funcs.call("app:gives", "table"))[2].a
    elseif what == "spawn" then
      local ch = channel.new(1)
      coroutine.spawn(function() ch:send("from another") end)
      return (ch:receive())
    elseif what == "pid" then return type(process.pid()) end
    return what`);
  expect(
    await same(
      `local log = {}
      for i, what in ipairs({ "nothing", "nil", "false", "table", "error", "both", "raise", "wait", "call", "spawn", "pid", "x" }) do
        local value, err = funcs.call("app:gives", what)
        log[i] = { type(value), value, err and err:kind(), err and err:message():match("%a+$") }
      end
      return log`,
      { gives },
    ),
  ).toMatchObject([
    ["nil"],
    ["nil"],
    ["boolean", false],
    ["table", [1, { a: 2 }]],
    { 1: "nil", 3: "Conflict", 4: "m" },
    ["number", 1],
    { 1: "nil", 4: "raised" },
    ["string", "waited"],
    ["number", 2],
    ["string", "from another"],
    ["string", "string"],
    ["string", "x"],
  ].map((row) =>
    Array.isArray(row) ? row : new Map(Object.entries(row).map(([k, v]) => [Number(k), v]))
  ));
});

test("more calls at once than there are instances wait for one another", async () => {
  const parts = {
    functions: {
      slow: {
        source: main(`local n = ... time.sleep("1ms") return n`),
        pool: { type: "static", workers: 2 },
      },
      quick: { source: main(`local n = ... return n`), pool: { type: "static", workers: 2 } },
    },
  };
  expect(
    await runFunction(
      `local sum, done = 0, channel.new(20)
      for i = 1, 20 do
        coroutine.spawn(function()
          for _ = 1, 5 do
            local value = funcs.call(i % 2 == 0 and "app:slow" or "app:quick", i)
            sum = sum + value
          end
          done:send(true)
        end)
      end
      for _ = 1, 20 do done:receive() end
      return sum`,
      parts,
    ),
  ).toBe(5 * 210);
});

test("a caller that ends takes its call with it, and its instance serves again", async () => {
  expect(
    await runFunction(
      `for i = 1, 5 do
        funcs.call("app:waits", "at once")
        local pid = process.spawn_monitored("app:caller", "app:processes")
        time.sleep("5ms")
        process.terminate(pid)
        process.events():receive()
      end
      return { funcs.call("app:waits", "at once"), process.registry.lookup("left") ~= nil }`,
      {
        functions: {
          waits: main(`local how = ...
            if how == "at once" then return how end
            time.sleep("10s")
            process.registry.register("left")
            return how`),
        },
        processes: {
          caller: main(`funcs.call("app:waits", "at once") funcs.call("app:waits", "later")`),
        },
      },
    ),
  ).toEqual(["at once", false]);
});

test("a call where nothing may wait is an error, and harms no later one", async () => {
  expect(
    await same(
      `local ok, err = pcall(table.sort, { 3, 2, 1 }, function(a, b) return funcs.call("app:shows", a) < "" end)
      return { ok, (funcs.call("app:shows", 1)) }`,
      { shows },
    ),
  ).toEqual([false, "1 number:1"]);
});

test("each asynchronous call gets its argument, and its future the outcome", async () => {
  const gives = main(`local what = ...
    if what == "nothing" then return
    elseif what == "table" then return { 1 }
    elseif what == "error" then return nil, errors.new({ message = "m", kind = errors.CONFLICT })
    elseif what == "wait" then time.sleep("1ms") end
    return what`);
  expect(
    await same(
      `local log = {}
      for i, what in ipairs({ "nothing", "table", "error", "wait", "x", { "y" }, false }) do
        local future = funcs.async("app:gives", what)
        local early = future:is_complete()
        local got, open = future:channel():receive()
        local again, still = future:channel():receive()
        local value = open and got.data and got:data()
        log[i] = {
          early, open, still, future:is_complete(), type(value), value == what,
          type(value) == "table" and value[1], got.kind and got:kind(),
        }
      end
      return log`,
      { gives },
    ),
  ).toEqual([
    [false, true, false, true, "nil", false, false],
    [false, true, false, true, "table", false, 1],
    [false, true, false, true, "nil", false, false, "Conflict"],
    [false, true, false, true, "string", true, false],
    [false, true, false, true, "string", true, false],
    [false, true, false, true, "table", false, "y"],
    [false, true, false, true, "boolean", true, false],
  ]);
});

test("an asynchronous call that is cancelled, or whose caller ends, frees its instance", async () => {
  expect(
    await runFunction(
      `for i = 1, 5 do
        local future = funcs.async("app:slow", "10s")
        time.sleep("1ms")
        future:cancel()
        local pid = process.spawn_monitored("app:caller", "app:processes")
        time.sleep("2ms")
        process.terminate(pid)
        process.events():receive()
      end
      local futures = {}
      for i = 1, 4 do futures[i] = funcs.async("app:slow", "1ms") end
      for i = 1, 4 do futures[i] = futures[i]:channel():receive():data() end
      return futures`,
      {
        functions: {
          slow: {
            source: main("local pause = ... time.sleep(pause) return pause"),
            pool: { type: "static", workers: 2 },
          },
        },
        processes: { caller: main(`funcs.async("app:slow", "10s") process.inbox():receive()`) },
      },
    ),
  ).toEqual(Array(4).fill("1ms"));
});
