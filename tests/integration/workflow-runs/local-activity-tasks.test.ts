import { describe, expect, test } from "bun:test";
import { Simulation } from "../../../src/platform/simulation.ts";
import { failure, startDurable } from "./durable-application.ts";
import {
  events,
  faults,
  local,
  pause,
  pid,
  run,
  told,
  types,
  units,
  virtual,
} from "./local-runs.ts";
import { until } from "../../until.ts";

describe("a replay", () => {
  test("answers from the record and runs nothing", async () => {
    const main = `${told}
      workflow.set_query_handler("first", function() return "asked" end)
      local steps = ${local('["activity.retry_policy"] = { maximum_attempts = 1 }')}
      local seen = { steps:call("app:step", "one"), told(steps:call("app:raise")), time.now():unix_nano() }
      local futures = {}
      for i = 1, 3 do futures[i] = steps:async("app:step", i) end
      for i = 1, 3 do seen[#seen + 1] = futures[i]:channel():receive():data() end
      local id = uuid.v4()
      ${pause}
      seen[#seen + 1] = id
      seen[#seen + 1] = steps:call("app:step", "last")
      return seen`;
    const more = { functions: { raise: 'note("raise") error("broken")' } };
    const first = await startDurable(units(main, more));
    await first.call("begin");
    await first.printedBy("main");
    const before = first.notes();
    await first.start(units(main, more));
    await first.call("send", "go");
    const value = await first.call("result") as unknown[];
    expect([value[0], value[3], value[4], value[5], value[7]]).toEqual(["one", 1, 2, 3, "last"]);
    // The code of a closed run is replayed for a query.
    expect(await first.call("query", "first")).toBe("asked");
    expect(first.notes()).toEqual([...before, "last"]);
    expect(before.sort()).toEqual(["1", "2", "3", "one", "raise"]);
    expect(first.logs.filter(({ message }) => message.includes("blocked"))).toEqual([]);
  });

  test("after a crash runs what was under way again, and only that", async () => {
    const main = `
      local steps = ${local()}
      local first = steps:call("app:step", "first")
      local future = steps:async("app:slow", "slow")
      ${pause}
      return { first, (future:channel():receive():data()), steps:call("app:step", "last") }`;
    const more = (body: string) => ({ functions: { slow: body } });
    const application = await startDurable(
      units(main, more('note("began") time.sleep("1h")')),
    );
    await application.call("begin");
    await application.printedBy("main");
    // Its task has been completed without it.
    await until(async () => (await types(application)).includes("LocalActivityScheduled"));
    await application.start(
      units(main, more('note("again") return (...) .. activity.info().attempt')),
    );
    await application.call("send", "go");
    expect(await application.call("result")).toEqual(["first", "slow1", "last"]);
    expect(application.notes()).toEqual(["first", "began", "again", "last"]);
    expect(faults(application)).toEqual([]);
  });

  test("after a crash in the first task runs the whole task again", async () => {
    const main = `
      local first = ${local()}:call("app:step", "first")
      return { first, ${local()}:call("app:slow") }`;
    const application = await startDurable(
      units(main, { functions: { slow: 'print("began") time.sleep("1h")' } }),
    );
    await application.call("begin");
    await application.printedBy("slow");
    await application.start(units(main, { functions: { slow: "return 2" } }));
    expect(await application.call("result")).toEqual(["first", 2]);
    expect(application.notes()).toEqual(["first", "first"]);
  });

  const call = (entry: string, more = "") => `${local(more)}:call("app:${entry}", 1)`;

  test.each<[string, string, string, string]>([
    // What the history has, what the code does, what is said.
    [
      "another function",
      call("step"),
      call("other"),
      "LocalActivityRecorded app:step 1 #1, but the code made schedule_local_activity #1 app:other",
    ],
    [
      "an ordinary activity",
      call("step"),
      'funcs.call("app:step", 1)',
      "schedule_activity #1 app:step",
    ],
    [
      "a local activity in the place of an ordinary one",
      'funcs.call("app:step", 1)',
      call("step"),
      "ActivityScheduled app:step 1 #1, but the code made schedule_local_activity #1 app:step",
    ],
    [
      "nothing",
      call("step"),
      "",
      "LocalActivityRecorded app:step 1 #1, but the code made no further command",
    ],
    [
      "another id",
      call("step", '["activity.id"] = "a"'),
      call("step", '["activity.id"] = "b"'),
      "LocalActivityRecorded app:step a #1, but the code made schedule_local_activity #1 app:step b",
    ],
  ])("that does %s blocks the run, until that is mended", async (_, before, after, message) => {
    const main = (code: string) => `${code} ${pause} return 1`;
    const more = { functions: { other: "return 1" } };
    const application = await startDurable(units(main(before), more));
    await application.call("begin");
    await application.printedBy("main");
    await application.start(units(main(after), more));
    await application.call("send", "go");
    const report = await application.reported("is blocked");
    expect(report.message).toContain(message);
    await application.change(units(main(before), more));
    expect(await application.call("result")).toBe(1);
  });

  test("that asks for one too many, or lacks one that is under way, is a difference too", async () => {
    const slow = `local future = ${local()}:async("app:slow")`;
    const main = (code: string) => `${code} ${pause} return 1`;
    for (
      const [before, after, message] of [
        ["", slow, "but the code made schedule_local_activity #1 app:slow"],
        [slow, "", "LocalActivityScheduled app:slow 1 #1, but the code made no further command"],
      ] as const
    ) {
      const more = { functions: { slow: 'time.sleep("1h")' } };
      const application = await startDurable(units(main(before), more));
      await application.call("begin");
      await application.printedBy("main");
      if (before) {
        await until(async () => (await types(application)).includes("LocalActivityScheduled"));
      }
      await application.start(units(main(after), more));
      await application.call("send", "go");
      expect((await application.reported("is blocked")).message).toContain(message);
      await application.remove();
    }
  });
});

describe("a task that waits for local activities", () => {
  test("holds many at once", async () => {
    const { value, application } = await run(
      `
      local steps, futures, sum = ${local()}, {}, 0
      for i = 1, 300 do futures[i] = steps:async("app:same", i) end
      for i = 1, 300 do sum = sum + futures[i]:channel():receive():data() end
      return sum`,
      { functions: { same: "return ..." } },
    );
    expect(value).toBe(45150);
    const all = await types(application);
    expect(all.filter((type) => type === "LocalActivityRecorded")).toHaveLength(300);
    expect(faults(application)).toEqual([]);
  });

  test("does not keep a timer from its time", async () => {
    const { value } = await run(
      `
      local future = ${local()}:async("app:slow")
      local before = time.now()
      local timeout = time.after("3s")
      local got = channel.select({ future:channel():case_receive(), timeout:case_receive() })
      local timed = got.channel == timeout
      local late = time.now():sub(before):milliseconds()
      return { timed, late, (future:channel():receive():data()), time.now():sub(before):milliseconds() }`,
      { functions: { slow: 'time.sleep("9m") return "slow"' } },
      virtual(),
    );
    const [timed, late, slow, end] = value as [boolean, number, string, number];
    expect([timed, slow]).toEqual([true, "slow"]);
    // The timer begins when the task is completed, which is 20 ms after it was asked for.
    expect(late).toBeGreaterThanOrEqual(3000);
    expect(late).toBeLessThan(3100);
    expect(Math.round(end / 1000)).toBe(540);
  });

  test("is completed early for signals, updates and queries; the activity goes on", async () => {
    const application = await startDurable(
      units(
        `
        local total = 0
        workflow.set_update_handler("add", function(n) total = total + n return total end)
        workflow.set_query_handler("total", function() return total end)
        local words, seen = process.listen("word"), {}
        local future = ${local('["activity.start_to_close_timeout"] = "1h"')}:async("app:slow")
        local ch = future:channel()
        local began = time.now()
        while true do
          local got = channel.select({ words:case_receive(), ch:case_receive() })
          if got.channel == ch then break end
          seen[#seen + 1] = time.now():sub(began):seconds()
        end
        return { seen, total, time.now():sub(began):minutes() }`,
        {
          functions: {
            slow: 'note("began") time.sleep("30m")',
            drive: `for i = 1, 3 do time.sleep("5m") process.send("${pid}", "word", i) end
              local a = workflow.update("${pid}", "add", 5)
              local before = time.now()
              local b = workflow.query("${pid}", "total")
              return { a, b, time.now():sub(before):milliseconds() < 1000 }`,
          },
        },
      ),
      virtual(3),
    );
    await application.call("begin");
    expect(await application.call("drive")).toEqual([5, 5, true]);
    const [seen, total, minutes] = await application.call("result") as [number[], number, number];
    expect(seen.map(Math.round)).toEqual([300, 600, 900]);
    expect([total, Math.round(minutes)]).toEqual([5, 30]);
    expect(application.notes()).toEqual(["began"]);
    // Half an hour in tasks of twenty seconds, and some for what came.
    const tasks = (await types(application)).filter((type) => type === "TaskCompleted").length;
    expect(tasks).toBeGreaterThan(80);
    expect(tasks).toBeLessThan(120);
    expect(faults(application)).toEqual([]);
  });

  test("answers a query within about a second, though the activity has just begun", async () => {
    const application = await startDurable(
      units(
        `workflow.set_query_handler("where", function() return "here" end)
        return ${local()}:call("app:slow")`,
        {
          functions: {
            slow: 'note("began") print("began") time.sleep("2s") return 1',
            ask: `local before = time.now()
              return { workflow.query("${pid}", "where"), workflow.query("${pid}", "where") }`,
          },
        },
      ),
    );
    await application.call("begin");
    await application.printedBy("slow");
    expect(await application.call("ask")).toEqual(["here", "here"]);
    expect(await application.call("result")).toBe(1);
    // A query that had the run replayed would have begun the activity again.
    expect(application.notes()).toEqual(["began"]);
  });

  test("is not taken for lost, whatever its timeout is", async () => {
    const application = await startDurable(
      units(`return ${local()}:call("app:slow")`, {
        functions: {
          short: `return process.with_options{ ["workflow.task_timeout"] = "200ms" }
            :exec("app:main", "app:durable")`,
          slow: 'note("began") time.sleep("10s") return "slow"',
        },
      }),
      virtual(),
    );
    expect(await application.call("short")).toBe("slow");
    expect(application.notes()).toEqual(["began"]);
    expect(application.logs.filter(({ message }) => message.includes("lost"))).toEqual([]);
  });

  test("ends when the run is terminated, and its activities with it", async () => {
    const application = await startDurable(
      units(`return ${local()}:call("app:slow")`, {
        functions: {
          slow: 'print("began") time.sleep("10m") note("ended")',
          stop: `time.sleep("5s") return process.terminate("${pid}")`,
        },
      }),
      virtual(),
    );
    await application.call("begin");
    const result = failure(application.call("result"));
    await application.call("stop");
    expect(await result).toMatchObject({ kind: "Canceled", message: "workflow terminated" });
    expect(application.notes()).toEqual([]);
    expect(faults(application)).toEqual([]);
  });

  test("can be in the handler of an update, and in a child", async () => {
    const application = await startDurable(
      units(
        `workflow.set_update_handler("charge", function(n) return ${local()}:call("app:step", n) end)
        local child = workflow.exec("app:child", 3)
        ${pause}
        return child`,
        {
          workflows: { child: `return ${local()}:call("app:step", ...)` },
        },
      ),
    );
    await application.call("begin");
    expect(await application.call("update", "charge", 7)).toBe(7);
    await application.call("send", "go");
    expect(await application.call("result")).toBe(3);
    expect(application.notes().sort()).toEqual(["3", "7"]);
  });
});

test("a local activity may do what the workflow may, in its frame", async () => {
  const { value } = await run(
    `${told}
    local actor = security.new_actor("ada")
    local may = security.new_scope({ assert(security.policy("app:only")) })
    local narrow = ${local()}:with_actor(actor):with_scope(may)
    return {
      narrow:call("app:who"),
      told(narrow:call("app:outer")),
      ${local()}:with_context({ color = "red" }):call("app:color"),
    }`,
    {
      functions: {
        who: "return security.actor():id()",
        outer: 'local value, err = funcs.call("app:step", 1) return nil, err',
        color: 'return ctx.get("color")',
      },
      policies: { only: { actions: ["funcs.call"], resources: "app:who", effect: "allow" } },
    },
  );
  expect(value).toMatchObject(["ada", { kind: "PermissionDenied" }, "red"]);
});

test("what the policy of a workflow refuses is not run", async () => {
  const application = await startDurable(
    units(`${told} return told(${local()}:call("app:step", 1))`, {
      functions: {
        narrow:
          `return process.with_options{ ["workflow.id"] = "main" }:with_actor(security.new_actor("ada"))
          :with_scope(security.new_scope({ assert(security.policy("app:only")) })):exec("app:main", "app:durable")`,
      },
      policies: { only: { actions: ["process.*"], resources: "*", effect: "allow" } },
    }),
  );
  expect(await application.call("narrow")).toMatchObject({
    kind: "PermissionDenied",
    message: "not allowed: app:step",
  });
  expect(application.notes()).toEqual([]);
});

test("a worker that dies with a local activity leaves it to another one", async () => {
  const application = await startDurable(units(`return ${local()}:call("app:deadly", 1)`, {
    functions: {
      // Ends the VM that it runs in the first time.
      deadly: `local before = assert(fs.get("app:files")):exists("notes.txt")
        note("ran")
        if not before then
          table.sort({ 3, 2, 1 }, function() while true do pcall(function() while true do end end) end end)
        end
        return "alive"`,
    },
  }));
  await application.call("begin");
  await until(() => application.notes().length >= 2);
  expect(await application.call("result")).toBe("alive");
  expect(application.notes()).toEqual(["ran", "ran"]);
}, 20_000);

test("a reset keeps the outcomes before its point and runs the later ones again", async () => {
  const main = `
    local first = ${local()}:call("app:step", "first")
    process.listen("go"):receive()
    local second = ${local()}:call("app:step", "second")
    ${pause}
    return { first, second }`;
  const application = await startDurable(units(main));
  await application.call("begin");
  await until(async () => (await types(application)).includes("LocalActivityRecorded"));
  await application.call("send", "go");
  await application.printedBy("main");
  const last = (await events(application)).findLastIndex(({ type }) =>
    type === "LocalActivityRecorded"
  );
  await application.workflows.reset(pid, { eventId: last + 1 });
  await application.call("send", "go");
  expect(await application.call("result")).toEqual(["first", "second"]);
  expect(application.notes()).toEqual(["first", "second", "second"]);
  expect(faults(application)).toEqual([]);
});

test("in a simulation a seed replays them", async () => {
  const trace = async (seed: number) => {
    const simulation = new Simulation({ seed });
    const { value } = await run(
      `local steps, futures, order = ${local()}, {}, {}
      for i = 1, 5 do futures[i] = steps:async("app:wait", i) end
      for i = 1, 5 do order[i] = futures[i]:channel():receive():data() end
      return { order, uuid.v4() }`,
      { functions: { wait: 'time.sleep(math.random(1, 5) .. "s") return ...' } },
      { simulation, workers: 2 },
    );
    return { value, trace: simulation.trace };
  };
  const first = await trace(7);
  expect(await trace(7)).toEqual(first);
  expect((await trace(8)).trace).not.toBe(first.trace);
});
