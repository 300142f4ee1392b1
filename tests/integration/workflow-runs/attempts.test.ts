import { describe, expect, test } from "bun:test";
import { Simulation } from "../../../src/platform/simulation.ts";
import { failure, startDurable } from "./durable-application.ts";
import { until } from "../../until.ts";

const told = `local function told(value, err)
  if not err then return { value = value } end
  local details = err:details() or {}
  return { kind = err:kind(), message = err:message(), state = details._retry_state, timeout = details.timeout_type }
end `;

function executor(options: string): string {
  return `funcs.new():with_options{ ${options} }`;
}

const start = 'return workflow.exec("app:main", ...)';

describe("what an activity knows of itself", () => {
  test("its attempt, its run, and a token that stays the same over attempts", async () => {
    const application = await startDurable({
      workflows: {
        main: `local first = ${executor('["activity.retry_policy"] = { initial_interval = 1 }')}
            :call("app:step")
          return { first, funcs.call("app:step"), workflow.info().run_id }`,
      },
      functions: {
        start,
        step: `local info = activity.info()
          note(info.idempotency_token .. " " .. info.attempt)
          if info.attempt == 1 and info.activity_id == "1" then error("again") end
          return info`,
      },
    });
    const [first, second, runId] = await application.call("start") as [
      Record<string, unknown>,
      Record<string, unknown>,
      string,
    ];
    expect(first).toMatchObject({
      activity_id: "1",
      activity_type: "app:step",
      attempt: 2,
      run_id: runId,
      idempotency_token: `${runId}.1`,
    });
    expect(first.workflow_pid).toBe(`{app:durable|${first.workflow_id}}`);
    expect(second).toMatchObject({ attempt: 1, idempotency_token: `${runId}.2` });
    expect(application.notes()).toEqual([`${runId}.1 1`, `${runId}.1 2`, `${runId}.2 1`]);
  });

  test("also in the functions that it calls, not in the runs that it starts", async () => {
    const application = await startDurable({
      workflows: {
        main: 'return funcs.call("app:outer")',
        other: 'return { activity.info() == nil, funcs.call("app:inner") }',
      },
      functions: {
        start,
        outer: `return { activity.info().activity_id, funcs.call("app:inner"),
          workflow.exec("app:other") }`,
        inner: "return activity.info().activity_type",
      },
    });
    expect(await application.call("start")).toEqual(["1", "app:outer", [true, "app:inner"]]);
  });

  test("nothing, outside of an activity", async () => {
    const application = await startDurable({
      functions: {
        plain: `local _, err = activity.heartbeat(1)
          return { activity.info() == nil, err:kind(), select("#", activity.heartbeat_details()), activity.is_canceled() }`,
      },
    });
    expect(await application.call("plain")).toEqual([true, "Invalid", 0, false]);
  });
});

describe("heartbeats", () => {
  test("keep an attempt alive beyond the heartbeat timeout", async () => {
    const application = await startDurable({
      workflows: {
        main: `${told} return told(${
          executor('["activity.heartbeat_timeout"] = "1m"')
        }:call("app:long"))`,
      },
      functions: {
        start,
        long: `for i = 1, 10 do time.sleep("45s") assert(activity.heartbeat(i)) end
          return activity.info().attempt`,
      },
    }, { simulation: new Simulation({ seed: 1 }) });
    expect(await application.call("start")).toEqual({ value: 1 });
  });

  test("that stop end the attempt; the next one gets the last details", async () => {
    const application = await startDurable({
      workflows: {
        main: `${told} return told(${
          executor(
            '["activity.heartbeat_timeout"] = "1m", ["activity.retry_policy"] = { maximum_attempts = 3 }',
          )
        }:call("app:stuck"))`,
      },
      functions: {
        start,
        stuck: `local done, what = activity.heartbeat_details()
          note(tostring(done) .. " " .. tostring(what and what.file))
          assert(activity.heartbeat((done or 0) + 10, { file = "f" }))
          time.sleep("2h")`,
      },
    }, { simulation: new Simulation({ seed: 1 }) });
    expect(await application.call("start")).toMatchObject({
      kind: "Timeout",
      timeout: "heartbeat",
      state: "maximum_attempts_reached",
    });
    expect(application.notes()).toEqual(["nil nil", "10 f", "20 f"]);
  });

  test("details survive the runtime", async () => {
    const units = (stuck: string) => ({
      workflows: {
        main: `local value = ${executor('["activity.heartbeat_timeout"] = "1m"')}:call("app:stuck")
          note("result " .. value)`,
      },
      functions: { start: 'return process.spawn("app:main", "app:durable")', stuck },
    });
    const application = await startDurable(
      units('activity.heartbeat("half") print("beaten") time.sleep("1h")'),
    );
    await application.call("start");
    await application.printedBy("stuck");
    await application.start(
      units('print("again") return activity.heartbeat_details() .. activity.info().attempt'),
    );
    await until(() => application.notes()[0]);
    expect(application.notes()).toEqual(["result half2"]);
  });

  test("of values that cannot be copied are refused", async () => {
    const application = await startDurable({
      workflows: { main: 'return funcs.call("app:bad")' },
      functions: {
        start,
        bad: `local deep = {}
          for i = 1, 200 do deep = { deep } end
          local _, err = activity.heartbeat(deep)
          return err:kind()`,
      },
    });
    expect(await application.call("start")).toBe("Invalid");
  });
});

describe("cancellation", () => {
  const units = (type: string) => ({
    workflows: {
      main: `local future = ${
        executor(`["activity.cancellation_type"] = "${type}"`)
      }:async("app:long")
        process.listen("begun"):receive()
        future:cancel()
        return time.sleep("1h")`,
    },
    functions: {
      start,
      long: `process.send(activity.info().workflow_pid, "begun")
        for i = 1, 20 do
          time.sleep("1m")
          local alive, err = activity.heartbeat(i)
          if not alive then
            note("cleaned up: " .. err:kind())
            return nil, err
          end
        end
        note("went on to its end")`,
    },
  });

  async function notesOf(type: string, options = units(type)): Promise<string[]> {
    const simulation = new Simulation({ seed: 5 });
    const application = await startDurable(options, { simulation });
    await application.call("start");
    return application.notes();
  }

  test("try_cancel aborts the attempt", async () => {
    expect(await notesOf("try_cancel")).toEqual([]);
  });

  test("wait_cancellation_completed asks it to end", async () => {
    const gentle = units("wait_cancellation_completed");
    gentle.functions.long = `activity.heartbeat() ${gentle.functions.long}`;
    expect(await notesOf("", gentle)).toEqual(["cleaned up: Canceled"]);
  });

  test("wait_cancellation_completed aborts an attempt that never listened", async () => {
    expect(await notesOf("wait_cancellation_completed")).toEqual([]);
  });

  test("abandon lets it go on", async () => {
    expect(await notesOf("abandon")).toEqual(["went on to its end"]);
  });

  test("any other type is refused", async () => {
    const application = await startDurable({
      workflows: {
        main: `return ${executor('["activity.cancellation_type"] = "soon"')}:call("app:x")`,
      },
      functions: { start, x: "return 1" },
    });
    expect(await failure(application.call("start"))).toMatchObject({
      kind: "Invalid",
      message: expect.stringContaining("activity.cancellation_type"),
    });
  });
});

describe("at most so many at once", () => {
  const host = { max_concurrent_activities: 2 };

  test("the others wait for their turn", async () => {
    const application = await startDurable({
      workflows: {
        main: `local futures = {}
          for i = 1, 7 do futures[i] = funcs.async("app:busy", i) end
          local sum = 0
          for _, future in ipairs(futures) do sum = sum + future:channel():receive():data() end
          return sum`,
      },
      functions: {
        start,
        busy: `note("+") time.sleep("1m") note("-") return ...`,
      },
    }, { host, simulation: new Simulation({ seed: 2 }) });
    expect(await application.call("start")).toBe(28);
    let running = 0;
    let most = 0;
    for (const line of application.notes()) {
      running += line === "+" ? 1 : -1;
      most = Math.max(most, running);
    }
    expect([running, most, application.notes().length]).toEqual([0, 2, 14]);
  });

  test("an attempt that waits too long has timed out and is not tried again", async () => {
    const application = await startDurable({
      workflows: {
        main: `${told}
          funcs.async("app:busy") funcs.async("app:busy")
          return told(${
          executor('["activity.schedule_to_start_timeout"] = "10s"')
        }:call("app:busy"))`,
      },
      functions: { start, busy: `note("+") time.sleep("1m")` },
    }, { host, simulation: new Simulation({ seed: 2 }) });
    expect(await application.call("start")).toMatchObject({
      kind: "Timeout",
      timeout: "schedule_to_start",
      state: "timeout",
      message: "activity app:busy timed out (schedule_to_start)",
    });
    expect(application.notes()).toEqual(["+", "+"]);
  });

  test("an attempt that waited when the runtime ended is not counted", async () => {
    const units = (busy: string) => ({
      workflows: {
        main: `local once = { ["activity.retry_policy"] = { maximum_attempts = 1 } }
          local futures = {}
          for i = 1, 3 do futures[i] = funcs.new():with_options(once):async("app:busy") end
          for _, future in ipairs(futures) do
            local got = future:channel():receive()
            note(errors.is(got, "Unavailable") and got:kind() or got:data())
          end
          note("end")`,
      },
      functions: { start: 'return process.spawn("app:main", "app:durable")', busy },
    });
    const application = await startDurable(units('print("begun") time.sleep("1h")'), { host });
    await application.call("start");
    await until(() => application.printed("busy").length >= 2);
    await application.start(units("return activity.info().attempt"), { host });
    await until(() => application.notes().at(-1) === "end");
    expect(application.notes()).toEqual(["Unavailable", "Unavailable", "1", "end"]);
  });
});
