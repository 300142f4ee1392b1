import { expect, test } from "bun:test";
import { headersOf, propertiesOf } from "../../../../../src/services/queue/amqp/properties.ts";
import { WippyError } from "../../../../../src/vm/error.ts";
import { LuaFloat } from "../../../../../src/vm/value.ts";

const published = (headers: Parameters<typeof propertiesOf>[0]["headers"]) =>
  propertiesOf({ id: "m", headers }, "application/json", undefined);

test("headers that AMQP knows are properties, as numbers or as text", () => {
  expect(published({
    ...{ correlation_id: "c", "amqp.priority": "3", "amqp.expiration": 60_000, own: true },
    ...{ "amqp.delivery_mode": new LuaFloat(1), "amqp.x_delay": 5, timestamp: 1_700_000_000 },
  })).toMatchObject({
    ...{ correlationId: "c", priority: 3, expiration: "60000", persistent: false },
    ...{ timestamp: 1_700_000_000, headers: { own: true, "x-delay": 5 } },
  });
});

test.each([
  ["amqp.priority", "high", 255],
  ["amqp.priority", 256, 255],
  ["amqp.priority", 1.5, 255],
  ["amqp.priority", true, 255],
  ["amqp.expiration", "soon", 4_294_967_295],
  ["amqp.expiration", -1, 4_294_967_295],
  ["amqp.delivery_mode", 3, 2],
  ["amqp.x_delay", "", 4_294_967_295],
  ["timestamp", "now", 9_007_199_254_740_991],
])(
  "a header %s of %p is refused here, as the broker would close the channel",
  (name, value, most) => {
    let error: unknown;
    try {
      published({ [name]: value });
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(WippyError);
    const { kind, message, retryable } = error as WippyError;
    expect([kind, retryable]).toEqual(["Invalid", false]);
    expect(message).toBe(`header ${name} must be a whole number from 0 to ${most}`);
  },
);

test("properties are headers again", () => {
  const { headers, ...properties } = published({ "amqp.priority": 3, kind: "x" });
  expect(headersOf({ headers, ...properties } as never)).toMatchObject({
    "amqp.priority": 3,
    kind: "x",
  });
});
