import type { RE2JS } from "re2js";
import { compilePattern } from "../../registry/pattern.ts";
import { tokenStore } from "../../registry/kinds/security.ts";
import { z } from "../../registry/schema.ts";
import { lazy } from "../../registry/lazy.ts";
import { WippyError } from "../../vm/error.ts";
import { asLua, type LuaValue } from "../../vm/value.ts";
import {
  addedByModule,
  defineOperation,
  luaList,
  luaString,
  type Operation,
  type OperationContext,
} from "../operation.ts";
import { groupOf, policyOf } from "./policies.ts";
import type { TokenStore } from "./tokens.ts";

const anything = lazy(() => z.custom<LuaValue>(() => true));
const id = lazy(() => addedByModule(z.string({ error: "an identifier is text" })));

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

/** Uses a token store; what fails there is Internal for programs, which do not see how tokens are kept. */
async function withTokens(
  { services, pid, signal }: OperationContext,
  store: string,
  use: (tokens: TokenStore) => Promise<LuaValue>,
): Promise<LuaValue> {
  const { TokenStore } = await import("./tokens.ts");
  try {
    return await use(
      TokenStore.of(store, {
        entry: (id) => services.entry(id),
        variables: services.environment,
        ask: (service, operation, input) =>
          services.ask({ service, operation, input, pid, signal }),
        random: services.random,
        now: services.clock.now,
      }),
    );
  } catch (error) {
    const failure = WippyError.from(error);
    if (failure.kind === "Canceled") throw failure;
    throw new WippyError("Internal", failure.message, {
      retryable: failure.retryable ?? false,
      details: { kind: failure.kind },
      cause: failure,
    });
  }
}

/** Bytes that are no text are no token either. */
const token = lazy(() => luaString().transform((text) => typeof text === "string" ? text : ""));

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
  defineOperation({
    name: "security.token_store",
    summary: "Whether an entry is a token store.",
    mode: "immediate",
    arguments: () => [id()],
    run: ({ services }, store) => {
      if (services.entry(store)?.kind === tokenStore.name) return true;
      throw new WippyError("Internal", `token store not found: ${store}`, { retryable: false });
    },
  }),
  defineOperation({
    name: "security.token_create",
    summary: "Makes a token for an actor and policies.",
    mode: "async",
    arguments: () => [
      id(),
      z.object({ id: z.string({ error: "an actor's id is text in UTF-8" }), meta: anything() }),
      luaList(z.string()),
      anything(),
      anything(),
    ],
    async run(context, store, actor, policies, expiration, meta) {
      const { expirationOf } = await import("./tokens.ts");
      const milliseconds = expirationOf(expiration);
      return await withTokens(
        context,
        store,
        (tokens) => tokens.create({ actor, policies, meta }, milliseconds),
      );
    },
  }),
  defineOperation({
    name: "security.token_validate",
    summary: "Returns the actor and the policies of a token.",
    mode: "async",
    arguments: () => [id(), token()],
    run: (context, store, text) =>
      withTokens(context, store, async (tokens) => asLua(await tokens.validate(text))),
  }),
  defineOperation({
    name: "security.token_revoke",
    summary: "Forgets a token.",
    mode: "async",
    arguments: () => [id(), token()],
    run: (context, store, text) =>
      withTokens(context, store, async (tokens) => {
        await tokens.revoke(text);
        return true;
      }),
  }),
];
