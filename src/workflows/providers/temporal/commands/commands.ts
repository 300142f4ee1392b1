import { temporal } from "../messages/messages.ts";
import { unpack } from "../../../../vm/codec.ts";
import type { LuaValue } from "../../../../vm/value.ts";
import type { Failure } from "../../../engine/outcome.ts";
import type { EventData, PackedCommand } from "../../../history/history.ts";
import { canceledFailure } from "../../../history/retry.ts";
import { workflowIdOf } from "../../../pid.ts";
import type { Payload as Packed } from "../../../payload.ts";
import { closingCommands } from "../../../replay/determinism.ts";
import { versionAttribute, writeAttributes } from "../history/attributes.ts";
import {
  type CallInfo,
  type CarriedMessage,
  headerOf,
  markers,
  plain,
  resultPayloads,
  type SentMessage,
  unpackedPayloads,
  type WithdrawnChild,
} from "../names.ts";
import {
  duration,
  long,
  type Payloads,
  type ProtocolMessage,
  type TemporalCommand,
} from "../proto.ts";
import { cancelOfChild, startOfChild } from "./children.ts";
import type { CommandContext, Of } from "./context.ts";
import { memoFields } from "./fields.ts";
import { retryPolicy } from "./policies.ts";
import { acceptance, asRejection, rejection, response } from "./updates.ts";

const { CommandType: Type } = temporal.api.enums.v1;

/** Default timeout of one attempt, in milliseconds. */
const defaultStartToClose = 10 * 60_000;

/**
 * Default heartbeat timeout of an activity, in milliseconds. Workers send heartbeats automatically, so that an attempt
 * that is lost with its worker is retried soon, and a cancellation request reaches it.
 */
const workerBeat = 30_000;

/** A task's commands as Temporal takes them. */
export interface WrittenCommands {
  commands: TemporalCommand[];
  messages: ProtocolMessage[];
  /** Whether another task must follow immediately. */
  force: boolean;
  /** Messages to plain processes, which leave when the task is committed. */
  outbox: SentMessage[];
  /** The run ends with this task. */
  closing: boolean;
  /** Activities that are canceled, by their numbers. */
  canceled: number[];
}

/** Translates the commands of one task. */
export class CommandWriter {
  readonly #context: CommandContext;
  readonly #written: WrittenCommands = {
    commands: [],
    messages: [],
    force: false,
    outbox: [],
    closing: false,
    canceled: [],
  };
  /** Activities that this task schedules: id of the event that it is going to leave. */
  readonly #scheduled = new Map<number, number>();
  /** Children that this task starts: where among its commands. */
  readonly #children = new Map<number, WithdrawnChild & { index: number }>();
  #before: "search" | "other" = "other";

  constructor(context: CommandContext) {
    this.#context = context;
  }

  write(commands: readonly PackedCommand[]): WrittenCommands {
    this.#cancelStarted();
    for (const command of commands) {
      if (closingCommands.has(command.type)) this.#acceptRest(command.type);
      this.#write(command);
      const searchOnly = command.type === "upsert_attributes" && !command.memo;
      this.#before = searchOnly ? "search" : "other";
    }
    if (!this.#written.closing) {
      this.#acceptRest();
      // The next task is the server's word that messages leave: whoever takes it sends them first if its own did not.
      if (this.#written.outbox.length > 0) this.#written.force = true;
    }
    return this.#written;
  }

  #add(command: TemporalCommand): void {
    this.#written.commands.push(command);
  }

  /** Id of the event that the next command is going to leave. */
  get #nextEvent(): number {
    return this.#context.startedEventId + 2 + this.#written.commands.length;
  }

  #write(command: PackedCommand): void {
    switch (command.type) {
      case "start_timer":
        return this.#add({
          commandType: Type.COMMAND_TYPE_START_TIMER,
          startTimerCommandAttributes: {
            timerId: String(command.seq),
            startToFireTimeout: duration(Math.max(1, command.duration)),
          },
        });
      case "cancel_timer":
        return this.#add({
          commandType: Type.COMMAND_TYPE_CANCEL_TIMER,
          cancelTimerCommandAttributes: { timerId: String(command.seq) },
        });
      case "schedule_activity":
        return this.#scheduleActivity(command);
      case "cancel_activity":
        return this.#cancelActivity(command.seq);
      case "start_child":
        return this.#startChild(command);
      case "cancel_child":
        return this.#cancelChild(command);
      case "signal_external":
        return this.#signalExternal(command);
      case "cancel_external":
        return this.#cancelExternal(command);
      case "record": {
        const { seq, value, failure } = command;
        return this.#marker(markers.sideEffect, { seq }, this.#result(value), failure);
      }
      case "record_patch":
        return this.#recordPatch(command);
      case "schedule_local_activity": {
        const { seq, activityId = String(seq), entry, attempt } = command;
        const about: EventData["LocalActivityScheduled"] = { seq, activityId, entry, attempt };
        return this.#marker(markers.localActivityScheduled, about);
      }
      case "cancel_local_activity":
        return this.#marker(markers.localActivityCancelRequested, { seq: command.seq });
      case "record_local_activity": {
        const { type: _, value, failure, ...about } = command;
        return this.#marker(markers.localActivity, about, this.#result(value), failure);
      }
      case "send_message":
        return this.#sendMessage(command);
      case "publish":
        throw new Error("a run of this provider publishes by an activity");
      case "upsert_attributes":
        return this.#upsertAttributes(command);
      case "accept_update":
        return this.#acceptUpdate(command.updateId);
      case "reject_update":
        return this.#rejectUpdate(command);
      case "complete_update":
        return this.#completeUpdate(command);
      default:
        return this.#close(command);
    }
  }

  #scheduleActivity(command: Of<"schedule_activity">): void {
    const { seq, entry, args, options, operation, activityId = String(seq), frame } = command;
    const { conversion, reader, queueOf } = this.#context;
    const { started } = reader;
    const wait = (options.cancellationType ??
      (options.waitForCancellation ? "wait_cancellation_completed" : "try_cancel")) ===
      "wait_cancellation_completed";
    const info: CallInfo = {
      seq,
      ...started && { host: started.hostId },
      ...operation && { operation },
      ...wait && { wait },
      ...options.heartbeatTimeout === undefined && { beats: true },
    };
    // The failure of a host operation is its result, so it is retried only when its worker is lost.
    const policy = operation ? {} : options.retryPolicy ?? {};
    const startToClose = options.startToCloseTimeout ?? defaultStartToClose;
    const { scheduleToCloseTimeout, scheduleToStartTimeout } = options;
    // Another queue may have workers of other programs, which do not send heartbeats automatically.
    const ownBeat = options.taskQueue === undefined
      ? Math.min(workerBeat, startToClose)
      : undefined;
    const beat = options.heartbeatTimeout ?? ownBeat;
    this.#scheduled.set(seq, this.#nextEvent);
    this.#add({
      commandType: Type.COMMAND_TYPE_SCHEDULE_ACTIVITY_TASK,
      ...options.summary !== undefined &&
        { userMetadata: { summary: conversion.payload(options.summary) } },
      scheduleActivityTaskCommandAttributes: {
        activityId,
        activityType: { name: entry },
        taskQueue: { name: options.taskQueue ?? queueOf(started?.hostId ?? "") },
        header: headerOf(conversion, info, frame ?? started?.frame),
        input: unpackedPayloads(conversion, args),
        startToCloseTimeout: duration(startToClose),
        ...scheduleToCloseTimeout !== undefined &&
          { scheduleToCloseTimeout: duration(scheduleToCloseTimeout) },
        ...scheduleToStartTimeout !== undefined &&
          { scheduleToStartTimeout: duration(scheduleToStartTimeout) },
        ...beat !== undefined && { heartbeatTimeout: duration(beat) },
        retryPolicy: retryPolicy(policy),
        requestEagerExecution: options.taskQueue === undefined,
      },
    });
  }

  #cancelActivity(seq: number): void {
    const id = this.#scheduled.get(seq) ?? this.#context.reader.scheduledEvent(seq);
    // It has ended, and the next task reports that to the code.
    if (id === undefined) return this.#marker(markers.activityCancelRequested, { seq });
    // What it counts as is shown by a task that follows.
    this.#written.force = true;
    this.#written.canceled.push(seq);
    this.#add({
      commandType: Type.COMMAND_TYPE_REQUEST_CANCEL_ACTIVITY_TASK,
      requestCancelActivityTaskCommandAttributes: { scheduledEventId: long(id) },
    });
  }

  #startChild(command: Of<"start_child">): void {
    const { seq, entry, hostId } = command;
    const { workflowId, command: start } = startOfChild(this.#context, command);
    const index = this.#written.commands.length;
    this.#children.set(seq, { seq, workflowId, entry, hostId, index });
    this.#add(start);
  }

  #cancelChild({ seq, reason }: Of<"cancel_child">): void {
    const why = { ...reason !== undefined && { reason } };
    const fresh = this.#children.get(seq);
    if (fresh) {
      const { index, ...child } = fresh;
      // The server takes no start and request to cancel it in one task, so there is no start.
      this.#written.commands[index] = this.#markerOf(markers.childWithdrawn, { ...child, ...why });
      this.#written.force = true;
    }
    const child = this.#context.reader.children.find((open) => open.seq === seq);
    if (!child?.started) return this.#marker(markers.childCancelRequested, { seq, ...why });
    this.#add(cancelOfChild(child.workflowId, reason));
  }

  /** Cancels the children that the code has canceled before they had started. */
  #cancelStarted(): void {
    for (const { workflowId, started, cancelLater } of this.#context.reader.children) {
      if (started && cancelLater) this.#add(cancelOfChild(workflowId, cancelLater.reason));
    }
  }

  #signalExternal({ seq, pid, name, payloads }: Of<"signal_external">): void {
    const { conversion, reader } = this.#context;
    const sender = reader.started?.pid ?? "";
    const info: CallInfo = { seq, run: reader.runId, sender, parent: pid };
    this.#add({
      commandType: Type.COMMAND_TYPE_SIGNAL_EXTERNAL_WORKFLOW_EXECUTION,
      signalExternalWorkflowExecutionCommandAttributes: {
        execution: { workflowId: workflowIdOf(pid) ?? pid },
        signalName: name,
        input: unpackedPayloads(conversion, payloads),
        header: headerOf(conversion, info),
      },
    });
  }

  #cancelExternal({ seq, pid, reason }: Of<"cancel_external">): void {
    const info: CallInfo = { seq, parent: pid };
    this.#add({
      commandType: Type.COMMAND_TYPE_REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION,
      requestCancelExternalWorkflowExecutionCommandAttributes: {
        workflowId: workflowIdOf(pid) ?? pid,
        control: JSON.stringify(info),
        ...reason !== undefined && { reason },
      },
    });
  }

  #recordPatch({ changeId, version }: Of<"record_patch">): void {
    const { reader } = this.#context;
    this.#marker(markers.version, { changeId, version });
    const versions = new Set([...reader.versions, `${changeId}-${version}`]);
    this.#add({
      commandType: Type.COMMAND_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES,
      upsertWorkflowSearchAttributesCommandAttributes: {
        searchAttributes: { indexedFields: versionAttribute([...versions]) },
      },
    });
  }

  #sendMessage({ seq, pid, topic, payloads }: Of<"send_message">): void {
    const { conversion, reader } = this.#context;
    const from = reader.started?.pid ?? "";
    this.#marker(markers.message, { seq, pid, topic }, unpackedPayloads(conversion, payloads));
    this.#written.outbox.push({ id: `${reader.runId}/${seq}`, to: pid, from, topic, payloads });
  }

  #upsertAttributes({ search, memo }: Of<"upsert_attributes">): void {
    if (search) {
      this.#add({
        commandType: Type.COMMAND_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES,
        upsertWorkflowSearchAttributesCommandAttributes: {
          searchAttributes: { indexedFields: writeAttributes(search) },
        },
      });
    } else if (this.#before === "search") {
      this.#marker(markers.separator, {});
    }
    if (!memo) return;
    this.#add({
      commandType: Type.COMMAND_TYPE_MODIFY_WORKFLOW_PROPERTIES,
      modifyWorkflowPropertiesCommandAttributes: {
        upsertedMemo: { fields: memoFields(this.#context.conversion, memo) },
      },
    });
  }

  #marker(name: string, about: object, value?: Payloads, failure?: Failure): void {
    this.#add(this.#markerOf(name, about, value, failure));
  }

  #markerOf(name: string, about: object, value?: Payloads, failure?: Failure): TemporalCommand {
    const { conversion } = this.#context;
    return {
      commandType: Type.COMMAND_TYPE_RECORD_MARKER,
      recordMarkerCommandAttributes: {
        markerName: name,
        details: {
          about: { payloads: [plain(about)] },
          ...value && { value },
        },
        ...failure && { failure: conversion.failure(failure) },
      },
    };
  }

  #result(value: Packed | undefined): Payloads | undefined {
    return value && resultPayloads(this.#context.conversion, value);
  }

  #tell(message: ProtocolMessage): void {
    this.#written.messages.push(message);
    this.#add({
      commandType: Type.COMMAND_TYPE_PROTOCOL_MESSAGE,
      protocolMessageCommandAttributes: { messageId: message.id ?? "" },
    });
  }

  #acceptUpdate(updateId: string): void {
    const pending = this.#context.updates.get(updateId);
    this.#context.updates.delete(updateId);
    if (pending) this.#tell(acceptance(pending));
    else this.#marker(markers.updateAnswer, { updateId, answer: "accepted" });
  }

  #rejectUpdate({ updateId, failure }: Of<"reject_update">): void {
    const { conversion, updates, identity } = this.#context;
    const pending = updates.get(updateId);
    updates.delete(updateId);
    if (pending) {
      const refusal = asRejection(conversion.failure(failure));
      this.#written.messages.push(rejection(pending, refusal));
      return;
    }
    this.#marker(markers.updateAnswer, { updateId, answer: "rejected" }, undefined, failure);
    const refusal = asRejection(conversion.failure(failure));
    this.#tell(response(updateId, identity, { failure: refusal }));
  }

  #completeUpdate({ updateId, value, failure }: Of<"complete_update">): void {
    const { conversion, identity } = this.#context;
    this.#tell(response(
      updateId,
      identity,
      failure
        ? { failure: conversion.failure(failure) }
        : { success: value ? resultPayloads(conversion, value) : { payloads: [] } },
    ));
  }

  /**
   * The server forgets an update that a task has shown and not answered, so it is accepted in the code's place; what
   * the code answers later is noted.
   *
   * @param closing the run goes on as another one, which gets what was not accepted
   */
  #acceptRest(closing?: string): void {
    const { updates } = this.#context;
    if (closing !== "continue_as_new") {
      for (const [updateId, pending] of [...updates]) {
        updates.delete(updateId);
        this.#marker(markers.updateAnswer, { updateId, answer: "delivered" });
        this.#tell(acceptance(pending));
      }
    }
    if (closing !== undefined) this.#written.closing = true;
  }

  #close(
    command: Of<
      | "complete_workflow"
      | "fail_workflow"
      | "cancel_workflow_execution"
      | "continue_as_new"
    >,
  ): void {
    const { conversion } = this.#context;
    switch (command.type) {
      case "complete_workflow":
        return this.#add({
          commandType: Type.COMMAND_TYPE_COMPLETE_WORKFLOW_EXECUTION,
          completeWorkflowExecutionCommandAttributes: {
            result: resultPayloads(conversion, command.result),
          },
        });
      case "fail_workflow":
        return this.#add({
          commandType: Type.COMMAND_TYPE_FAIL_WORKFLOW_EXECUTION,
          failWorkflowExecutionCommandAttributes: { failure: conversion.failure(command.failure) },
        });
      case "cancel_workflow_execution": {
        const { kind, message, details } = command.failure ?? canceledFailure();
        const told = { kind, message, ...details && { details: details as LuaValue } };
        return this.#add({
          commandType: Type.COMMAND_TYPE_CANCEL_WORKFLOW_EXECUTION,
          cancelWorkflowExecutionCommandAttributes: {
            details: { payloads: [conversion.payload(told)] },
          },
        });
      }
      case "continue_as_new":
        return this.#continueAsNew(command);
    }
  }

  #continueAsNew(command: Of<"continue_as_new">): void {
    const { entry, args, messages = [], cancelRequest } = command;
    const { conversion, reader, queueOf } = this.#context;
    const { started } = reader;
    const carried = messages.map(({ name, sender, payloads }): CarriedMessage => ({
      name,
      sender,
      payloads: unpack(payloads) as LuaValue[],
    }));
    const info: CallInfo = {
      ...started && { host: started.hostId },
      ...started?.parent && { parent: started.parent.pid },
      ...cancelRequest && { cancel: cancelRequest },
    };
    this.#add({
      commandType: Type.COMMAND_TYPE_CONTINUE_AS_NEW_WORKFLOW_EXECUTION,
      continueAsNewWorkflowExecutionCommandAttributes: {
        workflowType: { name: conversion.types.typeOf(entry) },
        taskQueue: { name: queueOf(started?.hostId ?? "") },
        input: unpackedPayloads(conversion, args),
        header: headerOf(conversion, info, started?.frame, carried),
        memo: { fields: reader.memo },
        searchAttributes: { indexedFields: reader.attributes },
      },
    });
  }
}
