import { compilePattern } from "../pattern.ts";
import { z } from "../schema.ts";
import { lazy } from "../lazy.ts";
import { duration } from "../duration.ts";
import { choice, defineKind, required, size } from "../kind.ts";

/** A text or a list of texts, as a list that is not empty. */
function patterns(what: string) {
  return z.unknown().transform((value, context): string[] => {
    const list = typeof value === "string" && value !== "" ? [value] : value;
    if (Array.isArray(list) && list.length > 0 && list.every((item) => typeof item === "string")) {
      return list;
    }
    context.addIssue({
      code: "custom",
      message: value === undefined || value === "" || (Array.isArray(list) && list.length === 0)
        ? `${what} is required`
        : `${what} must be a text or a list of texts`,
      params: { fix: `write "${what}: NAME", a list of names, or "*" for all` },
    });
    return z.NEVER;
  });
}

const operators = [
  "eq",
  "ne",
  "lt",
  "gt",
  "lte",
  "gte",
  "in",
  "nin",
  "contains",
  "ncontains",
  "matches",
  "nmatches",
  "exists",
  "nexists",
] as const;

const condition = lazy(() =>
  z.object({
    field: required("condition field", 'name what is compared, like "field: meta.owner"'),
    operator: choice(operators, "operator"),
    value: z.unknown().optional(),
    /** Another field, whose value is compared with; it wins over `value`. */
    value_from: z.string().optional(),
  }).superRefine(({ operator, value, value_from }, context) => {
    if ((value === undefined || value === null) && !value_from) {
      context.addIssue({
        code: "custom",
        message: "condition has neither value nor value_from",
        params: { fix: 'add "value: TEXT" or "value_from: actor.id"' },
      });
    }
    const regular = operator === "matches" || operator === "nmatches";
    if (!regular || typeof value !== "string" || value_from) return;
    try {
      compilePattern(value);
    } catch (error) {
      context.addIssue({
        code: "custom",
        path: ["value"],
        message: `invalid regular expression ${JSON.stringify(value)}: ${(error as Error).message}`,
        params: { fix: "write it as RE2 reads it" },
      });
    }
  })
);

function ruleFields() {
  return {
    actions: patterns("actions"),
    resources: patterns("resources"),
    effect: choice(["allow", "deny"], "effect"),
  };
}

/** Named sets that a policy belongs to; a bare name is of the entry's namespace. */
function groupNames() {
  return z.array(z.string()).default([]);
}

/** A rule: which actions on which resources are allowed or denied, and when. */
export const securityPolicy = defineKind({
  name: "security.policy",
  schema: () =>
    z.object({
      policy: z.object({ ...ruleFields(), conditions: z.array(condition()).default([]) }, {
        error: 'policy is required: "policy: { actions: …, resources: …, effect: allow }"',
      }),
      groups: groupNames(),
    }),
});

// The language is loaded when an application has such a policy.
const language = lazy(() =>
  require("../expression/expression.ts") as typeof import("../expression/expression.ts")
);

/** An expression that yields a boolean, as far as its type is known. */
function truth() {
  const example = 'add an expression that yields a boolean, like "actor.id == meta.owner"';
  return required("expression", example).superRefine((source, context) => {
    const refuse = (message: string) =>
      context.addIssue({ code: "custom", message, params: { fix: example } });
    try {
      const { type } = language().compileExpression(source);
      if (type !== "bool" && type !== "unknown") {
        refuse(`expression yields ${type}, not a boolean`);
      }
    } catch (error) {
      refuse(`invalid expression: ${(error as Error).message}`);
    }
  });
}

/** A rule whose condition is an expression over `actor`, `action`, `resource` and `meta`. */
export const securityPolicyExpr = defineKind({
  name: "security.policy.expr",
  schema: () =>
    z.object({
      policy: z.object({ ...ruleFields(), expression: truth() }, {
        error:
          'policy is required: "policy: { actions: …, resources: …, effect: allow, expression: … }"',
      }),
      groups: groupNames(),
    }),
});

/** Tokens that stand for an actor and a scope, kept in a store. */
export const tokenStore = defineKind({
  name: "security.token_store",
  references: [{ path: ["store"], bareName: true, kinds: ["store."] }],
  schema: () =>
    z.object({
      store: required("store", 'add "store: NAME" of a store.* entry'),
      /** Random bytes of a token. */
      token_length: size(32, "token_length").refine((count) => count <= 1024, {
        error: "token_length must be at most 1024",
      }),
      /** Milliseconds. */
      default_expiration: duration(86_400_000),
      /** Tokens are signed with it; with an empty one they are not. */
      token_key: z.string({ error: "token_key must be text" }).default(""),
    }),
});
