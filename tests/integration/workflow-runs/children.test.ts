import { describe, expect, test } from "bun:test";
import { failure, runWorkflow, startDurable, type Units } from "./durable-application.ts";

const told = `local function told(value, err)
  if not err then return { value = value } end
  local details = err:details() or {}
  return { kind = err:kind(), message = err:message(), retryable = err:retryable(),
    wrapper = details._wrapper, id = details._workflow_id, type = details._workflow_type }
end `;

const workflows = {
  echo: "return ...",
  fails: 'return nil, errors.new{ message = "taken", kind = "Conflict" }',
  waits: 'return process.listen("stop"):receive()',
};

/** Runs a workflow among the ones above. */
const run = (body: string, units: Units = {}) =>
  runWorkflow(body, { ...units, workflows: { ...workflows, ...units.workflows } });

describe("awaited", () => {
  test("workflow.exec, workflow.execute and process.exec", async () => {
    expect(
      await run(`return { (workflow.exec("app:echo", 1)), (workflow.execute("app:echo", 2)),
        (process.exec("app:echo", "app:durable", 3)) }`),
    ).toEqual([1, 2, 3]);
  });

  test("a failure does not fail the parent; the two forms tell it as the spec says", async () => {
    expect(
      await run(`${told} return { told(workflow.exec("app:fails")),
        told(process.exec("app:fails", "app:durable")) }`),
    ).toMatchObject([
      {
        kind: "Conflict",
        message: "workflow exec failed: taken",
        retryable: true,
        wrapper: "child_workflow",
        type: "app:fails",
      },
      { kind: "Conflict", message: "taken", wrapper: "child_workflow" },
    ]);
  });

  test("what cannot start", async () => {
    expect(
      await run(`${told} return { told(workflow.exec("")), told(workflow.exec("nobody")),
        told(workflow.exec("app:nobody")),
        told(workflow.exec("app:echo", (function(t) for i = 1, 200 do t = { t } end return t end)({}))) }`),
    ).toMatchObject([
      { kind: "Invalid" },
      { kind: "Invalid" },
      { kind: "NotFound" },
      { kind: "Invalid" },
    ]);
  });
});

describe("spawned", () => {
  test("the PID when it has started, one EXIT when it is closed", async () => {
    expect(
      await run(`local events = process.events()
        local pid = assert(process.spawn("app:echo", "app:durable", { 5 }))
        local event = events:receive()
        local more = channel.select{ events:case_receive(), time.after("30ms"):case_receive() }
        return { event.kind, event.from == pid, event.result.value, event.result.error == nil,
          math.type(event.at), more.channel ~= events }`),
    ).toEqual(["pid.exit", true, [5], true, "integer", true]);
  });

  test("a failed child", async () => {
    expect(
      await run(`${told} process.with_options{ ["workflow.id"] = "kid" }
          :spawn("app:fails", "app:durable")
        return told(nil, process.events():receive().result.error)`),
    ).toEqual({
      kind: "Conflict",
      message: "taken",
      wrapper: "child_workflow",
      id: "kid",
      type: "app:fails",
    });
  });

  test("an id in use is refused and gives no EXIT", async () => {
    expect(
      await run(`local builder = process.with_options{ ["workflow.id"] = "kid" }
        assert(builder:spawn("app:waits", "app:durable"))
        local pid, err = builder:spawn("app:waits", "app:durable")
        local events = process.events()
        local got = channel.select{ events:case_receive(), time.after("30ms"):case_receive() }
        return { pid == nil, err:kind(), got.channel ~= events }`),
    ).toEqual([true, "AlreadyExists", true]);
  });

  test("name, startup messages, context, memo", async () => {
    const child = `local mail = process.inbox()
      return { mail:receive():topic(), mail:receive():payload():data(), ctx.get("a"),
        workflow.info().workflow_id, mail:receive():from() }`;
    expect(
      await run(
        `local pid = process.with_context{ a = 1 }:with_name("named"):with_message("m", 1)
            :with_message("n", 2):with_options{ ["workflow.memo"] = { x = 1 } }
            :spawn("app:child", "app:durable")
          process.send(pid, "o")
          return process.events():receive().result.value`,
        { workflows: { child } },
      ),
    ).toEqual(["m", 2, 1, "named", expect.stringContaining("app:durable|")]);
  });

  test("a wrong option is refused", async () => {
    expect(
      await run(`${told} return told(process.with_options{
          ["workflow.parent_close_policy"] = "kill" }:spawn("app:echo", "app:durable"))`),
    ).toMatchObject({
      kind: "Invalid",
      message: expect.stringContaining("workflow.parent_close_policy"),
    });
  });

  test("on a process host it is a plain process, started once", async () => {
    const plain = `note("started")
      local to, got = ..., process.inbox():receive()
      process.send(to, "done", got:topic())`;
    expect(
      await run(
        `local pid = assert(process.with_context{}:with_message("first")
            :spawn("app:plain", "app:processes", process.pid()))
          return { process.listen("done"):receive(), pid:find("app:processes", 1, true) ~= nil,
            process.exec("app:plain_echo", "app:processes", 4) }`,
        { processes: { plain, plain_echo: "return ..." } },
      ),
    ).toEqual(["first", true, 4]);
  });
});

describe("the parent's close", () => {
  const outcome = (policy: string) =>
    `local pid = process.spawn_monitored("app:parent", "app:durable", ${policy})
    local child
    local events, kids = process.events(), process.listen("kid")
    child = kids:receive()
    process.monitor(child)
    process.send(pid, "stop")
    local value, err
    repeat
      local event = events:receive()
      if event.from == child then value, err = event.result.value, event.result.error end
    until event.from == child
    return err and err:message() or value`;
  const parent = `local policy = ...
    local kid = process.with_options{ ["workflow.parent_close_policy"] = policy }
      :spawn("app:kid", "app:durable")
    process.send(process.registry.lookup("driver"), "kid", kid)
    process.listen("stop"):receive()`;
  // What ends the child may take a while on a busy machine; nothing does where it is abandoned.
  const kid = (wait: string) =>
    `local events = process.events()
    local got = channel.select{ events:case_receive(), time.after("${wait}"):case_receive() }
    return got.channel == events and got.value.kind or "went on"`;
  const cases: [string, string][] = [
    ["nil", "workflow terminated"],
    ['"terminate"', "workflow terminated"],
    ['"request_cancel"', "pid.cancel"],
    ['"abandon"', "went on"],
  ];
  for (const [policy, expected] of cases) {
    test(`with policy ${policy}`, async () => {
      const application = await startDurable({
        workflows: { parent, kid: kid(expected === "went on" ? "150ms" : "10s") },
        processes: { driver: `process.registry.register("driver") ${outcome(policy)}` },
        functions: { start: 'return process.exec("app:driver", "app:processes")' },
      });
      expect(await application.call("start")).toBe(expected);
    });
  }
});

describe("continue-as-new", () => {
  test("goes on under the same id with new input, and watchers follow", async () => {
    const count = `local n, first = ...
      local run_id = workflow.info().run_id
      if n < 5 then process.upgrade(nil, n + 1, first or run_id) end
      return { n, first ~= run_id, ctx.get("a"), workflow.version("v", -1, n) }`;
    const application = await startDurable({
      workflows: { count },
      functions: {
        start: `local pid = process.with_context{ a = 1 }:with_name("counter")
            :spawn_monitored("app:count", "app:durable", 1)
          local event = process.events():receive()
          return { event.from == pid, event.result.value }`,
      },
    });
    expect(await application.call("start")).toEqual([true, [5, true, 1, 5]]);
  });

  test("to another entry", async () => {
    expect(await run('process.upgrade("app:echo", "other")')).toBe("other");
  });

  test("from another coroutine", async () => {
    const body = `if ... == "again" then return "renewed" end
      coroutine.spawn(function() process.upgrade(nil, "again") end)
      time.sleep("1h")`;
    expect(await run(body)).toBe("renewed");
  });

  test("signals that arrive meanwhile are not lost", async () => {
    const collect = `local total, rounds = ...
      local mail = process.listen("add")
      while rounds > 0 do
        local got = channel.select{ mail:case_receive(), default = true }
        if got.default then
          time.sleep("5ms")
          got = channel.select{ mail:case_receive(), default = true }
          if got.default then process.upgrade(nil, total, rounds - 1) end
        end
        total = total + got.value
      end
      repeat
        local got = channel.select{ mail:case_receive(), time.after("100ms"):case_receive() }
        if got.channel == mail then total = total + got.value end
      until got.channel ~= mail
      return total`;
    const application = await startDurable({
      workflows: { collect },
      functions: {
        start: `local pid = process.spawn_monitored("app:collect", "app:durable", 0, 20)
          for i = 1, 60 do
            assert(process.send(pid, "add", 1))
            if i % 3 == 0 then time.sleep("2ms") end
          end
          return process.events():receive().result.value`,
      },
    });
    expect(await application.call("start")).toBe(60);
  });

  test("an entry that is not there", async () => {
    const body = `local _, err = process.upgrade("app:nobody") return err:kind()`;
    expect(await run(body)).toBe("NotFound");
  });
});

describe("attributes and info", () => {
  test("attrs takes integers, floats, texts, booleans and lists of texts", async () => {
    expect(
      await run(
        `return { workflow.attrs{ search = { a = 1, b = 1.5, c = "x", d = true, e = { "y" } },
        memo = { deep = { 1, { x = 2 } } } } }`,
      ),
    ).toEqual([true]);
  });

  test("info has what the start and attrs gave, the parent, and the run before", async () => {
    const application = await startDurable({
      workflows: {
        main: `local child = assert(process.with_options{
              ["workflow.memo"] = { a = 1, b = { 2 } }, ["workflow.search_attributes"] = { s = "x" } }
            :spawn("app:child", "app:durable"))
          local info = process.events():receive().result.value
          return { info, info.parent.run_id == workflow.info().run_id, info.parent.pid == process.pid() }`,
        child: `local before = ...
          if not before then
            local memo = workflow.info().memo
            memo.b[1] = "changed"
            assert(workflow.attrs{ memo = { b = 3, c = memo.b }, search = { s = "y" } })
            time.sleep(1)
            process.upgrade(nil, workflow.info().run_id)
          end
          local info = workflow.info()
          info.same = info.continued_from == before
          return info`,
      },
      functions: { start: 'return workflow.exec("app:main")' },
    });
    expect(await application.call("start")).toEqual([
      expect.objectContaining({
        memo: { a: 1, b: 3, c: ["changed"] },
        search_attributes: { s: "y" },
        same: true,
      }),
      true,
      true,
    ]);
  });

  test("attrs refuses the rest, naming the attribute", async () => {
    expect(
      await run(`local messages = {}
        for i, bad in ipairs{ {}, { search = 1 }, { search = { a = { x = 1 } } },
          { search = { a = { "x", 1 } } }, { search = { a = print } } } do
          local ok, err = workflow.attrs(bad)
          messages[i] = ok == nil and err:kind() .. " " .. err:message()
        end
        return messages`),
    ).toEqual([
      expect.stringContaining("Invalid search or memo"),
      expect.stringContaining("Invalid search and memo"),
      expect.stringContaining("'a'"),
      expect.stringContaining("element 2"),
      expect.stringContaining("'a'"),
    ]);
  });

  test("info, constant within a task, growing from task to task", async () => {
    const value = await run(`local first = workflow.info()
      uuid.v4()
      local same = workflow.history_length() == first.history_length
      time.sleep(1)
      local later = workflow.info()
      return { first, same, later.history_length > first.history_length,
        later.history_size > first.history_size, later.history_size == workflow.history_size() }`);
    expect(value).toEqual([
      {
        workflow_id: expect.any(String),
        run_id: expect.any(String),
        workflow_type: "app:main",
        task_queue: "app:durable",
        memo: {},
        search_attributes: {},
        namespace: "default",
        attempt: 1,
        history_length: expect.any(Number),
        history_size: expect.any(Number),
      },
      true,
      true,
      true,
      true,
    ]);
  });

  test("outside a workflow", async () => {
    const application = await startDurable({
      functions: {
        start: `local attrs, err = workflow.attrs{ memo = {} }
          return { workflow.info() == nil, workflow.history_length(), workflow.history_size(),
            workflow.version("x", 1, 3), err:kind() }`,
      },
    });
    expect(await application.call("start")).toEqual([true, 0, 0, 3, "Invalid"]);
  });

  test("wrong types raise", async () => {
    const error = await failure(run("workflow.version(1, 2, 3)"));
    expect(error.message).toContain("bad argument #1 to 'version'");
  });
});
