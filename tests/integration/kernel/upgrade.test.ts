import { expect, test } from "bun:test";
import { main, runProcess } from "../application.ts";

/** Runs with a watcher of `app:first`, which is started with the PID of the main process. */
const run = (first: string, second: string, body: string) =>
  runProcess(
    `local events, inbox = process.events(), process.inbox()
     local pid = process.spawn_monitored("app:first", "app:processes", process.pid())
     ${body}`,
    { processes: { first: main(first), second: main(second), broken: "return {}" } },
  );

test("keeps the PID and its monitors, passes arguments, changes the entry", async () => {
  expect(
    await run(
      'process.upgrade("app:second", 1, nil, 3)',
      "return { process.pid(), process.id(), select('#', ...), (select(3, ...)) }",
      `local e = events:receive()
       local r = e.result.value
       return { e.from == pid, r[1] == pid, r[2], r[3], r[4] }`,
    ),
  ).toEqual([true, true, "app:second", 3, 3]);
});

test("without an id it starts the current definition again", async () => {
  expect(
    await run(
      `local parent, n = ...
       n = n or 0
       counter = (counter or 0) + 1
       if n < 3 then process.upgrade(nil, parent, n + 1) end
       return { n, counter }`,
      "",
      "return events:receive().result.value",
    ),
  ).toEqual([3, 1]);
});

test("without an id after an upgrade it starts the entry that it became", async () => {
  expect(
    await run(
      'process.upgrade("app:second")',
      `local again = ...
       if not again then process.upgrade(nil, true) end
       return process.id()`,
      "return events:receive().result.value",
    ),
  ).toBe("app:second");
});

test("keeps the mailbox, in order, fetched or not", async () => {
  expect(
    await run(
      `local ch, inbox = process.listen("a"), process.inbox()
       process.send(..., "up")
       local go = process.listen("go")
       go:receive()
       process.upgrade("app:second")`,
      `local inbox, log = process.inbox(), {}
       for _ = 1, 4 do
         local m = inbox:receive()
         table.insert(log, m:topic() .. m:payload():data())
       end
       local e = process.events():receive()
       table.insert(log, e.reason)
       return log`,
      `inbox:receive()
       process.send(pid, "a", 1) process.send(pid, "b", 2) process.send(pid, "a", 3)
       process.cancel(pid, "kept")
       process.send(pid, "b", 4)
       process.send(pid, "go")
       return events:receive().result.value`,
    ),
  ).toEqual(["a1", "b2", "a3", "b4", "kept"]);
});

test("keeps names, links and context values, loses options", async () => {
  expect(
    await run(
      `process.registry.register("n")
       process.set_options{ trap_links = true, upgradable = true }
       process.link(...)
       process.upgrade("app:second", ...)`,
      `process.send(..., "options", process.get_options())
       assert(process.registry.lookup("n") == process.pid())
       process.inbox():receive()
       error("x")`,
      `process.set_options{ trap_links = true }
       local options = inbox:receive():payload():data()
       process.send("n", "end")
       return { options, events:receive().kind, events:receive().kind }`,
    ),
  ).toEqual([{ trap_links: false, upgradable: false }, "pid.exit", "pid.link.down"]);
});

test("the old code's coroutines, timers and calls are gone", async () => {
  expect(
    await run(
      `local parent = ...
       coroutine.spawn(function() time.sleep("2ms") process.send(parent, "old coroutine") end)
       local after = time.after("2ms")
       coroutine.spawn(function() after:receive() process.send(parent, "old timer") end)
       process.upgrade("app:second")`,
      `time.sleep("10ms") return "new"`,
      `local value = events:receive().result.value
       return { value, channel.select{ inbox:case_receive(), default = true }.default }`,
    ),
  ).toEqual(["new", true]);
});

test("a failure to load crashes the process", async () => {
  expect(
    await run(
      'process.upgrade("app:nothing")',
      "",
      `local err = events:receive().result.error
       return { err:kind(), err:message() }`,
    ),
  ).toEqual(["NotFound", "upgrade: factory not found: app:nothing"]);
  expect(
    await run(
      'process.upgrade("app:broken")',
      "",
      "return events:receive().result.error:message()",
    ),
  ).toBe('upgrade: method "main" not found in module');
});

test("from a coroutine beside main, and inside pcall", async () => {
  expect(
    await run(
      `coroutine.spawn(function() pcall(process.upgrade, "app:second") end)
       time.sleep("1h")`,
      'return "upgraded"',
      "return events:receive().result.value",
    ),
  ).toBe("upgraded");
});

test("an argument that is too large to be copied crashes it", async () => {
  expect(
    await run(
      `local deep = {}
       for i = 1, 2000 do deep = { deep } end
       process.upgrade("app:second", deep)`,
      "",
      "return events:receive().result.error:message()",
    ),
  ).toContain("upgrade: ");
});

test("to what is no process crashes it", async () => {
  expect(
    await runProcess(
      `process.spawn_monitored("app:first", "app:processes")
       return process.events():receive().result.error:message()`,
      {
        processes: { first: main('process.upgrade("app:f")') },
        functions: { f: "return function() return 1 end" },
      },
    ),
  ).toContain("upgrade: ");
});
