import { expect, test } from "bun:test";
import { pack } from "../../../src/vm/codec.ts";
import { WippyError } from "../../../src/vm/error.ts";
import { Attempts } from "../../../src/worker/activities.ts";

const activity = {
  token: "1.2.3.1",
  entry: "app:step",
  operation: false,
  args: pack([]),
  pid: "{app:durable|w}",
};
const facts = {
  activityId: "3",
  workflowId: "w",
  runId: "r",
  attempt: 2,
  idempotencyToken: "r.3",
  scheduledTime: 5,
  deadline: Infinity,
};

test("an attempt is told of itself in its frame; an operation is not", () => {
  const attempts = new Attempts();
  expect(attempts.begin(activity)).toEqual({});
  const frame = pack({ values: { tenant: "t1" } });
  expect(attempts.begin({ ...activity, frame, facts: { ...facts, heartbeat: pack([7, "x"]) } }))
    .toMatchObject({
      values: { tenant: "t1" },
      activity: {
        token: "1.2.3.1",
        activity_type: "app:step",
        attempt: 2,
        idempotency_token: "r.3",
        details: [7, "x"],
        detail_count: 2,
      },
    });
});

test("of many heartbeats the last one is sent, and before the outcome", () => {
  const attempts = new Attempts();
  attempts.begin(activity);
  for (let i = 1; i <= 3; i++) attempts.beat("1.2.3.1", [i]);
  expect(attempts.beats()).toEqual([
    { type: "heartbeat", token: "1.2.3.1", details: pack([3]) },
  ]);
  expect(attempts.beats()).toEqual([]);
  attempts.beat("1.2.3.1", [4]);
  expect(attempts.end("1.2.3.1", "done", undefined)).toEqual([
    { type: "heartbeat", token: "1.2.3.1", details: pack([4]) },
    { type: "activity_done", token: "1.2.3.1", value: pack("done") },
  ]);
});

test("an error is a failure, and so is a result that is too large", () => {
  const attempts = new Attempts();
  attempts.begin(activity);
  const [failed] = attempts.end("1.2.3.1", undefined, new WippyError("Conflict", "taken"));
  expect(failed).toMatchObject({ failure: { kind: "Conflict", message: "taken" } });
  attempts.begin(activity);
  const [large] = attempts.end("1.2.3.1", "x".repeat(3_000_000), undefined);
  expect(large).toMatchObject({
    failure: { kind: "Invalid", message: expect.stringContaining("the result of app:step has") },
  });
});
