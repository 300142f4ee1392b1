import { temporal } from "../messages/messages.ts";
import { withDetails } from "../../../history/retry.ts";
import { packedResult } from "../names.ts";
import type { TemporalEvent } from "../proto.ts";
import { canceledIn, failureIn, terminated, workflowTimeout } from "./failures.ts";
import type { ReaderState } from "./state.ts";

const { EventType: Type } = temporal.api.enums.v1;

/** Reads the end of a run. */
export function readClosing(state: ReaderState, event: TemporalEvent): void {
  const { conversion } = state.context;
  switch (event.eventType) {
    case Type.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED: {
      const { result, newExecutionRunId } = event.workflowExecutionCompletedEventAttributes ?? {};
      const value = packedResult(conversion, result);
      return state.add(event, "ExecutionCompleted", { value, ...next(newExecutionRunId) });
    }
    case Type.EVENT_TYPE_WORKFLOW_EXECUTION_FAILED: {
      const attributes = event.workflowExecutionFailedEventAttributes ?? {};
      const failure = failureIn(conversion, attributes.failure);
      return state.add(event, "ExecutionFailed", {
        failure,
        ...next(attributes.newExecutionRunId),
      });
    }
    case Type.EVENT_TYPE_WORKFLOW_EXECUTION_TIMED_OUT: {
      const { newExecutionRunId } = event.workflowExecutionTimedOutEventAttributes ?? {};
      return state.add(event, "ExecutionTimedOut", {
        failure: workflowTimeout(),
        ...next(newExecutionRunId),
      });
    }
    case Type.EVENT_TYPE_WORKFLOW_EXECUTION_CANCELED: {
      const { details } = event.workflowExecutionCanceledEventAttributes ?? {};
      return state.add(event, "ExecutionCanceled", { failure: canceledIn(conversion, details) });
    }
    case Type.EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED: {
      const { reason } = event.workflowExecutionTerminatedEventAttributes ?? {};
      const failure = reason ? withDetails(terminated, { reason }) : terminated;
      return state.add(event, "ExecutionTerminated", { failure });
    }
    case Type.EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW: {
      const { newExecutionRunId, workflowType } =
        event.workflowExecutionContinuedAsNewEventAttributes ?? {};
      return state.add(event, "ExecutionContinuedAsNew", {
        nextRunId: newExecutionRunId ?? "",
        entry: conversion.types.entryOf(workflowType?.name ?? ""),
      });
    }
  }
}

function next(runId: string | null | undefined): { nextRunId?: string } {
  return runId ? { nextRunId: runId } : {};
}
