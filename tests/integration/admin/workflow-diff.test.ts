/** `wippy workflow diff`: two runs side by side. */
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { until } from "../../until.ts";
import { Shop } from "./shop.ts";

const order = `local funcs, time = require("funcs"), require("time")
local function main(id, amount)
  local cart = { total = amount, items = { "tea" } }
  local paid = funcs.call("app:pay", 1)
  if cart.total > 100 then
    local limit = 100
    funcs.call("app:pay", limit)
  else
    time.sleep("1ms")
  end
  process.inbox():receive()
  return cart.total
end
return { main = main }
`;

/** A shop with closed runs: small and large take different branches, twin is as small, larger takes the one of large. */
async function shopWithRuns(): Promise<Shop> {
  const shop = new Shop();
  shop.write("src/order.lua", order);
  await shop.open();
  const runs: [string, string][] = [
    ["small", "5"],
    ["twin", "5"],
    ["large", "500"],
    ["larger", "600"],
  ];
  for (const [id, amount] of runs) {
    await waiting(shop, id, amount);
    await shop.wippy("workflow", "signal", id, "approve");
    await shop.wippy("workflow", "result", id);
  }
  return shop;
}

/** Starts a run, which then waits behind its branch. */
async function waiting(shop: Shop, id: string, amount: string): Promise<void> {
  await shop.wippy("workflow", "start", "app:order", "7", amount, "--id", id);
  await until(
    () => shop.json("workflow", "show", id),
    ({ history_length: length }) => length === 11,
  );
}

const smallAndLarge = `A  small  app:order  completed  15 events; the code on disk repeats it
B  large  app:order  completed  15 events; the code on disk repeats it

Given different values; the code waits after it at
  A  event 1  ExecutionStarted app:order [7,5]
       src/order.lua:4  local paid = funcs.call("app:pay", 1)
  B  event 1  ExecutionStarted app:order [7,500]
       src/order.lua:4  local paid = funcs.call("app:pay", 1)
  RECORDED  A  B
  args[2]   5  500
  LOCAL       A  B
  amount      5  500
  cart.total  5  500

Did different things; the code waits after it at
  A  event 8  TimerStarted 1ms
       src/order.lua:9  time.sleep("1ms")
  B  event 8  ActivityScheduled app:pay [100]
       src/order.lua:7  funcs.call("app:pay", limit)
  LOCAL       A       B
  amount      5       500
  cart.total  5       500
  limit       (none)  100

2 differences
`;

test("runs that took different branches are shown where they part", async () => {
  const shop = await shopWithRuns();
  const running = await shop.wippy("workflow", "diff", "small", "large");
  expect(running).toEqual({ status: 1, out: smallAndLarge, err: "" });

  // Ids, times and PIDs of the runs differ.
  const twins = await shop.wippy("workflow", "diff", "small", "twin");
  expect(twins).toMatchObject({ status: 0, err: "" });
  expect(twins.out).toEndWith("\nThe runs are equal\n");
  expect((await shop.wippy("workflow", "diff", "small", "small")).status).toBe(0);

  // The end of a run has no place of its own in the code: both are shown before it.
  const { status, out } = await shop.wippy("workflow", "diff", "large", "larger");
  expect(status).toBe(1);
  expect(out).toContain(`Did the same with different values; the code waits before it at
  A  event 15  ExecutionCompleted 500
       src/order.lua:11  process.inbox():receive()
  B  event 15  ExecutionCompleted 600
       src/order.lua:11  process.inbox():receive()
`);
  const limited = await shop.wippy("workflow", "diff", "large", "larger", "--limit", "1");
  expect(limited.out).not.toContain("ExecutionCompleted");
  expect(limited.out).toContain("  LOCAL   A    B\n  amount  500  600\n  … and 1 more\n");
  expect(limited.out).toEndWith("\n2 differences, 1 of them not shown (--limit)\n");
  // Where they part for good is shown in any case.
  expect((await shop.wippy("workflow", "diff", "small", "large", "-n", "1")).out)
    .toContain("Did different things");

  await waiting(shop, "open", "5");
  const open = await shop.wippy("workflow", "diff", "small", "open");
  expect(open.out).toContain(`Given to one only; the code waits before it at
  A  event 12  ExecutionSignaled approve []
       src/order.lua:11  process.inbox():receive()
  B  nothing: it waits
       src/order.lua:11  process.inbox():receive()

1 difference
`);
  await shop.wippy("workflow", "terminate", "open");
  expect((await shop.wippy("workflow", "diff", "small", "open")).out).toContain("terminated");

  await shop.stop();
  expect((await shop.wippy("workflow", "diff", "small", "large")).out).toBe(smallAndLarge);
}, 20_000);

test("of a run of older code only the events are shown", async () => {
  const shop = await shopWithRuns();
  await shop.wippy("workflow", "export", "small", "-o", "old.json");
  await shop.stop();
  shop.write("src/order.lua", order.replace('time.sleep("1ms")', 'funcs.call("app:pay", 3)'));

  const { status, out } = await shop.wippy("workflow", "diff", "old.json", "large");
  expect(status).toBe(1);
  expect(out).toContain("completed  15 events; only its events are shown: history has event 8, ");
  expect(out).toContain("B  large  app:order  completed  15 events; the code on disk repeats it\n");
  expect(out).toContain(`Did different things; the code waits after it at
  A  event 8  TimerStarted 1ms
  B  event 8  ActivityScheduled app:pay [100]
       src/order.lua:7  funcs.call("app:pay", limit)

2 differences
`);

  const json = await shop.wippy("workflow", "diff", "old.json", "large", "--json");
  expect(json.status).toBe(1);
  expect(JSON.parse(json.out)).toEqual({
    equal: false,
    a: {
      name: "old.json",
      workflow_id: "small",
      run_id: expect.any(String),
      entry: "app:order",
      status: "completed",
      events: 15,
      repeated: false,
      reason: expect.stringContaining("TimerStarted"),
    },
    b: {
      name: "large",
      workflow_id: "large",
      run_id: expect.any(String),
      entry: "app:order",
      status: "completed",
      events: 15,
      repeated: true,
    },
    count: 2,
    differences: [
      expect.objectContaining({
        stream: "given",
        kind: "values",
        fields: [{ name: "args[2]", a: "5", b: "500" }],
      }),
      {
        stream: "done",
        kind: "steps",
        when: "after",
        a: { event: 8, type: "TimerStarted", values: { milliseconds: 1 } },
        b: {
          event: 8,
          type: "ActivityScheduled",
          about: "app:pay",
          values: { entry: "app:pay", args: [100] },
          code: { file: "src/order.lua", line: 7, source: 'funcs.call("app:pay", limit)' },
        },
        fields: [],
        locals: [],
      },
    ],
  });

  // Histories can be compared where there is no code that can be loaded.
  shop.write("src/order.lua", "return {");
  const broken = await shop.wippy("workflow", "diff", "old.json", "large");
  expect(broken.status).toBe(1);
  expect(broken.out).toContain("only its events are shown: the application cannot be loaded: ");
  expect(broken.out).toContain("Did different things\n");
}, 20_000);

test("what cannot be read gives status 2", async () => {
  const shop = await shopWithRuns();
  await shop.wippy("workflow", "export", "small", "-o", "small.json");
  const refused = async (...args: string[]) => {
    const { status, out, err } = await shop.wippy("workflow", "diff", ...args);
    expect([status, out], args.join(" ")).toEqual([2, ""]);
    return err;
  };
  expect(await refused("small", "absent")).toBe("Error: no workflow absent\n");
  expect(await refused("small.json", "src")).toContain('"src" is a folder, and no workflow\n');
  expect(await refused("src/order.lua", "small"))
    .toContain("src/order.lua is not an exported history: it is not JSON");
  const edited = readFileSync(join(shop.directory, "small.json"), "utf8");
  shop.write("edited.json", edited.replace('"app:pay"', '"app:pax"'));
  expect(await refused("small", "edited.json")).toContain(
    "event 4 (ActivityScheduled) was changed",
  );
  expect(await refused("small", "small.json", "--run-b", "x")).toContain("leave out its run id");
  expect(await refused("small", "twin", "--run-a", "banana")).toContain("banana");
  await shop.stop();
  expect(await refused("small", "twin", "--state", "nowhere")).toContain("no runtime is running");
}, 20_000);

test("of several coroutines, those are shown that wait on different lines", async () => {
  const shop = new Shop();
  shop.write(
    "src/order.lua",
    `local funcs, time = require("funcs"), require("time")
local function main(amount)
  local ended = channel.new(8)
  for i = 1, 8 do
    coroutine.spawn(function() ended:receive() end)
  end
  coroutine.spawn(function()
    local paid = funcs.call("app:pay", amount)
    if paid > 8 then
      time.sleep("2h")
    end
    time.sleep("1h")
  end)
  time.sleep("3h")
end
return { main = main }
`,
  );
  await shop.open();
  for (const amount of ["1", "5"]) {
    await shop.wippy("workflow", "start", "app:order", amount, "--id", `of-${amount}`);
    await until(
      () => shop.json("workflow", "show", `of-${amount}`),
      ({ pending_timers: timers }) => (timers as unknown[]).length === 2,
    );
  }
  await shop.stop();
  const { out } = await shop.wippy("workflow", "diff", "of-1", "of-5", "-n", "30", "--json");
  type Side = { type: string; code?: { line: number } };
  const { differences } = JSON.parse(out) as {
    differences: { a: Side; b: Side; locals: unknown }[];
  };
  const shown = differences.map(({ a, b, locals }) => [a.type, a.code?.line, b.code?.line, locals]);
  const ofMain = [{ name: "amount", a: "1", b: "5" }];
  const ofOther = [{ name: "paid", a: "2", b: "10" }];
  expect(shown).toEqual([
    ["ExecutionStarted", 14, 14, ofMain],
    ["ActivityScheduled", 14, 14, ofMain],
    ["ActivityCompleted", 12, 10, ofOther],
    ["TimerStarted", 12, 10, ofOther],
  ]);
}, 20_000);
