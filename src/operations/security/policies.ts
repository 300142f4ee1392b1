import { decodeEntry } from "../../registry/decode.ts";
import { type Entry, parseId, qualify } from "../../registry/entry.ts";
import { securityPolicy, securityPolicyExpr } from "../../registry/kinds/security.ts";
import type { Variables } from "../../registry/placeholder.ts";
import { asLua, type LuaValue } from "../../vm/value.ts";

/** A policy as frames carry it and `lua/kernel/security/policies.lua` evaluates it. */
export interface Policy {
  id: string;
  effect: "allow" | "deny";
  actions: string[];
  resources: string[];
  conditions: LuaValue[];
  /** Must be true besides. @default none */
  expression?: string;
}

/** The payload of a policy's entry; undefined when it is another kind of entry. */
function decode(entry: Entry, variables: Variables) {
  switch (entry.kind) {
    case securityPolicy.name: {
      const { policy, groups } = decodeEntry(securityPolicy, entry, variables);
      return { policy: { ...policy, expression: undefined }, groups };
    }
    case securityPolicyExpr.name: {
      const { policy, groups } = decodeEntry(securityPolicyExpr, entry, variables);
      return { policy: { ...policy, conditions: [] }, groups };
    }
  }
}

/** The policy of an entry; undefined when it is another kind of entry, or none. */
export function policyOf(entry: Entry | undefined, variables: Variables): Policy | undefined {
  const decoded = entry && decode(entry, variables);
  if (!decoded) return undefined;
  const { policy } = decoded;
  return {
    id: entry.id,
    effect: policy.effect,
    actions: policy.actions,
    resources: policy.resources,
    conditions: policy.conditions.map((condition) => asLua(condition)),
    ...(policy.expression !== undefined && { expression: policy.expression }),
  };
}

/** The policies of a group, in the order of their entries. */
export function groupOf(entries: Iterable<Entry>, group: string, variables: Variables): Policy[] {
  const members: Policy[] = [];
  for (const entry of entries) {
    const decoded = decode(entry, variables);
    if (!decoded) continue;
    const { namespace } = parseId(entry.id);
    if (!decoded.groups.some((name) => qualify(name, namespace) === group)) continue;
    members.push(policyOf(entry, variables)!);
  }
  return members;
}
