import { asLua } from "../../vm/value.ts";
import type { Groups } from "../groups.ts";
import { integer, list, optional, packed, request, type Requests, text } from "./request.ts";

/** Process groups, for the Lua module `pg`. */
export function groupRequests(groups: Groups): Requests {
  const membership = { scope: text, pid: text, groups: list(text) };
  return {
    "groups.join": request(membership, ({ scope, pid, groups: joined }) => {
      groups.join(scope, pid, joined);
      return true;
    }),
    "groups.leave": request(membership, ({ scope, pid, groups: left }) => {
      groups.leave(scope, pid, left);
      return true;
    }),
    "groups.members": request(
      { scope: text, group: text },
      ({ scope, group }) => groups.members(scope, group),
    ),
    "groups.names": request({ scope: text }, ({ scope }) => groups.names(scope)),
    "groups.broadcast": request(
      { scope: text, group: text, topic: text, from: text, values: packed },
      ({ scope, group, topic, from, values }) => {
        groups.broadcast(scope, group, topic, from, values);
        return true;
      },
    ),
    // The answer is who is there at that moment: of the group, or of all.
    "groups.watch": request(
      { scope: text, subscription: integer, group: optional(text) },
      ({ scope, subscription, group }, origin) => {
        groups.watch(scope, origin, subscription, group);
        return group === undefined ? asLua(groups.all(scope)) : groups.members(scope, group);
      },
    ),
    "groups.unwatch": request({ subscription: integer }, ({ subscription }, origin) => {
      groups.unwatch(origin, subscription);
      return true;
    }),
  };
}
