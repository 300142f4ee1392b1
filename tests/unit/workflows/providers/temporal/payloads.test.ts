/** Values and failures as Temporal has them. */
import { describe, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { AesCodec } from "../../../../../src/workflows/providers/temporal/payloads/codec.ts";
import {
  encodingOf,
  packedEncoding,
  PayloadConverter,
} from "../../../../../src/workflows/providers/temporal/payloads/payloads.ts";
import { WippyError } from "../../../../../src/vm/error.ts";
import { LuaFloat, type LuaValue } from "../../../../../src/vm/value.ts";

const plain = new PayloadConverter();
const key = randomBytes(32);
const secret = new PayloadConverter(new AesCodec("k1", new Map([["k1", key]])));
const text = (bytes: Uint8Array | null | undefined) => new TextDecoder().decode(bytes ?? undefined);
const json = (data: string) => ({
  metadata: { encoding: new TextEncoder().encode("json/plain") },
  data: new TextEncoder().encode(data),
});

const cyclic: LuaValue = { name: "self" };
(cyclic as { [key: string]: LuaValue })["self"] = cyclic;

const readable: [LuaValue, string][] = [
  ["text", '"text"'],
  ["", '""'],
  [7, "7"],
  [0.5, "0.5"],
  [new LuaFloat(2), "2.0"],
  [new LuaFloat(-0), "-0.0"],
  [2 ** 53, "9007199254740992.0"],
  [1e300, "1e+300"],
  [true, "true"],
  [[1, "x", [false]], '[1,"x",[false]]'],
  [{ a: { b: [new LuaFloat(1)] } }, '{"a":{"b":[1.0]}}'],
  [{}, "{}"],
];

test.each(readable)("%p is JSON that other languages read", (value, wanted) => {
  const payload = plain.payload(value);
  expect(encodingOf(payload)).toBe("json/plain");
  expect(text(payload.data)).toBe(wanted);
  expect(plain.value(payload)).toEqual(value);
  expect(Object.is(plain.value(payload), -0)).toBe(false);
});

test("nil is null, and bytes that are no text are bytes", () => {
  expect(encodingOf(plain.payload(undefined))).toBe("binary/null");
  expect(plain.value(plain.payload(undefined))).toBeUndefined();
  const bytes = new Uint8Array([0xff, 0, 1]);
  expect(encodingOf(plain.payload(bytes))).toBe("binary/plain");
  expect(plain.value(plain.payload(bytes))).toEqual(bytes);
});

test.each<[string, LuaValue]>([
  ["an integer beyond 2^53", 2n ** 62n],
  ["a table with mixed keys", new Map<LuaValue, LuaValue>([[1, "a"], ["b", true]])],
  ["an infinite number", Infinity],
  ["bytes in a table", { data: new Uint8Array([0xff]) }],
])("%s is packed", (_name, value) => {
  const payload = plain.payload(value);
  expect(encodingOf(payload)).toBe(packedEncoding);
  expect(plain.value(payload)).toEqual(value);
});

test("a table that holds itself and an error are packed", () => {
  const round = (value: LuaValue) => {
    const payload = plain.payload(value);
    expect(encodingOf(payload)).toBe(packedEncoding);
    return plain.value(payload);
  };
  const self = round(cyclic) as { self: LuaValue };
  expect(self.self).toBe(self);
  const error = round({ why: new WippyError("Invalid", "no", { retryable: false }) });
  expect(error).toMatchObject({ why: { kind: "Invalid", message: "no", retryable: false } });
});

test("a table that is in a value many times does not grow without limit", () => {
  let value: LuaValue = { leaf: true };
  for (let level = 0; level < 60; level++) value = [value, value];
  expect(encodingOf(plain.payload(value))).toBe(packedEncoding);
  const shared = { street: "x" };
  expect(text(plain.payload({ from: shared, to: shared }).data)).toBe(
    '{"from":{"street":"x"},"to":{"street":"x"}}',
  );
});

test("every value comes back, encrypted or not", () => {
  const value = fc.letrec<{ value: LuaValue }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      fc.string({ unit: "grapheme" }),
      fc.boolean(),
      fc.maxSafeInteger(),
      fc.bigInt(2n ** 53n, 2n ** 63n - 1n),
      fc.double({ noNaN: true }).map((x) => Number.isSafeInteger(x) ? new LuaFloat(x) : x),
      fc.uint8Array({ minLength: 1 }).map((bytes) => new Uint8Array([0xff, ...bytes])),
      fc.array(tie("value"), { minLength: 1 }),
      fc.dictionary(fc.string(), tie("value")),
    ),
  })).value;
  fc.assert(
    fc.property(value, (given) => {
      expect(plain.value(plain.payload(given))).toEqual(given);
      expect(secret.value(secret.payload(given))).toEqual(given);
    }),
    { numRuns: 300 },
  );
});

describe("payloads of others", () => {
  test("are read as Lua means them", () => {
    expect(plain.value(json("null"))).toBeUndefined();
    expect(plain.value(json("1e3"))).toEqual(new LuaFloat(1000));
    expect(plain.value(json("9007199254740993"))).toBe(9007199254740993n);
    expect(plain.value(json("123456789012345678901234567890"))).toBe(1.2345678901234568e29);
    expect(plain.value(json('{"__proto__":{"x":-0}}'))).toEqual(
      JSON.parse('{"__proto__":{"x":0}}'),
    );
  });

  test("are refused when they cannot be read", () => {
    const encoded = (encoding: string, data = new Uint8Array()) => ({
      metadata: { encoding: new TextEncoder().encode(encoding) },
      data,
    });
    expect(() => plain.value(encoded("binary/protobuf"))).toThrow('encoding "binary/protobuf"');
    expect(() => plain.value({})).toThrow('encoding ""');
    expect(() => plain.value(json("{"))).toThrow("the JSON of the payload is damaged");
    expect(() => plain.value(json("[".repeat(500) + "]".repeat(500)))).toThrow("nests deeper");
    expect(() => plain.value(encoded("json/plain", new Uint8Array([0xff])))).toThrow("not UTF-8");
    expect(() => plain.value(encoded(packedEncoding, new Uint8Array([0xc1])))).toThrow("damaged");
  });
});

describe("an encrypted payload", () => {
  test("hides the value and its encoding, and differs each time", () => {
    const [first, second] = [secret.payload("card 4711"), secret.payload("card 4711")];
    expect(encodingOf(first)).toBe("binary/encrypted");
    expect(text(first.metadata?.["encryption-key-id"])).toBe("k1");
    expect(Buffer.from(first.data!).includes("4711")).toBe(false);
    expect(first.data).not.toEqual(second.data!);
    expect(secret.value(first)).toBe("card 4711");
  });

  test("is read with the key that it was written with, after a change of keys too", () => {
    const payload = secret.payload("x");
    const keys = new Map([["k1", key], ["k2", randomBytes(32)]]);
    const changed = new PayloadConverter(new AesCodec("k2", keys));
    expect(changed.value(payload)).toBe("x");
    expect(text(changed.payload("x").metadata?.["encryption-key-id"])).toBe("k2");
  });

  test("is refused without the key, with another one, and when it was changed", () => {
    const payload = secret.payload("x");
    expect(() => plain.value(payload)).toThrow("encrypted and no key is configured");
    const other = new PayloadConverter(new AesCodec("k1", new Map([["k1", randomBytes(32)]])));
    expect(() => other.value(payload)).toThrow('cannot be decrypted with the key "k1"');
    const unknown = new PayloadConverter(new AesCodec("k3", new Map([["k3", key]])));
    expect(() => unknown.value(payload)).toThrow('the key "k1", which is not known');
    const bytes = new Uint8Array(payload.data!);
    bytes[14]! ^= 1;
    expect(() => secret.value({ ...payload, data: bytes })).toThrow("cannot be decrypted");
    expect(() => secret.value({ ...payload, data: bytes.subarray(0, 9) })).toThrow("decrypted");
  });
});

describe("a failure", () => {
  const failure = {
    kind: "Conflict",
    message: "taken",
    retryable: false,
    details: { id: 7, big: 2n ** 60n },
    position: "app:order:3",
    luaStack: "stack",
  };

  test.each([["plain", plain], ["encrypted", secret]])(
    "comes back whole, %s",
    (_name, converter) => {
      const written = converter.failure(failure);
      expect(written.applicationFailureInfo).toMatchObject({
        type: "Conflict",
        nonRetryable: true,
      });
      expect(converter.ofFailure(written)).toEqual(failure);
      const bare = { kind: "", message: "lost" };
      expect(converter.ofFailure(converter.failure(bare))).toEqual(bare);
      expect(converter.failure(bare).applicationFailureInfo?.type).toBe("Internal");
    },
  );

  test("shows its words to the server only without a codec", () => {
    expect(plain.failure(failure)).toMatchObject({ message: "taken", stackTrace: "stack" });
    expect(JSON.stringify(secret.failure(failure))).not.toContain("taken");
  });

  const application = (type: string, nonRetryable = false) => ({
    message: "m",
    applicationFailureInfo: { type, nonRetryable },
  });

  test("of another SDK has the kind of its type", () => {
    expect(plain.ofFailure(application("RateLimited"))).toEqual({
      kind: "RateLimited",
      message: "m",
      retryable: true,
    });
    expect(plain.ofFailure(application("ActivityNotRegisteredError", true))).toMatchObject({
      kind: "NotFound",
      retryable: false,
    });
    expect(plain.ofFailure({
      ...application("CardDeclined", true),
      applicationFailureInfo: {
        type: "CardDeclined",
        nonRetryable: true,
        details: { payloads: [plain.payload({ code: 51 })] },
      },
    })).toEqual({
      kind: "Unknown",
      message: "m",
      retryable: false,
      details: { type: "CardDeclined", details: [{ code: 51 }] },
    });
    expect(plain.ofFailure({ ...application("PanicError"), stackTrace: "s" })).toEqual({
      kind: "Internal",
      message: "m",
      retryable: false,
      luaStack: "s",
    });
  });

  test("of the server has the kind that it means", () => {
    expect(plain.ofFailure({ canceledFailureInfo: {} })).toMatchObject({
      kind: "Canceled",
      message: "operation canceled",
      retryable: false,
    });
    expect(plain.ofFailure({ terminatedFailureInfo: {} })).toMatchObject({
      kind: "Canceled",
      message: "workflow terminated",
    });
    expect(plain.ofFailure({ message: "late", timeoutFailureInfo: { timeoutType: 4 } })).toEqual({
      kind: "Timeout",
      message: "late",
      retryable: false,
      details: { timeout_type: "heartbeat" },
    });
    expect(plain.ofFailure({ message: "x" })).toEqual({ kind: "Internal", message: "x" });
  });

  test("of a child whose activity failed is that of the activity, with what wraps it", () => {
    const nested = {
      message: "Child Workflow execution failed",
      childWorkflowExecutionFailureInfo: {
        workflowExecution: { workflowId: "c", runId: "r" },
        workflowType: { name: "t" },
        retryState: 5,
      },
      cause: {
        message: "Activity task failed",
        activityFailureInfo: { activityId: "3", retryState: 4 },
        cause: plain.failure(failure),
      },
    };
    expect(plain.ofFailure(nested)).toMatchObject({
      kind: "Conflict",
      message: "taken",
      details: {
        id: 7,
        _wrapper: "child_workflow",
        _workflow_id: "c",
        _workflow_type: "t",
        _run_id: "r",
        _activity_id: "3",
        _retry_state: "retry_policy_not_set",
      },
    });
  });
});
