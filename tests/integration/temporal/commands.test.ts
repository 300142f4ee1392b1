/** The command line, with workflows on a Temporal server: schedules, types of workflows, replay by the client's entry. */
import { afterAll, beforeAll, expect } from "bun:test";
import { randomBytes } from "node:crypto";
import { TemporalServer, withoutTemporal, withTemporal } from "../../temporal-server.ts";
import { until } from "../../until.ts";
import { Shop } from "../admin/shop.ts";

let server: TemporalServer;

beforeAll(async () => {
  if (withoutTemporal === undefined) server = await TemporalServer.start();
}, 60_000);

afterAll(async () => {
  await server?.stop();
});

/** The shop's application on the server. */
async function openShop(queue: string, client = ""): Promise<Shop> {
  const shop = new Shop();
  shop.write(
    "src/_index.yaml",
    `version: "1.0"
namespace: app
entries:
  - name: temporal
    kind: temporal.client
    address: "${server.address}"
    lifecycle: { auto_start: true }
${client}
  - { name: durable, kind: temporal.worker, client: "app:temporal", task_queue: ${queue}, lifecycle: { auto_start: true } }
  - name: order
    kind: workflow.lua
    source: "file://order.lua"
    modules: [workflow, funcs, time]
    meta: { temporal: { workflow: { name: "Order of ${queue}" } } }
  - { name: pay, kind: function.lua, source: "file://pay.lua", method: main }
`,
  );
  await shop.open();
  return shop;
}

withTemporal("schedules are made, looked at, steered and removed", async () => {
  const shop = await openShop("scheduled");
  const schedule = (...args: string[]) => shop.wippy("schedule", ...args);
  const terms = [
    "--cron",
    "30 6 * * 1-5",
    "--time-zone",
    "Europe/Oslo",
    "--workflow-id",
    "nightly",
  ];
  expect(
    await schedule("create", "nightly", "app:order", "7", "21", ...terms, "--remaining", "5"),
  ).toEqual({ status: 0, out: "created nightly\n", err: "" });
  expect((await schedule("create", "nightly", "app:order", "--every", "1h")).err).toContain(
    "nightly",
  );
  expect(await shop.json("schedule", "show", "nightly")).toMatchObject({
    action: { workflow: "app:order", args: [7, 21] },
    spec: { time_zone: "Europe/Oslo" },
    remaining_actions: 5,
  });
  const listed = await until(
    () => schedule("list"),
    ({ out }) => out.includes("nightly"),
  );
  expect(listed.out).toMatch(/nightly +app:order +30 6 \* \* 1-5 \(Europe\/Oslo\) +active/);
  expect((await schedule("pause", "nightly", "--note", "holidays")).out).toBe("paused nightly\n");
  const shown = await until(() => schedule("show", "nightly"), ({ out }) => /paused/.test(out));
  expect(shown.out).toMatch(/^note +holidays\n/m);
  expect((await schedule("unpause", "nightly")).status).toBe(0);
  expect((await schedule("update", "nightly", "--every", "12h")).out).toBe("updated nightly\n");
  expect((await schedule("trigger", "nightly")).status).toBe(0);
  const runs = () => shop.json("workflow", "list", "--prefix", "nightly", "--entry", "app:order");
  const { runs: [run] } = await until(
    runs as () => Promise<{ runs: { workflow_id: string; entry: string }[] }>,
    ({ runs }) => runs.length > 0,
  );
  expect(run).toMatchObject({ entry: "app:order" });
  expect((await shop.wippy("workflow", "signal", run!.workflow_id, "go")).status).toBe(0);
  const ended = await shop.wippy("workflow", "result", run!.workflow_id);
  expect(ended).toMatchObject({ status: 0, err: "" });
  expect(JSON.parse(ended.out)).toEqual({ id: 7, paid: 42, by: "go" });
  const filled = ["--from", "2026-01-05", "--to", "2026-01-06", "--overlap", "allow_all"];
  expect((await schedule("backfill", "nightly", ...filled)).status).toBe(0);
  expect((await schedule("delete", "nightly")).out).toBe("deleted nightly\n");
  expect((await schedule("show", "nightly")).err).toContain("nightly");
}, 60_000);

withTemporal(
  "a workflow has the type that its entry names, and is replayed as its client is told",
  async () => {
    const key = randomBytes(32).toString("base64");
    const shop = await openShop("typed", `    payload_codec: { key: "${key}" }`);
    expect((await shop.wippy("workflow", "start", "app:order", "7", "21", "--id", "typed")).err)
      .toBe("");
    const described = await server.command(
      ...["workflow", "describe", "--workflow-id", "typed", "--output", "json"],
    );
    expect(described).toContain('"Order of typed"');
    await shop.wippy("workflow", "signal", "typed", "go");
    expect((await shop.wippy("workflow", "result", "typed")).status).toBe(0);
    expect(await shop.json("workflow", "show", "typed")).toMatchObject({ entry: "app:order" });
    // A worker and a client in another language know the type.
    const started = await server.command(
      ...["workflow", "start", "--type", "Order of typed", "--task-queue", "typed"],
      ...["--workflow-id", "foreign", "--input", "8", "--input", "1"],
    );
    expect(started).toContain("foreign");
    await shop.wippy("workflow", "signal", "foreign", "go");
    expect((await shop.wippy("workflow", "result", "foreign")).out).toContain('"paid":2');
    const exported = await server.command(
      ...["workflow", "show", "--workflow-id", "typed", "--output", "json"],
      "--no-json-shorthand-payloads",
    );
    shop.write("typed.json", exported);
    // The events of a server, which are numbered with gaps, as this program exports them.
    shop.write("own.json", (await shop.wippy("workflow", "export", "typed")).out);
    await shop.stop();
    const replay = (...args: string[]) => shop.wippy("workflow", "replay", ...args);
    const whole = await replay(
      ...["typed", "typed.json", "own.json"],
      ...["--temporal", "app:temporal"],
    );
    expect(whole.err).toBe("");
    expect(whole.out).toContain("3 histories: 3 match");
    expect(
      await until(
        () => replay("--all", "--temporal", "app:temporal"),
        ({ out }) => out.includes("2 histories: 2 match"),
      ),
    ).toMatchObject({ status: 0 });
    expect((await replay("typed", "--temporal", server.address)).err).toContain(
      "no key is configured",
    );
  },
  60_000,
);
