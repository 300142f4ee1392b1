/** What workflows publish: recorded with the step, and in the queue exactly once. */
import { expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Config } from "../../../src/app/config.ts";
import { Node } from "../../../src/node/node.ts";
import type { LogRecord } from "../../../src/observe/log.ts";
import type { Entry } from "../../../src/registry/entry.ts";
import { cleanAfterTest } from "../../cleanup.ts";
import { until } from "../../until.ts";

const auto = { lifecycle: { auto_start: true } };
const entry = (name: string, kind: string, data: Record<string, unknown>): Entry => ({
  id: `app:${name}`,
  kind,
  meta: {},
  data,
});

interface Given {
  folder: string;
  workflow: string;
  /** Of the queue, and of the store of the notes. @default memory */
  driver?: string;
  /** Whether the queue and its consumer start by themselves. @default true */
  running?: boolean;
}

const logs: LogRecord[] = [];

/** An application with the workflow `main` and the queue `work`, whose handler notes what comes. */
async function start(
  { folder, workflow, driver = "memory", running = true }: Given,
): Promise<Node> {
  const modules = ["queue", "time", "store", "workflow"];
  const lifecycle = { auto_start: running };
  const code = (name: string, kind: string, body: string) =>
    entry(name, kind, {
      method: "main",
      modules,
      source: `local queue, time = require("queue"), require("time")
        local store, workflow = require("store"), require("workflow")
        return { main = function(...) ${body}
        end }`,
    });
  const node = await Node.start({
    entries: [
      entry("durable", "workflow.host", auto),
      entry("processes", "process.host", auto),
      entry("notes", `store.${driver}`, auto),
      entry("driver", `queue.driver.${driver}`, auto),
      entry("work", "queue.queue", { driver: "app:driver", lifecycle }),
      entry("consumer", "queue.consumer", { queue: "app:work", func: "app:handle", lifecycle }),
      code(
        "handle",
        "function.lua",
        `local message, notes = queue.message(), store.get("app:notes")
        local line = tostring(...) .. " " .. message:id() .. " " .. tostring(message:header("kind"))
        assert(notes:set("list", (notes:get("list") or "") .. line .. "\\n"))`,
      ),
      code("read", "function.lua", 'return store.get("app:notes"):get("list") or ""'),
      code("start", "function.lua", 'return workflow.exec("app:main", ...)'),
      code("main", "workflow.lua", workflow),
    ],
    config: Config.empty,
    directory: folder,
    stateDir: join(folder, "state"),
    workers: 1,
    inline: true,
    log: { log: (record) => logs.push(record) },
  });
  cleanAfterTest(() => node.stop());
  await node.launch();
  return node;
}

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "wippy-queue-workflows-"));
  cleanAfterTest(() => rmSync(folder, { recursive: true, force: true }));
  logs.length = 0;
  return folder;
}

async function handled(node: Node, count: number): Promise<string[][]> {
  return await until(async () => {
    const lines = String(await node.call("app:read", [])).split("\n").filter((line) => line !== "");
    return lines.length >= count && lines.map((line) => line.split(" "));
  });
}

/** The runs and events of the workflow `main`. */
async function historyOf(node: Node) {
  const { runs: [run] } = await node.workflows.list("app:durable", {});
  return { run: run!, events: await node.workflows.history("app:durable", run!.runId) };
}

test.each(["sqlite", "memory"])(
  "%s: messages come in order, with id, headers and delay",
  async (driver) => {
    const node = await start({
      folder: newFolder(),
      driver,
      workflow: `
      assert(queue.publish("app:work", "late", nil, { delay = "50ms" }))
      for i = 1, 20 do
        assert(queue.publish("app:work", i, { kind = "a", x_dead_letter_queue = "no" }) == true)
      end
      assert(queue.publish("app:work", "named", nil, { id = "order-7" }))
      assert(queue.publish("app:work", "again", nil, { id = "order-7" }))
      return "done"`,
    });
    expect(await node.call("app:start", [])).toBe("done");
    const lines = await handled(node, 22);
    const { run, events } = await historyOf(node);
    const numbers = Array.from({ length: 20 }, (_, i) => i + 1);
    expect(lines.filter(([body]) => body !== "late")).toEqual([
      ...numbers.map((i) => [String(i), `${run.runId}.publish.${i + 1}`, "a"]),
      ["named", "order-7", "nil"],
    ]);
    // One task: nothing was waited for.
    expect(events.map(({ type }) => String(type))).toEqual([
      "ExecutionStarted",
      "TaskStarted",
      "TaskCompleted",
      ...Array.from({ length: 23 }, () => "MessagePublished"),
      "ExecutionCompleted",
    ]);
  },
);

test("what is refused at once is refused in a replay as well", async () => {
  const workflow = `
    local seen = {}
    local function try(...)
      local ok, err = queue.publish(...)
      seen[#seen + 1] = tostring(ok) .. (err and " " .. err:kind() .. " " .. err:message() or "")
    end
    try("app:none", 1)
    try("app:driver", 1)
    try("app:work", {})
    try("app:work", "first")
    workflow.cancellation_scope(function(scope)
      scope:cancel()
      try("app:work", "in a cancelled scope")
    end)
    process.listen("go"):receive()
    try("app:none", 2)
    return seen`;
  const folder = newFolder();
  const first = await start({ folder, workflow, driver: "sqlite" });
  const run = first.call("app:start", []);
  run.catch(() => {});
  await handled(first, 1);
  await first.stop();

  const second = await start({ folder, workflow, driver: "sqlite" });
  const { run: { pid } } = await historyOf(second);
  await second.workflows.signal(pid, "go", "", []);
  const result = await new Promise((resolve, reject) => {
    second.workflows.watch(pid, (value, error) => error ? reject(error) : resolve(value));
  });
  expect(result).toEqual([
    "nil Internal queue not found: app:none",
    "nil Internal app:driver is a queue.driver.sqlite entry; use the id of a queue.queue entry",
    "nil Invalid message data is empty",
    "true",
    "nil Canceled scope canceled",
    "nil Internal queue not found: app:none",
  ]);
  expect((await handled(second, 1)).map(([body]) => body)).toEqual(["first"]);
  const { events } = await historyOf(second);
  const published = events.filter(({ type }) => type === "MessagePublished");
  expect(published).toHaveLength(4);
}, 30_000);

test("messages wait for a queue that does not run, and everybody can see it", async () => {
  const node = await start({
    folder: newFolder(),
    running: false,
    workflow: `
      assert(queue.publish("app:work", 1))
      assert(queue.publish("app:work", 2))
      return "done"`,
  });
  expect(await node.call("app:start", [])).toBe("done");
  const waiting = () => node.workflows.provider("app:durable").backlog();
  await until(() => waiting().some(({ error }) => error !== undefined));
  const [info] = node.control.services.filter(({ id }) => id === "app:durable");
  expect(info!.details).toBe("app:work: 2 to publish");
  expect(await node.control.inspectService("app:durable")).toEqual({
    publishing: [{ queue: "app:work", waiting: 2, refused: 0, error: expect.any(String) }],
  });
  await node.control.startService("app:work");
  await node.control.startService("app:consumer");
  expect((await handled(node, 2)).map(([body]) => body)).toEqual(["1", "2"]);
  await until(() => waiting().every((each) => each.waiting === 0 && each.error === undefined));
});
