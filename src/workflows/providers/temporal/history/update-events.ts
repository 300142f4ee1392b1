import { temporal } from "../messages/messages.ts";
import { pack } from "../../../../vm/codec.ts";
import type { Conversion } from "../conversion.ts";
import { infoOf, packedResult, valuesOf } from "../names.ts";
import { type TemporalEvent, whole } from "../proto.ts";
import type { DeliveredUpdate, ReaderState } from "./state.ts";

const { EventType: Type } = temporal.api.enums.v1;

/** What a request of an update says. */
export function deliveredUpdate(
  conversion: Conversion,
  request: temporal.api.update.v1.IRequest,
): DeliveredUpdate {
  const { meta, input } = request;
  return {
    updateId: meta?.updateId ?? "",
    name: input?.name ?? "",
    args: pack(valuesOf(conversion, input?.args)),
    sender: infoOf(input?.header).sender ?? "",
  };
}

/** Reads an event of an update. @returns false for another event */
export function readUpdateEvent(state: ReaderState, event: TemporalEvent): boolean {
  const { conversion } = state.context;
  switch (event.eventType) {
    case Type.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ADMITTED: {
      const { request } = event.workflowExecutionUpdateAdmittedEventAttributes ?? {};
      if (!request) return true;
      const update = deliveredUpdate(conversion, request);
      state.admitted.set(update.updateId, update);
      return true;
    }
    case Type.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED: {
      const { acceptedRequest, protocolInstanceId } =
        event.workflowExecutionUpdateAcceptedEventAttributes ?? {};
      const update = acceptedRequest?.input
        ? deliveredUpdate(conversion, acceptedRequest)
        : state.admitted.get(protocolInstanceId ?? "");
      if (!update) return true;
      state.updates.set(whole(event.eventId), update.updateId);
      state.deliver(update);
      if (state.unanswered.has(update.updateId)) return true;
      state.add(event, "UpdateAccepted", { updateId: update.updateId });
      return true;
    }
    case Type.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_COMPLETED: {
      const attributes = event.workflowExecutionUpdateCompletedEventAttributes ?? {};
      const updateId = attributes.meta?.updateId ??
        state.updates.get(whole(attributes.acceptedEventId)) ?? "";
      const { failure, success } = attributes.outcome ?? {};
      if (state.rejected.delete(updateId)) return true;
      state.add(event, "UpdateCompleted", {
        updateId,
        ...failure
          ? { failure: conversion.ofFailure(failure) }
          : success?.payloads?.length
          ? { value: packedResult(conversion, success) }
          : {},
      });
      return true;
    }
    default:
      return false;
  }
}
