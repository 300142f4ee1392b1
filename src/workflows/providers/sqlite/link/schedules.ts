import type { ScheduleProvider } from "../../../schedules/schedules.ts";
import type { ScheduleRequest } from "../protocol.ts";

/** The schedules of a journal, asked through `ask`, which gives what the method's type says. */
export function schedulesBy(
  ask: <Value>(request: ScheduleRequest) => Promise<Value>,
): ScheduleProvider {
  return {
    create: (schedule) => ask({ op: "create", schedule }),
    describe: (scheduleId) => ask({ op: "describe", scheduleId }),
    list: (query) => ask({ op: "list", query }),
    update: (scheduleId, change) => ask({ op: "update", scheduleId, change }),
    pause: (scheduleId, paused, note) =>
      ask({ op: "pause", scheduleId, paused, ...note === undefined ? {} : { note } }),
    trigger: (scheduleId, overlap) =>
      ask({ op: "trigger", scheduleId, ...overlap === undefined ? {} : { overlap } }),
    backfill: (scheduleId, ranges) => ask({ op: "backfill", scheduleId, ranges }),
    declare: (schedules) => ask({ op: "declare", schedules }),
    delete: (scheduleId) => ask({ op: "delete", scheduleId }),
  };
}
