import { expect, test } from "bun:test";
import { Names } from "../../../src/node/names.ts";

const kind = (run: () => unknown) => {
  try {
    return run();
  } catch (error) {
    return (error as { kind: string }).kind;
  }
};

test("a name is found until it is removed or its owner ends", () => {
  const names = new Names();
  names.register("a", "{h|0x1}");
  names.register("a", "{h|0x1}");
  names.register("b", "{h|0x1}");
  expect(names.lookup("a")).toBe("{h|0x1}");
  expect(kind(() => names.register("a", "{h|0x2}"))).toBe("AlreadyExists");
  expect(names.unregister("a")).toBe(true);
  expect(names.unregister("a")).toBe(false);
  names.release("{h|0x1}");
  expect(kind(() => names.lookup("b"))).toBe("NotFound");
  names.register("b", "{h|0x2}");
  names.release("{h|0x1}");
  expect(names.lookup("b")).toBe("{h|0x2}");
});

test("claim answers who has the name", () => {
  const names = new Names();
  expect(names.claim("n", "{h|0x1}")).toBe("{h|0x1}");
  expect(names.claim("n", "{h|0x2}")).toBe("{h|0x1}");
});

test("releaseWhere frees the names of many", () => {
  const names = new Names();
  for (const pid of ["1", "2", "3"]) names.register(`n${pid}`, pid);
  names.releaseWhere((pid) => pid !== "2");
  expect(["n1", "n2", "n3"].map((name) => kind(() => names.lookup(name)))).toEqual([
    "NotFound",
    "2",
    "NotFound",
  ]);
});

test("an owner that has lost all its names is forgotten", () => {
  const names = new Names();
  names.register("n", "1");
  names.unregister("n");
  const asked: string[] = [];
  names.releaseWhere((pid) => asked.push(pid) > 0);
  expect(asked).toEqual([]);
});
