import { expect, test } from "bun:test";
import { evaluate } from "./lua-unit.ts";

test.each([
  `metrics.counter_inc("c")`,
  `metrics.counter_inc("c", { a = "b", n = 5, [1] = "x" })`,
  `metrics.counter_inc("c", "no table")`,
  `metrics.counter_add("c", 2.5, { a = "b" })`,
  `metrics.counter_add("c", -1)`,
  `metrics.gauge_set("g", 0/0, {})`,
  `metrics.gauge_inc("g", 7)`,
  `metrics.gauge_dec("g", nil)`,
  `metrics.histogram("h", 3, { a = "b" })`,
  `metrics.counter_inc("")`,
  `metrics.counter_inc(("x"):rep(5000))`,
  `metrics.counter_inc("\\xff", { ["\\xff"] = "\\xff" })`,
])("%s is true, nil", async (code) => {
  expect(
    await evaluate(`return { n = select("#", ${code}), ok = ${code}, err = select(2, ${code}) }`),
  )
    .toEqual(Object.assign(Object.create(null), { n: 2, ok: true }));
});

test.each([
  ["counter_inc()", "bad argument #1 to 'counter_inc' (string expected, got no value)"],
  ["counter_add('c')", "bad argument #2 to 'counter_add' (number expected, got no value)"],
  ["counter_add('c', '1')", "bad argument #2 to 'counter_add' (number expected, got string)"],
  ["gauge_set({}, 1)", "bad argument #1 to 'gauge_set' (string expected, got table)"],
  ["gauge_inc(5)", "bad argument #1 to 'gauge_inc' (string expected, got number)"],
  ["gauge_dec()", "bad argument #1 to 'gauge_dec' (string expected, got no value)"],
  ["histogram('h', {})", "bad argument #2 to 'histogram' (number expected, got table)"],
])("%s raises", async (code, message) => {
  expect(await evaluate(`return select(2, pcall(function() metrics.${code} end))`))
    .toContain(message);
});
