import { expect, test } from "bun:test";
import {
  type Delivery,
  distinctHeaders,
  packDeliveries as packNumbered,
} from "../../../../src/services/queue/deliveries.ts";
import type { Headers, Received } from "../../../../src/services/queue/driver.ts";
import { pack, unpack } from "../../../../src/vm/codec.ts";
import { joinPacked } from "../../../../src/vm/joined.ts";
import type { LuaValue } from "../../../../src/vm/value.ts";

function received(id: string, body: LuaValue, headers: Headers, attempt = 1): Received {
  const unused = () => Promise.reject(new Error("not used here"));
  return { id, body: pack(body), headers, attempt, ack: unused, retry: unused, release: unused };
}

const packDeliveries = (deliveries: readonly Delivery[]) =>
  packNumbered(deliveries, distinctHeaders(deliveries));

const shared = [1];
const bodies: LuaValue[] = [
  "text",
  undefined,
  { n: [1, { x: true }] },
  12n ** 15n,
  Uint8Array.of(255),
];

test.each([
  ["plain ones", bodies],
  ["some with repetitions", [...bodies, { a: shared, b: shared }, [shared, [shared]]]],
  ["many", Array.from({ length: 300 }, (_, index) => ({ index }))],
  ["none", []],
])("deliveries, %s, are what pack makes of them", (_, bodies) => {
  const headers: Headers = { timestamp: 5, name: "ö", large: 2n ** 62n };
  const messages = bodies.map((body, index) => {
    const message = received(
      `id ${index} ö`,
      body,
      index % 2 ? headers : { timestamp: index },
      index + 1,
    );
    return [70_000 + index, message] as const;
  });
  expect(unpack(packDeliveries(messages))).toEqual(
    unpack(pack(messages.flatMap(([tag, { id, headers, attempt, body }]) => [
      tag,
      id,
      distinctHeaders(messages).get(headers),
      attempt,
      unpack(body),
    ]))),
  );
});

test("an id that is very long is one as well", () => {
  const id = "ö".repeat(40_000);
  expect(unpack(packDeliveries([[1, received(id, 1, {})]]))).toEqual([1, id, 1, 1, 1]);
});

test("a number that looks like a repetition is none", () => {
  const tag = 0xd402;
  expect(unpack(packDeliveries([[tag, received("id", bodies, {})]]))).toEqual([
    tag,
    "id",
    1,
    1,
    bodies,
  ]);
});

test.each([
  ["values", [1, "x", { a: [1] }, undefined]],
  ["values with repetitions", [{ a: shared, b: shared }, [shared, shared], { c: shared }]],
  ["more than a short list", Array.from({ length: 40 }, (_, index) => [index])],
])("packed %s are joined as they are", (_, values) => {
  expect(unpack(joinPacked(values.map((value) => pack(value))))).toEqual(unpack(pack(values)));
});
