import { temporal } from "../messages/messages.ts";
import { WippyError } from "../../../../vm/error.ts";
import { withDetails } from "../../../history/retry.ts";
import { workflowPid } from "../../../pid.ts";
import type { RunClosed } from "../../../provider.ts";
import { canceledIn, failureIn, terminated, workflowTimeout } from "../history/failures.ts";
import { packedResult } from "../names.ts";
import { instant, type TemporalEvent } from "../proto.ts";
import type { ClientContext } from "./client.ts";
import { describeRun } from "./descriptions.ts";

const { EventType: Type, HistoryEventFilterType: Filter } = temporal.api.enums.v1;

/** Milliseconds that one request waits at the server before it is repeated. */
const waitTimeout = 60_000;
const pause = 1_000;

/** Waits for the end of a chain of runs. @returns undefined when the wait was ended */
export async function closedChain(
  context: ClientContext,
  workflowId: string,
  runId: string | undefined,
  signal: AbortSignal,
): Promise<RunClosed | undefined> {
  let present = runId;
  let pageToken = new Uint8Array();
  while (!signal.aborted) {
    try {
      if (present === undefined) {
        const newest = await describeRun(context, workflowId);
        if (!newest) return unknown(context, workflowId);
        present = newest.runId;
      }
      const page = await context.connection.rpc("getWorkflowExecutionHistory", {
        execution: { workflowId, runId: present },
        waitNewEvent: true,
        nextPageToken: pageToken,
        historyEventFilterType: Filter.HISTORY_EVENT_FILTER_TYPE_CLOSE_EVENT,
        skipArchival: true,
      }, { timeout: waitTimeout, signal });
      pageToken = page.nextPageToken as Uint8Array<ArrayBuffer>;
      const events: TemporalEvent[] = page.history?.events ?? [];
      const event = events.at(-1);
      if (!event) continue;
      pageToken = new Uint8Array();
      const next = await successor(context, workflowId, present, event);
      if (next === undefined) return closedBy(context, workflowId, present, event);
      present = next;
    } catch (error) {
      if (signal.aborted) return undefined;
      const { kind } = WippyError.from(error);
      if (kind === "NotFound") return unknown(context, workflowId);
      if (kind !== "Timeout") await Bun.sleep(pause);
      pageToken = new Uint8Array();
    }
  }
  return undefined;
}

function unknown({ node, hostOf }: ClientContext, workflowId: string): RunClosed {
  return {
    workflowId,
    runId: "",
    pid: workflowPid(node, hostOf(""), workflowId),
    status: "not_found",
    closeTime: Date.now(),
  };
}

/** The run that goes on in the place of one that has ended. */
async function successor(
  context: ClientContext,
  workflowId: string,
  runId: string,
  event: TemporalEvent,
): Promise<string | undefined> {
  const next = event.workflowExecutionCompletedEventAttributes?.newExecutionRunId ||
    event.workflowExecutionFailedEventAttributes?.newExecutionRunId ||
    event.workflowExecutionTimedOutEventAttributes?.newExecutionRunId ||
    event.workflowExecutionContinuedAsNewEventAttributes?.newExecutionRunId;
  if (next) return next;
  if (event.eventType !== Type.EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED) return undefined;
  // A reset terminates the run that it replaces, and reports that only in the text of the reason.
  if (!/reset/i.test(event.workflowExecutionTerminatedEventAttributes?.reason ?? "")) {
    return undefined;
  }
  const newest = await describeRun(context, workflowId);
  return newest && newest.runId !== runId ? newest.runId : undefined;
}

function closedBy(
  context: ClientContext,
  workflowId: string,
  runId: string,
  event: TemporalEvent,
): RunClosed {
  const { conversion, node, hostOf } = context;
  context.note(workflowId, runId);
  const pid = workflowPid(node, hostOf(""), workflowId);
  const closed = { workflowId, runId, pid, closeTime: instant(event.eventTime) };
  switch (event.eventType) {
    case Type.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED: {
      const { result } = event.workflowExecutionCompletedEventAttributes ?? {};
      return { ...closed, status: "completed", value: packedResult(conversion, result) };
    }
    case Type.EVENT_TYPE_WORKFLOW_EXECUTION_CANCELED: {
      const { details } = event.workflowExecutionCanceledEventAttributes ?? {};
      return { ...closed, status: "canceled", failure: canceledIn(conversion, details) };
    }
    case Type.EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED: {
      const { reason } = event.workflowExecutionTerminatedEventAttributes ?? {};
      const failure = reason ? withDetails(terminated, { reason }) : terminated;
      return { ...closed, status: "terminated", failure };
    }
    case Type.EVENT_TYPE_WORKFLOW_EXECUTION_TIMED_OUT:
      return { ...closed, status: "timed_out", failure: workflowTimeout() };
    default: {
      const { failure } = event.workflowExecutionFailedEventAttributes ?? {};
      return { ...closed, status: "failed", failure: failureIn(conversion, failure) };
    }
  }
}
