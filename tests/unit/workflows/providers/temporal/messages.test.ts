import { describe, expect, test } from "bun:test";
// The package itself, whose descriptions the messages are made from.
import * as described from "@temporalio/proto";
import {
  google,
  temporal,
} from "../../../../../src/workflows/providers/temporal/messages/messages.ts";
import { long, whole } from "../../../../../src/workflows/providers/temporal/proto.ts";

const own = temporal.api;
const theirs = described.temporal.api;
const bytes = (...values: number[]) => new Uint8Array(values);
const payload = { metadata: { encoding: bytes(106, 115) }, data: bytes(1, 2, 3) };

/** The fields that a message has itself, at every level. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return [...value];
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null) return value;
  if ("toNumber" in value) return Number(value);
  return Object.fromEntries(
    Object.entries(value).filter(([, inner]) => !isEmpty(inner)).map(([key, inner]) => [
      key,
      plain(inner),
    ]),
  );
}

/** protobuf.js gives messages lists and maps that are not there. */
function isEmpty(value: unknown): boolean {
  return typeof value === "object" && value !== null && !(value instanceof Uint8Array) &&
    !("toNumber" in value) && Object.keys(value).length === 0;
}

interface Codec {
  encode(message: object): { finish(): Uint8Array };
  decode(bytes: Uint8Array): unknown;
}

const event = (id: number, rest: object) => ({
  eventId: long(id),
  eventTime: { seconds: long(1_900_000_000), nanos: 999_999_999 },
  ...rest,
});

const examples: readonly [name: string, own: Codec, theirs: Codec, message: object][] = [
  [
    "a history",
    own.history.v1.History,
    theirs.history.v1.History,
    {
      events: [
        event(1, {
          eventType: 1,
          workflowExecutionStartedEventAttributes: {
            workflowType: { name: "größer 💡 als vierundzwanzig Zeichen" },
            input: { payloads: [payload, payload] },
            attempt: 3,
            workflowTaskTimeout: { seconds: long(10) },
            memo: { fields: { "ü": payload, other: { data: bytes(4) } } },
            prevAutoResetPoints: {
              points: [{ resettable: true, firstWorkflowTaskCompletedId: 7 }],
            },
          },
        }),
        event(2 ** 40 + 1, { eventType: 47, version: long(-24) }),
        event(3, {
          markerRecordedEventAttributes: {
            details: { about: { payloads: [payload] }, value: { payloads: [{ data: bytes(8) }] } },
          },
        }),
      ],
    },
  ],
  [
    "a poll's answer",
    own.workflowservice.v1.PollWorkflowTaskQueueResponse,
    theirs.workflowservice.v1.PollWorkflowTaskQueueResponse,
    {
      taskToken: bytes(0, 255, 128),
      startedEventId: long(127),
      previousStartedEventId: long(128),
      attempt: 2_147_483_647,
      queries: { q: { queryType: "state" }, "": {} },
      messages: [{ id: "m", eventId: long(16_384), body: { type_url: "t", value: bytes(9) } }],
      nextPageToken: new Uint8Array(20_000).fill(5),
    },
  ],
  [
    "a choice whose value is the default",
    own.protocol.v1.Message,
    theirs.protocol.v1.Message,
    { id: "x", eventId: long(0) },
  ],
  [
    "lists of numbers and enums",
    own.schedule.v1.ScheduleSpec,
    theirs.schedule.v1.ScheduleSpec,
    {
      calendar: [{ hour: "1" }],
      structuredCalendar: [{ hour: [{ start: 1, end: 200, step: 300 }] }],
    },
  ],
  [
    "fractions",
    own.common.v1.RetryPolicy,
    theirs.common.v1.RetryPolicy,
    { backoffCoefficient: 1.5, maximumAttempts: -1, nonRetryableErrorTypes: ["", "a"] },
  ],
];

describe("what protobuf.js writes is read, and the other way round", () => {
  test.each(examples)("%s", (_, ours, other, message) => {
    const written = ours.encode(message).finish();
    expect(plain(other.decode(written))).toEqual(plain(message));
    expect(plain(ours.decode(other.encode(message).finish()))).toEqual(plain(message));
    expect(plain(ours.decode(ours.encode(ours.decode(written) as object).finish())))
      .toEqual(plain(message));
  });
});

test("every message has each of its fields", () => {
  let fields = 0;
  const compare = (ours: object, other: object) => {
    for (const [name, type] of Object.entries(ours)) {
      const same: unknown = other[name as keyof typeof other];
      if (typeof type !== "function") {
        compare(type as object, same as object);
        continue;
      }
      const { fieldsArray } = same as { fieldsArray: { name: string }[] };
      const names = fieldsArray.map((field) => field.name);
      fields += names.length;
      const { constructor: _, ...absent } = (type as { prototype: object }).prototype as Record<
        string,
        unknown
      >;
      expect(Object.keys(absent).sort()).toEqual(names.sort());
    }
  };
  const { enums, ...others } = own;
  compare(others, theirs);
  compare(google, described.google);
  expect(fields).toBeGreaterThan(1_000);
  expect(enums.v1.EventType).toMatchObject({ EVENT_TYPE_WORKFLOW_TASK_STARTED: 6 });
});

describe("numbers", () => {
  const { Int64Value } = google.protobuf;
  test.each([
    0,
    1,
    127,
    128,
    2 ** 28,
    2 ** 31 - 1,
    2 ** 31,
    2 ** 32,
    2 ** 53 - 1,
    -1,
    -(2 ** 53) + 1,
  ])(
    "%d",
    (value) => {
      const written = Int64Value.encode({ value: long(value) }).finish();
      expect(whole(Int64Value.decode(written).value)).toBe(value);
      expect(Number(described.google.protobuf.Int64Value.decode(written).value)).toBe(value);
    },
  );
});

test("unknown fields are skipped, damaged messages are refused", () => {
  const { Payload } = own.common.v1;
  // Fields 100 to 103, of each type.
  const unknown = bytes(
    ...[0xa0, 6, 5, 0xa9, 6, 1, 2, 3, 4, 5, 6, 7, 8, 0xb2, 6, 2, 9, 9, 0xbd, 6, 1, 2, 3, 4],
    ...[0x12, 1, 7],
  );
  expect([...Payload.decode(unknown).data]).toEqual([7]);
  for (
    const damaged of [bytes(0x12, 5, 1), bytes(0x12), bytes(0x80), bytes(0xa9, 6, 1), bytes(0x13)]
  ) {
    expect(() => Payload.decode(damaged)).toThrow(RangeError);
  }
});
