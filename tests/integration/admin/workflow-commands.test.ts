import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { until } from "../../until.ts";
import { Shop } from "./shop.ts";

test("a run is started, looked at, told and asked from the command line", async () => {
  const shop = new Shop();
  await shop.open();
  const started = await shop.wippy("workflow", "start", "app:order", "7", "21", "--id", "o-7");
  expect(started).toMatchObject({ status: 0, err: "" });
  expect(started.out).toStartWith("started {app:durable|o-7} run ");
  const asked = await until(
    () => shop.wippy("workflow", "query", "o-7", "state"),
    ({ out }) => out === "waiting\n",
  );
  expect(asked.status).toBe(0);
  expect((await shop.wippy("workflow", "update", "o-7", "address", '"Main St"')).out)
    .toBe("sent to Main St\n");

  const ids = async (...filter: string[]) => {
    const { runs } = await shop.json("workflow", "list", ...filter) as {
      runs: { workflow_id: string }[];
    };
    return runs.map(({ workflow_id: id }) => id);
  };
  expect(await ids("--prefix", "o-", "--entry", "app:order", "--since", "1h")).toEqual(["o-7"]);
  expect(await ids("--until", "2020-01-01")).toEqual([]);
  expect(await ids("--closed-since", "1h")).toEqual([]);
  expect(await ids("--attribute", "city=Oslo")).toEqual([]);
  expect((await shop.wippy("workflow", "list", "--since", "soon")).err).toContain(
    '"soon" is not a time',
  );
  const { runs } = await shop.json("workflow", "list");
  expect(runs).toMatchObject([{ workflow_id: "o-7", entry: "app:order", status: "running" }]);
  const table = (await shop.wippy("workflow", "list")).out;
  expect(table).toMatch(
    /^WORKFLOW ID +ENTRY +STATUS +STARTED +DURATION +EVENTS\no-7 +app:order +running /,
  );

  const following = shop.wippy("workflow", "history", "o-7", "--follow");
  expect((await shop.wippy("workflow", "signal", "o-7", "approve", '{"by":"me"}')).status).toBe(0);
  const result = await shop.wippy("workflow", "result", "o-7");
  expect(JSON.parse(result.out)).toEqual({ id: 7, paid: 42, by: "approve" });
  const followed = (await following).out.trimEnd().split("\n");
  expect(followed[0]).toMatch(/^ +1 +\+0ms {2}ExecutionStarted +app:order o-7 .* \[7,21\]$/);
  expect(followed.at(-1)).toContain("ExecutionCompleted");
  expect(followed.map((line) => Number(/^ *(\d+)/.exec(line)![1])))
    .toEqual(followed.map((_, index) => index + 1));

  const shown = await shop.json("workflow", "show", "o-7");
  expect(shown).toMatchObject({ status: "completed", input: [7, 21], result: { paid: 42 } });
});

test("a start may bring an update, and the next one finds the run", async () => {
  const shop = new Shop();
  await shop.open();
  const send = (...more: string[]) =>
    shop.wippy("workflow", "start", "app:order", "7", "21", "--update", "address", ...more);
  const first = await send("--id", "o-9", "--update-arg", '"Main St"');
  expect(first).toMatchObject({ status: 0, out: "sent to Main St\n" });
  expect(first.err).toMatch(/^run \S+ of \{app:durable\|o-9\}\n$/);
  const more = [
    "--id",
    "o-9",
    "--update-arg",
    '"Side St"',
    "--update-id",
    "u",
    "--accepted",
    "--json",
  ];
  expect(JSON.parse((await send(...more)).out)).toMatchObject({
    pid: "{app:durable|o-9}",
    value: "u",
  });
  expect((await shop.json("workflow", "list"))["runs"]).toHaveLength(1);

  expect((await send()).err).toContain("option workflow.id: an update with a start needs it");
  expect((await send("--id", "o-9", "--wait")).err).toContain("show different results");
  const lone = await shop.wippy("workflow", "start", "app:order", "--update-id", "u");
  expect(lone).toMatchObject({ status: 1, err: expect.stringContaining("name it with --update") });
});

test("a failing activity shows its attempts, a canceled run its end; mistakes are told", async () => {
  const shop = new Shop();
  await shop.open();
  await shop.wippy("workflow", "start", "app:trying", "--id", "t", "--option", "workflow.memo={}");
  const detail = await until(
    () => shop.json("workflow", "show", "t"),
    ({ pending_activities: pending }) => JSON.stringify(pending).includes("no luck"),
  );
  expect(detail["pending_activities"]).toMatchObject([{
    entry: "app:bad",
    state: "retry",
    attempt: 1,
    last_failure: { kind: "Internal", message: "app:bad:1: no luck" },
  }]);
  expect((await shop.wippy("workflow", "show", "t")).out).toContain("Internal: app:bad:1: no luck");

  const wrong = async (...args: string[]) => {
    const { status, err } = await shop.wippy("workflow", ...args);
    expect(status).toBe(1);
    return err;
  };
  expect(await wrong("show", "none")).toBe("Error: no workflow none\n");
  expect(await wrong("start", "app:pay")).toContain("workflow not found: app:pay");
  expect(await wrong("query", "t", "nope")).toContain("unknown query 'nope'");
  expect(await wrong("start", "app:order", "--option", "workflow.start_delay=soon"))
    .toContain("option workflow.start_delay");
  expect(await wrong("start", "app:order", "--option", "x")).toContain('invalid --option "x"');
  expect(await wrong("list", "--status", "dead")).toContain(
    "Allowed choices are running, completed",
  );
  expect(await wrong("list", "-n", "many")).toContain("Write a whole number");
  expect(await wrong("reset", "t", "--event", "99")).toStartWith("Error: ");
  expect((await shop.wippy("workflow", "terminate", "t", "--reason", "over")).status).toBe(0);
  const ended = await shop.wippy("workflow", "result", "t");
  expect(ended).toMatchObject({ status: 1, err: "Error: workflow terminated\n" });
  expect(await wrong("signal", "t", "x")).toContain("workflow t is closed (terminated)");
});

test("without a runtime runs are read from the journal, and acting says what is missing", async () => {
  const shop = new Shop();
  const none = await shop.wippy("workflow", "list");
  expect(none.status).toBe(1);
  expect(none.err).toContain("no runtime is running with the state folder");
  expect(none.err).toContain("there is no journal at");
  await shop.open();
  await shop.wippy("workflow", "start", "app:order", "1", "2", "--id", "kept");
  await until(
    () => shop.wippy("workflow", "query", "kept", "state"),
    ({ out }) => out === "waiting\n",
  );
  const live = (await shop.wippy("workflow", "history", "kept", "--json")).out;
  await shop.stop();
  expect((await shop.json("workflow", "list"))["runs"]).toMatchObject([{ workflow_id: "kept" }]);
  expect((await shop.wippy("workflow", "history", "kept", "--json")).out).toBe(live);
  const act = await shop.wippy("workflow", "signal", "kept", "approve");
  expect(act).toMatchObject({ status: 1 });
  expect(act.err).toMatch(/^Error: no runtime is running .*\n {4}hint: start it with wippy run/);
  // Reading has changed nothing that a start would stumble over.
  await shop.open();
  await shop.wippy("workflow", "signal", "kept", "approve");
  expect((await shop.wippy("workflow", "result", "kept")).status).toBe(0);
});

test("replay finds the line that does not repeat a history, in the journal and in files", async () => {
  const shop = new Shop();
  await shop.open();
  await shop.wippy("workflow", "start", "app:order", "1", "2", "--id", "done");
  await shop.wippy("workflow", "signal", "done", "approve");
  await shop.wippy("workflow", "result", "done");
  await shop.wippy("workflow", "start", "app:trying", "--id", "open");
  await until(
    () => shop.json("workflow", "show", "open"),
    ({ history_length: length }) => Number(length) >= 4,
  );
  expect((await shop.wippy("workflow", "export", "done", "-o", "done.json")).status).toBe(0);
  await shop.stop();

  const fits = await shop.wippy("workflow", "replay", "--all", "done.json");
  expect(fits.out).toMatch(/matches +done\.json +app:order/);
  expect(fits).toMatchObject({ status: 0, err: "" });
  expect(fits.out).toEndWith("3 histories: 3 match, 0 differ\n");

  const source = readFileSync(join(shop.directory, "src/order.lua"), "utf8");
  shop.write("src/order.lua", source.replace('time.sleep("1ms")', 'funcs.call("app:pay", 1)'));
  const differs = await shop.wippy("workflow", "replay", "done.json", "open");
  expect(differs.status).toBe(1);
  expect(differs.out).toMatch(/differs +done\.json/);
  expect(differs.out).toMatch(/recorded event \d+ TimerStarted #\d/);
  expect(differs.out).toMatch(/code +schedule_activity .* at app:order:9/);
  expect(differs.out).toEndWith("2 histories: 1 match, 1 differ\n");

  const exported = readFileSync(join(shop.directory, "done.json"), "utf8");
  const refused = async (text: string) => {
    shop.write("edited.json", text);
    const { status, err } = await shop.wippy("workflow", "replay", "edited.json");
    expect(status).toBe(1);
    return err;
  };
  expect(await refused(exported.replace('"app:pay"', '"app:pax"')))
    .toContain("event 4 (ActivityScheduled) was changed");
  expect(await refused("{")).toContain("it is not JSON");
  expect(await refused('{"format":"other"}')).toContain(
    "edited.json is not an exported history: its field format",
  );
  const cut = JSON.parse(exported) as { events: unknown[] };
  cut.events.splice(2, 1);
  expect(await refused(JSON.stringify(cut))).toContain("event 3 is missing");
  expect((await shop.wippy("workflow", "replay")).err).toContain("nothing to replay");
});
