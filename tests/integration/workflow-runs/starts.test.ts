import { Simulation } from "../../../src/platform/simulation.ts";
import { describe, expect, test } from "bun:test";
import { failure, startDurable, type Units } from "./durable-application.ts";

/** Runs a function with this body among other units. */
async function runDriver(body: string, units: Units = {}): Promise<unknown> {
  const functions = { ...units.functions, driver: body };
  const application = await startDurable({ ...units, functions });
  return await application.call("driver");
}

const echo = "return ...";
/** Waits until somebody says stop. */
const waits = 'local stop = process.listen("stop"):receive() return stop';

/** What a Lua test tells of an error. */
const told = `local function told(value, err)
  if not err then return { value = value } end
  return { kind = err:kind(), message = err:message(), retryable = err:retryable() }
end `;

describe("forms", () => {
  test("spawn answers the PID, which is made of host and workflow id", async () => {
    const body = `local pid = assert(process.with_options{ ["workflow.id"] = "order-1" }
        :spawn("app:main", "app:durable"))
      process.monitor(pid)
      local event = process.events():receive()
      return { pid, event.kind, event.from == pid, event.result.value }`;
    const main = "return { process.pid(), process.id(), workflow.info().workflow_id }";
    const [pid, kind, same, seen] = await runDriver(body, { workflows: { main } }) as string[];
    expect(pid).toBe("{app:durable|order-1}");
    expect([kind, same]).toEqual(["pid.exit", true as unknown as string]);
    expect(seen).toEqual([pid, "app:main", "order-1"] as unknown as string);
  });

  test("spawn_monitored tells the result", async () => {
    const body = `local pid = assert(process.spawn_monitored("app:echo", "app:durable", 5))
      local event = process.events():receive()
      return { event.kind, event.from == pid, event.result.value, event.result.error == nil,
        math.type(event.at) }`;
    expect(await runDriver(body, { workflows: { echo } }))
      .toEqual(["pid.exit", true, 5, true, "integer"]);
  });

  test("process.exec, workflow.exec and workflow.execute wait, from a function and a process", async () => {
    const body = `return { process.exec("app:echo", "app:durable", 1),
      (workflow.exec("app:echo", 2)), (workflow.execute("app:echo", 3)) }`;
    const units = { workflows: { echo }, processes: { all: body } };
    expect(await runDriver(body, units)).toEqual([1, 2, 3]);
    expect(await runDriver('return process.exec("app:all", "app:processes")', units))
      .toEqual([1, 2, 3]);
  });

  test("arguments and result keep their values", async () => {
    const body = `local value = workflow.exec("app:echo",
        { 1, 2.0, "x", { deep = { true, "\\xff\\xfe" } }, 1 << 62 })
      return { math.type(value[1]), math.type(value[2]), value[4].deep[2] == "\\xff\\xfe",
        value[5] == 1 << 62 }`;
    expect(await runDriver(body, { workflows: { echo } })).toEqual([
      "integer",
      "float",
      true,
      true,
    ]);
  });

  test("holes in the arguments", async () => {
    const body = 'return workflow.exec("app:count", nil, nil, 3, nil)';
    const count = 'return { select("#", ...), (select(3, ...)) }';
    expect(await runDriver(body, { workflows: { count } })).toEqual([4, 3]);
  });

  test("no return value", async () => {
    const body = 'local a, b = workflow.exec("app:none") return { a == nil, b == nil }';
    expect(await runDriver(body, { workflows: { none: "" } })).toEqual([true, true]);
  });

  test("the frame of the starter is the run's", async () => {
    const body = `process.with_context{ tenant = "t1", deep = { a = 1 } }
        :spawn_monitored("app:main", "app:durable")
      return process.events():receive().result.value`;
    const main = 'return { ctx.get("tenant"), ctx.get("deep") }';
    expect(await runDriver(body, { workflows: { main } })).toEqual(["t1", { a: 1 }]);
  });
});

describe("refusals", () => {
  const cases: [string, string, Record<string, unknown>][] = [
    ["an unknown entry", 'process.spawn("app:nobody", "app:durable")', { kind: "NotFound" }],
    ["a function", 'process.spawn("app:driver", "app:durable")', { kind: "NotFound" }],
    ["an unknown host", 'process.spawn("app:echo", "app:nowhere")', { kind: "NotFound" }],
    [
      "a wrong option",
      'process.with_options{ ["workflow.run_timeout"] = true }:spawn("app:echo", "app:durable")',
      { kind: "Invalid", message: expect.stringContaining("workflow.run_timeout") },
    ],
    [
      "a bar in the id",
      'process.with_options{ ["workflow.id"] = "a|b" }:spawn("app:echo", "app:durable")',
      { kind: "Invalid", message: expect.stringContaining("|") },
    ],
    [
      "a schedule",
      'process.with_options{ ["workflow.cron_schedule"] = "* * * *" }:spawn("app:echo", "app:durable")',
      { kind: "Invalid", message: expect.stringContaining("cron_schedule") },
    ],
    ["exec of nothing", 'workflow.exec("")', { kind: "Invalid" }],
    ["exec without namespace", 'workflow.exec("echo")', { kind: "Invalid" }],
    ["exec of an unknown entry", 'workflow.exec("app:nobody")', { kind: "NotFound" }],
    [
      "an argument that is too deep",
      'process.spawn("app:echo", "app:durable", (function(t) for i = 1, 200 do t = { t } end return t end)({}))',
      { kind: "Invalid" },
    ],
  ];
  test("name their kind", async () => {
    const calls = cases.map(([name, call]) => `["${name}"] = told(${call})`).join(", ");
    expect(await runDriver(`${told} return { ${calls} }`, { workflows: { echo } }))
      .toMatchObject(
        Object.fromEntries(cases.map(([name, , found]) => [name, { retryable: false, ...found }])),
      );
  });
});

describe("ids", () => {
  const units = { workflows: { waits, echo } };
  const start = (options: string, entry = "waits", args = "") =>
    `process.with_options{ ["workflow.id"] = "one", ${options} }
      :spawn_monitored("app:${entry}", "app:durable"${args})`;

  test("an open run is handed back", async () => {
    const body = `local first = ${start("")}
      local second = ${start("")}
      process.send(first, "stop", 1)
      return { first == second, process.events():receive().result.value }`;
    expect(await runDriver(body, units)).toEqual([true, 1]);
  });

  test("fail refuses while one is open", async () => {
    const body = `${told} local first = ${start("")}
      local second = told(${start('["workflow.id_conflict_policy"] = "FAIL"')})
      local third = told(${start('["workflow.execution_error_when_already_started"] = true')})
      return { second, third }`;
    expect(await runDriver(body, units)).toMatchObject([
      { kind: "AlreadyExists", retryable: false },
      { kind: "AlreadyExists", retryable: false },
    ]);
  });

  test("terminate_existing ends the open run", async () => {
    const body = `local first = ${start("")}
      local second = ${start('["workflow.id_conflict_policy"] = "terminate-existing"')}
      local event = process.events():receive()
      return { first == second, event.result.error:kind(), event.result.error:message() }`;
    expect(await runDriver(body, units)).toEqual([true, "Canceled", "workflow terminated"]);
  });

  test("a closed run's id may be used again, unless the policy says no", async () => {
    const body = `${told} ${start("", "echo", ", 1")} process.events():receive()
      ${start("", "echo", ", 2")}
      local again = process.events():receive().result.value
      local never = told(${
      start(
        '["workflow.id_reuse_policy"] = "reject_duplicate", ["workflow.id_conflict_policy"] = "fail"',
      )
    })
      local failed = told(${
      start(
        '["workflow.id_reuse_policy"] = "allow_duplicate_failed_only", ["workflow.id_conflict_policy"] = "fail"',
      )
    })
      return { again, never.kind, failed.kind }`;
    expect(await runDriver(body, units)).toEqual([2, "AlreadyExists", "AlreadyExists"]);
  });

  test("with_name is the id, the option wins over it, and it names no process", async () => {
    const body = `local builder = process.with_context{}:with_name("two")
      local pid = builder:spawn("app:waits", "app:durable")
      local other = builder:with_options{ ["workflow.id"] = "three" }
        :spawn("app:waits", "app:durable")
      return { pid, other, select(2, process.registry.lookup("two")):kind() }`;
    const [pid, other, kind] = await runDriver(body, units) as string[];
    expect(pid).toEndWith("app:durable|two}");
    expect(other).toEndWith("app:durable|three}");
    expect(kind).toBe("NotFound");
  });
});

describe("startup messages", () => {
  const reads = `local inbox, seen = process.inbox(), {}
    for i = 1, 3 do
      local message = inbox:receive()
      local payload = message:payload()
      local n = payload == nil and 0 or payload.data and payload:data() or #payload
      seen[i] = { message:topic(), n, message:from() ~= "" }
    end
    return seen`;

  test("come first, in order, with their sender", async () => {
    const body = `local pid = process.with_context{}:with_message("a", 1):with_message("b", 2, 3)
        :spawn_monitored("app:reads", "app:durable")
      process.send(pid, "c")
      return process.events():receive().result.value`;
    expect(await runDriver(body, { workflows: { reads } })).toEqual([
      ["a", 1, true],
      ["b", 2, true],
      ["c", 0, true],
    ]);
  });

  test("go to the existing run", async () => {
    const body = `local builder = process.with_options{ ["workflow.id"] = "one" }
      builder:spawn_monitored("app:reads", "app:durable")
      for i = 1, 3 do builder:with_message("m" .. i, i):spawn("app:reads", "app:durable") end
      return process.events():receive().result.value`;
    expect(await runDriver(body, { workflows: { reads } })).toEqual([
      ["m1", 1, true],
      ["m2", 2, true],
      ["m3", 3, true],
    ]);
  });
});

describe("ends", () => {
  test("a raised error, a returned text and an Error object", async () => {
    const body =
      `${told} return { told(workflow.exec("app:raises")), told(workflow.exec("app:text")),
      told(workflow.exec("app:object")), told(process.exec("app:text", "app:durable")) }`;
    const workflows = {
      raises: 'error("boom")',
      text: 'return nil, "no stock"',
      object: `return 1, errors.new{ message = "taken", kind = "Conflict", retryable = true,
        details = { id = 5 } }`,
    };
    expect(await runDriver(body, { workflows })).toMatchObject([
      { kind: "Internal", message: expect.stringMatching(/^app:raises:\d+: boom$/) },
      { kind: "Internal", message: "no stock", retryable: false },
      { kind: "Conflict", message: "taken", retryable: true },
      { kind: "Internal", message: "no stock", retryable: false },
    ]);
  });

  test("details and the Lua stack cross", async () => {
    const application = await startDurable({
      workflows: {
        main: 'error(errors.new{ message = "m", kind = "Conflict", details = { id = 5 } })',
      },
      functions: { driver: 'return workflow.exec("app:main")' },
    });
    const error = await failure(application.call("driver"));
    expect(error).toMatchObject({ kind: "Conflict", message: "m", details: { id: 5 } });
    expect(error.luaStack).toContain("app:main:");
  });

  test("all coroutines blocked for ever is an error", async () => {
    const body = `${told} return told(workflow.exec("app:stuck"))`;
    expect(await runDriver(body, { workflows: { stuck: "channel.new():receive()" } }))
      .toMatchObject({ kind: "Internal", message: expect.stringContaining("deadlock") });
  });

  test("an error in a spawned coroutine fails the run", async () => {
    const stuck = 'coroutine.spawn(function() error("inside") end) time.sleep("1h")';
    const body = `${told} return told(workflow.exec("app:stuck"))`;
    expect(await runDriver(body, { workflows: { stuck } }))
      .toMatchObject({ message: expect.stringContaining("inside") });
  });

  test("main's return ends all coroutines and timers", async () => {
    const main = `coroutine.spawn(function() time.sleep("1h") note("never") end)
      time.after("1h")
      return "over"`;
    expect(await runDriver('return workflow.exec("app:main")', { workflows: { main } }))
      .toBe("over");
  });

  test("a run timeout", async () => {
    const body = `process.with_options{ ["workflow.run_timeout"] = 30 }
        :spawn_monitored("app:waits", "app:durable")
      local err = process.events():receive().result.error
      return { err:kind(), err:details().timeout_type, err:retryable() }`;
    expect(await runDriver(body, { workflows: { waits } }))
      .toEqual(["Timeout", "start_to_close", false]);
  });

  test("a retry policy makes new runs of the same id", async () => {
    const body = `process.with_options{ ["workflow.retry_policy"] = {
        initial_interval = 1, maximum_attempts = 3 } }:spawn_monitored("app:tries", "app:durable")
      return process.events():receive().result.value`;
    const tries = `local attempt = workflow.info().attempt
      if attempt < 3 then error("again") end
      return attempt`;
    expect(await runDriver(body, { workflows: { tries } })).toBe(3);
  });

  test("an endless loop is reported and harms no other run", async () => {
    const application = await startDurable({
      workflows: { loops: "while true do end", echo },
      functions: {
        start: 'return process.spawn("app:loops", "app:durable")',
        call: 'return workflow.exec("app:echo", 1)',
      },
    });
    await application.call("start");
    expect(await application.call("call")).toBe(1);
    const { message } = await application.reported("endless loop");
    expect(message).toContain("the code at app:loops:1 ran too long");
  }, 60_000);

  test("an endless loop can be terminated, and its id used again", async () => {
    const body =
      `local loops = process.with_context{}:with_name("one"):spawn_monitored("app:loops", "app:durable")
      time.sleep("30ms")
      process.terminate(loops)
      local err = process.events():receive().result.error
      process.with_context{}:with_name("one"):spawn_monitored("app:echo", "app:durable", 5)
      return { err:message(), process.events():receive().result.value }`;
    expect(
      await runDriver(body, {
        workflows: { loops: "while true do end", echo },
      }),
    ).toEqual(["workflow terminated", 5]);
  });
});

test("a cron schedule begins a run at each match, after failures too, until it is canceled", async () => {
  const simulation = new Simulation({ seed: 4, startTime: Date.UTC(2026, 0, 1, 0, 10) });
  const application = await startDurable({
    workflows: {
      nightly: `note(time.now():utc():format_rfc3339())
        if time.now():utc():day() == 2 then error("a bad day") end
        return "done"`,
    },
    functions: {
      start: `return process.with_options({
          ["workflow.id"] = "nightly", ["workflow.cron_schedule"] = "30 2 * * *",
          ["workflow.search_attributes"] = { kind = "cron" },
        }):spawn("app:nightly", "app:durable")`,
    },
  }, { simulation });
  const pid = String(await application.call("start"));
  const passed = Promise.withResolvers<void>();
  simulation.setTimer(4 * 86_400_000, passed.resolve);
  await passed.promise;
  expect(application.notes()).toEqual([1, 2, 3, 4].map((day) => `2026-01-0${day}T02:30:00Z`));
  const { runs } = await application.workflows.list("app:durable", {
    attributes: { kind: "cron" },
  });
  expect(runs.map(({ status }) => status))
    .toEqual(["running", "completed", "completed", "failed", "completed"]);
  expect(new Set(runs.map(({ firstRunId }) => firstRunId)).size).toBe(1);
  await application.workflows.terminate(pid);
  expect((await application.workflows.describe(pid))?.status).toBe("terminated");
});
