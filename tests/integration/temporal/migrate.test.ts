/** `wippy workflow migrate`: runs of a journal go on at a server. */
import { afterAll, beforeAll, expect } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { stringify } from "yaml";
import { TemporalServer, withoutTemporal, withTemporal } from "../../temporal-server.ts";
import { until } from "../../until.ts";
import { Shop } from "../admin/shop.ts";

let server: TemporalServer;

beforeAll(async () => {
  if (withoutTemporal === undefined) {
    server = await TemporalServer.start({ attributes: { shop: "Keyword" } });
  }
}, 60_000);

afterAll(async () => {
  await server?.stop();
});

const sources: Record<string, string> = {
  effect: `return { main = function(by)
    assert(require("fs").get("app:files"):writefile("effects", by .. "\\n", "a"))
    return by
  end }`,
  start: `return { main = function(id, entry, options, ...)
    options["workflow.id"] = id
    return assert(process.with_options(options):spawn(entry, "app:durable", ...))
  end }`,
  send: `return { main = function(pid, topic, value)
    return process.send(pid, topic, value)
  end }`,
  result: `return { main = function(pid)
    process.monitor(pid)
    local exit = process.events():receive()
    return exit.result.value
  end }`,
  waits: `return { main = function(by)
    local notes, pay = process.listen("note"), process.listen("pay")
    local note = notes:receive()
    local amount = pay:receive()
    funcs.call("app:effect", by)
    return { by = by, note = note, amount = amount }
  end }`,
  charged: `return { main = function(by)
    funcs.call("app:effect", by)
    return process.listen("pay"):receive()
  end }`,
  sleeper: `return { main = function() time.sleep("1h") end }`,
  continued: `return { main = function(by, state)
    if not state then
      funcs.call("app:effect", by)
      process.upgrade(nil, by, { count = 7 })
    end
    return { state = state.count, amount = process.listen("pay"):receive() }
  end }`,
};

const functions = new Set(["effect", "start", "send", "result"]);
const auto = { lifecycle: { auto_start: true } };

const files = { name: "files", kind: "fs.directory", directory: "./files", auto_init: true };

/** Writes the application, with its workflows on one provider or the other. */
function write(shop: Shop, hosts: Record<string, unknown>[]): void {
  const modules = ["process", "funcs", "time", "fs"];
  const entries = Object.entries(sources).map(([name, source]) => {
    shop.write(`src/${name}.lua`, source);
    const kind = functions.has(name) ? "function.lua" : "workflow.lua";
    const listed = functions.has(name) ? modules : modules.filter((module) => module !== "fs");
    return { name, kind, method: "main", modules: listed, source: `file://${name}.lua` };
  });
  shop.write(
    "src/_index.yaml",
    stringify({ version: "1.0", namespace: "app", entries: [...entries, files, ...hosts] }),
  );
}

withTemporal("runs go on at a server without doing a step twice", async () => {
  const shop = new Shop();
  const migrate = (...args: string[]) => shop.wippy("workflow", "migrate", ...args);
  const effects = join(shop.directory, "files/effects");
  write(shop, [{ name: "durable", kind: "workflow.host", ...auto }]);
  await shop.open();
  const before = shop.node;
  const start = async (id: string, entry: string, options: Record<string, string> = {}) =>
    String(await before.call("app:start", [id, `app:${entry}`, options, id]));
  const waiting = await start("waiting", "waits", {
    "workflow.memo": { colour: "red" } as never,
    "workflow.search_attributes": { shop: "north" } as never,
  });
  await start("taken", "waits");
  await start("charged", "charged");
  await start("sleeper", "sleeper");
  await start("continued", "continued");
  await start("later", "waits", { "workflow.start_delay": "1h" });
  await before.call("app:send", [waiting, "note", "hello"]);
  const settled = async (id: string, events: string[]) =>
    await until(async () => {
      const info = await before.workflows.describe(`{app:durable|${id}}`);
      if (!info) return false;
      const history = await before.workflows.history("app:durable", info.runId);
      return events.every((type) => history.some((event) => event.type === type)) &&
        history.at(-1)?.type !== "TaskStarted";
    });
  await settled("waiting", ["ExecutionSignaled", "TaskCompleted"]);
  await settled("charged", ["ActivityCompleted"]);
  await settled("sleeper", ["TimerStarted"]);
  await until(async () =>
    (await before.workflows.list("app:durable", { workflowId: "continued" })).runs.length === 2
  );
  await settled("continued", ["TaskCompleted"]);
  expect((await migrate("--host", "app:nowhere")).err).toContain("no temporal.worker");
  await shop.stop();

  write(shop, [
    { name: "temporal", kind: "temporal.client", address: server.address, ...auto },
    { name: "durable", kind: "temporal.worker", client: "app:temporal", task_queue: "q", ...auto },
  ]);
  await server.command(
    ...["workflow", "start", "--type", "app:waits", "--task-queue", "none"],
    ...["--workflow-id", "taken"],
  );
  const planned = await migrate("--dry-run", "--json");
  const runs = (out: string) =>
    Object.fromEntries(
      (JSON.parse(out).runs as { workflow_id: string; result: string; why?: string }[])
        .map(({ workflow_id, result, why }) => [workflow_id, why ?? result]),
    );
  expect(planned.status).toBe(0);
  expect(runs(planned.out)).toEqual({
    waiting: "movable",
    later: "movable",
    continued: "movable",
    taken: "the server has, or had, a workflow of its id",
    charged: expect.stringContaining("it has called app:effect (event "),
    sleeper: expect.stringContaining("allow that with --restart-timers"),
  });
  const timers = await migrate("--dry-run", "--json", "--restart-timers");
  expect(runs(timers.out)).toMatchObject({ sleeper: "movable" });
  const moved = await migrate();
  expect(moved.err).toBe("");
  expect(moved.out).toContain("3 moved, 3 stay\n");
  const again = await migrate();
  expect(again.out).toContain("0 moved, 3 stay\n");

  const described = await server.command(
    ...["workflow", "describe", "--workflow-id", "waiting", "--output", "json"],
  );
  expect(described).toContain("shop");
  expect(described).toContain("colour");
  await shop.open();
  const after = shop.node;
  const pid = (id: string) => `{app:temporal@app:durable|${id}}`;
  await after.call("app:send", [pid("waiting"), "pay", 5]);
  expect(await after.call("app:result", [pid("waiting")])).toEqual({
    by: "waiting",
    note: "hello",
    amount: 5,
  });
  await after.call("app:send", [pid("continued"), "pay", 6]);
  expect(await after.call("app:result", [pid("continued")])).toEqual({ state: 7, amount: 6 });
  const later = await after.workflows.describe(pid("later"));
  expect(later).toMatchObject({ status: "running", entry: "app:waits" });
  expect(readFileSync(effects, "utf8").trim().split("\n").sort()).toEqual([
    "charged",
    "continued",
    "waiting",
  ]);
  await shop.stop();
  expect((await migrate()).out).toContain("0 moved, 3 stay\n");
}, 90_000);
