import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { evaluate, runUnit } from "./lua-unit.ts";

/** What a Lua expression is as text; failures as `kind: message`. */
function show(expression: string) {
  return evaluate(`
    local value, err = ${expression}
    return err and err:kind() .. ": " .. err:message() or tostring(value)`);
}

/** The message that a Lua expression raises. */
function raised(expression: string) {
  return evaluate(`
    local ok, err = pcall(function() return ${expression} end)
    return ok and "nothing" or tostring(err)`);
}

test("what a program assigns to a Location changes it for nobody", async () => {
  const assign = "pcall(function() time.utc.zone = 'Asia/Tokyo' time.utc._zone = 'Asia/Tokyo' end)";
  expect(await show(`(function() ${assign} return time.unix(0, 0):utc() end)()`))
    .toBe("1970-01-01 00:00:00 +0000 UTC");
});

describe("instants", () => {
  test("now is the clock's time", async () => {
    expect(await show("time.now():utc()")).toBe("2024-06-15 14:30:45 +0000 UTC");
  });

  test.each([
    ["time.date(2024, 2, 30, 0, 0, 0, 0, time.utc)", "2024-03-01 00:00:00 +0000 UTC"],
    ["time.date(2024, 13, 1, 25, -1, 61, 1.5e9, time.utc)", "2025-01-02 01:00:02.5 +0000 UTC"],
    ["time.date(1, 1, 1, 0, 0, 0, 0, time.utc):is_zero()", "true"],
    ["time.unix(0, -1):utc()", "1969-12-31 23:59:59.999999999 +0000 UTC"],
    ["time.unix(1718461845.9, 5):utc():unix_nano()", "1718461845000000005"],
    [
      "time.date(2024, 1, 31, 0, 0, 0, 0, time.utc):add_date(0, 1, 0)",
      "2024-03-02 00:00:00 +0000 UTC",
    ],
    ["time.unix(0, 0):utc():add('1h30m'):add(-time.SECOND)", "1970-01-01 01:29:59 +0000 UTC"],
    ["time.unix(90, 5):sub(time.unix(0, 6))", "1m29.999999999s"],
    [
      "time.date(9999, 1, 1, 0, 0, 0, 0, time.utc):sub(time.unix(0, 0))",
      "2562047h47m16.854775807s",
    ],
    ["time.unix(5, 0):before(time.unix(5, 1))", "true"],
    ["time.unix(5, 0):after(time.unix(5, 0))", "false"],
    ["time.unix(5, 0):equal(time.unix(5, 0):utc())", "true"],
    ["time.date(2024, 12, 31, 0, 0, 0, 0, time.utc):year_day()", "366"],
    ["time.date(2024, 6, 16, 0, 0, 0, 0, time.utc):weekday() == time.SUNDAY", "true"],
    [
      "time.date(2024, 6, 15, 14, 30, 45, 0, time.utc):truncate(time.parse_duration('1h'))",
      "2024-06-15 14:00:00 +0000 UTC",
    ],
    [
      "time.date(2024, 6, 15, 14, 30, 0, 0, time.utc):round(time.parse_duration('1h'))",
      "2024-06-15 15:00:00 +0000 UTC",
    ],
    [
      "time.date(2024, 6, 15, 14, 30, 0, 7, time.utc):round(time.parse_duration('-1h'))",
      "2024-06-15 14:30:00.000000007 +0000 UTC",
    ],
    ["time.now():utc():location()", "UTC"],
  ])("%s", async (expression, expected) => {
    expect(await show(expression)).toBe(expected);
  });

  test("fields", async () => {
    const code = `
      local t = time.date(2024, 6, 15, 14, 30, 45, 7, time.utc)
      local y, m, d = t:date()
      local h, min, s = t:clock()
      return { y, m, d, h, min, s, t:year(), t:month(), t:day(), t:hour(), t:minute(), t:second(),
        t:nanosecond(), t:unix() }`;
    expect(await evaluate(code)).toEqual(
      [2024, 6, 15, 14, 30, 45, 2024, 6, 15, 14, 30, 45, 7, 1718461845],
    );
  });

  test.each([
    ["time.date(2024, 1, 1)", /bad argument #4 to 'date' \(number expected, got no value\)/],
    ["time.date(2024, 1, 1, 0, 0, 0, 0, 'UTC')", /bad argument #8 to 'date' \(Location expected/],
    ["time.unix(0/0, 0)", /bad argument #1 to 'unix'/],
    ["time.now():add('1x')", /bad argument #1 to 'add' \(invalid duration "1x"/],
    ["time.now():sub(5)", /bad argument #1 to 'sub' \(Time expected, got number\)/],
    ["time.now():round(5)", /Duration expected, got number/],
    ["time.now():format(5)", /bad argument #1 to 'format' \(string expected, got number\)/],
  ])("%s raises", async (expression, expected) => {
    expect(await raised(expression)).toMatch(expected);
  });
});

describe("layouts", () => {
  const at = "time.date(2024, 6, 5, 14, 3, 5, 120000000, time.utc)";

  test.each([
    ["time.RFC3339", "2024-06-05T14:03:05Z"],
    ["time.RFC3339NANO", "2024-06-05T14:03:05.12Z"],
    ["time.RFC822", "05 Jun 24 14:03 UTC"],
    ["time.RFC850", "Wednesday, 05-Jun-24 14:03:05 UTC"],
    ["time.RFC1123Z", "Wed, 05 Jun 2024 14:03:05 +0000"],
    ["time.KITCHEN", "2:03PM"],
    ["time.STAMP_MILLI", "Jun  5 14:03:05.120"],
    [
      "'January Jan Janitor Monday 2006 06 1 2 _2 002 __2'",
      "June Jun Janitor Wednesday 2024 24 6 5  5 157 157",
    ],
    [
      "'15 03 3 4 5 pm PM .000 ,999 -07 -07:00 Z07:00 MST'",
      "14 02 2 3 5 pm PM .120 ,12 +00 +00:00 Z UTC",
    ],
  ])("%s", async (layout, expected) => {
    expect(await show(`${at}:format(${layout})`)).toBe(expected);
  });

  test.each([
    ["time.RFC3339, '2024-06-15T14:30:45Z'", "2024-06-15 14:30:45 +0000 UTC"],
    [
      "time.RFC3339, '2024-06-15T14:30:45.123+02:00', time.utc",
      "2024-06-15 14:30:45.123 +0200 +0200",
    ],
    ["time.DATE_ONLY, '2024-06-15', time.utc", "2024-06-15 00:00:00 +0000 UTC"],
    ["time.KITCHEN, '12:05AM', time.utc", "0000-01-01 00:05:00 +0000 UTC"],
    ["time.STAMP, 'Jun  5 01:02:03', time.utc", "0000-06-05 01:02:03 +0000 UTC"],
    ["'2006 002', '2024 060', time.utc", "2024-02-29 00:00:00 +0000 UTC"],
    [
      "time.RFC850, 'Saturday, 15-Jun-24 14:30:45 GMT+3', time.utc",
      "2024-06-15 14:30:45 +0300 GMT+3",
    ],
    [
      "time.DATE_ONLY, '2024-02-30'",
      'Invalid: parsing time "2024-02-30" as "2006-01-02": day out of range',
    ],
    [
      "time.DATE_ONLY, '2024-13-01'",
      'Invalid: parsing time "2024-13-01" as "2006-01-02": month out of range',
    ],
    [
      "time.DATE_ONLY, '2024-2-03'",
      'Invalid: parsing time "2024-2-03" as "2006-01-02": cannot read "2-03" as "01"',
    ],
    [
      "time.DATE_ONLY, '2024-02-03x'",
      'Invalid: parsing time "2024-02-03x" as "2006-01-02": extra text "x"',
    ],
  ])("parse(%s)", async (args, expected) => {
    expect(await show(`time.parse(${args})`)).toBe(expected);
  });

  test("what is written is read back the same", async () => {
    const code = `
      local zone = time.load_location("America/New_York")
      for _, layout in ipairs{ time.RFC3339NANO, time.RFC850, time.RFC1123Z, "2006-01-02T15:04:05.999999999 MST" } do
        for seconds = -2e9, 3e9, 98765432 do
          local t = time.unix(seconds, 0):in_location(zone)
          local back = assert(time.parse(layout, t:format(layout), zone))
          -- Two digits of a year tell the century only from 1969 on.
          if layout ~= time.RFC850 or (t:year() >= 1969 and t:year() < 2069) then
            assert(back:equal(t), tostring(t) .. " " .. tostring(back))
          end
        end
      end
      return true`;
    expect(await evaluate(code)).toBe(true);
  });
});

test("the calendar agrees with JavaScript's", async () => {
  const seconds = fc.sample(fc.integer({ min: -62_135_596_800, max: 253_402_300_799 }), 500);
  const code = `
    local out = {}
    for i, s in ipairs((...)) do
      local t = time.unix(s, 0):utc()
      out[i] = t:format("2006-01-02T15:04:05.000Z")
      assert(time.date(t:year(), t:month(), t:day(), t:hour(), t:minute(), t:second(), 0, time.utc):unix() == s)
    end
    return out`;
  expect(await evaluate(code, { args: [seconds] })).toEqual(
    seconds.map((second) => new Date(second * 1000).toISOString()),
  );
});

describe("zones", () => {
  const newYork = `time.load_location("America/New_York")`;

  test("IANA zones know their transitions", async () => {
    const code = `
      local ny = ${newYork}
      return table.concat({
        tostring(time.date(2024, 1, 15, 12, 0, 0, 0, ny)),
        tostring(time.date(2024, 7, 15, 12, 0, 0, 0, ny)),
        tostring(time.unix(1710054000 - 1, 0):in_location(ny)),
        tostring(time.unix(1710054000, 0):in_location(ny)),
        time.parse(time.RFC1123, "Sat, 15 Jun 2024 14:30:45 EST", ny):utc():format(time.TIME_ONLY),
        tostring(ny),
      }, "\\n")`;
    expect(await evaluate(code)).toBe([
      "2024-01-15 12:00:00 -0500 EST",
      "2024-07-15 12:00:00 -0400 EDT",
      "2024-03-10 01:59:59 -0500 EST",
      "2024-03-10 03:00:00 -0400 EDT",
      "19:30:45",
      "America/New_York",
    ].join("\n"));
  });

  test("a fixed zone has one offset", async () => {
    expect(await show("time.unix(0, 0):in_location(time.fixed_zone('X', -5400))")).toBe(
      "1969-12-31 22:30:00 -0130 X",
    );
  });

  test.each([
    ["time.load_location('')", /^Invalid: empty location name/],
    ["time.load_location('Mars/Base')", /^NotFound: unknown time zone Mars\/Base/],
    ["time.load_location('europe/berlin')", /^NotFound/],
    ["time.load_location('UTC')", /^UTC$/],
    ["time.load_location('Local')", /^Local$/],
  ])("%s", async (expression, expected) => {
    expect(await show(expression)).toMatch(expected);
  });
});

describe("durations", () => {
  test.each([
    ["'1h30m45.5s'", "1h30m45.5s"],
    ["'250ms'", "250ms"],
    ["'-1.5h'", "-1h30m0s"],
    ["'2µs'", "2\u00b5s"],
    ["0", "0s"],
    ["1500", "1.5\u00b5s"],
    ["time.parse_duration('3s')", "3s"],
    ["'9223372036854775807ns'", "2562047h47m16.854775807s"],
    ["'9223372036854775808ns'", /^Invalid: .*longer than 292 years/],
    ["'7d'", /^Invalid: invalid duration "7d": "d" is not a unit/],
    ["'5'", /^Invalid: .*a unit .* is missing/],
    ["''", /^Invalid: .*empty/],
    ["{}", /^Invalid: .*got table/],
    ["1/0", /^Invalid: .*do not fit/],
  ])("parse_duration(%s)", async (argument, expected) => {
    const shown = await show(`time.parse_duration(${argument})`);
    if (typeof expected === "string") expect(shown).toBe(expected);
    else expect(shown).toMatch(expected);
  });

  test("what is written is read back the same", async () => {
    const values = fc.sample(fc.bigInt({ min: -(2n ** 63n) + 1n, max: 2n ** 63n - 1n }), 300)
      .map((value, index) => value >> BigInt(index % 60));
    const code = `
      for _, ns in ipairs((...)) do
        local text = tostring(time.parse_duration(ns))
        local back = assert(time.parse_duration(text)):nanoseconds()
        assert(back == ns, text .. " " .. back)
      end
      return true`;
    expect(await evaluate(code, { args: [values] })).toBe(true);
  });

  test("units", async () => {
    const code = `
      local d = time.parse_duration("-1.5s")
      return { d:nanoseconds(), d:microseconds(), d:milliseconds(), d:seconds(), d:minutes() * 60 }`;
    expect(await evaluate(code)).toEqual([-1_500_000_000, -1_500_000, -1500, -1.5, -1.5]);
  });
});

describe("waiting", () => {
  test("sleep takes its time and returns nothing", async () => {
    const { value, elapsed } = await runUnit(`
      return { main = function() return select("#", time.sleep("1m30s")) end }`);
    expect(value).toBe(0);
    expect(elapsed).toBe(90_000);
  });

  test("sleep without a good duration fails at once", async () => {
    const { value, elapsed } = await runUnit(`
      return { main = function()
        time.sleep(0)
        time.sleep("-5s")
        local _, err = time.sleep("soon")
        return err:kind()
      end }`);
    expect(value).toBe("Invalid");
    expect(elapsed).toBe(0);
  });

  test("after delivers one time and closes", async () => {
    const { value, elapsed } = await runUnit(`
      return { main = function()
        local begun = time.now()
        local ch = time.after(10 * time.MILLISECOND)
        local t, ok = ch:receive()
        local n, more = ch:receive()
        return { tostring(t:sub(begun)), ok, n == nil, more }
      end }`);
    expect(value).toEqual(["10ms", true, true, false]);
    expect(elapsed).toBe(10);
  });

  test.each(["time.after", "time.timer", "time.ticker"])(
    "%s wants a positive duration",
    async (f) => {
      expect(await show(`${f}(0)`)).toMatch(/^Invalid: the duration must be positive/);
      expect(await show(`${f}("x")`)).toMatch(/^Invalid: invalid duration/);
    },
  );

  test("a stopped timer closes its channel and never fires", async () => {
    const code = `
      local timer = time.timer("1s")
      local first, second = timer:stop(), timer:stop()
      local _, ok = timer:channel():receive()
      time.sleep("2s")
      return { first, second, ok, timer:reset("1s"), timer:response() == timer:channel() }`;
    expect(await evaluate(code)).toEqual([true, false, false, false, true]);
  });

  test("a value that fired is still there after stop", async () => {
    const code = `
      local timer = time.timer("1s")
      time.sleep("2s")
      local pending = timer:stop()
      local t, ok = timer:response():receive()
      return { pending, t ~= nil and ok }`;
    expect(await evaluate(code)).toEqual([false, true]);
  });

  test("reset starts the wait anew", async () => {
    const { value, elapsed } = await runUnit(`
      return { main = function()
        local timer = time.timer("1s")
        time.sleep("900ms")
        local armed = timer:reset("5s")
        timer:response():receive()
        return { armed, timer:reset("1s"), (pcall(timer.reset, timer, 0)) }
      end }`);
    expect(value).toEqual([true, false, false]);
    expect(elapsed).toBe(5900);
  });

  test("a ticker keeps its beat and drops what nobody takes", async () => {
    const { value } = await runUnit(`
      return { main = function()
        local begun, ticker = time.now(), time.ticker("1s")
        local out = {}
        for i = 1, 3 do
          out[i] = tostring((ticker:response():receive()):sub(begun))
          time.sleep("300ms")
        end
        time.sleep("60s")
        local count = 0
        assert(ticker:stop() and ticker:stop())
        while select(2, ticker:channel():receive()) do count = count + 1 end
        out[4] = count
        return out
      end }`);
    expect(value).toEqual(["1s", "2s", "3s", 16]);
  });
});

test("objects and the module are read-only", async () => {
  expect(await raised("(function() time.SECOND = 1 end)()")).toMatch(/read-only/);
  expect(await raised("(function() time.now().extra = 1 end)()")).toMatch(/read-only/);
  expect(await show("type(time.now())")).toBe("userdata");
});
