import { describe, expect, test } from "bun:test";
import { Simulation } from "../../../src/platform/simulation.ts";
import { acrossRestart, functions, pause } from "./across-restart.ts";
import { type Body, startDurable } from "./durable-application.ts";
import { until } from "../../until.ts";

test("what a workflow saw is the same after a restart", async () => {
  const repeatable: [string, string][] = [
    ["time.now", "return time.now():unix_nano()"],
    ["os.time", "return os.time()"],
    ["os.date", 'return os.date("%c")'],
    ["os.clock", "return os.clock()"],
    ["uuid.v1", "return uuid.v1()"],
    ["uuid.v4", "return uuid.v4()"],
    ["uuid.v7", "return uuid.v7()"],
    [
      "math.random",
      "return { math.random(), math.random(10), math.random(-5, 5), math.random(0), math.random(1.5) }",
    ],
    [
      "a wide math.random",
      "return { math.random(math.mininteger, math.maxinteger), math.random(-2^62 | 0, 2^62 | 0) }",
    ],
    ["env.get", 'return env.get("PATH")'],
    ["process.pid", "return process.pid()"],
    ["workflow.info", "return workflow.info()"],
    ["a local time", "return time.date(2024, 6, 1, 12, 0, 0, 0):in_local():format_rfc3339()"],
    ["a failed effect", 'local _, err = fs.get("app:nowhere") return err:message()'],
    [
      "pairs",
      `local t, keys = {}, {}
      for i = 1, 30 do t["key" .. i] = i t[i * 7] = i end
      for key in pairs(t) do keys[#keys + 1] = key end
      return keys`,
    ],
  ];
  const workflows = Object.fromEntries(
    repeatable.map(([, code], i) => [
      `main${i}`,
      `local function look() ${code} end
        local seen = json.encode(look())
        print("saw " .. seen)
        process.listen("go"):receive()
        return seen`,
    ]),
  );
  const units = {
    workflows,
    functions: {
      begin: `for i = 0, ${repeatable.length - 1} do
          process.with_options{ ["workflow.id"] = "main" .. i }:spawn("app:main" .. i, "app:durable")
        end`,
      finish: `local pid = "{app:durable|main" .. ... .. "}"
        process.monitor(pid)
        process.send(pid, "go")
        return process.events():receive().result.value`,
    },
  };
  const application = await startDurable(units);
  await application.call("begin");
  for (const i of repeatable.keys()) await application.printedBy(`main${i}`);
  await application.start(units);
  for (const [i, [name]] of repeatable.entries()) {
    const value = await application.call("finish", i);
    expect({ [name]: application.printed(`main${i}`) }).toEqual({
      [name]: [`saw ${value as string}`],
    });
  }
});

describe("effects happen once", () => {
  test("calls, host operations, messages, children, timers", async () => {
    const main = `
      local called = funcs.call("app:effect", "call")
      local future = funcs.async("app:effect", "async")
      local awaited = future:channel():receive():data()
      note("operation")
      local child = workflow.exec("app:child")
      local plain = process.exec("app:plain", "app:processes")
      time.sleep(2)
      local file = fs.get("app:files"):readfile("notes.txt")
      ${pause}
      return { called, awaited, child, plain, file, fs.get("app:files"):readfile("notes.txt") == file }`;
    const effect = "note(...) return ...";
    const { value, application } = await acrossRestart(main, {
      workflows: { child: 'note("child") return 1' },
      processes: { plain: 'note("plain") return 2' },
      functions: { effect },
    });
    const notes = ["call", "async", "operation", "child", "plain"];
    expect(application.notes()).toEqual(notes);
    expect(value).toEqual(["call", "async", 1, 2, `${notes.join("\n")}\n`, true]);
  });

  test("print and logger are silent while replaying", async () => {
    const main = `print("one") logger:info("two") time.sleep(1) print("three") ${pause}
      logger:named("app:main"):info("four")`;
    const { application } = await acrossRestart(main);
    expect(application.printed("main")).toEqual(["one", "three", "waiting", "four"]);
    expect(application.logs.filter(({ message }) => message === "two")).toHaveLength(1);
  });

  test("an activity that ran when the runtime ended runs again, and the run goes on", async () => {
    const units = {
      workflows: { main: 'return funcs.call("app:slow")' },
      functions: {
        ...functions,
        slow: `local volume = fs.get("app:files")
          if volume:exists("notes.txt") then note("again") return "done" end
          note("first")
          time.sleep("1h")`,
      },
    };
    const application = await startDurable(units);
    await application.call("begin");
    await until(() => application.notes().length > 0);
    await application.start(units);
    expect(await application.call("result")).toBe("done");
    expect(application.notes()).toEqual(["first", "again"]);
  });

  test("a timer whose time came while nothing ran fires at the next start", async () => {
    const units = {
      workflows: { main: 'print("waiting") time.sleep("60ms") return "late"' },
      functions,
    };
    const application = await startDurable(units);
    await application.call("begin");
    await application.reported("waiting");
    await application.stop();
    // Sleeps because the timer is to become due while no runtime is there.
    await Bun.sleep(80);
    await application.start(units);
    expect(await application.call("result")).toBe("late");
  });

  test("a signal is kept while nothing of the run is in memory", async () => {
    const main = `local mail, sum = process.listen("n"), 0
      ${pause}
      for i = 1, 3 do sum = sum + mail:receive() end
      return sum`;
    const units = { workflows: { main }, functions };
    const application = await startDurable(units);
    await application.call("begin");
    await application.reported("waiting");
    for (const n of [1, 2, 3]) {
      await application.call("signal", "n", n);
      await application.start(units);
    }
    await application.call("signal", "go");
    expect(await application.call("result")).toBe(6);
  });
});

test("what a workflow was allowed stays so in a replay, when the policies have changed", async () => {
  const allow = (actions: string[]) => ({
    policies: { rule: { actions, resources: "*", effect: "allow" } },
  });
  const units = {
    functions: {
      ...functions,
      begin: `return process.with_options{ ["workflow.id"] = "main" }
        :with_actor(security.new_actor("u1")):with_scope(security.new_scope({ security.policy("app:rule") }))
        :spawn("app:main", "app:durable")`,
      greet: "return security.actor():id()",
    },
    workflows: {
      main:
        `local before = { funcs.call("app:greet"), security.can("x", "y"), select(2, env.get("NONE")):kind() }
        ${pause}
        local _, err = funcs.call("app:greet")
        return { before, tostring(err), security.can("x", "y"), security.actor():id() }`,
    },
  };
  const application = await startDurable({ ...units, ...allow(["funcs.call", "x", "env.get"]) });
  await application.call("begin");
  await application.reported("waiting");
  await application.start({ ...units, ...allow(["other"]) });
  await application.call("signal", "go");
  expect(await application.call("result")).toEqual([
    ["u1", true, "NotFound"],
    "not allowed: app:greet",
    false,
    "u1",
  ]);
});

test("a blocked run that is closed or reset is none any more", async () => {
  const units = (main: string) => ({ workflows: { main }, functions });
  const code = (first: string) => `${first} print("waiting") process.listen("go"):receive()`;
  for (const end of ["terminate", "reset"] as const) {
    const application = await startDurable(units(code("")));
    await application.call("begin");
    await application.reported("waiting");
    await application.start(units(code("uuid.v4()")));
    await application.call("signal", "go");
    await application.reported("is blocked");
    const { workflows } = application;
    expect(workflows.blocked).toHaveLength(1);
    if (end === "terminate") await workflows.terminate("{app:durable|main}");
    else await workflows.reset("{app:durable|main}", { eventId: 1 });
    await until(() => workflows.blocked.length === 0);
    await application.stop();
  }
});

test("whether a workflow was there to be started is as it was", async () => {
  const main = `local function told(value, err) return err and err:message() or value end
    local seen = {
      told(workflow.exec("app:late")), told(process.spawn("app:late", "app:durable")),
      told(process.upgrade("app:late")), told(workflow.exec("app:early")), uuid.v4(),
    }
    ${pause}
    seen[#seen + 1] = told(workflow.exec("app:late"))
    seen[#seen + 1] = told(workflow.exec("app:early"))
    return seen`;
  const { value } = await acrossRestart(main, { workflows: { early: "return 1" } }, main, {
    workflows: { late: "return 2" },
  });
  const absent = "workflow not found: app:late";
  const failed = "workflow exec failed: ";
  expect(value).toEqual([
    failed + absent,
    absent,
    absent,
    1,
    expect.any(String),
    2,
    `${failed}workflow not found: app:early`,
  ]);
});

/** Starts a run whose task is given up, mends its code, and gives what was reported. */
async function givenUp(main: Body): Promise<string> {
  const units = (code: Body) => ({ workflows: { main: code }, functions });
  const application = await startDurable(units(main));
  await application.call("begin");
  const { message } = await application.reported("a task of workflow main was lost");
  await application.start(units('return "mended"'));
  expect(await application.call("result")).toBe("mended");
  return message;
}

test.each([
  ["caught", 'local ok = pcall(string.rep, "x", 2000000000) return ok'],
  [
    "caught by a coroutine",
    'return coroutine.resume(coroutine.create(string.rep), "x", 2000000000)',
  ],
  ["not caught", 'return #string.rep("x", 2000000000)'],
  ["in a chunk", { source: 'local x = string.rep("x", 2000000000) return function() end' }],
])("whether memory is short is nothing that a workflow sees: %s", async (_, main: Body) => {
  expect(await givenUp(main)).toContain("not enough memory");
});

test.each([
  ["caught", "return pcall(slow)"],
  ["not caught", "return slow()"],
])("nor is whether time is short where nothing can yield: %s", async (_, main) => {
  const slow =
    `local function slow() return (("a"):rep(40)):find(("a?"):rep(40) .. ("a"):rep(40)) end`;
  expect(await givenUp(`${slow} ${main}`)).toContain(
    "app:main:1: ran too long where it cannot yield",
  );
}, 60_000);

test("coroutines of a workflow take turns where they wait, not where their time is over", async () => {
  const body = `local order, done = {}, channel.new(3)
    for i = 1, 3 do
      coroutine.spawn(function()
        channel.new(1):send(i)
        local x = 0
        for n = 1, 3000000 / i do x = x + n % 7 end
        order[#order + 1] = i
        uuid.v4()
        coroutine.yield()
        done:send(i)
      end)
    end
    for _ = 1, 3 do order[#order + 1] = -done:receive() end
    return order`;
  const { application } = await acrossRestart(
    `local order = (function() ${body} end)() ${pause} return order`,
  );
  expect(application.logs.filter(({ message }) => message.includes("is blocked"))).toEqual([]);
  const simulation = new Simulation({ seed: 9 });
  const simulated = await startDurable({
    workflows: { main: body },
    functions: { start: 'return workflow.exec("app:main")' },
  }, { simulation });
  expect(await simulated.call("start")).toEqual([1, 2, 3, -1, -2, -3]);
});

test("an activity that was short of memory is an error like others", async () => {
  const { value } = await acrossRestart(
    `local _, err = funcs.call("app:greedy") ${pause} return { err:message(), pcall(error, err) }`,
    {
      functions: {
        greedy: {
          body: 'return #string.rep("x", 2000000000)',
          meta: { options: { "activity.retry_policy": { maximum_attempts: 1 } } },
        },
      },
    },
  );
  expect(value).toEqual(["not enough memory", false, expect.anything()]);
});
