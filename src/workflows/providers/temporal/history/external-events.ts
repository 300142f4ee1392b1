import { temporal } from "../messages/messages.ts";
import { workflowPid } from "../../../pid.ts";
import { type CallInfo, infoOf } from "../names.ts";
import { type TemporalEvent, whole } from "../proto.ts";
import type { ReaderState } from "./state.ts";

const { EventType: Type } = temporal.api.enums.v1;

/** Reads an event of a signal or a request to another workflow. @returns false for another event */
export function readExternal(state: ReaderState, event: TemporalEvent): boolean {
  const { node, hostOf } = state.context;
  const pid = (workflowId: string, info: CallInfo) =>
    workflowPid(node, info.host ?? hostOf(""), workflowId);
  switch (event.eventType) {
    case Type.EVENT_TYPE_SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED: {
      const attributes = event.signalExternalWorkflowExecutionInitiatedEventAttributes ?? {};
      const info = infoOf(attributes.header);
      const seq = info.seq ?? 0;
      state.signals.set(whole(event.eventId), seq);
      state.unsent.set(whole(event.eventId), event);
      state.add(event, "ExternalSignalInitiated", {
        seq,
        pid: info.parent ?? pid(attributes.workflowExecution?.workflowId ?? "", info),
        name: attributes.signalName ?? "",
      });
      return true;
    }
    case Type.EVENT_TYPE_EXTERNAL_WORKFLOW_EXECUTION_SIGNALED: {
      const id = whole(event.externalWorkflowExecutionSignaledEventAttributes?.initiatedEventId);
      state.unsent.delete(id);
      const seq = state.signals.get(id);
      if (seq !== undefined) state.add(event, "ExternalSignaled", { seq });
      return true;
    }
    case Type.EVENT_TYPE_SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_FAILED: {
      const { initiatedEventId, workflowExecution } =
        event.signalExternalWorkflowExecutionFailedEventAttributes ?? {};
      state.unsent.delete(whole(initiatedEventId));
      const seq = state.signals.get(whole(initiatedEventId));
      if (seq === undefined) return true;
      const failure = unknownWorkflow(workflowExecution?.workflowId ?? "");
      state.add(event, "ExternalSignalFailed", { seq, failure });
      return true;
    }
    case Type.EVENT_TYPE_REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED: {
      const attributes = event.requestCancelExternalWorkflowExecutionInitiatedEventAttributes ??
        {};
      const workflowId = attributes.workflowExecution?.workflowId ?? "";
      if (attributes.childWorkflowOnly) {
        state.cancels.set(whole(event.eventId), undefined);
        for (const child of state.children.values()) {
          if (child.workflowId !== workflowId) continue;
          // The code has asked for it before, when the child had not started.
          if (child.cancelLater) delete child.cancelLater;
          else state.add(event, "ChildCancelRequested", { seq: child.seq });
        }
        return true;
      }
      const info = readControl(attributes.control);
      const seq = info?.seq ?? ++state.cancelCount;
      state.cancels.set(whole(event.eventId), seq);
      state.unsent.set(whole(event.eventId), event);
      state.add(event, "ExternalCancelInitiated", {
        seq,
        pid: info?.parent ?? pid(workflowId, {}),
      });
      return true;
    }
    case Type.EVENT_TYPE_EXTERNAL_WORKFLOW_EXECUTION_CANCEL_REQUESTED: {
      const id = whole(
        event.externalWorkflowExecutionCancelRequestedEventAttributes?.initiatedEventId,
      );
      state.unsent.delete(id);
      const seq = state.cancels.get(id);
      if (seq !== undefined) state.add(event, "ExternalCancelRequested", { seq });
      return true;
    }
    case Type.EVENT_TYPE_REQUEST_CANCEL_EXTERNAL_WORKFLOW_EXECUTION_FAILED: {
      const { initiatedEventId, workflowExecution } =
        event.requestCancelExternalWorkflowExecutionFailedEventAttributes ?? {};
      state.unsent.delete(whole(initiatedEventId));
      const seq = state.cancels.get(whole(initiatedEventId));
      if (seq === undefined) return true;
      const failure = unknownWorkflow(workflowExecution?.workflowId ?? "");
      state.add(event, "ExternalCancelFailed", { seq, failure });
      return true;
    }
    default:
      return false;
  }
}

/** What a request to cancel another workflow says of itself. */
export function readControl(control: string | null | undefined): CallInfo | undefined {
  return control?.startsWith("{") ? JSON.parse(control) as CallInfo : undefined;
}

function unknownWorkflow(workflowId: string) {
  return {
    kind: "NotFound",
    message: `workflow not found: ${workflowId}`,
    retryable: false,
    details: { workflow_id: workflowId },
  };
}
