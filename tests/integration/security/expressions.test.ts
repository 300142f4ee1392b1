import { expect, test } from "bun:test";
import { startApplication } from "../application.ts";

const source = `
local security = require("security")
return { main = function(policy, action, resource, meta, actor)
  actor = actor or { id = "u1", meta = { role = "admin", level = 5, tags = { "a", "b" } } }
  local found = assert(security.policy(policy))
  return found:evaluate(security.new_actor(actor.id, actor.meta), action, resource, meta)
end }`;

/** An application with policies of expressions, whose function evaluates one of them for the actor `u1`. */
function policies(rules: Record<string, Record<string, unknown>>) {
  return startApplication({
    entries: Object.fromEntries(
      Object.entries(rules).map(([name, rule]) => [name, {
        kind: "security.policy.expr",
        policy: { actions: "*", resources: "*", effect: "allow", ...rule },
      }]),
    ),
    functions: { evaluate: { modules: ["security"], source } },
  });
}

/** Expression, and whether its policy applies to `read` on `doc:1`, with and without metadata. */
const expressions: [string, boolean, boolean][] = [
  ["true", true, true],
  ["false", false, false],
  ['actor.id == "u1"', true, true],
  ['actor.meta.role == "admin" and actor.meta.level > 3', true, true],
  ['"b" in actor.meta.tags', true, true],
  ['action == "read" && resource startsWith "doc:"', true, true],
  ["meta.owner == actor.id", true, false],
  ["meta.owner != actor.id", false, true],
  ["any(meta.list, # > 1)", true, false],
  // Names and members that are not there are nil; a member of nil, and nil in an order, are failures.
  ["nobody == nil", true, true],
  ['actor.meta.missing == "x"', false, false],
  ['actor.meta.missing != "x"', true, true],
  ['actor.meta.missing.deep == "x"', false, false],
  ["actor.meta.missing?.deep == nil", true, true],
  ["not (actor.meta.missing < 5)", false, false],
  ["meta.size < 20", true, false],
  // What is no boolean when it runs says nothing.
  ["actor.id", false, false],
  ["meta.size", false, false],
];

test("a policy applies where its expression is true", async () => {
  const application = await policies(Object.fromEntries(
    expressions.flatMap(([expression], i) => [
      [`allow${i}`, { expression }],
      [`deny${i}`, { expression, effect: "deny" }],
    ]),
  ));
  const evaluate = (policy: string, meta?: Record<string, unknown>) =>
    application.call("evaluate", `app:${policy}`, "read", "doc:1", meta as never);
  for (const [i, [expression, withMeta, without]] of expressions.entries()) {
    const meta = { owner: "u1", size: 10, list: [1, 2] };
    for (const effect of ["allow", "deny"]) {
      expect([expression, await evaluate(`${effect}${i}`, meta), await evaluate(`${effect}${i}`)])
        .toEqual([expression, withMeta ? effect : "undefined", without ? effect : "undefined"]);
    }
  }
});

test("actions and resources are matched first", async () => {
  const application = await policies({
    rule: { actions: "doc.*", resources: "doc:1", expression: "true" },
  });
  const evaluate = (action: string, resource: string) =>
    application.call("evaluate", "app:rule", action, resource);
  expect(await evaluate("doc.read", "doc:1")).toBe("allow");
  expect(await evaluate("db.read", "doc:1")).toBe("undefined");
  expect(await evaluate("doc.read", "doc:2")).toBe("undefined");
});

test("module checks follow expressions, of groups too", async () => {
  const application = await startApplication({
    entries: {
      calls: {
        kind: "security.policy.expr",
        groups: ["callers"],
        policy: {
          actions: "*",
          resources: "*",
          effect: "allow",
          expression: 'not (resource endsWith ":secret") || actor.id == "boss"',
        },
      },
    },
    functions: {
      open: "return { main = function() return 'open' end }",
      secret: "return { main = function() return 'secret' end }",
      as: {
        modules: ["security", "funcs"],
        source: `
local security, funcs = require("security"), require("funcs")
return { main = function(who, target)
  local scope = assert(security.named_scope("app:callers"))
  local as = funcs.new():with_actor(security.new_actor(who)):with_scope(scope)
  local value, err = as:call("app:relay", target)
  return value or err:kind()
end }`,
      },
      relay: {
        modules: ["funcs"],
        source: `
return { main = function(target)
  local value, err = require("funcs").call(target)
  if err then return err:kind() end
  return value
end }`,
      },
    },
  });
  expect(await application.call("as", "clerk", "app:open")).toBe("open");
  expect(await application.call("as", "clerk", "app:secret")).toBe("PermissionDenied");
  expect(await application.call("as", "boss", "app:secret")).toBe("secret");
});

test.each<[Record<string, unknown>, string]>([
  [{}, "expression is required"],
  [{ expression: 5 }, "expression must be text"],
  [{ expression: "actor.id ==" }, "invalid expression: unexpected end of the expression"],
  [{ expression: "nothing(1)" }, "unknown name nothing"],
  [{ expression: "1 + 1" }, "expression yields int, not a boolean"],
  [{ expression: "upper(resource)" }, "expression yields string, not a boolean"],
  [{ expression: 'resource matches "("' }, "missing closing )"],
  [{ expression: "true", actions: [] }, "actions is required"],
  [{ expression: "true", effect: "maybe" }, "unknown effect: maybe"],
])("%j is refused at load", async (rule, message) => {
  const error: Error = await policies({ bad: rule }).then(() => new Error("loaded"), (e) => e);
  expect(error.message).toContain(message);
});
