/** The same limits for every way in and out: what one of them takes gets through all of them. */
import { describe, expect, test } from "bun:test";
import { exportHistory, importHistory } from "../../../src/admin/history.ts";
import { readArgument } from "../../../src/cli/connection.ts";
import { readForeignJson } from "../../../src/vm/json.ts";
import { checkValue, valueLimits } from "../../../src/vm/limits.ts";
import type { LuaValue } from "../../../src/vm/value.ts";
import { type DurableApplication, startDurable } from "./durable-application.ts";

const most = valueLimits.depth;

/** A table in a table, so many of them. */
function nested(depth: number): LuaValue {
  let value: LuaValue = "core";
  for (let i = 0; i < depth; i++) value = [value];
  return value;
}

/** For each limit: Lua functions that make a value of a size and measure one, and what a refusal says. */
const limits = {
  depth: {
    nest: `local value = "core" for _ = 1, n do value = { value } end return value`,
    depth: `local n = 0
      while type(value) == "table" do n, value = n + 1, value[1] or value.k end
      return n`,
    refusal: `deeper than ${valueLimits.depth} levels`,
  },
  values: {
    nest: "local value = {} for i = 1, n do value[i] = i end return value",
    depth: "return #value",
    refusal: `more than ${valueLimits.values} values`,
  },
  // The table around a memo counts one, as it does for the depth.
  record: {
    nest: 'return ("x"):rep(n)',
    depth: 'return type(value) == "table" and #value.k + 1 or #value',
    refusal: `at most ${valueLimits.record} can be recorded`,
  },
} as const;
type Limit = keyof typeof limits;

const helpersOf = (limit: Limit) => `
  local function nest(n) ${limits[limit].nest} end
  local function depth(value) ${limits[limit].depth} end
  local n, second = ...
`;

/** Units that the ways lead to. */
const targetsOf = (helpers: string) => ({
  functions: {
    measure: `${helpers} return depth(n)`,
    make: `${helpers} return nest(n)`,
  },
  processes: {
    p_measure: `${helpers} return depth(n)`,
    p_make: `${helpers} return nest(n)`,
    p_message: `${helpers} return depth(process.inbox():receive():payload():data())`,
  },
  workflows: {
    w_measure: `${helpers} return depth(n)`,
    w_make: `${helpers} return nest(n)`,
    w_message: `${helpers} return depth(process.inbox():receive():payload():data())`,
    w_handlers: `${helpers}
      workflow.set_update_handler("measure", function(value) return depth(value) end)
      workflow.set_update_handler("make", function(levels) return nest(levels) end)
      workflow.set_query_handler("measure", function(value) return depth(value) end)
      workflow.set_query_handler("make", function(levels) return nest(levels) end)
      process.listen("end"):receive()`,
    w_again: `${helpers}
      if second == nil then return process.upgrade(nil, nest(n), true) end
      return depth(n)`,
    w_unread: `${helpers}
      if second == nil then
        local ok, err = process.send(process.pid(), "deep", nest(n))
        if not ok then return nil, err end
        return process.upgrade(nil, n, true)
      end
      return depth(process.inbox():receive():payload():data())`,
    w_tell: `${helpers}
      local pid = process.spawn("app:p_message", "app:processes")
      local ok, err = process.send(pid, "deep", nest(n))
      if not ok then return nil, err end
      process.monitor(pid)
      return n`,
    w_attrs: `${helpers}
      local ok, err = workflow.attrs({ memo = { k = nest(n - 1) } })
      if not ok then return nil, err end
      return depth(workflow.info().memo)`,
  },
});

const spawned = (id: string, host: string, args: string) => `
  local events = process.events()
  local pid, err = process.spawn_monitored("${id}", "${host}"${args})
  if not pid then return nil, err end
  local result = events:receive().result
  if result.error then return nil, result.error end
  return result.value`;

const messaged = (id: string, host: string) => `
  local events = process.events()
  local pid = process.spawn_monitored("${id}", "${host}")
  local ok, err = process.send(pid, "deep", nest(n))
  if not ok then process.terminate(pid) return nil, err end
  local result = events:receive().result
  if result.error then return nil, result.error end
  return result.value`;

const asked = (body: string) => `
  local pid = process.spawn("app:w_handlers", "app:durable")
  local value, err = ${body}
  process.send(pid, "end")
  if err then return nil, err end
  return value`;

/** What passes values on, by where the code is that does so. Each returns the depth that arrived. */
const ways: Record<"function" | "process" | "workflow", Record<string, string>> = {
  function: {
    "argument of a function": 'return funcs.call("app:measure", nest(n))',
    "result of a function":
      'local value, err = funcs.call("app:make", n) return value and depth(value), err',
    "argument of a workflow": 'return workflow.exec("app:w_measure", nest(n))',
    "result of a workflow":
      'local value, err = workflow.exec("app:w_make", n) return value and depth(value), err',
    "argument of an update": asked('workflow.update(pid, "measure", nest(n))'),
    "result of an update": `${
      asked('workflow.update(pid, "make", n)')
        .replace("return value", "return depth(value)")
    }`,
    "argument of a query": asked('workflow.query(pid, "measure", nest(n))'),
    "result of a query": `${
      asked('workflow.query(pid, "make", n)')
        .replace("return value", "return depth(value)")
    }`,
    "memo of a start":
      `local builder, refused = process.with_options({ ["workflow.memo"] = { k = nest(n - 1) } })
      if not builder then return nil, refused end
      local pid, err = builder:spawn("app:w_measure", "app:durable", {})
      if not pid then return nil, err end
      return n`,
  },
  process: {
    "argument of a process": spawned("app:p_measure", "app:processes", ", nest(n)"),
    "result of a process": `local events = process.events()
      process.spawn_monitored("app:p_make", "app:processes", n)
      local result = events:receive().result
      if result.error then return nil, result.error end
      return depth(result.value)`,
    "message to a process": messaged("app:p_message", "app:processes"),
    "message to a workflow": messaged("app:w_message", "app:durable"),
    "startup message of a workflow": `local events = process.events()
      local pid, err = process.with_context({}):with_message("deep", nest(n))
        :spawn_monitored("app:w_message", "app:durable")
      if not pid then return nil, err end
      local result = events:receive().result
      if result.error then return nil, result.error end
      return result.value`,
    "argument of process.upgrade": spawned("app:w_again", "app:durable", ", n"),
    "unread message at process.upgrade": spawned("app:w_unread", "app:durable", ", n"),
    "message of a workflow to a process": spawned("app:w_tell", "app:durable", ", n"),
    "memo of a workflow": spawned("app:w_attrs", "app:durable", ", n"),
  },
  workflow: {
    "argument of an activity": 'return funcs.call("app:measure", nest(n))',
    "result of an activity":
      'local value, err = funcs.call("app:make", n) return value and depth(value), err',
    "argument of a local activity":
      'return funcs.new():with_options({ ["activity.local"] = true }):call("app:measure", nest(n))',
    "result of a local activity":
      'local value, err = funcs.new():with_options({ ["activity.local"] = true }):call("app:make", n) return value and depth(value), err',
    "argument of a child": 'return workflow.exec("app:w_measure", nest(n))',
    "result of a child":
      'local value, err = workflow.exec("app:w_make", n) return value and depth(value), err',
    "signal to another workflow": messaged("app:w_message", "app:durable"),
    "argument of an update of another workflow": asked('workflow.update(pid, "measure", nest(n))'),
    "argument of a host operation":
      `local text, err = json.encode(nest(n)) if err then return nil, err end
      return depth(json.decode(text))`,
  },
};

/** The ways on which nothing is recorded: limits of the crossing hold there. */
const unrecorded = new Set([
  "argument of a function",
  "result of a function",
  "argument of a process",
  "result of a process",
  "message to a process",
  "result of a query",
]);

/** The limits that hold on a way, beside that of depth. */
const limitsOf = (way: string): readonly Limit[] =>
  way === "argument of a host operation"
    ? ["depth"]
    : unrecorded.has(way)
    ? ["depth", "values"]
    : ["depth", "record"];

/** An application whose function `start` takes a way with a value of a size, and returns the size that arrived. */
async function wayOf(
  context: keyof typeof ways,
  name: string,
  limit: Limit,
): Promise<(n: number) => Promise<unknown>> {
  const helpers = helpersOf(limit);
  const targets = targetsOf(helpers);
  const body = `${helpers} ${ways[context][name]!}`;
  const start = {
    function: `local value, err = funcs.call("app:way", ...)`,
    process: `local value, err = process.exec("app:way", "app:processes", ...)`,
    workflow: `local value, err = process.exec("app:way", "app:durable", ...)`,
  }[context];
  const application: DurableApplication = await startDurable({
    functions: {
      ...targets.functions,
      ...context === "function" && { way: body },
      start: `${start}
        if err then return { message = err:message() } end
        return value`,
    },
    processes: { ...targets.processes, ...context === "process" && { way: body } },
    workflows: { ...targets.workflows, ...context === "workflow" && { way: body } },
  });
  return async (n) => await application.call("start", n);
}

/** The largest size that gets through where each way adds a few bytes of its own: at most 256 below the limit. */
async function largest(take: (n: number) => Promise<unknown>, limit: number): Promise<number> {
  let taken = limit - 256, refused = limit + 1;
  while (refused - taken > 1) {
    const middle = (taken + refused) >> 1;
    if (await take(middle) === middle) taken = middle;
    else refused = middle;
  }
  return taken;
}

describe.each(Object.keys(ways) as (keyof typeof ways)[])("from a %s", (context) => {
  const cases = Object.keys(ways[context])
    .flatMap((name) => limitsOf(name).map((limit) => [name, limit] as const));

  test.each(cases)("%s, limit of %s", async (name, limit) => {
    const take = await wayOf(context, name, limit);
    const most = limit === "record" ? await largest(take, valueLimits.record) : valueLimits[limit];
    for (const n of [most - 1, most]) expect(await take(n), name).toBe(n);
    expect(await take(most + 1), name).toMatchObject({
      message: expect.stringContaining(limits[limit].refusal),
    });
  }, 60_000);
});

describe("from outside", () => {
  test.each([most - 1, most])("%i levels are taken", async (n) => {
    const value = nested(n);
    expect(checkValue(value, "it")).toBe(value);
    expect(readForeignJson(JSON.stringify(value), "it")).toEqual(value as never);
    expect(readArgument(JSON.stringify(value))).toEqual(value as never);
    const application = await startDurable(targetsOf(helpersOf("depth")));
    expect(await application.call("measure", value)).toBe(n);
    const { pid, runId } = await application.workflows.start({
      entry: "app:w_measure",
      host: "app:durable",
      args: [value],
      messages: [],
      options: undefined,
      frame: undefined,
    } as never);
    const [host] = application.workflows.hosts;
    const closed = Promise.withResolvers<LuaValue>();
    application.workflows.watch(pid, (result) => closed.resolve(result));
    expect(await closed.promise).toBe(n);
    // As it is exported, it is read again.
    const run = (await application.workflows.describe(pid))!;
    const history = await application.workflows.history(host!, runId);
    const { exported } = importHistory(JSON.stringify(exportHistory(run, history)), "it");
    expect(exported.run_id).toBe(runId);
  });

  test("one more is refused, and so is what would break a parser", () => {
    const deep = JSON.stringify(nested(most + 1));
    expect(() => checkValue(nested(most + 1), "argument 1"))
      .toThrow(`argument 1: tables nest deeper than ${most} levels`);
    expect(() => readArgument(deep)).toThrow(`deeper than ${most} levels`);
    for (const text of ["[".repeat(200_000), '{"a":'.repeat(200_000)]) {
      expect(() => readForeignJson(text, "the body")).toThrow(
        `the body nests deeper than ${most} levels`,
      );
      expect(() => readArgument(text)).toThrow(`deeper than ${most} levels`);
    }
    // Brackets in texts are none.
    expect(readArgument(JSON.stringify(["[".repeat(500), '"['.repeat(300), "\\"]))).toEqual([
      "[".repeat(500),
      '"['.repeat(300),
      "\\",
    ]);
  });

  test("whole numbers keep their 64 bits", () => {
    for (const text of ["9007199254740993", "-9223372036854775808", "9223372036854775807"]) {
      expect(readArgument(text)).toBe(BigInt(text));
      expect(readForeignJson(`{"args":[${text}]}`, "it")).toEqual({ args: [BigInt(text)] });
    }
    expect(readArgument("9007199254740991")).toBe(9007199254740991);
    expect(readArgument("1.5")).toBe(1.5);
    expect(readArgument("not json")).toBe("not json");
  });
});
