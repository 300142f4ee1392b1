import {
  showBackfill,
  showSchedule,
  showSummary,
  showTrigger,
} from "../../workflows/schedules/view.ts";
import { schedulePage, type Schedules } from "../schedules.ts";
import { any, integer, optional, request, type Requests, text } from "./request.ts";

const one = { id: text, host: optional(text) };

/** What the Lua module `schedule` asks. `frame` is in whose name the runs work, `request_id` what is not done twice. */
export function scheduleRequests(schedules: Schedules): Requests {
  const pause = (paused: boolean) =>
    request({ ...one, note: optional(text) }, async ({ id, host, note }) => {
      await schedules.pause(id, paused, note, host);
      return true;
    });
  return {
    "schedules.create": request(
      { schedule: any, frame: any, request_id: optional(text) },
      async ({ schedule, frame, request_id: requestId }) => {
        await schedules.create({ schedule, frame, ...requestId !== undefined && { requestId } });
        return true;
      },
    ),
    "schedules.describe": request(
      one,
      async ({ id, host }) => showSchedule(await schedules.describe(id, host)),
    ),
    "schedules.list": request(
      { limit: optional(integer), after: optional(text), host: optional(text) },
      async ({ limit = 100, after, host }) => {
        const page = await schedulePage(schedules, {
          limit: limit >= 1 ? limit : 100,
          ...after !== undefined && { after },
          ...host !== undefined && { host },
        });
        return { ...page, schedules: page.schedules.map(showSummary) };
      },
    ),
    "schedules.update": request(
      { ...one, change: any, frame: any },
      async ({ id, change, frame, host }) => {
        await schedules.update(id, change, frame, host);
        return true;
      },
    ),
    "schedules.pause": pause(true),
    "schedules.unpause": pause(false),
    "schedules.trigger": request(
      { ...one, overlap: any },
      async ({ id, overlap, host }) => showTrigger(await schedules.trigger(id, overlap, host)),
    ),
    "schedules.backfill": request(
      { ...one, ranges: any },
      async ({ id, ranges, host }) => showBackfill(await schedules.backfill(id, ranges, host)),
    ),
    "schedules.delete": request(one, async ({ id, host }) => {
      await schedules.delete(id, host);
      return true;
    }),
  };
}
