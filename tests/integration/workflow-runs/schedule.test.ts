import { expect, test } from "bun:test";
import { Simulation } from "../../../src/platform/simulation.ts";
import { startDurable, type Units } from "./durable-application.ts";

/** What a Lua test tells of an error. */
const told = `local function told(value, err)
  if not err then return value end
  return err:kind() .. ": " .. err:message()
end `;

async function run(body: string, units: Units = {}): Promise<unknown> {
  const application = await startDurable({
    ...units,
    workflows: { report: "return ...", ...units.workflows },
    functions: { ...units.functions, driver: told + body },
  }, { simulation: new Simulation({ seed: 1 }) });
  return await application.call("driver");
}

test("Lua code makes a schedule, looks at it, steers it and removes it", async () => {
  const body = `
    local begin = time.now()
    assert(schedule.create({
      id = "nightly",
      spec = { cron = { "0 6 * * *" }, time_zone = "Europe/Oslo", end_at = begin:add("480h") },
      action = {
        workflow = "app:report",
        args = { "x", { y = 2 } },
        options = { ["workflow.memo"] = { team = "a" }, ["workflow.run_timeout"] = "1h" },
      },
      policies = { overlap = "buffer_one", catchup_window = "24h" },
      note = "made by a test",
      remaining_actions = 7,
    }))
    time.sleep("72h")
    local info = assert(schedule.describe("nightly"))
    local page = assert(schedule.list({ limit = 10 }))
    assert(schedule.pause("nightly", "stop"))
    time.sleep("48h")
    local paused = assert(schedule.describe("nightly"))
    assert(schedule.update("nightly", { spec = { intervals = { { every = "1h" } } }, remaining_actions = false }))
    assert(schedule.unpause("nightly"))
    time.sleep("190m")
    local hourly = assert(schedule.describe("nightly"))
    local ran = assert(schedule.trigger("nightly", { overlap = "allow_all" }))
    local filled = assert(schedule.backfill("nightly", {
      { from = begin, to = begin:add("90m"), overlap = "allow_all" },
      { from = begin:add("2h"):format(time.RFC3339), to = begin:add("3h"):format(time.RFC3339) },
    }))
    assert(schedule.delete("nightly"))
    return {
      info = info, page = page, paused = paused, hourly = hourly, ran = ran, filled = filled,
      gone = told(schedule.describe("nightly")), begin = begin:unix(),
    }`;
  const result = await run(body) as Record<string, never>;
  const { info, page, paused, hourly, ran, filled, gone } = result as never as Record<string, {
    counts: Record<string, number>;
    recent: { workflow_id: string; pid: string; scheduled: number }[];
  }>;
  expect(info).toMatchObject({
    id: "nightly",
    host: "app:durable",
    workflow: "app:report",
    spec: { cron: ["0 6 * * *"], time_zone: "Europe/Oslo", end_at: expect.any(Number) },
    action: {
      workflow: "app:report",
      workflow_id: "nightly",
      args: ["x", { y: 2 }],
      options: { "workflow.memo": { team: "a" }, "workflow.run_timeout": 3_600_000 },
    },
    policies: { overlap: "buffer_one", catchup_window: 86_400_000, pause_on_failure: false },
    note: "made by a test",
    remaining_actions: 4,
    running_count: 0,
    counts: { actions: 3, missed_catchup_window: 0, overlap_skipped: 0, buffer_dropped: 0 },
  });
  expect(info!.recent[0]!.workflow_id).toMatch(/^nightly-\d{4}-\d\d-\d\dT0[45]:00:00Z$/);
  expect(info!.recent[0]!.pid).toBe(`{app:durable|${info!.recent[0]!.workflow_id}}`);
  expect(page).toMatchObject({ schedules: [{ id: "nightly", paused: false }] });
  expect(paused).toMatchObject({ paused: true, note: "stop", counts: { actions: 3 } });
  expect(hourly).toMatchObject({ paused: false, counts: { actions: 6 } });
  expect(ran).toMatchObject({ status: "started", pid: expect.stringContaining("nightly-") });
  expect(filled).toEqual({ started: 2, buffered: 1, skipped: 1 } as never);
  expect(String(gone)).toBe("NotFound: there is no schedule nightly");
});

test("bad schedules are refused, naming the field", async () => {
  const body = `
    local function try(change)
      local definition = { id = "s", spec = { cron = { "@daily" } }, action = { workflow = "app:report" } }
      for key, value in pairs(change) do definition[key] = value end
      return told(schedule.create(definition))
    end
    return {
      try({ spec = {} }),
      try({ spec = { cron = { "never" } } }),
      try({ spec = { cron = { "@daily" }, time_zone = "Mars" } }),
      try({ spec = { intervals = { { every = "soon" } } } }),
      try({ spec = { intervals = { { every = "1h" } }, start_at = "tomorrow" } }),
      try({ spec = { crn = { "@daily" } } }),
      try({ spec = "daily" }),
      try({ action = { workflow = "app:driver" } }),
      try({ action = {} }),
      try({ action = { workflow = "app:report", options = { ["workflow.id"] = "x" } } }),
      try({ action = { workflow = "app:report", options = { ["workflow.run_timeout"] = "x" } } }),
      try({ action = { workflow = "app:report", options = { ["workflow.start_delay"] = "1s" } } }),
      try({ policies = { overlap = "cancel" } }),
      try({ policies = { catchup_window = "1s" } }),
      try({ remaining_actions = 1.5 }),
      try({ id = "" }),
      try({}),
      try({}),
      told(schedule.update("s", { spec = {} })),
      told(schedule.update("s", { id = "t" })),
      told(schedule.trigger("s", { overlap = "x" })),
      told(schedule.backfill("s", { { from = "yesterday", to = "2026-01-01" } })),
      told(schedule.list({ after = "x" })),
    }`;
  expect(await run(body)).toEqual([
    /^Invalid: spec: it never matches/,
    /^Invalid: spec\.cron\[0\]: "never" is no cron schedule/,
    /^Invalid: spec\.time_zone: "Mars" is no time zone/,
    /^Invalid: spec\.intervals\[0\]\.every: a duration expected/,
    /^Invalid: spec\.start_at: a time expected; write 2026-11-25/,
    /^Invalid: spec\.crn: there is no such field; there are cron, time_zone/,
    /^Invalid: spec must be a map, not the text "daily"/,
    /^NotFound: action\.workflow: there is no workflow app:driver/,
    /^Invalid: action\.workflow is required/,
    /^Invalid: action\.options: workflow\.id: the workflow ids/,
    /^Invalid: option workflow\.run_timeout: /,
    /^Invalid: action\.options: workflow\.start_delay: a scheduled run cannot have it/,
    /^Invalid: policies\.overlap: unknown overlap policy: cancel/,
    /^Invalid: policies\.catchup_window: a duration of at least 10s/,
    /^Invalid: remaining_actions: a whole number/,
    /^Invalid: id: a text/,
    true,
    /^AlreadyExists: there is a schedule s already/,
    /^Invalid: spec: it never matches/,
    /^Invalid: id: there is no such field/,
    /^Invalid: overlap: unknown overlap policy: x/,
    /^Invalid: ranges\[0\]\.from: a time expected/,
    /^Invalid: "x" is no cursor of this list/,
  ].map((item) => item instanceof RegExp ? expect.stringMatching(item) : item));
});

test("in a workflow it is a recorded operation", async () => {
  const application = await startDurable({
    workflows: {
      report: "return ...",
      maker: `assert(schedule.create({ id = "made", spec = { intervals = { { every = "1h" } } },
          action = { workflow = "app:report" } }))
        local made = schedule.describe("made")
        time.sleep("150m")
        local later = schedule.describe("made")
        assert(schedule.pause("made"))
        return { made.counts.actions, later.counts.actions, schedule.describe("made").paused }`,
    },
    functions: { start: 'return process.exec("app:maker", "app:durable")' },
  }, { simulation: new Simulation({ seed: 2 }) });
  expect(await application.call("start")).toEqual([0, 2, true]);
  const { runs: [run] } = await application.workflows.list("app:durable", { entry: "app:maker" });
  const history = await application.workflows.history("app:durable", run!.runId);
  const operations = history.flatMap(({ type, data }) =>
    type === "ActivityScheduled" ? [data.entry] : []
  );
  expect(operations).toEqual([
    "schedule.create",
    "schedule.describe",
    "schedule.describe",
    "schedule.pause",
    "schedule.describe",
  ]);
});

test("a run works on behalf of who made its schedule, who must be allowed to", async () => {
  const policies = {
    some: {
      actions: ["schedule.*", "workflow.exec", "funcs.*", "fs.get"],
      resources: ["mine", "app:report", "app:create", "security", "app:files", ""],
      effect: "allow",
    },
  };
  const body = `
    local actor = security.new_actor("ada", {})
    local scope = security.new_scope({ security.policy("app:some") })
    return funcs.new():with_actor(actor):with_scope(scope):call("app:create")`;
  const application = await startDurable({
    policies,
    workflows: { report: "note(security.actor():id())", other: "" },
    functions: {
      driver: body,
      create: `${told}
        local function try(id, workflow)
          return told(schedule.create({ id = id, spec = { intervals = { { every = "1h" } } },
            action = { workflow = workflow } }))
        end
        local first = try("mine", "app:report")
        time.sleep("90m")
        return { first, try("yours", "app:report"), try("mine", "app:other"),
          told(schedule.describe("yours")), told(schedule.delete("mine")) }`,
    },
  }, { simulation: new Simulation({ seed: 3 }) });
  expect(await application.call("driver")).toEqual([
    true,
    "PermissionDenied: permission denied: schedule.create on yours",
    "PermissionDenied: permission denied: workflow.exec on app:other",
    "PermissionDenied: permission denied: schedule.describe on yours",
    true,
  ]);
  expect(application.notes()).toEqual(["ada"]);
});

test("an entry declares a schedule, which follows the registry and stays paused", async () => {
  const simulation = new Simulation({ seed: 4 });
  const units = (every: string): Units => ({
    workflows: { report: "note(tostring((...)))" },
    functions: {
      look: 'return schedule.describe("app:hourly")',
      pause: 'return schedule.pause("app:hourly", "by hand")',
      unpause: 'return schedule.unpause("app:hourly")',
      wait: "time.sleep(...) return true",
      remove: `${told} return told(schedule.delete("app:hourly"))`,
      count: "return #schedule.list().schedules",
    },
    schedules: {
      hourly: {
        spec: { intervals: [{ every }] },
        action: { workflow: "report", args: ["declared"] },
        policies: { overlap: "allow_all" },
      },
    },
  });
  const application = await startDurable(units("1h"), { simulation });
  await application.call("wait", "150m");
  expect(application.notes()).toEqual(["declared", "declared"]);
  expect(await application.call("look"))
    .toMatchObject({ declared_by: "app:hourly", workflow: "app:report", counts: { actions: 2 } });
  expect(await application.call("remove")).toMatch(/^Conflict: .*remove the entry app:hourly/);
  await application.call("pause");
  await application.start(units("2h"), { simulation });
  expect(await application.call("look")).toMatchObject({
    paused: true,
    note: "by hand",
    spec: { intervals: [{ every: 7_200_000 }] },
    counts: { actions: 2 },
  });
  await application.call("unpause");
  await application.change(units("10m"));
  await application.call("wait", "35m");
  expect(application.notes().length).toBe(5);
  const { schedules: _, ...without } = units("1h");
  await application.change(without);
  expect(await application.call("count")).toBe(0);
  await application.change(units("1h"));
  await application.start(without, { simulation });
  expect(await application.call("count")).toBe(0);
});

test("a declared schedule that cannot be is refused at load", async () => {
  const start = (data: Record<string, unknown>) =>
    startDurable({ workflows: { report: "" }, schedules: { bad: data } })
      .then(() => "started", (error) => error.message);
  const action = { workflow: "report" };
  expect(await start({ spec: { cron: ["never"] }, action })).toMatch(
    /spec\.cron\[0\]: "never" is no/,
  );
  expect(await start({ spec: { cron: ["@daily"] }, action: { workflow: "nothing" } }))
    .toMatch(/there is no workflow app:nothing/);
});
