import { describe, expect, test } from "bun:test";
import { tryShortage } from "../../fuzz/shortage.ts";

const minutes = 60_000;

/** Cases that change what other units see. */
const changing = new Set([
  "channel:send (to a select)",
  "channel:send (to one that waits)",
  "coroutine.spawn",
  "funcs.call",
  "process.listen",
  "process.monitor",
  "process.send (no value)",
  "process.send (table)",
  "process.send (text)",
  "process.spawn",
  "process.spawn (a second time)",
  "process.spawn_linked_monitored",
  "time.after",
  "time.sleep",
]);

/** Cases that are tried at the end of the stack. */
const deep = new Set([
  "process.send (table)",
  "process.spawn",
  "process.spawn (a second time)",
  "time.after",
]);

// `scripts/fuzz allocations depth levels` tries all functions of all modules, at every allocation and level.
describe("functions of the runtime harm no other unit", () => {
  test("whichever allocation is the last", async () => {
    const report = await tryShortage("allocations", { only: (name) => changing.has(name) });
    expect(report.wrong).toEqual([]);
    expect(report.cases).toBe(changing.size);
    // The gate refuses each of them once at least.
    expect(report.refused).toBeGreaterThanOrEqual(changing.size);
  }, 2 * minutes);

  test("at the end of the stack", async () => {
    const report = await tryShortage("depth", {
      only: (name) => deep.has(name),
      stride: 50,
    });
    expect(report).toEqual({ cases: deep.size, trials: deep.size, refused: 0, wrong: [] });
  }, 2 * minutes);

  test("in calls from C that fill its stack", async () => {
    const report = await tryShortage("levels", { only: (name) => changing.has(name) });
    expect(report).toEqual({ cases: changing.size, trials: changing.size, refused: 0, wrong: [] });
  }, 2 * minutes);
});
