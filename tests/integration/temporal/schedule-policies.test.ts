/**
 * What schedules of a real server do at their times, at intervals of a second: tests of the conformance suite that look
 * between two of the server's seconds cannot run there.
 */
import { expect } from "bun:test";
import { pack } from "../../../src/vm/codec.ts";
import type {
  NewSchedule,
  ScheduleInfo,
  ScheduleProvider,
} from "../../../src/workflows/schedules/schedules.ts";
import { refusal, type Runtime, type RuntimeOptions } from "../../conformance/runtime.ts";
import { ScriptError } from "../../conformance/scripted-engine.ts";
import { withTemporal } from "../../temporal-server.ts";
import { until } from "../../until.ts";
import { onServer } from "./on-server.ts";

const server = onServer();

const second = 1_000;
const everySecond = { intervals: [{ every: second }] };
const minutes = 60_000;
/** Milliseconds that a test may take on a machine with other work. */
const longest = 60_000;

const scripts: RuntimeOptions["scripts"] = {
  "app:quick": (_run, value) => value,
  "app:waits": function* (run) {
    return yield run.signal();
  },
  "app:fails": () => {
    throw new ScriptError({ kind: "Invalid", message: "no luck" });
  },
  "app:again": function* (run, count) {
    if (Number(count) === 5) return "end";
    yield run.sleep(second);
    yield run.continueAsNew("app:again", Number(count) - 1);
    return undefined;
  },
};

function schedule(
  scheduleId: string,
  entry: string,
  more: Partial<NewSchedule> = {},
): NewSchedule {
  const action = { entry, hostId: "app:workflows", workflowId: scheduleId, args: pack([7]) };
  return { scheduleId, spec: everySecond, action, ...more };
}

/** Waits until a schedule is as wanted. */
async function info(
  schedules: ScheduleProvider,
  id: string,
  wanted: (info: ScheduleInfo) => boolean,
): Promise<ScheduleInfo> {
  return await until(() => schedules.describe(id), wanted);
}

const scheduled = ({ recent }: ScheduleInfo) => recent.map(({ scheduledTime }) => scheduledTime);

async function statuses(r: Runtime, { recent }: ScheduleInfo): Promise<string[]> {
  const found = await Promise.all(recent.map(({ workflowId }) => r.provider.describe(workflowId)));
  return found.map((run) => run?.status ?? "absent");
}

withTemporal("limited actions end by themselves, and can be given more", async () => {
  const { provider: { schedules } } = await server.open({ scripts });
  await schedules.create(schedule("limited", "app:quick", { remainingActions: 2 }));
  const ended = await info(schedules, "limited", ({ remainingActions }) => remainingActions === 0);
  expect(ended).toMatchObject({ nextTimes: [], counts: { actions: 2 } });
  await schedules.update("limited", { remainingActions: 1 });
  const more = await info(schedules, "limited", ({ counts }) => counts.actions === 3);
  expect(more.remainingActions).toBe(0);
  expect(scheduled(more)).toEqual([...scheduled(more)].sort());
}, longest);

withTemporal("a run that fails pauses the schedule where it says so", async () => {
  const { provider: { schedules } } = await server.open({ scripts });
  await schedules.create(schedule("fails", "app:fails", { policies: { pauseOnFailure: true } }));
  const paused = await info(schedules, "fails", ({ paused }) => paused);
  expect(paused.note).toContain("fail");
  expect(paused.nextTimes).toEqual([]);
}, longest);

withTemporal("buffer_all keeps every start, in order", async () => {
  const r = await server.open({ scripts });
  const { schedules } = r.provider;
  await schedules.create(
    schedule("buffers", "app:waits", { policies: { overlap: "buffer_all" }, remainingActions: 4 }),
  );
  await info(schedules, "buffers", ({ buffered }) => buffered === 3);
  for (let count = 1; count <= 4; count++) {
    const { recent } = await info(schedules, "buffers", ({ recent }) => recent.length === count);
    await r.signal(recent.at(-1)!.workflowId, "go");
  }
  const last = await info(schedules, "buffers", ({ running }) => running.length === 0);
  const [first = 0] = scheduled(last);
  expect(scheduled(last)).toEqual([0, 1, 2, 3].map((n) => first + n * second));
  expect(last.counts).toMatchObject({ actions: 4, overlapSkipped: 0, bufferDropped: 0 });
}, longest);

withTemporal("cancel_other asks the open run to end before the next one starts", async () => {
  const r = await server.open({ scripts });
  const { schedules } = r.provider;
  await schedules.create(
    schedule("cancels", "app:waits", { policies: { overlap: "cancel_other" } }),
  );
  const { recent: [first] } = await info(schedules, "cancels", ({ recent }) => recent.length > 0);
  await until(
    () => r.provider.describe(first!.workflowId),
    (run) => run?.cancelRequested === true,
  );
  // This one does not hear, so that it ends by its signal.
  expect((await schedules.describe("cancels")).recent).toHaveLength(1);
  await r.signal(first!.workflowId, "go");
  const next = await info(schedules, "cancels", ({ recent }) => recent.length > 1);
  expect((await statuses(r, next))[0]).toBe("completed");
}, longest);

withTemporal("allow_all lets runs overlap", async () => {
  const r = await server.open({ scripts });
  const { schedules } = r.provider;
  await schedules.create(
    schedule("overlaps", "app:waits", { policies: { overlap: "allow_all" }, remainingActions: 3 }),
  );
  const all = await info(schedules, "overlaps", ({ recent }) => recent.length === 3);
  expect(await statuses(r, all)).toEqual(["running", "running", "running"]);
}, longest);

withTemporal("matches while it is paused are left out; triggers are not", async () => {
  const r = await server.open({ scripts });
  const { schedules } = r.provider;
  await schedules.create(schedule("pauses", "app:quick"));
  await info(schedules, "pauses", ({ recent }) => recent.length > 0);
  await schedules.pause("pauses", true, "maintenance");
  const { counts } = await schedules.describe("pauses");
  expect(await schedules.trigger("pauses")).toMatchObject({ fate: "started" });
  // Sleeps because it is shown that matches pass.
  await Bun.sleep(2.5 * second);
  expect(await schedules.describe("pauses")).toMatchObject({
    paused: true,
    note: "maintenance",
    nextTimes: [],
    counts: { actions: counts.actions + 1 },
  });
  await schedules.pause("pauses", false);
  await info(schedules, "pauses", (now) => now.counts.actions > counts.actions + 1);
}, longest);

withTemporal("continue-as-new is the same run of the schedule", async () => {
  const r = await server.open({ scripts });
  const { schedules } = r.provider;
  await schedules.create(schedule("again", "app:again", { remainingActions: 2 }));
  const both = await info(schedules, "again", ({ recent }) => recent.length === 2);
  const [first = 0, next = 0] = scheduled(both);
  // It took two seconds, whose matches were left out.
  expect(next - first).toBeGreaterThanOrEqual(2 * second);
  expect(both.counts.overlapSkipped).toBeGreaterThan(0);
}, longest);

withTemporal("bounds, offsets and expressions count", async () => {
  const { provider: { schedules } } = await server.open({ scripts });
  const startAt = Math.ceil(Date.now() / second) * second + 2 * second;
  const endAt = startAt + second;
  await schedules.create(
    schedule("bound", "app:quick", { spec: { ...everySecond, startAt, endAt } }),
  );
  await schedules.create(schedule("every", "app:quick", { spec: { cron: ["@every 3s/1s"] } }));
  const zoned = { cron: ["0 12 * * *"], timeZone: "America/New_York" };
  await schedules.create(schedule("zoned", "app:quick", { spec: zoned }));
  const two = { cron: ["0 12 * * *", "CRON_TZ=Asia/Tokyo 0 12 * * *"] };
  // The journal has a zone for each expression.
  expect(await refusal(schedules.create(schedule("two", "app:quick", { spec: two }))))
    .toMatchObject({ kind: "Invalid", message: expect.stringContaining("timezone") });
  const bound = await info(schedules, "bound", ({ recent }) => recent.length === 2);
  expect(scheduled(bound)).toEqual([startAt, endAt]);
  expect((await info(schedules, "bound", ({ nextTimes }) => nextTimes.length === 0)).counts.actions)
    .toBe(2);
  const every = await info(schedules, "every", ({ recent }) => recent.length > 0);
  expect(scheduled(every)[0]! % (3 * second)).toBe(second);
  const { nextTimes } = await schedules.describe("zoned");
  expect(nextTimes).toHaveLength(10);
  for (const time of nextTimes) {
    const local = new Date(time).toLocaleTimeString("en-GB", { timeZone: "America/New_York" });
    expect(local).toBe("12:00:00");
  }
}, longest);

withTemporal("a runtime that is away finds what a schedule has started meanwhile", async () => {
  const place = server.placeOn("away");
  const r = await server.open({ scripts }, place);
  const { schedules } = r.provider;
  const policies = { overlap: "allow_all" } as const;
  await schedules.create(schedule("away", "app:quick", { policies, remainingActions: 3 }));
  place.killed();
  // Sleeps because matches pass while there is no runtime.
  await Bun.sleep(3 * second);
  const again = await server.open({ scripts }, place);
  const all = await info(again.provider.schedules, "away", ({ recent }) => recent.length === 3);
  await until(
    () => statuses(again, all),
    (found) => found.every((status) => status === "completed"),
  );
}, longest);

withTemporal("schedules are listed by id, page by page", async () => {
  const { provider: { schedules } } = await server.open({ scripts });
  const ids = ["c", "a", "e", "b", "d"].map((name) => `page-${name}`);
  const spec = { intervals: [{ every: 10 * minutes }] };
  for (const id of ids) await schedules.create(schedule(id, "app:quick", { spec }));
  const pages = async (cursor?: string): Promise<string[][]> => {
    const page = await schedules.list({ limit: 2, ...cursor !== undefined && { cursor } });
    const listed = page.schedules.map(({ scheduleId }) => scheduleId);
    return [listed, ...page.cursor === undefined ? [] : await pages(page.cursor)];
  };
  const found = await until(
    () => pages(),
    (seen) => seen.flat().filter((id) => id.startsWith("page-")).length === 5,
  );
  expect(found.every((page) => page.length <= 2)).toBe(true);
  expect(found.flat().filter((id) => id.startsWith("page-"))).toEqual([...ids].sort());
}, longest);
