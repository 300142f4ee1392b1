import { describe, expect, test } from "bun:test";
import type { LogRecord } from "../../../src/observe/log.ts";
import { Simulation } from "../../../src/platform/simulation.ts";
import { until } from "../../until.ts";
import { main, type Sources, startApplication, type TestApplication } from "../application.ts";

/** What a record says: its level and text, then the parts of it that do not change from run to run. */
function summary({ level, message, fields }: LogRecord): string {
  return [level, message, fields["error"], fields["reason"]].filter((part) => part !== undefined)
    .map(String).join(" | ");
}

/** Records of warnings and errors. */
function bad(app: TestApplication): LogRecord[] {
  return app.logs.filter(({ level }) => level === "error" || level === "warn");
}

/** Spawns `app:p` with this body, waits until it has ended, and gives what was logged. */
async function ends(
  body: string,
  { start = 'process.spawn_monitored("app:p", "app:processes")', ...sources }: Sources & {
    start?: string;
  } = {},
): Promise<LogRecord[]> {
  const app = await startApplication({
    ...sources,
    processes: { ...sources.processes, p: main(body) },
    functions: {
      ...sources.functions,
      go: main(`local pid = assert(${start})
        local event
        repeat event = process.events():receive() until event.from == pid
        time.sleep("5ms")`),
    },
  });
  await app.call("go");
  return bad(app);
}

describe("a process that ends badly is logged once", () => {
  const ways: Record<string, [body: string, record: string]> = {
    "it raises a text": ['error("boom")', "app:p crashed | src/p.lua:3: boom"],
    "it raises a text without place": ['error("boom", 0)', "app:p crashed | boom"],
    "Lua raises": ["local t; return t.x", "app:p crashed | src/p.lua:3: attempt to index a nil"],
    "it raises a table": ["error({})", "app:p crashed | table: "],
    "it raises an Error": [
      'error(errors.new{ message = "m", kind = errors.CONFLICT })',
      "app:p crashed | m",
    ],
    "it overflows the stack": [
      "local function f() return 1 + f() end f()",
      "app:p crashed | src/p.lua:3: stack overflow",
    ],
    "a coroutine of it raises": [
      'coroutine.spawn(function() error("other") end) time.sleep("1s")',
      "app:p crashed | src/p.lua:3: other",
    ],
    "it can never go on": ["channel.select({})", "app:p crashed | deadlock: "],
    "it returns a text": [
      'return nil, "no stock"',
      "app:p ended with an error | no stock",
    ],
    "it returns an Error": [
      'return nil, errors.wrap(errors.new("a"), "b")',
      "app:p ended with an error | b: a",
    ],
    "its upgrade fails": [
      'process.upgrade("app:none")',
      "app:p crashed | upgrade: ",
    ],
  };
  for (const [name, [body, record]] of Object.entries(ways)) {
    test(name, async () => {
      const records = await ends(body);
      expect(records.map(summary)).toEqual([expect.stringContaining(`error | ${record}`)]);
      const [{ fields }] = records as [LogRecord];
      expect(fields).toMatchObject({
        pid: expect.stringMatching(/^\{app:processes\|0x/),
        entry: "app:p",
        kind: name === "it raises an Error" ? "Conflict" : expect.any(String),
      });
    });
  }

  test("a raised error has its traceback, with files and without frames of the runtime", async () => {
    const [record] = await ends('local function inner() error("boom") end\ninner()\nreturn 1');
    const stack = String(record?.fields["stack"]).split("\n");
    expect(stack[0]).toBe("src/p.lua:3: in local 'inner'");
    expect(stack[1]).toContain("src/p.lua:4: in ");
    expect(stack.join()).not.toContain("lua/");
  });

  test("an error of a library names the library's file", async () => {
    const app = await startApplication({
      libraries: { l: 'return { fail = function()\n  error("deep") end }' },
      processes: { q: { source: main("return lib.fail()"), imports: { lib: "app:l" } } },
      functions: {
        go: main(`process.spawn_monitored("app:q", "app:processes")
          process.events():receive()`),
      },
    });
    await app.call("go");
    expect(bad(app).map(summary)).toEqual(["error | app:q crashed | src/l.lua:2: deep"]);
  });
});

describe("an end that nobody has to look into is not logged", () => {
  test("of a process that was terminated", async () => {
    expect(
      await ends('time.sleep("1h")', {
        start: `(function() local pid = process.spawn_monitored("app:p", "app:processes")
          process.terminate(pid) return pid end)()`,
      }),
    ).toEqual([]);
  });

  test("of a process that was asked to end", async () => {
    const answers = ["return", 'return nil, errors.new{ message = "c", kind = errors.CANCELED }'];
    for (const answer of answers) {
      expect(
        await ends(`process.events():receive() ${answer}`, {
          start: `(function() local pid = process.spawn_monitored("app:p", "app:processes")
            process.cancel(pid) return pid end)()`,
        }),
      ).toEqual([]);
    }
  });

  test("of what is called: the caller is told", async () => {
    const app = await startApplication({
      processes: { p: main('error("boom")'), bad_body: 'error("at load")' },
      functions: {
        f: main('error("boom")'),
        go: main(`local told = {}
          local function note(_, err) told[#told + 1] = err:message() end
          note(process.exec("app:p", "app:processes"))
          note(process.spawn("app:bad_body", "app:processes"))
          note(funcs.call("app:f"))
          return told`),
      },
    });
    expect(await app.call("go")).toHaveLength(3);
    expect(bad(app)).toEqual([]);
  });
});

test("of a chain of links only the first crash is logged", async () => {
  const records = await ends(
    'if ... == 0 then error("root") end\n' +
      'process.spawn_linked("app:p", "app:processes", (... or 20) - 1) time.sleep("1h")',
  );
  expect(records.map(summary)).toEqual(["error | app:p crashed | src/p.lua:3: root"]);
});

describe("supervisors", () => {
  /** Starts a supervisor of children that run `app:p` with this body, and gives what is logged until it ends. */
  const watch = async (
    body: string,
    options: string,
    child = '{ id = "c", process = "app:p" }',
  ) => {
    const app = await startApplication({
      processes: { p: main(body) },
      functions: {
        go: {
          source: main(`process.set_options({ trap_links = true })
            local pid = assert(require("supervisor").start_link("app:processes", { ${options},
              children = { ${child} } }))
            local event
            repeat event = process.events():receive() until event.from == pid
            time.sleep("5ms")`),
          modules: ["time", "funcs", "supervisor"],
        },
      },
    });
    await app.call("go");
    return bad(app);
  };

  test("a crash, the restart and the end are one record each", async () => {
    const records = await watch(
      'error("boom")',
      'strategy = "one_for_one", intensity = 1, period = "1m"',
    );
    const boom = "src/p.lua:3: boom";
    expect(records.map(summary)).toEqual([
      `error | app:p crashed | ${boom}`,
      `warn | app:p restarted | ${boom}`,
      `error | app:p crashed | ${boom}`,
      "error | wippy:supervisor ended with an error | supervisor gave up: child c ended too often: " +
      boom,
    ]);
    const [crash, restart, second, end] = records.map(({ fields }) => fields) as [
      LogRecord["fields"],
      LogRecord["fields"],
      LogRecord["fields"],
      LogRecord["fields"],
    ];
    expect(restart).toMatchObject({
      child: "c",
      entry: "app:p",
      restarts: 1,
      previous: crash["pid"],
      pid: second["pid"],
      supervisor: end["pid"],
    });
  });

  test("a child that ended normally is restarted with a record", async () => {
    const records = await watch("", 'strategy = "one_for_one", intensity = 1, period = "1m"');
    expect(records.map(summary)).toEqual([
      "warn | app:p restarted | it ended normally",
      "error | wippy:supervisor ended with an error | supervisor gave up: child c ended too often: " +
      "it ended normally",
    ]);
  });

  test("siblings that are restarted with it have a record each", async () => {
    const records = await watch(
      'if ... == "bad" then error("boom") end process.events():receive()',
      'strategy = "one_for_all", intensity = 1, period = "1m"',
      `{ id = "good", process = "app:p" }, { id = "bad", process = "app:p", input = { "bad" } }`,
    );
    const restarts = records.filter(({ message }) => message === "app:p restarted");
    expect(restarts.map(({ fields }) => [fields["child"], fields["reason"]])).toEqual([
      ["good", "restarted with bad"],
      ["bad", "src/p.lua:3: boom"],
    ]);
  });

  test("a supervisor that cannot start tells its starter and nobody else", async () => {
    const app = await startApplication({
      functions: {
        go: {
          source: main(`process.set_options({ trap_links = true })
            local _, err = require("supervisor").start_link("app:processes", { children = { {} } })
            return err:message()`),
          modules: ["time", "funcs", "supervisor"],
        },
      },
    });
    expect(await app.call("go")).toBeString();
    expect(bad(app)).toEqual([]);
  });
});

test("a service that fails is one record with its process, entry and traceback", async () => {
  const app = await startApplication({
    processes: { p: main('time.sleep("1ms") error("boom")') },
    entries: {
      service: {
        kind: "process.service",
        process: "app:p",
        host: "app:processes",
        lifecycle: { auto_start: true, restart: { initial_delay: "1h" } },
      },
    },
  });
  await until(() => bad(app).length > 0);
  const records = bad(app);
  expect(records.map(summary)).toEqual([
    "error | service app:service is failed | src/p.lua:3: boom",
  ]);
  expect(records[0]?.fields).toMatchObject({
    pid: expect.stringContaining("{app:processes|0x"),
    entry: "app:p",
    stack: expect.stringContaining("src/p.lua:3: in "),
    restart_in_ms: expect.any(Number),
  });
});

test("a loop of crashes is counted, and does not flood the log", async () => {
  const app = await startApplication({
    processes: { p: main('error("boom " .. ...)'), q: main('error("other")') },
    functions: {
      go: main(`for i = 1, 2000 do process.spawn("app:p", "app:processes", i) end
        time.sleep("1s")
        process.spawn("app:q", "app:processes")
        time.sleep("10s")
        process.spawn("app:p", "app:processes", "later")
        time.sleep("1s")`),
    },
  }, { simulation: new Simulation({ seed: 1 }) });
  await app.call("go");
  const boom = expect.stringMatching(/^error \| app:p crashed \| src\/p.lua:3: boom \d+$/);
  expect(bad(app).map(summary)).toEqual([
    ...Array<unknown>(10).fill(boom),
    "error | app:p crashed again and again: counted for up to 10s",
    "error | app:q crashed | src/q.lua:3: other",
    expect.stringMatching(/^error \| app:p crashed 1990 more times in 10s \| src\/p.lua:3: boom /),
    "error | app:p crashed | src/p.lua:3: boom later",
  ]);
});
