import { expect, test } from "bun:test";
import fc from "fast-check";
import { workflowIdOf, workflowPid } from "../../../src/workflows/pid.ts";

test("a PID gives back its workflow id", () => {
  expect(workflowPid("local", "app:w", "order-1")).toBe("{app:w|order-1}");
  expect(workflowPid("eu-1", "app:w", "order-1")).toBe("{eu-1@app:w|order-1}");
  const id = fc.string({ minLength: 1 }).filter((text) => !text.includes("|"));
  fc.assert(fc.property(id, (workflowId) => {
    expect(workflowIdOf(workflowPid("local", "app:w", workflowId))).toBe(workflowId);
  }));
});

test("a PID without node has a workflow id, other text has none", () => {
  expect(workflowIdOf("{app:w|order-1}")).toBe("order-1");
  for (const text of ["", "order-1", "{order-1}", "{app:w|}", "app:w|order-1", "{a|b"]) {
    expect(workflowIdOf(text)).toBeUndefined();
  }
});
