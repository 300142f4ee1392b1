import { expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Shop } from "./shop.ts";

const index = (codec: string) =>
  `version: "1.0"
namespace: app
entries:
  - { name: durable, kind: workflow.host, ${codec} lifecycle: { auto_start: true } }
  - { name: order, kind: workflow.lua, source: "file://order.lua", modules: [workflow, funcs, time] }
  - { name: pay, kind: function.lua, source: "file://pay.lua", method: main }
`;

test("commands and page read an encrypted journal, with and without a runtime", async () => {
  const shop = new Shop();
  const key = randomBytes(32).toString("hex");
  shop.write("src/_index.yaml", index(`payload_codec: { id: k1, key: "${key}" },`));
  await shop.open();
  const run = (...args: string[]) => shop.wippy("workflow", ...args);
  await run("start", "app:order", "hidden-word", "21", "--id", "one");
  await run("signal", "one", "go");
  expect((await run("result", "one")).out).toContain("hidden-word");
  expect((await run("history", "one")).out).toContain("hidden-word");
  await shop.stop();
  const journal = join(shop.stateDir, "journal.db");
  expect(readFileSync(journal).includes("hidden-word")).toBe(false);
  expect((await run("show", "one")).out).toContain("hidden-word");
  expect((await run("history", "one")).out).toContain("hidden-word");
  expect((await run("export", "one")).out).toContain("hidden-word");
  expect((await shop.wippy("journal", "check")).out).toMatch(/^1 runs, \d+ events: no faults\n$/);
  expect(await run("replay", "--all")).toMatchObject({ status: 0, err: "" });

  shop.write("src/_index.yaml", index(""));
  const told = await run("show", "one");
  expect(told.status).toBe(1);
  expect(told.err).toContain('it is encrypted with the key "k1", and no key is configured');
  expect((await shop.wippy("journal", "check")).err).toContain('encrypted with the key "k1"');
});
