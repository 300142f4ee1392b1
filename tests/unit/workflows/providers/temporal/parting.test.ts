/** Signals and requests that the server has not sent when their run ends. */
import { expect, test } from "bun:test";
import { temporal } from "../../../../../src/workflows/providers/temporal/messages/messages.ts";
import { HistoryReader } from "../../../../../src/workflows/providers/temporal/history/history.ts";
import { headerOf } from "../../../../../src/workflows/providers/temporal/names.ts";
import { PayloadConverter } from "../../../../../src/workflows/providers/temporal/payloads/payloads.ts";
import { long, type TemporalEvent } from "../../../../../src/workflows/providers/temporal/proto.ts";
import { requestsIn } from "../../../../../src/workflows/providers/temporal/worker/parting.ts";

const conversion = new PayloadConverter();
const { EventType: Type } = temporal.api.enums.v1;
const execution = { workflowId: "other" };

function reading(): { reader: HistoryReader; read(event: object): string[] } {
  const reader = new HistoryReader("r", { conversion, node: "n", hostOf: () => "app:host" });
  let events = 0;
  return {
    reader,
    read: (event) =>
      reader.read([{ eventId: long(++events), ...event } as TemporalEvent])
        .map(({ type }) => type),
  };
}

const signal = {
  eventType: Type.EVENT_TYPE_SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED,
  signalExternalWorkflowExecutionInitiatedEventAttributes: {
    workflowExecution: execution,
    signalName: "hello",
    header: headerOf(conversion, { seq: 4, run: "r", sender: "{app:host|w}" }),
  },
};
const cancel = {
  eventType: Type.EVENT_TYPE_REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED,
  requestCancelExternalWorkflowExecutionInitiatedEventAttributes: {
    workflowExecution: execution,
    control: JSON.stringify({ seq: 5 }),
    reason: "enough",
  },
};

test("what the server has not answered is sent, with ids by which it knows them", () => {
  const { reader, read } = reading();
  read(signal);
  read(cancel);
  expect(requestsIn("r", reader.unsent)).toMatchObject([
    {
      name: "signalWorkflowExecution",
      request: {
        workflowExecution: execution,
        signalName: "hello",
        requestId: "r/signal/4",
      },
    },
    {
      name: "requestCancelWorkflowExecution",
      request: { workflowExecution: execution, reason: "enough", requestId: "r/cancel/5" },
    },
  ]);
});

test.each([
  [
    "done",
    Type.EVENT_TYPE_EXTERNAL_WORKFLOW_EXECUTION_SIGNALED,
    "externalWorkflowExecutionSignaledEventAttributes",
    Type.EVENT_TYPE_EXTERNAL_WORKFLOW_EXECUTION_CANCEL_REQUESTED,
    "externalWorkflowExecutionCancelRequestedEventAttributes",
  ],
  [
    "refused",
    Type.EVENT_TYPE_SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_FAILED,
    "signalExternalWorkflowExecutionFailedEventAttributes",
    Type.EVENT_TYPE_REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION_FAILED,
    "requestCancelExternalWorkflowExecutionFailedEventAttributes",
  ],
])("what the server has %s is not sent again", (_what, signaled, ofSignal, canceled, ofCancel) => {
  const { reader, read } = reading();
  read(signal);
  read(cancel);
  read({ eventType: signaled, [ofSignal]: { initiatedEventId: long(1) } });
  expect(requestsIn("r", reader.unsent)).toHaveLength(1);
  read({ eventType: canceled, [ofCancel]: { initiatedEventId: long(2) } });
  expect(reader.unsent).toEqual([]);
});

test("a signal that comes twice is shown once", () => {
  const { read } = reading();
  const coming = (seq: number, run = "r") => ({
    eventType: Type.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED,
    workflowExecutionSignaledEventAttributes: {
      signalName: "hello",
      header: headerOf(conversion, { seq, run }),
    },
  });
  expect(read(coming(1))).toEqual(["ExecutionSignaled"]);
  expect(read(coming(1))).toEqual([]);
  expect(read(coming(2))).toEqual(["ExecutionSignaled"]);
  expect(read(coming(1, "another"))).toEqual(["ExecutionSignaled"]);
  const foreign = {
    eventType: Type.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED,
    workflowExecutionSignaledEventAttributes: { signalName: "hello" },
  };
  expect(read(foreign)).toEqual(["ExecutionSignaled"]);
  expect(read(foreign)).toEqual(["ExecutionSignaled"]);
});
