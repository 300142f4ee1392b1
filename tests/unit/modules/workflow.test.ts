import { expect, test } from "bun:test";
import { evaluate } from "./lua-unit.ts";

test.each([
  ["workflow.info()", "nil nil"],
  ["workflow.history_length()", "0 nil"],
  ["workflow.history_size()", "0 nil"],
  ["workflow.all_handlers_finished()", "true nil"],
  ["workflow.version('change', 1, 3)", "3 nil"],
])("outside a workflow, %s returns %s", async (call, expected) => {
  const code = `local value, err = ${call} return tostring(value) .. " " .. tostring(err)`;
  expect(await evaluate(code)).toBe(expected);
});

test.each([
  ["workflow.exec('')", "workflow ID required"],
  ["workflow.exec('main')", "invalid id format: 'main' (namespace:name expected)"],
  ["workflow.set_query_handler('q', print)", "query handlers can be set only inside a workflow"],
  ["workflow.set_update_handler('u', print)", "update handlers can be set only inside a workflow"],
  ["workflow.with_timeout(0, print)", "timeout must be a duration above 0, not 0"],
])("%s is Invalid", async (call, message) => {
  const code = `local value, err = ${call} return { value == nil, err:kind(), err:message() }`;
  expect(await evaluate(code)).toEqual([true, "Invalid", message]);
});
