import { expect, test } from "bun:test";
import { perform, testContext, testServices } from "./services.ts";

const context = testContext(testServices());

function zone(name: string, seconds: number | bigint) {
  return perform(context, "time.zone", name, seconds);
}

function unix(text: string): number {
  return Date.parse(text) / 1000;
}

test.each([
  ["America/New_York", "2024-07-01T00:00:00Z", -14400, "EDT", true],
  ["America/New_York", "2024-01-01T00:00:00Z", -18000, "EST", false],
  ["Europe/Berlin", "2024-07-01T00:00:00Z", 7200, "CEST", true],
  ["Europe/London", "2024-07-01T00:00:00Z", 3600, "BST", true],
  ["Europe/Dublin", "2024-01-01T00:00:00Z", 0, "GMT", false],
  ["Australia/Sydney", "2024-01-01T00:00:00Z", 39600, "AEDT", true],
  ["Asia/Tokyo", "2024-01-01T00:00:00Z", 32400, "JST", false],
  ["Asia/Kolkata", "2024-01-01T00:00:00Z", 19800, "IST", false],
  ["Asia/Jerusalem", "2024-07-01T00:00:00Z", 10800, "IDT", true],
  ["Asia/Kathmandu", "2024-01-01T00:00:00Z", 20700, "+0545", false],
  ["America/Sao_Paulo", "2024-01-01T00:00:00Z", -10800, "-03", false],
])("%s at %s", async (name, instant, offset, abbreviation, dst) => {
  expect(await zone(name, unix(instant))).toMatchObject({ offset, abbreviation, dst });
});

test("an interval begins and ends at its transitions", async () => {
  const [spring, autumn] = [unix("2024-03-31T01:00:00Z"), unix("2024-10-27T01:00:00Z")];
  const summer = { from: BigInt(spring), to: BigInt(autumn), offset: 7200 };
  expect(await zone("Europe/Berlin", spring)).toMatchObject(summer);
  expect(await zone("Europe/Berlin", autumn - 1)).toMatchObject(summer);
  expect(await zone("Europe/Berlin", autumn)).toMatchObject({ from: BigInt(autumn), offset: 3600 });
});

test("instants beyond what the calendar of the engine knows have the nearest offset", async () => {
  expect(await zone("Europe/Berlin", 2n ** 62n)).toMatchObject({ dst: expect.any(Boolean) });
  expect(await zone("Europe/Berlin", -(2n ** 62n))).toMatchObject({ from: -(2n ** 63n) });
});

test.each(["Mars/Base", "europe/berlin", "", "+02:00"])("%p is no zone", async (name) => {
  await expect(zone(name, 0)).rejects.toMatchObject({ kind: "NotFound" });
});
