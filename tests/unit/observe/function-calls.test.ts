import { expect, test } from "bun:test";
import { callBounds, FunctionCalls } from "../../../src/observe/function-calls.ts";
import { mostSeries } from "../../../src/observe/series.ts";

const row = { succeeded: 0, failed: 0, time: 0, running: 0, within: [] };

/** Values of a measure by its labels. */
function shown(calls: FunctionCalls, name: string): Record<string, number | number[]> {
  const found = calls.all.find((measure) => measure.name === name);
  return Object.fromEntries(
    [...found?.series.values() ?? []].map(({ labels, value, within }) => [
      Object.values(labels).join(" "),
      within.length > 0 ? within : value,
    ]),
  );
}

test("what workers count comes together, and buckets count what smaller ones do", () => {
  const calls = new FunctionCalls();
  expect(calls.all).toEqual([]);
  calls.take(0, [{ ...row, id: "app:f", running: 2, succeeded: 2, time: 3e9, within: [1, 0, 1] }]);
  calls.take(1, [{
    ...row,
    id: "app:f",
    running: 1,
    failed: 1,
    time: 2e10,
    within: [...callBounds.map(() => 0), 1],
  }]);
  expect(shown(calls, "wippy_function_calls")).toEqual({ "app:f success": 2, "app:f error": 1 });
  expect(shown(calls, "wippy_function_in_flight")).toEqual({ "app:f": 3 });
  expect(shown(calls, "wippy_function_duration"))
    .toEqual({ "app:f": [1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 3] });
  const [, durations] = calls.all;
  expect([...durations!.series.values()].map(({ value }) => value)).toEqual([23]);
  calls.take(0, [{ ...row, id: "app:f", running: 0, succeeded: 2, time: 0, within: [2] }]);
  expect(shown(calls, "wippy_function_calls")).toEqual({ "app:f success": 4, "app:f error": 1 });
  expect(shown(calls, "wippy_function_in_flight")).toEqual({ "app:f": 1 });
});

test("nothing runs on a worker that died", () => {
  const calls = new FunctionCalls();
  calls.take(0, [{ ...row, id: "app:f", running: 2 }]);
  calls.take(1, [{ ...row, id: "app:f", running: 1 }]);
  calls.workerDied(0);
  expect(shown(calls, "wippy_function_in_flight")).toEqual({ "app:f": 1 });
});

test("functions beyond the limit of series are left out", () => {
  const calls = new FunctionCalls();
  const ids = Array.from({ length: mostSeries + 1 }, (_, index) => `app:f${index}`);
  calls.take(0, ids.map((id) => ({ ...row, id, running: 1 })));
  const running = shown(calls, "wippy_function_in_flight");
  expect(Object.keys(running)).toHaveLength(mostSeries);
  expect(running[ids.at(-1)!]).toBeUndefined();
});
