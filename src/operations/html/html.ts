import { lazy } from "../../registry/lazy.ts";
import { z } from "../../registry/schema.ts";
import { bytesOf, defineOperation, luaString, type Operation } from "../operation.ts";
import { type Call, patternOf, Policy } from "./policy.ts";

// The tokenizer is loaded when something is first sanitized.
const sanitizer = lazy(() => require("./sanitizer.ts") as typeof import("./sanitizer.ts"));

/** Policies by their calls; the least recently used one goes first. */
const policies = new Map<string, Policy>();
const kept = 100;

function policyOf(calls: readonly Call[]): Policy {
  const key = JSON.stringify(calls);
  const policy = policies.get(key) ?? new Policy(calls);
  policies.delete(key);
  policies.set(key, policy);
  if (policies.size > kept) policies.delete(policies.keys().next().value ?? "");
  return policy;
}

/** Host operations of the module `html`. */
export const html: Operation[] = [
  defineOperation({
    name: "html.check_pattern",
    summary: "True for a regular expression (RE2).",
    mode: "pure",
    arguments: () => [z.string({ error: "a regular expression is UTF-8 text" })],
    run(_context, pattern) {
      patternOf(pattern);
      return true;
    },
  }),
  defineOperation({
    name: "html.sanitize",
    summary: "Returns what the policy that some calls make lets through of HTML.",
    mode: "pure",
    arguments: () => [z.union([z.array(z.custom<Call>(Array.isArray)), z.object({})]), luaString()],
    run: (_context, calls, text) =>
      sanitizer().sanitize(
        policyOf(Array.isArray(calls) ? calls : []),
        typeof text === "string" ? text : new TextDecoder().decode(bytesOf(text)),
      ),
  }),
];
