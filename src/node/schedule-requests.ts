import { type LuaValue, numberOf } from "../vm/value.ts";
import {
  showBackfill,
  showSchedule,
  showSummary,
  showTrigger,
} from "../workflows/schedules/view.ts";
import { schedulePage, type Schedules } from "./schedules.ts";

function text(value: LuaValue): string | undefined {
  return typeof value === "string" ? value : undefined;
}

/** Answers what the Lua module `schedule` asks: the name of the function, the asker's frame, an id of the request. */
export function scheduleRequest(
  schedules: Schedules,
): (
  origin: number,
  op: LuaValue,
  frame: LuaValue,
  request: LuaValue,
  ...args: LuaValue[]
) => Promise<LuaValue> {
  return async (_, op, frame, request, first, second, third) => {
    const id = text(first) ?? "";
    switch (op) {
      case "create": {
        const requestId = text(request);
        await schedules.create({
          schedule: first,
          frame,
          ...requestId !== undefined && { requestId },
        });
        return true;
      }
      case "describe":
        return showSchedule(await schedules.describe(id, text(second)));
      case "list": {
        const [limit, after, host] = [numberOf(first), text(second), text(third)];
        const page = await schedulePage(schedules, {
          limit: limit >= 1 ? limit : 100,
          ...after !== undefined && { after },
          ...host !== undefined && { host },
        });
        return { ...page, schedules: page.schedules.map(showSummary) };
      }
      case "update":
        await schedules.update(id, second, frame, text(third));
        return true;
      case "pause":
      case "unpause":
        await schedules.pause(id, op === "pause", text(second), text(third));
        return true;
      case "trigger":
        return showTrigger(await schedules.trigger(id, second, text(third)));
      case "backfill":
        return showBackfill(await schedules.backfill(id, second, text(third)));
      default:
        await schedules.delete(id, text(second));
        return true;
    }
  };
}
