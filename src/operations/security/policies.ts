import { decodeEntry } from "../../registry/decode.ts";
import { type Entry, parseId, qualify } from "../../registry/entry.ts";
import { securityPolicy } from "../../registry/kinds/security.ts";
import type { Variables } from "../../registry/placeholder.ts";
import { asLua, type LuaValue } from "../../vm/value.ts";

/** A policy as frames carry it and `lua/kernel/security/policies.lua` evaluates it. */
export interface Policy {
  id: string;
  effect: "allow" | "deny";
  actions: string[];
  resources: string[];
  conditions: LuaValue[];
}

/** The policy of an entry; undefined when it is another kind of entry, or none. */
export function policyOf(entry: Entry | undefined, variables: Variables): Policy | undefined {
  if (entry?.kind !== securityPolicy.name) return undefined;
  const { policy } = decodeEntry(securityPolicy, entry, variables);
  return {
    id: entry.id,
    effect: policy.effect,
    actions: policy.actions,
    resources: policy.resources,
    conditions: policy.conditions.map((condition) => asLua(condition)),
  };
}

/** The policies of a group, in the order of their entries. */
export function groupOf(entries: Iterable<Entry>, group: string, variables: Variables): Policy[] {
  const members: Policy[] = [];
  for (const entry of entries) {
    if (entry.kind !== securityPolicy.name) continue;
    const { groups } = decodeEntry(securityPolicy, entry, variables);
    const { namespace } = parseId(entry.id);
    if (!groups.some((name) => qualify(name, namespace) === group)) continue;
    members.push(policyOf(entry, variables)!);
  }
  return members;
}
