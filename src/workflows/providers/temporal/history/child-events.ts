import { temporal } from "../messages/messages.ts";
import { canceledFailure, withDetails } from "../../../history/retry.ts";
import { workflowPid } from "../../../pid.ts";
import { infoOf, packedResult, type WithdrawnChild } from "../names.ts";
import { type TemporalEvent, whole } from "../proto.ts";
import { canceledIn, failureIn, retryState, terminated, workflowTimeout } from "./failures.ts";
import type { ReaderState } from "./state.ts";

const { EventType: Type } = temporal.api.enums.v1;

/** Reads the marker of a child that was canceled in the task that started it; the next task tells the code. */
export function readWithdrawn(
  state: ReaderState,
  event: TemporalEvent,
  { seq, workflowId, entry, hostId, reason }: WithdrawnChild,
): void {
  state.add(event, "ChildInitiated", { seq, workflowId, entry, hostId, options: {} });
  const failure = withDetails(canceledFailure(reason), {
    _wrapper: "child_workflow",
    _workflow_id: workflowId,
    _workflow_type: entry,
  });
  state.withdrawn.push({ seq, failure });
}

/** Reads the marker of a request to cancel a child that the server was not asked for. */
export function readChildCancel(
  state: ReaderState,
  event: TemporalEvent,
  { seq, reason }: { seq: number; reason?: string },
): void {
  for (const child of state.children.values()) {
    if (child.seq === seq) child.cancelLater = { ...reason !== undefined && { reason } };
  }
  state.add(event, "ChildCancelRequested", { seq });
}

/** Reads an event of a child. @returns false for another event */
export function readChild(state: ReaderState, event: TemporalEvent): boolean {
  const { conversion, node, hostOf } = state.context;
  const of = (initiated: Parameters<typeof whole>[0]) => state.children.get(whole(initiated));
  const end = (
    type: "ChildFailed" | "ChildTimedOut" | "ChildCanceled" | "ChildTerminated",
    { initiatedEventId, workflowExecution, retryState: why }: {
      initiatedEventId?: Parameters<typeof whole>[0];
      workflowExecution?: temporal.api.common.v1.IWorkflowExecution | null;
      retryState?: number | null;
    },
    failure: Parameters<typeof withDetails>[0],
  ): boolean => {
    const child = of(initiatedEventId);
    if (!child) return true;
    state.children.delete(whole(initiatedEventId));
    state.add(event, type, {
      seq: child.seq,
      failure: withDetails(failure, {
        _wrapper: "child_workflow",
        _workflow_id: child.workflowId,
        _workflow_type: child.entry,
        _run_id: workflowExecution?.runId ?? "",
        _retry_state: retryState(why),
      }),
    });
    return true;
  };
  switch (event.eventType) {
    case Type.EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_INITIATED: {
      const attributes = event.startChildWorkflowExecutionInitiatedEventAttributes ?? {};
      const info = infoOf(attributes.header);
      const hostId = info.host ?? hostOf(attributes.taskQueue?.name ?? "");
      const workflowId = attributes.workflowId ?? "";
      const entry = conversion.types.entryOf(attributes.workflowType?.name ?? "");
      const seq = info.seq ?? 0;
      const pid = workflowPid(node, hostId, workflowId);
      state.children.set(whole(event.eventId), { seq, workflowId, entry, pid });
      state.add(event, "ChildInitiated", { seq, workflowId, entry, hostId, options: {} });
      return true;
    }
    case Type.EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_FAILED: {
      const { initiatedEventId } = event.startChildWorkflowExecutionFailedEventAttributes ?? {};
      const child = of(initiatedEventId);
      if (!child) return true;
      state.children.delete(whole(initiatedEventId));
      const { seq, workflowId } = child;
      state.add(event, "ChildStartFailed", {
        seq,
        failure: {
          kind: "AlreadyExists",
          message: `workflow ${workflowId} is already started`,
          retryable: false,
          details: { workflow_id: workflowId },
        },
      });
      return true;
    }
    case Type.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_STARTED: {
      const { initiatedEventId, workflowExecution } =
        event.childWorkflowExecutionStartedEventAttributes ?? {};
      const child = of(initiatedEventId);
      if (!child) return true;
      const { seq, pid } = child;
      child.started = true;
      state.add(event, "ChildStarted", { seq, pid, runId: workflowExecution?.runId ?? "" });
      return true;
    }
    case Type.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_COMPLETED: {
      const { initiatedEventId, result } = event.childWorkflowExecutionCompletedEventAttributes ??
        {};
      const child = of(initiatedEventId);
      if (!child) return true;
      state.children.delete(whole(initiatedEventId));
      const value = packedResult(conversion, result);
      state.add(event, "ChildCompleted", { seq: child.seq, value });
      return true;
    }
    case Type.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_FAILED: {
      const attributes = event.childWorkflowExecutionFailedEventAttributes ?? {};
      return end("ChildFailed", attributes, failureIn(conversion, attributes.failure));
    }
    case Type.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_TIMED_OUT:
      return end(
        "ChildTimedOut",
        event.childWorkflowExecutionTimedOutEventAttributes ?? {},
        workflowTimeout(),
      );
    case Type.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_CANCELED: {
      const attributes = event.childWorkflowExecutionCanceledEventAttributes ?? {};
      return end("ChildCanceled", attributes, canceledIn(conversion, attributes.details));
    }
    case Type.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_TERMINATED:
      return end(
        "ChildTerminated",
        event.childWorkflowExecutionTerminatedEventAttributes ?? {},
        terminated,
      );
    default:
      return false;
  }
}
