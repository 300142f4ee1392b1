import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expectedReports, expectedTotals, type Figures } from "../../examples/flights/check.ts";
import {
  brokenRows,
  compareReports,
  compareTotals,
  type Effect,
  judgeRepeats,
  type OnDisk,
  readDisk,
  realRows,
  Run,
  setStage,
  STEPS,
} from "../../examples/flights/stage.ts";
import { until } from "../until.ts";

const root = join(import.meta.dir, "../..");
const wippy = [process.execPath, join(root, "src/main.ts")];

/** The first days of the real data, small enough for a test, and all of the broken rows. */
async function someRows(): Promise<Record<string, unknown>[]> {
  const real = await realRows("10k");
  const few = real.filter((row) => (row.date as string) < "2001/01/07");
  return [...few, ...await brokenRows()];
}

describe("the flights application, killed half way", () => {
  let folder: string;
  let rows: Record<string, unknown>[];
  let before: OnDisk;

  const run = (...args: string[]) => new Run(folder, wippy, args).ended;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "wippy-flights-"));
    rows = await someRows();
    await setStage(folder, rows);
    const killed = new Run(folder, wippy, ["report"]);
    const half = (expectedReports(rows).size * STEPS.length) / 2;
    await until(async () => !killed.running || (await readDisk(folder)).effects.length >= half);
    killed.kill();
    expect((await killed.ended).signal).toBe("SIGKILL");
    before = await readDisk(folder);
  }, 60_000);

  afterAll(() => rm(folder, { recursive: true, force: true }));

  test("leaves reports in the middle", () => {
    const done = before.effects.filter((effect) => effect.step === "publish").length;
    expect(done).toBeLessThan(expectedReports(rows).size);
  });

  test("ends every report at the next start, as an independent computation says", async () => {
    const ended = await run("report");
    expect(ended).toMatchObject({ status: 0, errors: "" });
    const { recorded } = await readDisk(folder);
    expect(await compareReports(folder, expectedReports(rows), recorded)).toEqual([]);
  }, 60_000);

  test("does no step again whose result was saved", async () => {
    const after = await readDisk(folder);
    const batches = [...expectedReports(rows).keys()];
    expect(judgeRepeats(before.effects, after.effects, batches).violations).toEqual([]);
  });

  test("has the totals in its processes, in a new runtime too", async () => {
    const { output } = await run("totals", "json");
    expect(compareTotals(output, expectedTotals(expectedReports(rows)))).toEqual([]);
  }, 30_000);

  test("makes no finished report again", async () => {
    const { effects } = await readDisk(folder);
    expect((await run("report")).status).toBe(0);
    expect((await readDisk(folder)).effects).toEqual(effects);
  }, 30_000);

  test("brings back the process of an airport with its totals", async () => {
    const ended = await run("drill", "ORD");
    expect(ended.status).toBe(0);
    expect(ended.output).toContain("the totals are the same as before");
    // The crash that the drill provokes, as the runtime records it, then as the application does.
    const records = ended.errors.trimEnd().split("\n");
    expect(records).toEqual([
      expect.stringMatching(/ERROR\tprocess\tflights:airport crashed\t.*src\/figures\.lua:\d+: /),
      expect.stringMatching(/WARN\t.*airport failed\t.*"airport":"ORD"/),
    ]);
  }, 30_000);

  test("says what is wrong with a command's arguments", async () => {
    const form = await run("totals", "xml");
    expect(form.status).toBe(1);
    expect(form.errors).toContain('unknown form "xml": use `totals` or `totals json`');
    const airport = await run("drill", "XXX");
    expect(airport.status).toBe(1);
    expect(airport.errors).toContain("no process for XXX");
  }, 30_000);
});

test("without data the report command says which file is missing", async () => {
  const folder = await mkdtemp(join(tmpdir(), "wippy-flights-"));
  try {
    await setStage(folder, []);
    await rm(join(folder, "data/flights.json"));
    const ended = await new Run(folder, wippy, ["report"]).ended;
    expect(ended.status).toBe(1);
    expect(ended.errors).toContain("data/flights.json");
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}, 30_000);

describe("the independent computation", () => {
  const good = {
    date: "2001/01/01 10:00",
    delay: 20,
    distance: 100,
    origin: "AAA",
    destination: "BBB",
  };

  test("adds flights up by airport", () => {
    const totals = expectedTotals(
      expectedReports([good, { ...good, date: "2001/01/02 09:00", delay: -3 }]),
    );
    const origin: Figures = {
      departures: 2,
      arrivals: 0,
      delay: 17,
      late: 1,
      miles: 200,
      worst: 20,
    };
    const destination: Figures = { departures: 0, arrivals: 2, delay: 0, late: 0, miles: 0 };
    expect(totals).toEqual(new Map([["AAA", origin], ["BBB", destination]]));
  });

  test.each([
    ["date", { date: "2001/02/29 10:00" }],
    ["date", { date: "2001/01/01 24:00" }],
    ["date", { date: 5 }],
    ["airport", { origin: "aaa" }],
    ["airport", { destination: "ABCD" }],
    ["circle", { destination: "AAA" }],
    ["delay", { delay: 1441 }],
    ["delay", { delay: 1.5 }],
    ["distance", { distance: 0 }],
  ])("turns a row away by the rule %s: %j", (rule, fault) => {
    const [report] = expectedReports([{ ...good, ...fault }]).values();
    expect(report).toEqual({ flights: 0, rejected: new Map([[rule, 1]]), airports: new Map() });
  });
});

describe("the judgement of repeated steps", () => {
  const effects = (...steps: string[]): Effect[] => steps.map((step) => ({ batch: "a", step }));

  test("permits the last step before the kill once more", () => {
    const all = effects("load", "clean", "clean", "aggregate", "write", "record", "publish");
    const judged = judgeRepeats(effects("load", "clean"), all, ["a"]);
    expect(judged).toEqual({ repeated: effects("clean"), violations: [] });
  });

  test("refuses an earlier step once more", () => {
    const all = effects("load", "clean", "load", "aggregate", "write", "record", "publish");
    const { violations } = judgeRepeats(effects("load", "clean"), all, ["a"]);
    expect(violations).toEqual(["a: step load was done 2 times though its result was saved"]);
  });

  test("refuses a step that was never done", () => {
    const all = effects("load", "clean", "aggregate", "write", "record");
    expect(judgeRepeats([], all, ["a"]).violations).toEqual(["a: step publish was never done"]);
  });
});
