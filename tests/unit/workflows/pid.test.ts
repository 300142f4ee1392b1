import { expect, test } from "bun:test";
import fc from "fast-check";
import { placeOf, workflowIdOf, workflowPid } from "../../../src/workflows/pid.ts";

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

test("a PID of this node has a host and an id, other text has no place", () => {
  expect(placeOf("{app:w|order-1}")).toEqual({ hostId: "app:w", workflowId: "order-1" });
  expect(placeOf(workflowPid("local", "app:w", "a|b}"))).toEqual({
    hostId: "app:w",
    workflowId: "a|b}",
  });
  const none = ["", "order-1", "{order-1}", "{app:w|}", "{|order-1}", "app:w|order-1", "{a:w|b"];
  for (const text of [...none, "{eu-1@app:w|order-1}"]) expect(placeOf(text)).toBeUndefined();
});
