/**
 * The signals, requests to cancel and children that are left by a task that ends its run, and what the server has not
 * done yet of earlier tasks: as requests, because the server drops it. Children whose parent's end would end them are
 * not started.
 * @module
 */
import { temporal } from "../messages/messages.ts";
import type { RpcRequest } from "../connection/connection.ts";
import { readControl } from "../history/external-events.ts";
import { infoOf } from "../names.ts";
import type { TemporalCommand, TemporalEvent } from "../proto.ts";

const { PARENT_CLOSE_POLICY_ABANDON: abandon } = temporal.api.enums.v1.ParentClosePolicy;

type Names =
  | "signalWorkflowExecution"
  | "requestCancelWorkflowExecution"
  | "startWorkflowExecution";

/** A request to the server, which knows it by its id when it comes again. */
export type PartingRequest = {
  [Name in Names]: { name: Name; request: RpcRequest<Name> };
}[Names];

/** The requests that stand for a task's commands. */
export function requestsOf(runId: string, commands: readonly TemporalCommand[]): PartingRequest[] {
  return commands.flatMap((command) => requestOf(runId, command));
}

/**
 * The same from events.
 *
 * @param unsent signals and requests that the server has not answered
 * @param children events of children that the task starts
 */
export function requestsIn(
  runId: string,
  unsent: readonly TemporalEvent[],
  children: readonly TemporalEvent[] = [],
): PartingRequest[] {
  return [...unsent, ...children].flatMap((event) => {
    const child = event.startChildWorkflowExecutionInitiatedEventAttributes;
    const signal = event.signalExternalWorkflowExecutionInitiatedEventAttributes;
    const cancel = event.requestCancelExternalWorkflowExecutionInitiatedEventAttributes;
    return requestOf(runId, {
      ...child && { startChildWorkflowExecutionCommandAttributes: child },
      ...signal && {
        signalExternalWorkflowExecutionCommandAttributes: {
          ...signal,
          execution: signal.workflowExecution ?? null,
        },
      },
      ...cancel && {
        requestCancelExternalWorkflowExecutionCommandAttributes: {
          ...cancel,
          workflowId: cancel.workflowExecution?.workflowId ?? "",
        },
      },
    });
  });
}

function requestOf(runId: string, command: TemporalCommand): PartingRequest[] {
  const child = command.startChildWorkflowExecutionCommandAttributes;
  if (child) {
    if (child.parentClosePolicy !== abandon) return [];
    const {
      parentClosePolicy: _,
      namespace: __,
      control: ___,
      inheritBuildId: ____,
      ...start
    } = child;
    const requestId = `${runId}/child/${infoOf(child.header).seq}`;
    return [{ name: "startWorkflowExecution", request: { ...start, requestId } }];
  }
  const signal = command.signalExternalWorkflowExecutionCommandAttributes;
  if (signal) {
    const { execution, signalName, input, header } = signal;
    return [{
      name: "signalWorkflowExecution",
      request: {
        workflowExecution: { workflowId: execution?.workflowId ?? "" },
        signalName: signalName ?? "",
        input: input ?? null,
        header: header ?? null,
        requestId: `${runId}/signal/${infoOf(header).seq}`,
      },
    }];
  }
  const cancel = command.requestCancelExternalWorkflowExecutionCommandAttributes;
  // The end of a run ends its children, or leaves them alone.
  if (!cancel || cancel.childWorkflowOnly) return [];
  return [{
    name: "requestCancelWorkflowExecution",
    request: {
      workflowExecution: { workflowId: cancel.workflowId ?? "" },
      reason: cancel.reason ?? "",
      requestId: `${runId}/cancel/${readControl(cancel.control)?.seq}`,
    },
  }];
}
