import { describe, expect, test } from "bun:test";
import { makeVm, run } from "./make_vm.ts";

describe("os.date and os.time, in UTC", () => {
  test("the local time is UTC", async () => {
    const vm = await makeVm();
    expect(
      run(vm, `local t = 1000000000 return os.date("%c", t), os.date("!%c", t), os.date("%z %Z")`),
    )
      .toEqual(["Sun Sep  9 01:46:40 2001", "Sun Sep  9 01:46:40 2001", "+0000 UTC"]);
  });

  test("their clock stands still, since Lua chooses pivots of table.sort by it", async () => {
    const vm = await makeVm({ clock: () => 1_000_000_000_000 });
    expect(run(vm, "return os.time(), os.clock() == 0")).toEqual([0, true]);
  });

  test.each([
    [2024, 2, 29, 1_709_208_000],
    [1969, 12, 31, -43_200],
    [1900, 1, 1, -2_208_945_600],
    [99, 1, 1, -59_042_952_000],
    [9999, 12, 31, 253_402_257_600],
  ])("%d-%d-%d at noon", async (year, month, day, seconds) => {
    const vm = await makeVm();
    expect(run(
      vm,
      `local y, m, d, s = ...
      local t = os.date("!*t", s)
      return os.time({ year = y, month = m, day = d }), t.year, t.month, t.day, t.hour`,
      year,
      month,
      day,
      seconds,
    )).toEqual([seconds, year, month, day, 12]);
  });

  test("fields out of range are carried over", async () => {
    const vm = await makeVm();
    expect(run(
      vm,
      `local t = { year = 2023, month = 14, day = -1, hour = 25, min = 61, sec = 61 }
      local s = os.time(t)
      return os.date("!%F %T", s), t.year, t.month, t.day, t.yday, t.wday`,
    )).toEqual(["2024-01-31 02:02:01", 2024, 1, 31, 31, 4]);
  });

  test("weeks of ISO 8601 at the turn of the year", async () => {
    const vm = await makeVm();
    const weeks = `local r = {}
      for i, s in ipairs({ 1104537600, 1230768000, 1451606400, 1609459200, 1735603200 }) do
        r[i] = os.date("!%F %G-W%V-%u", s)
      end
      return r`;
    expect(run(vm, weeks)).toEqual([[
      "2005-01-01 2004-W53-6",
      "2009-01-01 2009-W01-4",
      "2016-01-01 2015-W53-5",
      "2021-01-01 2020-W53-5",
      "2024-12-31 2025-W01-2",
    ]]);
  });
});
