import { describe, expect, test } from "bun:test";
import { startDurable } from "./durable-application.ts";
import { until } from "../../until.ts";

const size = 2 * 1024 * 1024;

describe("what is too large to be recorded", () => {
  test("results of functions and of host operations are refused, and not tried again", async () => {
    const application = await startDurable({
      workflows: {
        main: `local function told(value, err)
            if err then return { err:kind(), err:message() } end
            return #value
          end
          local volume = fs.get("app:files")
          funcs.call("app:write", ${size})
          return { told(funcs.call("app:large", ${size})), told(funcs.call("app:large", ${
          size - 100
        })),
            told(volume:readfile("large.txt")) }`,
      },
      functions: {
        start: 'return workflow.exec("app:main")',
        large: 'note("ran") return string.rep("x", ...)',
        write:
          `assert(fs.get("app:files"):writefile("large.txt", string.rep("x", ...))) return true`,
      },
    });
    const [result, small, operation] = await application.call("start") as unknown[];
    expect(result).toEqual([
      "Invalid",
      expect.stringMatching(
        /^the result of app:large has \d+ bytes; at most 2097152 can be recorded/,
      ),
    ]);
    expect(small).toBe(size - 100);
    expect(operation).toEqual(["Invalid", expect.stringContaining("can be recorded")]);
    expect(application.notes()).toEqual(["ran", "ran"]);
  });

  test("input, messages and updates are refused before anything happens", async () => {
    const application = await startDurable({
      workflows: { main: 'process.listen("end"):receive()' },
      functions: {
        start: `local large = string.rep("x", ${size})
          local _, input = process.spawn("app:main", "app:durable", large)
          local pid = process.spawn("app:main", "app:durable")
          local _, message = process.send(pid, "end", large)
          local _, update = workflow.update(pid, "u", large)
          return { input:message(), message:message(), update:message() }`,
      },
    });
    expect(await application.call("start")).toEqual([
      expect.stringContaining("the input of app:main has"),
      expect.stringContaining("the message end has"),
      expect.stringContaining("the input of the update u has"),
    ]);
  });

  /** What `body` gives in a workflow, `large` being a text that is too large to be recorded. */
  const within = async (body: string): Promise<unknown> => {
    const application = await startDurable({
      workflows: {
        main: `local large = string.rep("x", ${size})
          local function told(value, err)
            if err then return err:kind() .. ": " .. err:message():gsub("%d+", "N") end
            return value or "nothing"
          end
          ${body}`,
        child: "return 1",
        large: `return string.rep("x", ${size})`,
        failing: `error(string.rep("x", ${size}))`,
      },
      functions: {
        start: `local value, err = process.with_options({ ["workflow.id"] = "main" })
            :exec("app:main", "app:durable")
          if err then return { err:kind(), #err:message() > 5000 and "long" or err:message() } end
          return value`,
        echo: "return ...",
        fails: `return nil, string.rep("x", ${size})`,
        beat: `local _, err = activity.heartbeat(string.rep("x", ${size})) return err:message()`,
      },
    });
    const result = await application.call("start");
    // The history of the run, which is closed, is replayed for a query.
    expect(await application.workflows.query("{app:durable|main}", "state", [])).toEqual({});
    return result;
  };

  test("what a workflow passes on is refused before it is recorded", async () => {
    const passed =
      "Invalid: what the workflow passes on has about N bytes; at most N can be recorded. " +
      "Keep it in a file or a store, and pass its name";
    expect(
      await within(`return {
        told(funcs.call("app:echo", large)), told(workflow.exec("app:child", large)),
        told(process.send(process.pid(), "t", large)), told(process.upgrade(nil, large)),
        told(workflow.attrs({ memo = { a = large } })),
        told(fs.get("app:files"):writefile("x", large)), workflow.info().memo == nil or
          next(workflow.info().memo) == nil, workflow.history_length() }`),
    ).toEqual([
      passed,
      `${passed.replace("Invalid: ", "Invalid: workflow exec failed: ")}`,
      ...Array(4).fill(passed),
      true,
      6,
    ]);
  });

  test("so is a memo that grows too large step by step, and what a child is started with", async () => {
    expect(
      await within(`local half = large:sub(1, #large // 2 - 1000)
        local answers = {}
        for i = 1, 3 do answers[i] = told(workflow.attrs({ memo = { ["k" .. i] = half } })) end
        answers[4] = told(process.with_options({ ["workflow.memo"] = { a = large } })
          :spawn("app:child", "app:durable"))
        answers[5] = told(process.with_context({ a = large }):spawn("app:child", "app:durable"))
        answers[6] = told(process.with_context({}):with_message("t", large)
          :spawn("app:child", "app:durable"))
        return answers`),
    ).toEqual([
      true,
      true,
      expect.stringMatching(/^Invalid: the whole memo of the run has about N bytes/),
      ...Array(3).fill(
        expect.stringMatching(/^Invalid: what the child is started with has about N/),
      ),
    ]);
  });

  test("results and errors of runs, updates, activities and heartbeats are refused or cut", async () => {
    expect(
      await within(`workflow.set_update_handler("u", function() return large end)
        return { told(workflow.exec("app:large")), #told(workflow.exec("app:failing")) < 3000,
          #told(funcs.call("app:fails")) < 3000, told(funcs.call("app:beat")) }`),
    ).toEqual([
      expect.stringMatching(
        /^Invalid: workflow exec failed: the result of the workflow has about N/,
      ),
      true,
      true,
      expect.stringMatching(/^the details of the heartbeat has about \d+ bytes/),
    ]);
  });

  test("an update whose result is too large fails, and its run goes on", async () => {
    const application = await startDurable({
      workflows: {
        main: `workflow.set_update_handler("u", function() return string.rep("x", ${size}) end)
          return (process.listen("end"):receive())`,
      },
      functions: {
        start: `local pid = process.spawn("app:main", "app:durable")
          local _, err = workflow.update(pid, "u")
          process.monitor(pid)
          process.send(pid, "end", "went on")
          return { err:kind(), err:message(), process.events():receive().result.value }`,
      },
    });
    expect(await application.call("start")).toEqual([
      "Invalid",
      expect.stringMatching(/^the result of the update has about/),
      "went on",
    ]);
  });

  test("one step that asks for too many things, or too much, fails the run and does none of them", async () => {
    expect(
      await within('for i = 1, 1000000 do funcs.async("app:echo", i) end'),
    ).toEqual([
      "Invalid",
      expect.stringMatching(
        /asks at app:main:\d+ for more than 10000 things without waiting; wait in between/,
      ),
    ]);
    expect(
      await within(`for i = 1, 10 do pcall(funcs.async, "app:echo", large:sub(1, 1000000)) end
        note("went on") return 1`),
    ).toEqual(["Invalid", expect.stringContaining("for more than 8 MB without waiting")]);
  });
});

describe("a history that grows too long", () => {
  const units = {
    workflows: {
      main: 'while true do process.listen("go"):receive() print("got") end',
      steps: "for i = 1, 1000 do uuid.v4() time.sleep(1) end",
      large: 'while true do process.listen("go"):receive() env.get("PATH") end',
    },
    functions: {
      start: `local pid = process.with_options{ ["workflow.id"] = "w" }
          :spawn_monitored("app:" .. ..., "app:durable")
        local result = process.events():receive().result
        return { result.error:kind(), result.error:message(), result.error:details().reason }`,
      send: `return process.send("{app:durable|w}", "go", ("x"):rep(...))`,
    },
  };

  test("is warned of, and ends the run with its reason", async () => {
    const application = await startDurable(units, { host: { max_history_events: 50 } });
    expect(await application.call("start", "steps")).toEqual([
      "Canceled",
      "workflow terminated",
      expect.stringMatching(/^its history has 5\d events and \d+ bytes; at most 50 events/),
    ]);
    const told = application.logs.filter(({ logger }) => logger === "app:durable")
      .map(({ level, message }) => `${level}: ${message}`);
    expect(told).toEqual([
      expect.stringMatching(/^warn: workflow w has a history of 1\d events/),
      expect.stringMatching(/^error: workflow w was terminated: its history has 5\d events/),
    ]);
  });

  test("by signals alone too, and by bytes, of a blocked run as well", async () => {
    const host = { max_history_bytes: 100_000 };
    const application = await startDurable(units, { host });
    application.call("start", "main").catch(() => {});
    await until(() => application.workflows.describe("{app:durable|w}").catch(() => undefined));
    await until(async () => {
      await application.call("send", 10);
      return application.printed("main").length > 0;
    });
    const changed = 'uuid.v4() process.listen("go"):receive()';
    await application.start({ ...units, workflows: { ...units.workflows, main: changed } }, {
      host,
    });
    await application.call("send", 10);
    await application.reported("is blocked");
    for (let i = 0; i < 9; i++) await application.call("send", 10_000);
    await application.call("send", 10_000).catch(() => {});
    await application.call("send", 10_000).catch(() => {});
    expect(await application.workflows.describe("{app:durable|w}"))
      .toMatchObject({ status: "terminated" });
    await application.reported("and 100000 bytes are allowed. Let it continue as new in time");
  });
});
