import { expect, test } from "bun:test";
import { type DurableApplication, startDurable } from "./durable-application.ts";
import { until } from "../../until.ts";

/** Ends the VM that it runs in: an endless loop where nothing can suspend, which ignores the errors for it. */
/** Has the VM of every worker die, as a trap would, and with it all that runs there. */
function killWorkers(application: DurableApplication): void {
  for (let worker = 0; worker < 64; worker++) application.killWorker(worker);
}

test("many runs on several workers", async () => {
  const application = await startDurable({
    workflows: {
      main: `local n = ...
        local sum = 0
        for i = 1, 3 do
          sum = sum + funcs.call("app:same", n)
          time.sleep(1)
        end
        return sum`,
    },
    functions: {
      same: "return ...",
      start: `local waiting, sum = 0, 0
        for i = 1, 200 do
          assert(process.spawn_monitored("app:main", "app:durable", i))
        end
        local events = process.events()
        for i = 1, 200 do sum = sum + events:receive().result.value end
        return sum`,
    },
  }, { workers: 2 });
  expect(await application.call("start")).toBe(3 * 200 * 201 / 2);
}, 20_000);

test("runs whose worker dies go on by replay, and see nothing of it", async () => {
  const application = await startDurable({
    workflows: {
      main: `local n = ...
        local id = uuid.v4()
        local answer = funcs.call("app:same", n)
        print(id)
        process.listen("go"):receive()
        return { id, answer }`,
    },
    functions: {
      same: "note(...) return ...",
      start: `for i = 1, 10 do
          process.with_options{ ["workflow.id"] = "run" .. i }:spawn("app:main", "app:durable", i)
        end`,
      finish: `local values = {}
        for i = 1, 10 do
          local pid = "{app:durable|run" .. i .. "}"
          process.monitor(pid)
          process.send(pid, "go")
          values[i] = process.events():receive().result.value
        end
        return values`,
    },
  });
  await application.call("start");
  await until(() => application.printed("main").length >= 10);
  killWorkers(application);
  await application.reported("was replaced");
  const values = await application.call("finish") as [string, number][];
  expect(values.map(([, answer]) => answer)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  expect(application.printed("main").sort()).toEqual(values.map(([id]) => id).sort());
  expect(application.notes()).toHaveLength(10);
}, 60_000);

test("an activity whose worker dies is tried again", async () => {
  const application = await startDurable({
    workflows: {
      main: `return funcs.new():with_options{ ["activity.retry_policy"] = { initial_interval = 1 } }
        :call("app:dies_once")`,
    },
    functions: {
      dies_once: `if fs.get("app:files"):exists("notes.txt") then return "survived" end
        note("begun")
        time.sleep("1h")`,
      start: 'process.with_options{ ["workflow.id"] = "main" }:spawn("app:main", "app:durable")',
      result: `process.monitor("{app:durable|main}")
        return process.events():receive().result.value`,
    },
  });
  await application.call("start");
  await until(() => application.notes().length > 0);
  killWorkers(application);
  await application.reported("was replaced");
  expect(await application.call("result")).toBe("survived");
}, 60_000);

test("an operation whose worker dies is done again", async () => {
  const application = await startDurable({
    workflows: { main: 'return process.exec("app:slow_once", "app:processes")' },
    processes: {
      slow_once: `if fs.get("app:files"):exists("notes.txt") then return "survived" end
        note("begun")
        time.sleep("1h")`,
    },
    functions: {
      start: 'process.with_options{ ["workflow.id"] = "main" }:spawn("app:main", "app:durable")',
      result: `process.monitor("{app:durable|main}")
        return process.events():receive().result.value`,
    },
  });
  await application.call("start");
  await until(() => application.notes().length > 0);
  killWorkers(application);
  await application.reported("was replaced");
  expect(await application.call("result")).toBe("survived");
}, 60_000);
