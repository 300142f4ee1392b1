import { expect, test } from "bun:test";
import { Shop } from "./shop.ts";

test("schedules are made, looked at, steered and removed from the command line", async () => {
  const shop = new Shop();
  await shop.open();
  const schedule = (...args: string[]) => shop.wippy("schedule", ...args);
  expect((await schedule("list")).out).toBe("No schedules found\n");
  const terms = [
    ...["--cron", "30 6 * * 1-5", "--every", "6h/15m", "--time-zone", "Europe/Oslo"],
    ...["--overlap", "buffer_one", "--remaining", "5", "--note", "by hand"],
    ...["--option", 'workflow.memo={"team":"a"}', "--workflow-id", "order"],
  ];
  expect(await schedule("create", "nightly", "app:order", "7", "21", ...terms))
    .toEqual({ status: 0, out: "created nightly\n", err: "" });
  expect((await schedule("create", "nightly", "app:order", "--every", "1h")).err)
    .toContain("there is a schedule nightly already");
  await schedule("create", "other/one", "app:order", "--cron", "@daily", "--paused");

  expect((await schedule("list")).out).toMatch(
    /^ID +WORKFLOW +WHEN +STATE +NEXT\nnightly +app:order +30 6 \* \* 1-5; every 6h at 15m \(Europe\/Oslo\) +active +\d{4}-\d\d-\d\d \d\d:\d\d:00\nother\/one +app:order +@daily +paused\n$/,
  );
  const page = await shop.json("schedule", "list", "-n", "1");
  expect(page).toMatchObject({ schedules: [{ id: "nightly" }], next: "0/nightly" });
  expect(await shop.json("schedule", "list", "--after", "0/nightly"))
    .toMatchObject({ schedules: [{ id: "other/one", paused: true }] });
  expect((await schedule("show", "other/one")).out).toMatch(
    /^id +other\/one\n[\s\S]*state +paused\n/,
  );
  expect(await shop.json("schedule", "show", "nightly")).toMatchObject({
    spec: { intervals: [{ every: 21_600_000, offset: 900_000 }], time_zone: "Europe/Oslo" },
    action: {
      workflow: "app:order",
      workflow_id: "order",
      args: [7, 21],
      options: { "workflow.memo": { team: "a" } },
    },
    policies: { overlap: "buffer_one" },
    remaining_actions: 5,
    next_times: expect.arrayContaining([expect.any(Number)]),
  });

  const triggered = await schedule("trigger", "nightly");
  expect(triggered.out).toMatch(/^started \{app:durable\|order-\d{4}-.*Z\} run [0-9a-f-]+\n$/);
  expect(await shop.json("schedule", "trigger", "nightly", "--overlap", "skip"))
    .toEqual({ status: "skipped" });
  const filled = ["--from", "2026-01-05", "--to", "2026-01-05T12:00:00Z", "--overlap", "allow_all"];
  expect((await schedule("backfill", "nightly", ...filled)).out)
    .toBe("3 started, 0 buffered, 0 skipped\n");
  expect((await schedule("backfill", "nightly", "--from", "1m")).out).toMatch(/^0 started, /);
  expect((await schedule("pause", "nightly", "--note", "holidays")).out).toBe("paused nightly\n");
  expect((await schedule("update", "nightly", "--every", "12h", "--remaining", "9")).out)
    .toBe("updated nightly\n");
  const shown = (await schedule("show", "nightly")).out;
  expect(shown).toMatch(/^when +every 12h\n/m);
  expect(shown).toMatch(/^note +holidays\n/m);
  expect(shown).toMatch(/^remaining +9\n/m);
  expect(shown).toMatch(/^running +4\n/m);
  expect(shown).toMatch(/\nRecent\nWORKFLOW ID +SCHEDULED +STARTED\norder-/);
  await schedule("unpause", "nightly");

  for (
    const [args, told] of [
      [["show", "none"], "there is no schedule none"],
      [["trigger", "none"], "there is no schedule none"],
      [["delete", "none"], "there is no schedule none"],
      [["create", "x", "app:order"], "spec: it never matches"],
      [["create", "x", "app:order", "--cron", "soon"], 'spec.cron[0]: "soon" is no cron schedule'],
      [["create", "x", "app:pay", "--cron", "@daily"], "there is no workflow app:pay"],
      [["create", "x", "app:order", "--every", "1h", "--option", "y"], 'invalid --option "y"'],
      [["backfill", "nightly", "--from", "2000-01-01"], "more than 1000 matches"],
      [["backfill", "nightly", "--from", "2099-01-01", "--to", "2099-01-02"], "lies in the future"],
    ] as const
  ) {
    const { status, err } = await schedule(...args);
    expect(err).toContain(told);
    expect(status).toBe(1);
  }

  // Without a runtime the journal is read.
  await shop.stop();
  expect(await shop.json("schedule", "show", "nightly")).toMatchObject({ paused: false });
  expect(await shop.json("schedule", "list")).toMatchObject({
    schedules: [{ id: "nightly" }, { id: "other/one" }],
  });
  expect((await schedule("trigger", "nightly")).err).toContain("no runtime is running");
  expect((await shop.wippy("journal", "check")).status).toBe(0);
  await shop.open();
  expect((await schedule("delete", "nightly")).out).toBe("deleted nightly\n");
  expect((await schedule("show", "nightly")).status).toBe(1);
});
