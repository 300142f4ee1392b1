import { expect, test } from "bun:test";
import { pack } from "../../../../src/vm/codec.ts";
import { WippyError } from "../../../../src/vm/error.ts";
import type { LuaValue } from "../../../../src/vm/value.ts";
import {
  boundedFailure,
  maxRecordSize,
  recordedOutcome,
  recordValue,
  recordValues,
} from "../../../../src/workflows/history/limits.ts";

/** A text of so many bytes, packed. */
function sized(bytes: number): LuaValue {
  const head = pack("x".repeat(100_000)).length - 100_000;
  return "x".repeat(bytes - head);
}

test.each([maxRecordSize - 1, maxRecordSize])("%i bytes are recorded", (bytes) => {
  expect(recordValue(sized(bytes), "it")).toHaveLength(bytes);
  expect(recordValues([sized(bytes - 1)], "it")).toHaveLength(bytes);
  expect(recordedOutcome("app:f", sized(bytes), undefined)).toMatchObject({
    value: expect.any(Uint8Array),
  });
});

test("one byte more is refused, in words", () => {
  const words = `it has ${maxRecordSize + 1} bytes; at most ${maxRecordSize} can be recorded`;
  expect(() => recordValue(sized(maxRecordSize + 1), "it")).toThrow(words);
  expect(() => recordValues([sized(maxRecordSize)], "it")).toThrow(words);
  expect(recordedOutcome("app:f", sized(maxRecordSize + 1), undefined)).toMatchObject({
    failure: { kind: "Invalid", message: expect.stringContaining("the result of app:f has") },
  });
});

test("a failure that is too large keeps the beginning of its message", () => {
  const failure = new WippyError("Invalid", "y".repeat(maxRecordSize)).toJSON();
  const bounded = boundedFailure(failure, "the error");
  expect(bounded.message).toStartWith("y".repeat(1_000) + " [the error has");
  expect(boundedFailure(bounded, "the error")).toBe(bounded);
});
