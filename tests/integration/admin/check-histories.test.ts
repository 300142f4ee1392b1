import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { until } from "../../until.ts";
import { Shop } from "./shop.ts";

test("check --histories finds open runs and exported histories that changed code does not repeat", async () => {
  const shop = new Shop();
  await shop.open();
  for (const id of ["one", "two"]) {
    await shop.wippy("workflow", "start", "app:order", "1", "2", "--id", id);
    await until(
      () => shop.json("workflow", "show", id),
      ({ history_length: length }) => Number(length) >= 6,
    );
  }
  // A run that is closed does not come back to its code.
  await shop.wippy("workflow", "start", "app:order", "1", "2", "--id", "closed");
  await shop.wippy("workflow", "signal", "closed", "approve");
  await shop.wippy("workflow", "result", "closed");
  await shop.wippy("workflow", "export", "closed", "-o", "closed.json");
  await shop.stop();

  const fits = await shop.wippy("check", "--histories");
  expect(fits).toMatchObject({ status: 0, err: "" });
  expect(fits.out).toContain(", 2 histories replayed: ");

  const source = readFileSync(join(shop.directory, "src/order.lua"), "utf8");
  shop.write("src/order.lua", source.replace('funcs.call("app:pay", amount)', 'time.sleep("1ms")'));
  const differs = await shop.wippy("check", "--histories");
  expect(differs.status).toBe(1);
  for (const id of ["one", "two"]) {
    expect(differs.out).toContain(
      `src/order.lua:6:3  app:order  workflow ${id}: history has event 4, ` +
        `ActivityScheduled app:pay 1 #1, but the code made start_timer #1`,
    );
  }
  expect(differs.out).toContain('    |   local paid = time.sleep("1ms")\n    |   ^^^^^\n');
  expect(differs.out).toContain(
    "    hint: bring back what the code did, or guard the change with workflow.version\n",
  );
  expect(differs.out).not.toContain("workflow closed");

  const json = JSON.parse(
    (await shop.wippy("check", "--json", "--histories", "closed.json", ".wippy", "--limit", "1"))
      .out,
  );
  expect(json.histories).toEqual({ replayed: 2, cut: true });
  expect(json.error_count).toBe(2);
  const [closed] = json.diagnostics.filter(({ code }: { code: string }) => code === "H0001");
  expect(closed).toMatchObject({
    entry_id: "app:order",
    file: "src/order.lua",
    line: 6,
    workflow: "closed.json",
    run_id: expect.any(String),
    expected: { event_id: 4, event: "ActivityScheduled app:pay 1 #1" },
    actual: { command: "start_timer #1", at: "app:order:6" },
  });

  const { runs: [run] } = JSON.parse(
    (await shop.wippy("check", "--sarif", "--histories", "closed.json")).out,
  );
  const [result] = run.results.filter(({ ruleId }: { ruleId: string }) => ruleId === "H0001");
  expect(result.locations[0].physicalLocation).toEqual({
    artifactLocation: { uri: "src/order.lua" },
    region: { startLine: 6, startColumn: 3, endColumn: 8 },
  });

  shop.write("src/order.lua", "return {");
  const faulty = await shop.wippy("check", "--histories");
  expect(faulty.status).toBe(1);
  expect(faulty.err).toContain("No history was replayed: correct the errors first\n");
});

test("check --histories says what it cannot read", async () => {
  const shop = new Shop();
  expect((await shop.wippy("check", "--histories")).err).toContain("no runtime is running");
  shop.write("broken.json", "{");
  const { status, err } = await shop.wippy("check", "--histories", "broken.json");
  expect([status, err]).toEqual([1, expect.stringContaining("broken.json")]);
});
