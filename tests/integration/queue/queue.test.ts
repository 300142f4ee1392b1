/** The module `queue` and consumers on queues in memory, through the whole runtime. */
import { describe, expect, test } from "bun:test";
import { startApplication, type StartOptions } from "../application.ts";
import { until } from "../../until.ts";
import { auto, code, notesOf, withQueue } from "./queues.ts";

type Given = Parameters<typeof withQueue>;

describe.each(["memory", "sqlite"])("%s", (kind) => {
  const withDriver = (functions: Given[0], options: Given[1] = {}) =>
    withQueue(functions, { ...options, driver: { kind: `queue.driver.${kind}` } });
  const start = (...given: Given) => startApplication(withDriver(...given));
  const startWith = (options: StartOptions, ...given: Given) =>
    startApplication(withDriver(...given), options);

  test("a message arrives as it was sent, with its id and headers", async () => {
    const application = await start({
      publish: `
      local sent = { n = math.maxinteger, f = 1.0, bytes = "\\255", list = { 1, { true } } }
      local ok, err = queue.publish("app:work", sent, { kind = "order", number = 7, flag = false })
      sent.n = 0
      assert(queue.publish("app:work", "text"))
      assert(queue.publish("app:work", false))
      return ok == true and err == nil`,
      handle: `
      local body = ...
      if type(body) ~= "table" then note(type(body) .. " " .. tostring(body)) return end
      assert(select("#", ...) == 1)
      assert(body.n == math.maxinteger and math.type(body.f) == "float" and body.bytes == "\\255")
      assert(body.list[2][1] == true)
      local message = assert(queue.message())
      assert(#message:id() == 36 and message:id():sub(15, 15) == "4")
      local headers = message:headers()
      headers.kind = "changed"
      assert(message:header("kind") == "order" and message:header("number") == 7)
      assert(message:header("flag") == false and message:header("none") == nil)
      assert(math.type(headers.timestamp) == "integer" and headers.timestamp > 1700000000)
      assert(message:attempt() == 1)
      note("ok")`,
    });
    expect(await application.call("publish")).toBe(true);
    expect(await notesOf(application, 3)).toEqual(["ok", "string text", "boolean false"]);
  });

  test("every documented error, with its kind", async () => {
    const application = await start({
      main: `
      local seen = {}
      local function add(value, err) seen[#seen + 1] = tostring(value) .. " " .. err:kind() end
      add(queue.publish("", 1))
      add(queue.publish("app:work", nil))
      add(queue.publish("app:work", print))
      add(queue.publish("app:work", coroutine.create(print)))
      add(queue.publish("app:work", {}))
      add(queue.publish("app:none", 1))
      add(queue.publish("app:driver", 1))
      add(queue.publish("app:work", 1, { list = {} }))
      add(queue.publish("app:work", 1, { "unnamed" }))
      add(queue.publish("app:work", 1, nil, { delay = "7d" }))
      add(queue.publish("app:work", 1, nil, { id = "" }))
      add(queue.publish("app:work", 1, nil, { id = "\\xff" }))
      add(queue.publish("\\xff", 1))
      add(queue.message())
      add(queue.info("app:none"))
      add(queue.publish("app:stopped", 1))
      seen[#seen + 1] = select(2, pcall(queue.publish)):match("bad argument #1 to 'publish'")
      seen[#seen + 1] = select(2, pcall(queue.publish, "app:work", 1, "h")):match("bad argument #3 to 'publish'")
      return seen`,
    }, {
      entries: {
        stopped: { kind: "queue.queue", driver: "app:driver", lifecycle: { auto_start: false } },
      },
    });
    expect(await application.call("main")).toEqual([
      "nil Invalid",
      "nil Invalid",
      "nil Invalid",
      "nil Invalid",
      "nil Invalid",
      "nil Internal",
      "nil Internal",
      "nil Invalid",
      "nil Invalid",
      "nil Invalid",
      "nil Invalid",
      "nil Invalid",
      "nil Invalid",
      "nil Invalid",
      "nil Internal",
      "nil Unavailable",
      "bad argument #1 to 'publish'",
      "bad argument #3 to 'publish'",
    ]);
  });

  test("what a handler returns settles its message", async () => {
    const application = await start({
      publish: `for _, how in ipairs({ "nothing", "false", "text", "error", "raise" }) do
      assert(queue.publish("app:work", how)) end`,
      handle: `
      local how = ...
      local attempt = queue.message():attempt()
      note(how .. " " .. attempt)
      if attempt > 1 then return end
      if how == "false" then return false end
      if how == "text" then return nil, "no" end
      if how == "error" then return true, errors.new("no") end
      if how == "raise" then error("no") end`,
    }, { consumer: { lifecycle: { auto_start: false } } });
    await application.call("publish");
    await application.node.control.startService("app:consumer");
    // What failed went to the tail, once each.
    expect(await notesOf(application, 8)).toEqual([
      ...["nothing 1", "false 1", "text 1", "error 1", "raise 1"],
      ...["text 2", "error 2", "raise 2"],
    ]);
    expect(await application.call("read_notes", 8)).not.toContain("nothing 2");
  });

  test("a message is settled once, by whoever is first", async () => {
    const application = await start({
      publish: `
      for _, how in ipairs({ "ack", "nack" }) do assert(queue.publish("app:work", how)) end`,
      handle: `
      local how = ...
      local message = queue.message()
      if message:attempt() == 2 then note(how .. " again") return end
      local ok, err = message[how](message)
      local again, twice = message:ack()
      local third, thrice = queue.message():nack()
      note(table.concat({ how, tostring(ok), tostring(err), tostring(again), twice:kind(), thrice:kind() }, " "))
      -- The failure comes too late for the message that is acknowledged.
      if how == "ack" then error("late") end`,
    });
    await application.call("publish");
    expect((await notesOf(application, 3)).sort()).toEqual([
      "ack true nil nil Invalid Invalid",
      "nack again",
      "nack true nil nil Invalid Invalid",
    ]);
  });

  test.each([["one thread", { workers: 1 }], ["threads", { workers: 3, threads: true }]] as const)(
    "functions that a handler calls have its message: %s",
    async (_name, options) => {
      const application = await startWith(options, {
        publish: `assert(queue.publish("app:work", "job", { a = "1" }))`,
        handle: `
        local message = queue.message()
        local inner, err = funcs.call("app:inner")
        assert(inner == message:id(), err)
        local futures = {}
        for i = 1, 40 do futures[i] = funcs.async("app:inner") end
        for i = 1, 40 do
          local answer = futures[i]:response():receive()
          assert(answer:data() == inner)
        end
        note("handled")`,
        inner: `return queue.message():id()`,
      });
      await application.call("publish");
      expect(await notesOf(application, 1)).toEqual(["handled"]);
    },
  );

  test("a message that is kept beyond its handler is of no use", async () => {
    const sources = withDriver({
      publish: `assert(queue.publish("app:work", "job"))`,
      handle: `assert(process.spawn("app:late", "app:processes"))`,
    });
    const application = await startApplication({
      ...sources,
      processes: {
        late: {
          modules: ["queue", "store", "time", "funcs", "security"],
          source: (code(`
          local message = queue.message()
          while message:id() do time.sleep("1ms") end
          local seen = {}
          for _, name in ipairs({ "id", "headers", "ack", "nack" }) do
            local value, err = message[name](message)
            seen[#seen + 1] = tostring(value) .. " " .. err:kind()
          end
          note(table.concat(seen, ", "))`) as { source: string }).source,
        },
      },
    }, { workers: 2, threads: true });
    await application.call("publish");
    expect(await notesOf(application, 1)).toEqual([
      "nil Invalid, nil Invalid, nil Invalid, nil Invalid",
    ]);
  });

  test("a publisher waits while the queue is full, and is cancelled while it waits", async () => {
    const application = await start({
      fill: `
      assert(queue.publish("app:work", 1))
      assert(queue.publish("app:work", 2))
      local future = funcs.async("app:publish", "cancelled")
      time.sleep("20ms")
      assert(not future:is_complete())
      future:cancel()
      local info = assert(queue.info("app:work"))
      return { info.message_count, info.ready, info.consumer_count }`,
      publish: `return queue.publish("app:work", ...)`,
      handle: `note(tostring(...))`,
    }, {
      queue: { driver_options: { [kind]: { max_length: 2 } } },
      consumer: { lifecycle: { auto_start: false } },
    });
    expect(await application.call("fill")).toEqual([2, 2, 0]);
    const third = application.call("publish", 3);
    const info = async () => await application.node.control.inspectService("app:work");
    await until(info, (work) => (work as { waiting: number }).waiting === 1);
    await application.node.control.startService("app:consumer");
    expect(await third).toBe(true);
    expect(await notesOf(application, 3)).toEqual(["1", "2", "3"]);
  });

  test("after its last attempt a message goes to the dead-letter queue and says why", async () => {
    const application = await start({
      publish:
        `assert(queue.publish("app:work", { order = 7 }, { kind = "order", x_dead_letter_reason = "forged" }))`,
      handle: `
      note("try " .. queue.message():attempt() .. " " .. tostring(queue.message():header("x_dead_letter_reason")))
      error("no such order")`,
      dead: `
      local h = queue.message():headers()
      assert((...).order == 7 and h.kind == "order" and h.x_dead_letter_time > 1700000000)
      assert(h.x_dead_letter_error:find("no such order"))
      note(table.concat({ h.x_dead_letter_queue, h.x_dead_letter_reason, h.x_dead_letter_attempts }, " "))`,
    }, {
      queue: { dead_letter: { queue: "app:dead_letters", max_attempts: 2 } },
      entries: {
        dead_letters: { kind: "queue.queue", driver: "app:driver" },
        undertaker: {
          kind: "queue.consumer",
          queue: "app:dead_letters",
          func: "app:dead",
          ...auto,
        },
      },
    });
    await application.call("publish");
    expect(await notesOf(application, 3)).toEqual([
      "try 1 nil",
      "try 2 nil",
      "app:work max_attempts 2",
    ]);
  });

  test("a handler runs as its consumer, not as the publisher", async () => {
    const policy = (actions: string[], resources: string | string[]) => ({
      kind: "security.policy",
      policy: { actions, resources, effect: "allow", conditions: [] },
    });
    const application = await start({
      main: `
      local function as(...)
        local policies = {}
        for _, name in ipairs({ ... }) do policies[#policies + 1] = assert(security.policy(name)) end
        return funcs.new():with_actor(security.new_actor("alice")):with_scope(security.new_scope(policies))
      end
      local seen = {}
      for _, names in ipairs({ {}, { "app:any" }, { "app:any", "app:own" } }) do
        seen[#seen + 1] = as("app:calls", table.unpack(names)):call("app:publish")
      end
      return seen`,
      publish: `
      local ok, err = queue.publish("app:work", "x")
      return err and err:kind() or tostring(ok)`,
      handle: `
      local actor = security.actor()
      note(actor:id() .. " " .. tostring(security.can("do.it", "x")) .. " " .. tostring(security.can("queue.publish", "")))`,
    }, {
      consumer: {
        lifecycle: {
          auto_start: true,
          security: { actor: { id: "worker" }, policies: ["app:worker_policy"] },
        },
      },
      entries: {
        calls: policy(["funcs.*"], "*"),
        any: policy(["queue.publish"], "*"),
        own: policy(["queue.publish.queue"], ["app:work"]),
        worker_policy: policy(["do.it", "store.*"], "*"),
      },
    });
    expect(await application.call("main")).toEqual(["Invalid", "Invalid", "true"]);
    expect(await notesOf(application, 1)).toEqual(["worker true false"]);
  });

  test("a delayed message comes later, and counts as one that waits", async () => {
    const application = await start({
      publish: `
      assert(queue.publish("app:work", "much later", nil, { delay = "1h" }))
      local info = queue.info("app:work")
      assert(queue.publish("app:work", "late", nil, { delay = "30ms" }))
      assert(queue.publish("app:work", "soon"))
      return { info.message_count, info.ready }`,
      handle: `note(...)`,
    });
    expect(await application.call("publish")).toEqual([1, 0]);
    expect(await notesOf(application, 2)).toEqual(["soon", "late"]);
  });

  test("a second message with the same id is dropped", async () => {
    const application = await start({
      publish: `
      for _, body in ipairs({ "one", "two" }) do
        assert(queue.publish("app:work", body, nil, { id = "order-7" }))
      end
      assert(queue.publish("app:work", "end"))`,
      handle: `note((...) .. " " .. queue.message():id():sub(1, 7))`,
    });
    await application.call("publish");
    const notes = await notesOf(application, 2);
    expect(notes[0]).toBe("one order-7");
    expect(notes[1]).toStartWith("end ");
  });

  test("concurrency limits the handlers, and workers share them", async () => {
    const application = await startWith({ workers: 2, threads: true }, {
      publish: `for i = 1, 12 do assert(queue.publish("app:work", i)) end`,
      handle: `
      local s = assert(store.get("app:notes"))
      local function count(change)
        while true do
          local entry = s:entry("running")
          local value = (entry and entry.value or 0) + change
          if s:put("running", value, entry and { if_version = entry.version } or { only_if_absent = true }) then
            return value
          end
        end
      end
      local running = count(1)
      time.sleep("5ms")
      count(-1)
      note(tostring(running))`,
    }, { consumer: { concurrency: 3 } });
    await application.call("publish");
    const most = Math.max(...(await notesOf(application, 12)).map(Number));
    expect(most).toBeGreaterThan(1);
    expect(most).toBeLessThanOrEqual(3);
  });

  test("a stop waits for handlers, and what waited for one stays in the queue", async () => {
    const application = await start({
      publish: `for i = 1, 5 do assert(queue.publish("app:work", i)) end`,
      handle: `
      note("begin " .. ...)
      local s = assert(store.get("app:notes"))
      while not s:get("go") do time.sleep("1ms") end
      -- Settled while the consumer stops.
      assert(queue.message():ack())
      note("end " .. ...)`,
      go: `assert(store.get("app:notes")):set("go", true)`,
    });
    await application.call("publish");
    await notesOf(application, 1);
    const { control } = application.node;
    const stopped = control.stopService("app:consumer");
    await application.call("go");
    await stopped;
    expect(await notesOf(application, 2)).toEqual(["begin 1", "end 1"]);
    expect(await control.inspectService("app:work")).toMatchObject({ messages: 4, consumers: 0 });
    await control.startService("app:consumer");
    expect((await notesOf(application, 10)).at(-1)).toBe("end 5");
  });

  test("what comes at once is shared by the workers", async () => {
    const sources = withDriver({
      crowd: `
        local pids = {}
        for i = 1, 100 do pids[i] = assert(process.spawn("app:rest", "app:processes")) end
        return pids`,
      leave: `for _, pid in ipairs((...)) do assert(process.send(pid, "leave")) end`,
      publish: `for i = 1, 64 do assert(queue.publish("app:work", i)) end`,
      handle: `note(tostring(tonumber(process.pid():match("0x(%x+)"):sub(9), 16) & 63))`,
    }, { consumer: { concurrency: 64, prefetch: 64, lifecycle: { auto_start: false } } });
    const application = await startApplication({
      ...sources,
      processes: {
        rest: { modules: [], source: "return { main = function() process.inbox():receive() end }" },
      },
    }, { workers: 2, threads: true });
    const { control } = application.node;
    // The second worker starts when many units are there.
    const pids = await application.call("crowd");
    await until(() => control.workers.length === 2);
    await application.call("leave", pids);
    await until(() => control.workers.every(({ units }) => units < 5));
    await application.call("publish");
    await control.startService("app:consumer");
    expect(new Set(await notesOf(application, 64)).size).toBe(2);
  });

  test("a handler whose worker dies has its message handled elsewhere", async () => {
    const application = await startWith({ workers: 2, threads: true }, {
      publish: `assert(queue.publish("app:work", "job"))`,
      handle: `
        local attempt = queue.message():attempt()
        note("begin " .. attempt)
        if attempt == 1 then time.sleep("1h") end`,
    });
    await application.call("publish");
    await notesOf(application, 1);
    for (let worker = 0; worker < 2; worker++) application.node.killWorker(worker);
    await until(() => application.logs.some(({ message }) => message.includes("was replaced")));
    expect(await notesOf(application, 2)).toEqual(["begin 1", "begin 2"]);
    await until(
      () => application.node.control.inspectService("app:work"),
      (work) => (work as { in_flight: number }).in_flight === 0,
    );
  });

  test("publishers that end while they wait leave nothing behind", async () => {
    const application = await start({
      fill: `
        assert(queue.publish("app:work", 1))
        local futures = {}
        for i = 1, 20 do futures[i] = funcs.async("app:publish") end
        time.sleep("5ms")
        error("ends with all that it has called")`,
      publish: `return queue.publish("app:work", "never")`,
    }, { queue: { driver_options: { [kind]: { max_length: 1 } } } });
    expect(await application.call("fill").catch((error: Error) => error.message)).toContain("ends");
    const work = await until(
      () => application.node.control.inspectService("app:work"),
      (shown) => (shown as { waiting: number }).waiting === 0,
    );
    expect(work).toMatchObject({ messages: 1, published: 1 });
  });

  test("a handler that outlasts the stop is cancelled, and its message comes again", async () => {
    const application = await start({
      publish: `assert(queue.publish("app:work", "job"))`,
      handle: `
      local s = assert(store.get("app:notes"))
      note("begin " .. queue.message():attempt())
      while not s:get("go") do time.sleep("1ms") end
      note("end")`,
      go: `assert(store.get("app:notes")):set("go", true)`,
    }, { consumer: { lifecycle: { auto_start: true, stop_timeout: "30ms" } } });
    await application.call("publish");
    await notesOf(application, 1);
    const { control } = application.node;
    await control.stopService("app:consumer");
    expect(await control.inspectService("app:work")).toMatchObject({ messages: 1, in_flight: 0 });
    await application.call("go");
    await control.startService("app:consumer");
    expect(await notesOf(application, 3)).toEqual(["begin 1", "begin 1", "end"]);
  });

  test("what is shown of a queue and its consumer", async () => {
    const application = await start({
      publish: `
      for i = 1, 3 do assert(queue.publish("app:work", i)) end
      assert(queue.publish("app:work", "later", nil, { delay = "1h" }))`,
      handle: `note("done") if queue.message():attempt() == 1 and ... == 2 then error("once") end`,
    });
    await application.call("publish");
    await notesOf(application, 4);
    const { control } = application.node;
    const work = await until(
      () => control.inspectService("app:work"),
      (shown) => (shown as { acknowledged: number }).acknowledged === 3,
    );
    expect(work).toMatchObject({
      driver: "app:driver",
      ...{ messages: 1, ready: 0, in_flight: 0, consumers: 1, waiting: 0 },
      ...{ published: 4, delivered: 4, acknowledged: 3, failed: 1, dead_lettered: 0 },
    });
    expect(await control.inspectService("app:consumer")).toMatchObject({
      ...{ queue: "app:work", func: "app:handle", running: 0, waiting: 0, handled: 4, failed: 1 },
    });
    const figures = new Map(
      control.figures.map(({ name, service, value }) => [`${service} ${name}`, value]),
    );
    expect(figures.get("app:work wippy_queue_published_total")).toBe(4);
    expect(figures.get("app:work wippy_queue_messages")).toBe(1);
    expect(figures.get("app:consumer wippy_queue_consumer_calls_total")).toBe(4);
  });
});
