/** Requests to cancel children, which the server takes only for those that have started. */
import { expect, test } from "bun:test";
import { temporal } from "../../../../../src/workflows/providers/temporal/messages/messages.ts";
import { pack } from "../../../../../src/vm/codec.ts";
import type { PackedCommand } from "../../../../../src/workflows/history/history.ts";
import { CommandWriter } from "../../../../../src/workflows/providers/temporal/commands/commands.ts";
import { HistoryReader } from "../../../../../src/workflows/providers/temporal/history/history.ts";
import { PayloadConverter } from "../../../../../src/workflows/providers/temporal/payloads/payloads.ts";
import {
  long,
  type TemporalCommand,
  type TemporalEvent,
} from "../../../../../src/workflows/providers/temporal/proto.ts";

const conversion = new PayloadConverter();
const { EventType: Type } = temporal.api.enums.v1;

/** A run's history, and what its tasks answer the server. */
class Run {
  readonly reader = new HistoryReader("r", { conversion, node: "n", hostOf: () => "app:host" });
  #events = 0;

  event(event: Omit<TemporalEvent, "eventId">): string[] {
    const read = this.reader.read([{ ...event, eventId: long(++this.#events) } as TemporalEvent]);
    return read.map(({ type }) => type);
  }

  /** A task: its commands, and the events that they leave. */
  task(...commands: PackedCommand[]): { written: TemporalCommand[]; events: string[] } {
    this.event({ eventType: Type.EVENT_TYPE_WORKFLOW_TASK_STARTED });
    const { commands: written } = new CommandWriter({
      conversion,
      identity: "test",
      reader: this.reader,
      startedEventId: this.#events,
      updates: new Map(),
      queueOf: (host) => host,
    }).write(commands);
    this.event({ eventType: Type.EVENT_TYPE_WORKFLOW_TASK_COMPLETED });
    const events = written.flatMap((command) => this.event(eventOf(command)));
    return { written, events };
  }
}

function eventOf(command: TemporalCommand): Omit<TemporalEvent, "eventId"> {
  const {
    recordMarkerCommandAttributes: marker,
    startChildWorkflowExecutionCommandAttributes: start,
    requestCancelExternalWorkflowExecutionCommandAttributes: cancel,
  } = command;
  if (marker) {
    return {
      eventType: Type.EVENT_TYPE_MARKER_RECORDED,
      markerRecordedEventAttributes: marker,
    };
  }
  if (start) {
    return {
      eventType: Type.EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_INITIATED,
      startChildWorkflowExecutionInitiatedEventAttributes: start,
    };
  }
  return {
    eventType: Type.EVENT_TYPE_REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED,
    requestCancelExternalWorkflowExecutionInitiatedEventAttributes: {
      workflowExecution: { workflowId: cancel!.workflowId ?? "" },
      childWorkflowOnly: cancel!.childWorkflowOnly ?? false,
    },
  };
}

const start: PackedCommand = {
  type: "start_child",
  seq: 1,
  entry: "app:child",
  hostId: "app:host",
  args: pack([]),
  options: {},
  workflowId: "kid",
};
const cancel: PackedCommand = { type: "cancel_child", seq: 1, reason: "enough" };

test("a child that has not started is asked to cancel when it has", () => {
  const run = new Run();
  expect(run.task(start).events).toEqual(["ChildInitiated"]);
  const asked = run.task(cancel);
  expect(asked.events).toEqual(["ChildCancelRequested"]);
  expect(asked.written[0]!.recordMarkerCommandAttributes).toBeDefined();
  expect(run.task()).toEqual({ written: [], events: [] });
  const started = run.event({
    eventType: Type.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_STARTED,
    childWorkflowExecutionStartedEventAttributes: { initiatedEventId: long(3) },
  });
  expect(started).toEqual(["ChildStarted"]);
  const sent = run.task();
  expect(sent.written).toMatchObject([{
    requestCancelExternalWorkflowExecutionCommandAttributes: {
      workflowId: "kid",
      reason: "enough",
      childWorkflowOnly: true,
    },
  }]);
  // The code has asked once, and the server is asked once.
  expect(sent.events).toEqual([]);
  expect(run.task()).toEqual({ written: [], events: [] });
});

test("a child that has ended is not asked", () => {
  const run = new Run();
  run.task(start);
  run.event({
    eventType: Type.EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_FAILED,
    startChildWorkflowExecutionFailedEventAttributes: { initiatedEventId: long(3) },
  });
  const { written, events } = run.task(cancel);
  expect(written[0]!.recordMarkerCommandAttributes).toBeDefined();
  expect(events).toEqual(["ChildCancelRequested"]);
});
