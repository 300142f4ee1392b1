import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { Simulation } from "../../../src/platform/simulation.ts";
import { startDurable } from "./durable-application.ts";

/** The code blocks of a language on a page. */
function blocks(page: string, language: string): string[] {
  const text = readFileSync(join(import.meta.dir, "../../../docs", page), "utf8");
  return [...text.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, "gms"))]
    .map((match) => match[1]!);
}

test("the example of the workflow module does what the page says", async () => {
  const page = "reference/modules/workflow.md";
  const application = await startDurable({
    workflows: { order: { source: blocks(page, "lua")[0]! }, ship: "return ..." },
    functions: { start: 'return workflow.exec("app:order", { 1.25, 2 })' },
  });
  expect(`${await application.call("start") as string}\n`).toBe(blocks(page, "text")[0]!);
});

test("the example of the schedule module does what the page says", async () => {
  const page = "reference/modules/schedule.md";
  const application = await startDurable({
    workflows: { report: "return ..." },
    functions: { weekly: { source: blocks(page, "lua")[0]! } },
  }, { simulation: new Simulation({ seed: 1 }) });
  expect(`${await application.call("weekly") as string}\n`).toBe(blocks(page, "text")[0]!);
});

test("the declared schedule of the page on workflows is one", async () => {
  const [entry] = parse(blocks("guide/workflows.md", "yaml")[1]!) as Record<string, unknown>[];
  const { name, kind, ...data } = entry!;
  expect([name, kind]).toEqual(["nightly", "workflow.schedule"]);
  const application = await startDurable({
    workflows: { report: "return ..." },
    functions: { look: 'return schedule.describe("app:nightly")' },
    schedules: { nightly: data },
  });
  expect(await application.call("look")).toMatchObject({
    spec: { cron: ["30 6 * * 1-5"], time_zone: "Europe/Oslo" },
    policies: { overlap: "buffer_one", catchup_window: 86_400_000 },
  });
});

test("the example of the page on workflows runs", async () => {
  const [order, start] = blocks("guide/workflows.md", "lua");
  const application = await startDurable({
    workflows: { order: { source: order!.replaceAll("shop:", "app:") } },
    functions: {
      charge: 'return "receipt for " .. ...',
      start: `${start!.replaceAll("shop:", "app:")} return event.result.value`,
    },
  });
  expect(await application.call("start")).toBe("receipt for 120 approved by Ada");
});

test("the updates and queries of the page on workflows work", async () => {
  const [, , handlers, update, withStart, query, ask] = blocks("guide/workflows.md", "lua");
  const application = await startDurable({
    workflows: {
      main: `${handlers} ${query} process.listen("close"):receive()`,
      cart: `${handlers} process.listen("close"):receive()`,
    },
    functions: {
      begin: `${withStart!.replaceAll("shop:", "app:")} return total, err`,
      start: `local pid = process.spawn("app:main", "app:durable")
        local first, second
        do ${update} first = { total, err, id } end
        do ${ask} second = total end
        return { first, second }`,
    },
  });
  expect(await application.call("start")).toEqual([
    new Map<number, unknown>([[1, 5], [3, "payment-17"]]),
    10,
  ]);
  expect(await application.call("begin")).toBe(5);
});

test("the local activities of the page on workflows are one step", async () => {
  const code = blocks("guide/workflows.md", "lua")[7]!.replaceAll("shop:", "app:");
  const application = await startDurable({
    workflows: { main: `${code} return { total, workflow.history_length() }` },
    functions: {
      price: 'return (...) == "tea" and 3',
      sum: "local a, b = ... return a + b",
      start: 'return workflow.exec("app:main")',
    },
  });
  expect(await application.call("start")).toEqual([15, 2]);
});

test("the cancellation scope of the page on workflows cleans up", async () => {
  const scope = blocks("guide/workflows.md", "lua")[8]!.replaceAll("shop:", "app:");
  const application = await startDurable({
    workflows: { main: scope },
    functions: {
      pack: 'note("packing") time.sleep("1h")',
      restock: 'note("restocked") return true',
      start: `local pid = process.spawn("app:main", "app:durable")
        while not fs.get("app:files"):exists("notes.txt") do time.sleep("2ms") end
        process.cancel(pid, "sold out")
        return process.exec("app:waiter", "app:processes", pid)`,
    },
    processes: {
      waiter: `process.monitor(...)
        local err = process.events():receive().result.error
        return { err:kind(), fs.get("app:files"):readfile("notes.txt") }`,
    },
  });
  expect(await application.call("start")).toEqual(["Canceled", "packing\nrestocked\n"]);
});

test("the example of the activity module does what the page says", async () => {
  const page = "reference/modules/activity.md";
  const application = await startDurable({
    workflows: {
      main: `return funcs.new():with_options{ ["activity.retry_policy"] = { initial_interval = 1 } }
        :call("app:import", { "a", "b", "c" })`,
    },
    functions: {
      import: { source: blocks(page, "lua")[0]! },
      start: 'return workflow.exec("app:main")',
    },
  });
  expect(`${await application.call("start") as string}\n`).toBe(blocks(page, "text")[0]!);
});

test("the account of the page for those who come from Temporal works", async () => {
  const [account] = blocks("guide/from-temporal.md", "lua");
  const simulation = new Simulation({ seed: 6 });
  const application = await startDurable({
    workflows: { account: { source: account!.replaceAll("bank:", "app:") } },
    functions: {
      deposit: 'note(select(2, ...)) return "receipt"',
      start: `local pid = process.spawn("app:account", "app:durable", "a-1", 0)
        process.send(pid, "deposit", 5)
        process.send(pid, "deposit", 7)
        local refused = select(2, workflow.update(pid, "pause", "yes")):message()
        local paused = workflow.update(pid, "pause", true)
        time.sleep("1h")
        return { paused, refused, workflow.query(pid, "count"), process.exec("app:waiter", "app:processes", pid) }`,
    },
    processes: {
      waiter: "process.monitor(...) return process.events():receive().result.value",
    },
  }, { simulation });
  expect(await application.call("start")).toEqual([
    true,
    expect.stringContaining("true or false is needed"),
    2,
    "closed after 2",
  ]);
  expect(application.notes()).toEqual(["5", "7"]);
});
