import { groupOf, policyOf } from "../operations/security/policies.ts";
import { type Entry, parseId, qualify } from "../registry/entry.ts";
import type { Lifecycle } from "../registry/lifecycle.ts";
import type { Variables } from "../registry/placeholder.ts";
import { asLua, type LuaValue } from "../vm/value.ts";

/**
 * The frame in which a service's code starts: the actor and the policies of its `lifecycle.security`.
 * Bare names are completed with the service's namespace. Where policies or groups are listed and none
 * exists, the scope is empty and allows nothing.
 */
export function serviceFrame(
  security: Lifecycle["security"],
  serviceId: string,
  entries: ReadonlyMap<string, Entry>,
  variables: Variables,
): Record<string, LuaValue> {
  if (!security) return {};
  const { namespace } = parseId(serviceId);
  const frame: Record<string, LuaValue> = {
    actor: asLua(security.actor ?? { id: "", meta: {} }),
  };
  const { groups, policies } = security;
  if (groups.length === 0 && policies.length === 0) return frame;
  const found = [
    ...groups.flatMap((group) => groupOf(entries.values(), qualify(group, namespace), variables)),
    ...policies.flatMap((id) => policyOf(entries.get(qualify(id, namespace)), variables) ?? []),
  ];
  const scope = new Map(found.map((policy) => [policy.id, policy]));
  frame["scope"] = asLua([...scope.values()]);
  return frame;
}

/** A frame for the journal: policies by their ids, since a run outlives them; as `permissions.durable` in Lua. */
export function durableFrame(frame: Record<string, LuaValue>): Record<string, LuaValue> {
  const { scope } = frame;
  if (!Array.isArray(scope)) return frame;
  return { ...frame, scope: scope.map((policy) => (policy as { id: string }).id) };
}
