import type { Bus, UnitSubscriptions } from "../bus.ts";
import { any, integer, list, optional, request, type Requests, table, text } from "./request.ts";

/** The runtime's events, for the Lua module `events`, and what becomes events of the system `process`. */
export function eventRequests(bus: Bus, subscriptions: UnitSubscriptions): Requests {
  const news = table({
    kind: text,
    pid: text,
    entry: text,
    parent: optional(text),
    error: any,
  });
  return {
    "events.subscribe": request(
      { subscription: integer, system: text, kind: text },
      ({ subscription, ...filter }, origin) => {
        subscriptions.add(origin, subscription, filter);
        return true;
      },
    ),
    "events.unsubscribe": request({ subscription: integer }, ({ subscription }, origin) => {
      subscriptions.remove(origin, subscription);
      return true;
    }),
    "events.publish": request(
      { system: text, kind: text, path: text, data: any },
      (event) => {
        bus.publish(event);
        return true;
      },
    ),
    // Starts and ends of units since the last turn of a worker, and how many were dropped.
    "events.lifecycle": request({ news: list(news), lost: integer }, ({ news: all, lost }) => {
      for (const { kind, ...data } of all) {
        bus.publish({ system: "process", kind, path: data.pid, data });
      }
      if (lost > 0) bus.publish({ system: "process", kind: "dropped", path: "*", data: lost });
      return true;
    }),
  };
}
