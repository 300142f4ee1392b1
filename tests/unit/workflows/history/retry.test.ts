import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  decideRetry,
  retryDelay,
  timeoutFailure,
} from "../../../../src/workflows/history/retry.ts";

const failure = { kind: "Unavailable", message: "down" };

describe("retryDelay", () => {
  test("doubles from one second up to a hundred times that", () => {
    expect([1, 2, 3, 7, 8, 50].map((attempt) => retryDelay({}, attempt))).toEqual([
      1_000,
      2_000,
      4_000,
      64_000,
      100_000,
      100_000,
    ]);
  });

  test("follows the policy", () => {
    const policy = { initialInterval: 10, backoffCoefficient: 3, maximumInterval: 50 };
    expect([1, 2, 3].map((attempt) => retryDelay(policy, attempt))).toEqual([10, 30, 50]);
  });

  test("takes zero and negative values as unset", () => {
    const policy = { initialInterval: 0, backoffCoefficient: -1, maximumInterval: 0 };
    expect(retryDelay(policy, 2)).toBe(2_000);
  });

  test("is finite and never negative, whatever the attempt", () => {
    fc.assert(fc.property(fc.nat(1_000_000), (attempt) => {
      const delay = retryDelay({}, attempt + 1);
      expect(delay).toBeGreaterThan(0);
      expect(delay).toBeLessThanOrEqual(100_000);
    }));
  });
});

describe("decideRetry", () => {
  test("retries without limit by default", () => {
    expect(decideRetry({}, failure, 1_000_000, 0)).toEqual({ delay: 100_000 });
    expect(decideRetry({ maximumAttempts: 0 }, failure, 99, 0)).toHaveProperty("delay");
  });

  test.each([
    ["attempts are used up", { maximumAttempts: 3 }, failure, "maximum_attempts_reached"],
    ["it is not retryable", {}, { ...failure, retryable: false }, "non_retryable_failure"],
    [
      "its kind is listed",
      { nonRetryableKinds: ["Unavailable"] },
      failure,
      "non_retryable_failure",
    ],
  ])("is final when %s", (_name, policy, error, final) => {
    expect(decideRetry(policy, error, 3, 0)).toEqual({ final } as never);
  });

  test("is final when the next attempt would begin after the deadline", () => {
    expect(decideRetry({}, failure, 1, 5_000, 6_000)).toEqual({ delay: 1_000 });
    expect(decideRetry({}, failure, 1, 5_001, 6_000)).toEqual({ final: "timeout" });
  });

  test("tries an attempt that timed out again although its error says not to", () => {
    const timedOut = timeoutFailure("slow", "start_to_close");
    expect(decideRetry({}, timedOut, 1, 0)).toEqual({ delay: 1_000 });
  });
});
