import { expect, test } from "bun:test";
import { nextCron } from "../../../src/workflows/cron.ts";

const at = (text: string) => Date.parse(text);

test("a schedule matches next", () => {
  const from = at("2026-11-24T10:15:30Z"); // a Tuesday
  const next = (expression: string, after = from) =>
    new Date(nextCron(expression, after)).toISOString();
  expect(next("* * * * *")).toBe("2026-11-24T10:16:00.000Z");
  expect(next("30 6 * * 1-5")).toBe("2026-11-25T06:30:00.000Z");
  expect(next("0 0 1 * 5")).toBe("2026-11-27T00:00:00.000Z");
  expect(next("@daily")).toBe("2026-11-25T00:00:00.000Z");
  expect(next("@every 90m")).toBe("2026-11-24T11:45:30.000Z");
  expect(next("CRON_TZ=Europe/Oslo 0 12 * * *")).toBe("2026-11-24T11:00:00.000Z");
  expect(next("TZ=America/New_York 0 12 * * *")).toBe("2026-11-24T17:00:00.000Z");
  // Exactly at a match it is the one after it.
  expect(next("0 12 * * *", at("2026-11-24T12:00:00Z"))).toBe("2026-11-25T12:00:00.000Z");
  // In the hour that the clock leaves out in spring: as soon as that is over.
  expect(next("CRON_TZ=Europe/Oslo 30 2 * * *", at("2027-03-27T12:00:00Z")))
    .toBe("2027-03-28T01:00:00.000Z");
  expect(next("0 0 29 2 *")).toBe("2028-02-29T00:00:00.000Z");
});

test.each([
  "",
  "* * * *",
  "* * * * * *",
  "61 * * * *",
  "0 0 31 2 *",
  "@sometimes",
  "@every soon",
  "@every 10ms",
  "CRON_TZ=Mars/Base 0 0 * * *",
])("%p is refused with what to write", (expression) => {
  expect(() => nextCron(expression, 0)).toThrow(/is no cron schedule: .*write five fields such as/);
});
