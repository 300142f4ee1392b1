import { expect, test } from "bun:test";
import { main, startApplication } from "../application.ts";

test("scopes are sets that never change; deny wins, in any order", async () => {
  const application = await startApplication({
    entries: {
      reads: {
        kind: "security.policy",
        policy: { actions: "doc.read", resources: "doc:*", effect: "allow" },
        groups: ["readers"],
      },
      secret: {
        kind: "security.policy",
        policy: {
          actions: "*",
          resources: "doc:*",
          effect: "deny",
          conditions: [{ field: "meta.secret", operator: "eq", value: true }],
        },
        groups: ["readers", "other:group"],
      },
    },
    functions: {
      main: {
        modules: ["security", "time", "funcs"],
        source: main(`
          local security = require("security")
          local actor = security.new_actor("u1", { a = { 1 }, f = print, [1] = "x" })
          local meta = actor:meta()
          meta.a[1] = 2
          local reads, secret = security.policy("app:reads"), security.policy("app:secret")
          local group = security.named_scope("app:readers")
          local one = security.new_scope({ reads, "other", reads })
          local two = one:with(secret)
          local back = two:without("app:secret"):without(secret):without({ ns = "app", name = "x" })
          local answers = {}
          for _, scope in ipairs({ one, two, security.new_scope({ secret, reads }), group }) do
            answers[#answers + 1] = scope:evaluate(actor, "doc.read", "doc:1")
              .. " " .. scope:evaluate(actor, "doc.read", "doc:1", { secret = true })
              .. " " .. scope:evaluate(actor, "doc.write", "doc:1")
          end
          local _, gone = security.policy("app:none")
          local _, no_group = security.named_scope("app:none")
          local _, no_store = security.token_store("app:none")
          local _, no_id = security.token_store("")
          local ok, assigned = pcall(function() actor.id = "root" end)
          return {
            id = actor:id(), meta = actor:meta(), kind = type(actor), name = reads:id(),
            counts = { #one:policies(), #two:policies(), #back:policies(), #group:policies() },
            contains = { two:contains("app:secret"), two:contains({ ns = "app", name = "reads" }), one:contains(secret) },
            answers = answers,
            errors = { tostring(gone), gone:kind(), tostring(no_group), tostring(no_store), no_id:kind() },
            assigned = assigned,
            other = #security.named_scope("other:group"):policies(),
            none = { security.actor() == nil, security.scope() == nil, security.can("a", "b") },
          }`),
      },
    },
  });
  expect(await application.call("main")).toEqual({
    id: "u1",
    meta: { a: [1] },
    kind: "userdata",
    name: "app:reads",
    counts: [1, 2, 1, 2],
    contains: [true, true, false],
    answers: [
      "allow allow undefined",
      "allow deny undefined",
      "allow deny undefined",
      "allow deny undefined",
    ],
    errors: [
      "policy not found: app:none",
      "Internal",
      "policy group not found: app:none",
      "token store not found: app:none",
      "Invalid",
    ],
    assigned: expect.stringContaining("cannot assign field 'id'"),
    other: 1,
    none: [true, true, false],
  });
});
