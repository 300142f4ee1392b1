import type { RE2JS } from "re2js";
import { compilePattern } from "../../registry/pattern.ts";
import { z } from "../../registry/schema.ts";
import { lazy } from "../../registry/lazy.ts";
import { WippyError } from "../../vm/error.ts";
import { asLua } from "../../vm/value.ts";
import { defineOperation, type Operation } from "../operation.ts";
import { groupOf, policyOf } from "./policies.ts";

const id = lazy(() => z.string({ error: "an identifier is text" }));

/** Expressions are those of policies: few, and each is used often. */
const compiled = new Map<string, RE2JS>();
const mostCompiled = 1000;

function expression(pattern: string): RE2JS {
  let found = compiled.get(pattern);
  if (!found) {
    if (compiled.size >= mostCompiled) compiled.clear();
    found = compilePattern(pattern);
    compiled.set(pattern, found);
  }
  return found;
}

/** Host operations of identities and policies (`lua/kernel/security/policies.lua`, module `security`). */
export const security: Operation[] = [
  defineOperation({
    name: "security.policy",
    summary: "The policy of a registered entry.",
    mode: "immediate",
    arguments: () => [id()],
    run: ({ services }, policy) => {
      const found = policyOf(services.entry(policy), services.environment);
      if (found) return asLua(found);
      throw new WippyError("Internal", `policy not found: ${policy}`, { retryable: false });
    },
  }),
  defineOperation({
    name: "security.group",
    summary: "The policies of a group.",
    mode: "immediate",
    arguments: () => [id()],
    run: ({ services }, group) => {
      const found = groupOf(services.entries(), group, services.environment);
      if (found.length > 0) return asLua(found);
      throw new WippyError("Internal", `policy group not found: ${group}`, { retryable: false });
    },
  }),
  defineOperation({
    name: "security.resolve",
    summary:
      "The policies of identifiers that came from a journal; those that are gone are left out.",
    mode: "pure",
    arguments: () => [z.array(z.string())],
    run: ({ services }, ids) =>
      asLua(ids.flatMap((policy) => policyOf(services.entry(policy), services.environment) ?? [])),
  }),
  defineOperation({
    name: "security.matches",
    summary: "Whether a text holds a match of a regular expression (RE2).",
    mode: "pure",
    arguments: () => [z.string(), z.string()],
    run: (_context, pattern, text) => expression(pattern).matcher(text).find(),
  }),
];
