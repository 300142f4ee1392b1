import { temporal } from "../messages/messages.ts";
import { WippyError } from "../../../../vm/error.ts";
import { workflowPid } from "../../../pid.ts";
import type { ResetRequest, StartResult } from "../../../provider.ts";
import { fetchHistory } from "../history/fetch.ts";
import { long, type TemporalEvent, whole } from "../proto.ts";
import { type ClientContext, notFound } from "./client.ts";
import { describeRun } from "./descriptions.ts";

const { EventType: Type } = temporal.api.enums.v1;

/** Creates a new run with the history of another one up to a task, which is repeated. */
export async function resetRun(
  context: ClientContext,
  workflowId: string,
  { runId, eventId, reason }: ResetRequest,
): Promise<StartResult> {
  const base = await describeRun(context, workflowId, runId);
  if (!base) throw notFound(runId ?? workflowId);
  const events = await fetchHistory(context.connection, base);
  const point = pointOf(base.runId, events, eventId);
  const text = `reset to event ${point}${reason ? `: ${reason}` : ""}`;
  const made = await context.connection.rpc("resetWorkflowExecution", {
    workflowExecution: { workflowId, runId: base.runId },
    reason: text,
    workflowTaskFinishEventId: long(point),
    requestId: context.uuid(),
  });
  context.note(workflowId, made.runId);
  const pid = workflowPid(context.node, base.hostId, workflowId);
  return { workflowId, runId: made.runId, pid, existed: false };
}

/** The end of the first task that is undone: what made the event, or what showed it. @throws Invalid */
function pointOf(runId: string, events: readonly TemporalEvent[], eventId: number): number {
  const given = events[eventId - 1];
  const invalid = (message: string) => new WippyError("Invalid", message, { retryable: false });
  if (!given || eventId < 1) {
    throw invalid(`run ${runId} has no event ${eventId}; its events are 1 to ${events.length}`);
  }
  const own = given.eventType === Type.EVENT_TYPE_WORKFLOW_TASK_COMPLETED ? eventId : taskOf(given);
  if (own > 0) return own;
  const started = events.find((event) =>
    whole(event.eventId) >= eventId &&
    event.eventType === Type.EVENT_TYPE_WORKFLOW_TASK_COMPLETED &&
    whole(event.workflowTaskCompletedEventAttributes?.startedEventId) >= eventId
  );
  if (started) return whole(started.eventId);
  throw invalid(`no task of run ${runId} comes after event ${eventId}; give an earlier event`);
}

/** Id of the end of the task whose command an event records; 0 for another event. */
function taskOf(event: TemporalEvent): number {
  for (const value of Object.values(event)) {
    if (typeof value !== "object" || value === null) continue;
    const { workflowTaskCompletedEventId: id } = value as {
      workflowTaskCompletedEventId?: Parameters<typeof whole>[0];
    };
    if (whole(id) > 0) return whole(id);
  }
  return 0;
}
