import { expect, test } from "bun:test";
import { startApplication } from "../application.ts";

const actor = `{ id = "u1", meta = { role = "admin", level = "5", tags = { "a", "b" } } }`;

/** An application with policies, whose function evaluates one of them for the actor `u1`. */
function policies(entries: Record<string, Record<string, unknown>>) {
  return startApplication({
    entries: Object.fromEntries(
      Object.entries(entries).map(([name, policy]) => [name, { kind: "security.policy", policy }]),
    ),
    functions: {
      evaluate: {
        modules: ["security"],
        source: `
local security = require("security")
return { main = function(policy, action, resource, meta)
  local a = ${actor}
  return assert(security.policy(policy)):evaluate(security.new_actor(a.id, a.meta), action, resource, meta)
end }`,
      },
    },
  });
}

const patterns: [string, string, boolean][] = [
  ["db.*", "db.get", true],
  ["db.*", "db", true],
  ["db.*", "dbx.drop", true],
  ["doc:*", "doc:1", true],
  ["doc:*", "doc", false],
  ["*.get", "db.get", false],
  ["app.*:x", "app.a:x", false],
  ["*", "", true],
  ["", "", true],
  ["db.get", "DB.get", false],
];

test("patterns match as written, for actions and for resources", async () => {
  const entries: Record<string, Record<string, unknown>> = {};
  patterns.forEach(([pattern], index) => {
    entries[`action${index}`] = { actions: [pattern], resources: "*", effect: "allow" };
    entries[`resource${index}`] = { actions: "*", resources: [pattern], effect: "deny" };
  });
  const application = await policies(entries);
  for (const [index, [pattern, value, matches]] of patterns.entries()) {
    expect([pattern, value, await application.call("evaluate", `app:action${index}`, value, "r")])
      .toEqual([pattern, value, matches ? "allow" : "undefined"]);
    expect([pattern, value, await application.call("evaluate", `app:resource${index}`, "a", value)])
      .toEqual([pattern, value, matches ? "deny" : "undefined"]);
  }
});

const meta = { owner: "u1", size: 10, open: true, "a.b": "dotted", deep: { er: 1.0 } };

/** field, operator, value (or `{ from }`), holds. */
const conditions: [string, string, unknown, boolean][] = [
  ["actor.meta.role", "eq", "admin", true],
  ["actor.meta.level", "gte", 3, true],
  ["actor.meta.level", "eq", 5, true],
  ["actor.meta.level", "lt", "1e1", true],
  ["actor.meta.tags", "contains", "a", true],
  ["actor.meta.tags", "contains", "c", false],
  ["actor.meta.tags", "ncontains", "c", true],
  ["actor.meta.tags", "eq", "a", false],
  ["meta.owner", "eq", { from: "actor.id" }, true],
  ["meta.owner", "ne", { from: "actor.id" }, false],
  ["meta.owner", "eq", { from: "meta.missing" }, false],
  ["meta.missing", "eq", "x", false],
  ["meta.missing", "ne", "x", false],
  ["meta.missing", "nin", ["x"], false],
  ["meta.missing", "ncontains", "x", false],
  ["meta.missing", "nmatches", "x", false],
  ["meta.missing", "exists", true, false],
  ["meta.missing", "exists", false, true],
  ["meta.missing", "nexists", true, true],
  ["meta.owner", "exists", true, true],
  ["meta.owner", "exists", "yes", true],
  ["meta.owner", "nexists", true, false],
  ["meta.owner", "lt", 5, false],
  ["owner", "eq", "u1", true],
  ["a.b", "eq", "dotted", true],
  ["meta.deep.er", "eq", 1, true],
  ["meta.deep.er.more", "exists", true, false],
  ["meta.size", "in", [10, 20], true],
  ["meta.size", "in", ["1e1"], true],
  ["meta.size", "in", "10", true],
  ["meta.size", "in", 10, false],
  ["meta.size", "nin", [1, 2], true],
  ["meta.size", "eq", "10", true],
  ["meta.open", "eq", "true", true],
  ["meta.size", "contains", 1, true],
  ["actor.id", "in", { from: "actor.meta.tags" }, false],
  ["resource", "matches", "^doc:", true],
  ["resource", "nmatches", "^doc:", false],
  ["resource", "matches", "c:[0-9]", true],
  ["resource", "matches", { from: "meta.owner" }, false],
  ["resource", "matches", 5, false],
  ["action", "eq", "read", true],
  ["actor", "exists", true, false],
  ["meta", "exists", true, false],
  ["actor.other", "exists", true, false],
];

test("conditions hold as the table of the specification says", async () => {
  const application = await policies(Object.fromEntries(
    conditions.map(([field, operator, value], index) => {
      const from = (value as { from?: string }).from;
      const condition = { field, operator, ...(from ? { value_from: from } : { value }) };
      const rule = { actions: "*", resources: "*", effect: "allow", conditions: [condition] };
      return [`p${index}`, rule];
    }),
  ));
  for (const [index, [field, operator, value, holds]] of conditions.entries()) {
    const answer = await application.call("evaluate", `app:p${index}`, "read", "doc:1", meta);
    expect([field, operator, value, answer])
      .toEqual([field, operator, value, holds ? "allow" : "undefined"]);
  }
});

test("all conditions must hold, and the first that does not ends it", async () => {
  const application = await policies({
    both: {
      actions: "*",
      resources: "*",
      effect: "deny",
      conditions: [
        { field: "actor.id", operator: "eq", value: "u1" },
        { field: "meta.owner", operator: "eq", value: "u1" },
      ],
    },
  });
  expect(await application.call("evaluate", "app:both", "a", "r", { owner: "u1" })).toBe("deny");
  expect(await application.call("evaluate", "app:both", "a", "r", { owner: "x" }))
    .toBe("undefined");
});

const faults: [Record<string, unknown>, string][] = [
  [{ resources: "*", effect: "allow" }, "actions is required"],
  [{ actions: [], resources: "*", effect: "allow" }, "actions is required"],
  [{ actions: 5, resources: "*", effect: "allow" }, "actions must be a text or a list of texts"],
  [{ actions: "*", effect: "allow" }, "resources is required"],
  [{ actions: "*", resources: "*", effect: "maybe" }, "unknown effect: maybe"],
];
const conditionFaults: [Record<string, unknown>, string][] = [
  [{ operator: "eq", value: 1 }, "condition field is required"],
  [{ field: "x", value: 1 }, "operator"],
  [{ field: "x", operator: "like", value: 1 }, "unknown operator: like"],
  [{ field: "x", operator: "eq" }, "condition has neither value nor value_from"],
  [{ field: "x", operator: "eq", value: null }, "condition has neither value nor value_from"],
  [{ field: "x", operator: "matches", value: "(" }, 'invalid regular expression "("'],
];
for (const [condition, message] of conditionFaults) {
  faults.push([{ actions: "*", resources: "*", effect: "deny", conditions: [condition] }, message]);
}
for (const [policy, message] of faults) {
  test(`a policy is refused at load: ${JSON.stringify(policy)}`, async () => {
    const error: Error = await policies({ bad: policy }).then(() => new Error("loaded"), (e) => e);
    expect(error.message).toContain(message);
  });
}

test("a policy's regular expression takes time in proportion to the text", async () => {
  const application = await policies({
    slow: {
      actions: "*",
      resources: "*",
      effect: "allow",
      conditions: [{ field: "resource", operator: "matches", value: "^(a+)+$" }],
    },
  });
  const text = "a".repeat(40) + "b";
  expect(await application.call("evaluate", "app:slow", "x", text)).toBe("undefined");
});
