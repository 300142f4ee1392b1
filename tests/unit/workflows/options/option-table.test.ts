import { expect, test } from "bun:test";
import { WippyError } from "../../../../src/vm/error.ts";
import { LuaFloat, type LuaValue } from "../../../../src/vm/value.ts";
import {
  parseActivityOptions,
  parseChildOptions,
  parseStartOptions,
} from "../../../../src/workflows/options/option-table.ts";

/** A table as the VM hands it over. */
const table = (fields: Record<string, LuaValue>): Record<string, LuaValue> =>
  Object.assign(Object.create(null), fields);

/** The message with which a table is refused, or undefined. */
function refusal(parse: (value: LuaValue) => unknown, key: string, value: LuaValue) {
  try {
    parse({ [key]: value });
  } catch (error) {
    if (error instanceof WippyError && error.kind === "Invalid") return error.message;
    throw error;
  }
  return undefined;
}

test("a table where something else belongs is named as one", () => {
  expect(refusal(parseStartOptions, "workflow.details", table({}))).toBe(
    "option workflow.details: a text that is not empty expected, got a table",
  );
  expect(refusal(parseActivityOptions, "activity.start_to_close_timeout", table({ a: 1 })))
    .toContain("expected, got a table");
  expect(refusal(parseStartOptions, "workflow.memo", [1])).toContain("got a list");
});

test("enumerations have the numbers of Temporal's protocol", () => {
  const policies = ["fail", "use_existing", "terminate_existing"] as const;
  for (const [at, word] of policies.entries()) {
    expect(parseStartOptions({ "workflow.id_conflict_policy": at + 1 }).options)
      .toEqual({ idConflictPolicy: word });
  }
  expect(parseStartOptions({ "workflow.id_reuse_policy": new LuaFloat(3) }).options)
    .toEqual({ idReusePolicy: "reject_duplicate" });
  expect(parseChildOptions({ "workflow.parent_close_policy": 2n }).options)
    .toEqual({ parentClosePolicy: "abandon" });
  expect(refusal(parseStartOptions, "workflow.id_reuse_policy", 4)).toContain("got 4");
});

test.each<[LuaValue, string | undefined]>([
  [table({ a: "x", b: 1, c: new LuaFloat(2), d: true, e: ["x", "y"], f: table({}) }), undefined],
  [table({ a: table({ b: 1 }) }), "option workflow.search_attributes.a: "],
  [table({ a: ["x", 5] }), "option workflow.search_attributes.a[2]: a text expected, got 5"],
  [5, "option workflow.search_attributes: a table with text keys"],
])("search attributes %o", (value, message) => {
  for (const parse of [parseStartOptions, parseChildOptions]) {
    const said = refusal(parse, "workflow.search_attributes", value);
    if (message === undefined) expect(said).toBeUndefined();
    else expect(said).toContain(message);
  }
});

test.each<[(value: LuaValue) => unknown, string, LuaValue, string | undefined]>([
  [parseStartOptions, "workflow.versioning_override", "AUTO-UPGRADE", undefined],
  [parseStartOptions, "workflow.versioning_override", "zz", '"auto_upgrade" or { mode = '],
  [parseStartOptions, "workflow.versioning_override", 5, "got 5"],
  [
    parseStartOptions,
    "workflow.versioning_override",
    table({ mode: "pinned", version: table({ deployment_name: "d", buildId: "b" }) }),
    undefined,
  ],
  [parseStartOptions, "workflow.versioning_override", table({ mode: "zz" }), ".mode: "],
  [
    parseStartOptions,
    "workflow.versioning_override",
    table({ mode: "pinned", version: table({ build_id: 5 }) }),
    ".version.build_id: a text",
  ],
  [parseStartOptions, "workflow.priority", table({ priorityKey: 3 }), undefined],
  [parseStartOptions, "workflow.priority", table({ priority_key: "x" }), ".priority_key: "],
  [parseActivityOptions, "activity.priority", table({ fairness_weight: "x" }), "_weight: "],
  [parseActivityOptions, "activity.versioning_intent", table({}), "a text or a whole number"],
  [parseChildOptions, "workflow.versioning_intent", "compatible", undefined],
  [parseChildOptions, "workflow.namespace", 5, "a text that is not empty"],
])("%p: %s %o", (parse, key, value, message) => {
  const said = refusal(parse, key, value);
  if (message === undefined) expect(said).toBeUndefined();
  else expect(said).toContain(message);
});
