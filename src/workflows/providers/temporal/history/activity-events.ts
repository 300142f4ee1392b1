import { temporal } from "../messages/messages.ts";
import { pack } from "../../../../vm/codec.ts";
import type { EventData } from "../../../history/history.ts";
import { canceledFailure } from "../../../history/retry.ts";
import { frameOf, infoOf, packedResult, valuesOf } from "../names.ts";
import { milliseconds, type TemporalEvent, whole } from "../proto.ts";
import { activityTimeout, failureIn, ofActivity, retryState } from "./failures.ts";
import type { Activity, ReaderState } from "./state.ts";

const { EventType: Type } = temporal.api.enums.v1;

/** Reads an event of an activity. @returns false for another event */
export function readActivity(state: ReaderState, event: TemporalEvent): boolean {
  const { conversion } = state.context;
  const end = (
    scheduled: Parameters<typeof whole>[0],
    add: (activity: Activity) => void,
  ): boolean => {
    const id = whole(scheduled);
    const activity = state.activities.get(id);
    // Of one that was canceled code has been told already.
    if (activity) add(activity);
    state.activities.delete(id);
    return true;
  };
  switch (event.eventType) {
    case Type.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED: {
      const attributes = event.activityTaskScheduledEventAttributes ?? {};
      const { header, activityId, activityType } = attributes;
      const info = infoOf(header);
      const seq = info.seq ?? Number(activityId);
      const entry = activityType?.name ?? "";
      state.activities.set(whole(event.eventId), {
        seq,
        activityId: activityId ?? "",
        entry,
        info,
      });
      if (state.isLive) return true;
      const frame = frameOf(conversion, header);
      state.add(event, "ActivityScheduled", {
        seq,
        ...activityId !== String(seq) && { activityId: activityId ?? "" },
        entry,
        args: pack(valuesOf(conversion, attributes.input)),
        options: activityOptions(attributes),
        ...info.operation && { operation: true },
        ...frame && { frame },
      });
      return true;
    }
    case Type.EVENT_TYPE_ACTIVITY_TASK_STARTED:
      return true;
    case Type.EVENT_TYPE_ACTIVITY_TASK_COMPLETED: {
      const { scheduledEventId, result } = event.activityTaskCompletedEventAttributes ?? {};
      return end(scheduledEventId, ({ seq }) =>
        state.add(event, "ActivityCompleted", {
          seq,
          attempt: 1,
          value: packedResult(conversion, result),
        }));
    }
    case Type.EVENT_TYPE_ACTIVITY_TASK_FAILED: {
      const attributes = event.activityTaskFailedEventAttributes ?? {};
      return end(attributes.scheduledEventId, ({ seq, activityId }) => {
        const failure = failureIn(conversion, attributes.failure);
        const why = retryState(attributes.retryState);
        const data = { seq, attempt: 1, failure: ofActivity(failure, activityId, why) };
        state.add(event, "ActivityFailed", data);
      });
    }
    case Type.EVENT_TYPE_ACTIVITY_TASK_TIMED_OUT: {
      const attributes = event.activityTaskTimedOutEventAttributes ?? {};
      return end(attributes.scheduledEventId, ({ seq, activityId, entry }) => {
        const failure = activityTimeout(entry, attributes.failure);
        const why = retryState(attributes.retryState);
        const data = { seq, attempt: 1, failure: ofActivity(failure, activityId, why) };
        state.add(event, "ActivityTimedOut", data);
      });
    }
    case Type.EVENT_TYPE_ACTIVITY_TASK_CANCEL_REQUESTED: {
      const id = whole(event.activityTaskCancelRequestedEventAttributes?.scheduledEventId);
      const activity = state.activities.get(id);
      if (!activity) return true;
      const { seq, info } = activity;
      state.add(event, "ActivityCancelRequested", { seq });
      if (info.wait) return true;
      // It counts as canceled from here on, whatever becomes of its attempt.
      state.activities.delete(id);
      const data = { seq, attempt: 1, failure: canceledFailure() };
      state.add(event, "ActivityCanceled", data);
      return true;
    }
    case Type.EVENT_TYPE_ACTIVITY_TASK_CANCELED:
      return end(
        event.activityTaskCanceledEventAttributes?.scheduledEventId,
        ({ seq }) =>
          state.add(event, "ActivityCanceled", { seq, attempt: 1, failure: canceledFailure() }),
      );
    default:
      return false;
  }
}

function activityOptions(
  attributes: temporal.api.history.v1.IActivityTaskScheduledEventAttributes,
): NonNullable<EventData["ActivityScheduled"]["options"]> {
  const startToCloseTimeout = milliseconds(attributes.startToCloseTimeout);
  const scheduleToCloseTimeout = milliseconds(attributes.scheduleToCloseTimeout);
  const heartbeatTimeout = milliseconds(attributes.heartbeatTimeout);
  return {
    ...startToCloseTimeout !== undefined && { startToCloseTimeout },
    ...scheduleToCloseTimeout !== undefined && { scheduleToCloseTimeout },
    ...heartbeatTimeout !== undefined && { heartbeatTimeout },
  };
}
