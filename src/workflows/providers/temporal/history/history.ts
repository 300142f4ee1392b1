import { temporal } from "../messages/messages.ts";
import { pack } from "../../../../vm/codec.ts";
import type { LuaValue } from "../../../../vm/value.ts";
import type { EventData, EventType, HistoryEvent } from "../../../history/history.ts";
import { workflowPid } from "../../../pid.ts";
import type { Payload as Packed } from "../../../payload.ts";
import type { Conversion } from "../conversion.ts";
import {
  changeVersionAttribute,
  frameOf,
  infoOf,
  markers,
  messagesOf,
  readPlain,
  type SentMessage,
  valuesOf,
} from "../names.ts";
import {
  type Header,
  instant,
  milliseconds,
  type Payload,
  type TemporalEvent,
  whole,
} from "../proto.ts";
import { readActivity } from "./activity-events.ts";
import { readAttributes } from "./attributes.ts";
import { readChild, readChildCancel, readWithdrawn } from "./child-events.ts";
import { readClosing } from "./closing-events.ts";
import { readExternal } from "./external-events.ts";
import { failureIn } from "./failures.ts";
import type { Child, DeliveredUpdate, HistoryContext, ReaderState } from "./state.ts";
import { readUpdateEvent } from "./update-events.ts";

const { EventType: Type } = temporal.api.enums.v1;

/**
 * Reads one run's history as Temporal keeps it into the events that code is replayed with. It takes the events in
 * order, in as many parts as they come in, and remembers what later ones refer to.
 *
 * Ids are Temporal's, so there are gaps: Temporal's history has events that code is never shown.
 */
export class HistoryReader {
  readonly runId: string;
  readonly #state: ReaderState;
  #out: HistoryEvent[] = [];
  /** Where in `#out` the last task begins; below 0: in an earlier part. */
  #task = -1;
  #lastType: number | null | undefined;
  /** Signals that other runs have sent. */
  readonly #signals = new Set<string>();
  /** Whether the run was asked to cancel. */
  #canceled = false;
  started: EventData["ExecutionStarted"] | undefined;
  /** Changes whose version was recorded, for the search attribute that lists them. */
  readonly versions: string[] = [];
  /** What a run that continues this one takes over. */
  readonly memo: { [name: string]: Payload } = {};
  readonly attributes: { [name: string]: Payload } = {};
  /** Messages to plain processes of the last task that was completed. */
  readonly messages: SentMessage[] = [];

  constructor(runId: string, context: HistoryContext) {
    this.runId = runId;
    this.#state = {
      context,
      isLive: false,
      activities: new Map(),
      children: new Map(),
      withdrawn: [],
      unsent: new Map(),
      signals: new Map(),
      cancels: new Map(),
      cancelCount: 0,
      admitted: new Map(),
      updates: new Map(),
      unanswered: new Set(),
      rejected: new Set(),
      add: (event, type, data) => this.#add(event, type, data),
      deliver: (update) => this.#deliver(update),
    };
  }

  /** Event id of an activity that is under way, by its number. */
  scheduledEvent(seq: number): number | undefined {
    for (const [id, activity] of this.#state.activities) if (activity.seq === seq) return id;
    return undefined;
  }

  /** The children that are under way. */
  get children(): readonly Readonly<Child>[] {
    return [...this.#state.children.values()];
  }

  /** The events of signals and requests to other workflows that the server has not answered. */
  get unsent(): readonly TemporalEvent[] {
    return [...this.#state.unsent.values()];
  }

  /**
   * Reads the next events.
   *
   * @param isLive they are for a worker that holds the run: events that it has no use for may be left out
   */
  read(events: readonly TemporalEvent[], isLive = false): HistoryEvent[] {
    this.#state.isLive = isLive;
    this.#out = [];
    this.#task = -1;
    for (const event of events) {
      this.#read(event);
      this.#lastType = event.eventType;
    }
    return this.#out;
  }

  #add<Name extends EventType>(event: TemporalEvent, type: Name, data: EventData[Name]): void {
    this.#out.push(this.#event(event, type, data));
  }

  #event<Name extends EventType>(
    { eventId, eventTime }: TemporalEvent,
    type: Name,
    data: EventData[Name],
  ): HistoryEvent {
    return { id: whole(eventId), time: instant(eventTime), type, data } as HistoryEvent;
  }

  #read(event: TemporalEvent): void {
    switch (event.eventType) {
      case Type.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED:
        return this.#begun(event);
      case Type.EVENT_TYPE_WORKFLOW_TASK_STARTED: {
        const size = whole(event.workflowTaskStartedEventAttributes?.historySizeBytes);
        for (const failed of this.#state.withdrawn.splice(0)) {
          this.#add(event, "ChildStartFailed", failed);
        }
        this.#task = this.#out.length;
        return this.#add(event, "TaskStarted", { size });
      }
      case Type.EVENT_TYPE_WORKFLOW_TASK_COMPLETED: {
        const worker = event.workflowTaskCompletedEventAttributes?.identity ?? "";
        this.messages.length = 0;
        return this.#add(event, "TaskCompleted", { worker });
      }
      case Type.EVENT_TYPE_WORKFLOW_TASK_FAILED: {
        const { failure, baseRunId } = event.workflowTaskFailedEventAttributes ?? {};
        // Those before a reset are the other run's, which has sent them.
        if (baseRunId) this.messages.length = 0;
        return this.#add(event, "TaskFailed", {
          message: failure?.message ?? "",
          ...baseRunId && { baseRunId },
        });
      }
      case Type.EVENT_TYPE_WORKFLOW_TASK_TIMED_OUT:
        // One that no worker took has not begun.
        if (this.#lastType !== Type.EVENT_TYPE_WORKFLOW_TASK_STARTED) return;
        return this.#add(event, "TaskFailed", { message: "the task timed out" });
      case Type.EVENT_TYPE_MARKER_RECORDED:
        return this.#marker(event);
      case Type.EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES:
      case Type.EVENT_TYPE_WORKFLOW_PROPERTIES_MODIFIED:
        return this.#attributes(event);
      case Type.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED:
        return this.#signaled(event);
      case Type.EVENT_TYPE_WORKFLOW_EXECUTION_CANCEL_REQUESTED: {
        const { cause } = event.workflowExecutionCancelRequestedEventAttributes ?? {};
        return this.#cancelRequested(event, { ...cause && { reason: cause }, sender: "" });
      }
      default:
        if (this.#timer(event)) return;
        if (readActivity(this.#state, event) || readChild(this.#state, event)) return;
        if (readExternal(this.#state, event) || readUpdateEvent(this.#state, event)) return;
        readClosing(this.#state, event);
    }
  }

  #begun(event: TemporalEvent): void {
    const { conversion, node, hostOf } = this.#state.context;
    const attributes = event.workflowExecutionStartedEventAttributes;
    if (!attributes) return;
    const { header, workflowId, workflowType, taskQueue, parentWorkflowExecution } = attributes;
    const info = infoOf(header);
    const hostId = info.host ?? hostOf(taskQueue?.name ?? "");
    const frame = frameOf(conversion, header);
    const memo = memoOf(conversion, attributes.memo?.fields);
    const search = readAttributes(attributes.searchAttributes?.indexedFields);
    Object.assign(this.memo, attributes.memo?.fields);
    Object.assign(this.attributes, attributes.searchAttributes?.indexedFields);
    const first = attributes.firstExecutionRunId || this.runId;
    const started: EventData["ExecutionStarted"] = {
      workflowId: workflowId ?? "",
      runId: this.runId,
      firstRunId: first,
      entry: conversion.types.entryOf(workflowType?.name ?? ""),
      hostId,
      pid: workflowPid(node, hostId, workflowId ?? ""),
      args: pack(valuesOf(conversion, attributes.input)),
      ...frame && { frame },
      ...memo && { memo },
      ...search && { searchAttributes: search },
      // The same for a run that a reset has made: it repeats the beginning of the other one.
      randomSeed: Bun.hash.xxHash32(attributes.originalExecutionRunId || this.runId),
      attempt: attributes.attempt || 1,
      ...parentWorkflowExecution?.workflowId && {
        parent: {
          workflowId: parentWorkflowExecution.workflowId,
          runId: parentWorkflowExecution.runId ?? "",
          pid: info.parent ?? workflowPid(node, hostId, parentWorkflowExecution.workflowId),
        },
      },
      ...attributes.continuedExecutionRunId && {
        continuedFrom: attributes.continuedExecutionRunId,
      },
    };
    this.started = started;
    this.#add(event, "ExecutionStarted", started);
    if (!info.signaled) this.#carried(event, header);
    if (info.cancel) this.#cancelRequested(event, info.cancel);
  }

  /** A run that was started with a request may get another one from the server. */
  #cancelRequested(event: TemporalEvent, request: EventData["ExecutionCancelRequested"]): void {
    if (this.#canceled) return;
    this.#canceled = true;
    this.#add(event, "ExecutionCancelRequested", request);
  }

  #signaled(event: TemporalEvent): void {
    const { conversion } = this.#state.context;
    const { signalName, input, header } = event.workflowExecutionSignaledEventAttributes ?? {};
    const { sender = "", run, seq } = infoOf(header);
    if (run !== undefined && this.#isRepeated(`${run}/${seq}`)) return;
    this.#add(event, "ExecutionSignaled", {
      name: signalName ?? "",
      payloads: pack(valuesOf(conversion, input)),
      sender,
    });
    this.#carried(event, header);
  }

  /** Whether a signal of another run has come before. */
  #isRepeated(signal: string): boolean {
    if (this.#signals.has(signal)) return true;
    this.#signals.add(signal);
    return false;
  }

  /** Messages that a header carries. */
  #carried(event: TemporalEvent, header: Header | null | undefined): void {
    for (const { name, sender, payloads } of messagesOf(this.#state.context.conversion, header)) {
      this.#add(event, "ExecutionSignaled", { name, sender, payloads: pack(payloads) });
    }
  }

  #timer(event: TemporalEvent): boolean {
    switch (event.eventType) {
      case Type.EVENT_TYPE_TIMER_STARTED: {
        const { timerId, startToFireTimeout } = event.timerStartedEventAttributes ?? {};
        const due = instant(event.eventTime) + (milliseconds(startToFireTimeout) ?? 0);
        this.#add(event, "TimerStarted", { seq: Number(timerId), due });
        return true;
      }
      case Type.EVENT_TYPE_TIMER_FIRED:
        this.#add(event, "TimerFired", { seq: Number(event.timerFiredEventAttributes?.timerId) });
        return true;
      case Type.EVENT_TYPE_TIMER_CANCELED:
        this.#add(event, "TimerCanceled", {
          seq: Number(event.timerCanceledEventAttributes?.timerId),
        });
        return true;
      default:
        return false;
    }
  }

  /** An update that was accepted was shown by the task that it was accepted in. */
  #deliver(update: DeliveredUpdate): void {
    const started = this.#out[this.#task];
    // It was shown by the part that came before.
    if (!started) return;
    const { id, time } = started;
    this.#out.splice(this.#task, 0, { id, time, type: "UpdateDelivered", data: { ...update } });
    this.#task++;
  }

  #marker(event: TemporalEvent): void {
    const { conversion } = this.#state.context;
    const { markerName, details, failure } = event.markerRecordedEventAttributes ?? {};
    const about = details?.["about"]?.payloads?.[0];
    const value = details?.["value"]?.payloads?.[0];
    const outcome = failure
      ? { failure: conversion.ofFailure(failure) }
      : value
      ? { value: pack(conversion.value(value)) }
      : {};
    switch (markerName) {
      case markers.sideEffect:
        return this.#add(event, "SideEffectRecorded", {
          ...data<{ seq: number }>(about),
          ...outcome,
        });
      case markers.version: {
        const recorded = data<EventData["VersionRecorded"]>(about);
        this.versions.push(`${recorded.changeId}-${recorded.version}`);
        return this.#add(event, "VersionRecorded", recorded);
      }
      case markers.message: {
        const sent = data<EventData["MessageSent"]>(about);
        const values = details?.["value"];
        if (values) {
          const from = this.started?.pid ?? "";
          const payloads = pack(valuesOf(conversion, values));
          const id = `${this.runId}/${sent.seq}`;
          this.messages.push({ id, to: sent.pid, from, topic: sent.topic, payloads });
        }
        return this.#add(event, "MessageSent", sent);
      }
      case markers.localActivity:
        return this.#add(event, "LocalActivityRecorded", { ...data(about), ...outcome });
      case markers.localActivityScheduled:
        return this.#add(event, "LocalActivityScheduled", data(about));
      case markers.localActivityCancelRequested:
        return this.#add(event, "LocalActivityCancelRequested", data(about));
      case markers.activityCancelRequested:
        return this.#add(event, "ActivityCancelRequested", data(about));
      case markers.childWithdrawn:
        return readWithdrawn(this.#state, event, data(about));
      case markers.childCancelRequested:
        return readChildCancel(this.#state, event, data(about));
      case markers.updateAnswer: {
        const { updateId, answer } = data<UpdateAnswer>(about);
        this.#state.unanswered.delete(updateId);
        if (answer === "delivered") this.#state.unanswered.add(updateId);
        else if (answer === "accepted") this.#add(event, "UpdateAccepted", { updateId });
        else {
          this.#state.rejected.add(updateId);
          const rejected = failureIn(conversion, failure);
          this.#add(event, "UpdateRejected", { updateId, failure: rejected });
        }
      }
    }
  }

  #attributes(event: TemporalEvent): void {
    const { conversion } = this.#state.context;
    const { indexedFields } =
      event.upsertWorkflowSearchAttributesEventAttributes?.searchAttributes ?? {};
    if (indexedFields) {
      const own = Object.keys(indexedFields).filter((name) => name !== changeVersionAttribute);
      // The list of versions is beside their markers.
      if (own.length === 0) return;
      for (const name of own) this.attributes[name] = indexedFields[name]!;
      return this.#add(event, "AttributesUpserted", { search: readAttributes(indexedFields)! });
    }
    const fields = event.workflowPropertiesModifiedEventAttributes?.upsertedMemo?.fields;
    Object.assign(this.memo, fields);
    const memo = memoOf(conversion, fields) ?? pack({});
    const before = this.#out.at(-1);
    const joined = this.#lastType === Type.EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES &&
      before?.type === "AttributesUpserted" && before.id === whole(event.eventId) - 1;
    if (joined) before.data.memo = memo;
    else this.#add(event, "AttributesUpserted", { memo });
  }
}

/** What the code has answered to an update that was accepted for it. */
interface UpdateAnswer {
  updateId: string;
  answer: "delivered" | "accepted" | "rejected";
}

function data<Data>(payload: Payload | null | undefined): Data {
  const read = readPlain<Data>(payload);
  if (read === undefined) throw new Error("a marker without its data");
  return read;
}

/** A memo packed; undefined for none. */
export function memoOf(
  conversion: Conversion,
  fields: { [name: string]: Payload } | null | undefined,
): Packed | undefined {
  const entries = Object.entries(fields ?? {});
  if (entries.length === 0) return undefined;
  return pack(Object.fromEntries(
    entries.map(([name, payload]): [string, LuaValue] => [name, conversion.value(payload)]),
  ));
}
