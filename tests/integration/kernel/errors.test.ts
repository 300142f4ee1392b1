import { describe, expect, test } from "bun:test";
import { runFunction } from "../application.ts";

describe("errors", () => {
  test("kinds", async () => {
    expect(
      await runFunction(`return { errors.NOT_FOUND, errors.ALREADY_EXISTS, errors.INVALID,
        errors.PERMISSION_DENIED, errors.UNAVAILABLE, errors.INTERNAL, errors.CANCELED,
        errors.CONFLICT, errors.TIMEOUT, errors.RATE_LIMITED, errors.UNKNOWN }`),
    ).toEqual([
      "NotFound",
      "AlreadyExists",
      "Invalid",
      "PermissionDenied",
      "Unavailable",
      "Internal",
      "Canceled",
      "Conflict",
      "Timeout",
      "RateLimited",
      "",
    ]);
  });

  test("new with a text", async () => {
    expect(
      await runFunction(`local e = errors.new("m")
        return { e:kind(), e:message(), e:retryable() == nil, e:details() == nil, type(e:stack()),
          tostring(e), type(e) }`),
    ).toEqual(["", "m", true, true, "string", "m", "userdata"]);
  });

  test("new with a kind and a text takes the first, like the published examples", async () => {
    expect(await runFunction('return errors.new("Invalid", "m"):message()')).toBe("Invalid");
  });

  test("new with a table", async () => {
    expect(
      await runFunction(`local e = errors.new{ message = "m", kind = "Own", retryable = true,
          details = { a = 1 } }
        return { e:kind(), e:message(), e:retryable(), e:details() }`),
    ).toEqual(["Own", "m", true, { a: 1 }]);
  });

  test("bad fields raise", async () => {
    for (
      const bad of ["", "1", "{}", "{ message = 1 }", "{ message = 'm', kind = 1 }"].concat(
        "{ message = 'm', retryable = 1 }",
        "{ message = 'm', details = 1 }",
      )
    ) {
      expect(await runFunction(`return (pcall(function() errors.new(${bad}) end))`)).toBe(false);
    }
  });

  test("wrap keeps everything but the text", async () => {
    expect(
      await runFunction(`local e = errors.new{ message = "seat taken", kind = errors.CONFLICT,
          retryable = false, details = { seat = "12A" } }
        local w = errors.wrap(e, "booking")
        local t = errors.wrap("plain", "context")
        return { w:kind(), w:retryable(), w:details().seat, tostring(w), w:message(), w ~= e,
          t:kind(), tostring(t) }`),
    ).toEqual([
      "Conflict",
      false,
      "12A",
      "booking: seat taken",
      "booking: seat taken",
      true,
      "",
      "context: plain",
    ]);
  });

  test("is", async () => {
    expect(
      await runFunction(`local e = errors.new{ message = "m", kind = errors.TIMEOUT }
        return { errors.is(e, errors.TIMEOUT), errors.is(e, errors.INVALID), errors.is(nil, "x"),
          errors.is("Timeout", "Timeout"), errors.is({}, "Timeout") }`),
    ).toEqual([true, false, false, false, false]);
  });

  test("joins with texts on either side", async () => {
    expect(
      await runFunction(`local e = errors.new("e")
        return { "a " .. e, e .. " b", e .. e }`),
    ).toEqual(["a e", "e b", "ee"]);
  });

  test("pcall hands the raised object back", async () => {
    expect(
      await runFunction(`local e = errors.new("e")
        local ok, caught = pcall(error, e)
        return { ok, caught == e }`),
    ).toEqual([false, true]);
  });

  test("call_stack of what has none", async () => {
    expect(
      await runFunction(
        'return { errors.call_stack(errors.new("x")) == nil, errors.call_stack("x") == nil }',
      ),
    ).toEqual([true, true]);
  });

  test("details are a copy", async () => {
    expect(
      await runFunction(`local e = errors.new{ message = "m", details = { a = 1 } }
        e:details().a = 2
        return e:details().a`),
    ).toBe(1);
  });
});
