import { expect, test } from "bun:test";
import { check } from "../../../src/language/check/check.ts";
import { lower, parse } from "../../../src/language/language.ts";
import { lint } from "../../../src/language/lint.ts";

const megabyte = 2 ** 20;

test("a text of 50 MB is parsed, and its fault has its line", () => {
  const line = "local x = f(1) -- a comment that makes this line as long as lines are\n";
  const lines = Math.ceil(50 * megabyte / line.length);
  const found = lower(
    `local n: number = 1\n${`do ${line.trimEnd()}\nend\n`.repeat(lines / 2)}type =`,
  );
  expect(found).toMatchObject({ fault: { line: 2 + 2 * Math.floor(lines / 2) } });
}, 60_000);

test("a literal and a comment of 50 MB are one token each", () => {
  const long = "a".repeat(50 * megabyte);
  expect(parse(`local s: string = "${long}"`).faults).toEqual([]);
  expect(parse(`local s: string = "" -- ${long}`).comments).toHaveLength(1);
}, 60_000);

test.each([
  ["itself", "type A = { next: A? }\nlocal a: A = {}\nlocal b: A = { next = a }"],
  ["itself at once", "type A = A\nlocal a: A = 1"],
  ["itself in a union", "type A = A | A\nlocal a: A = 1"],
  ["another that names it", "type A = B\ntype B = A\nlocal a: A = 1"],
  ["itself as a list", "type A = A[]\nlocal a: A = { {}, { {} } }"],
  [
    "a larger one of itself",
    "type A<T> = { value: T, next: A<T[]>? }\nlocal a: A<number> = { value = 1 }",
  ],
  ["the keys of itself", "type A = keyof A\nlocal a: A = 1"],
  ["the type of a local that has it", "local a: typeof(a) = 1\nprint(a)"],
])("a type that names %s has an end", (_what, text) => {
  const tree = parse(text);
  expect(() => check(tree).diagnostics).not.toThrow(RangeError);
  expect(() => lint(tree, new Set())).not.toThrow();
  expect(lower(text)).toBeDefined();
});

test.each([
  ["records", (depth: number) => `${"{ a: ".repeat(depth)}number${" }".repeat(depth)}`],
  ["lists", (depth: number) => `${"{".repeat(depth)}number${"}".repeat(depth)}`],
  ["functions", (depth: number) => `${"(".repeat(depth)}number${") -> number".repeat(depth)}`],
  ["lists behind", (depth: number) => `number${"[]".repeat(depth)}`],
  ["options", (depth: number) => `number${"?".repeat(depth)}`],
])("types of 1,000 %s in each other are checked or refused in words", (_what, make) => {
  const text = `type Deep = ${make(1000)}\nlocal a: Deep = f()\nlocal b: Deep = a\nreturn b`;
  const tree = parse(text);
  if (tree.faults.length > 0) {
    expect(tree.faults[0]!.message).toContain("levels");
    return;
  }
  expect(check(tree).diagnostics).toEqual([]);
  expect(lower(text)).toMatchObject({ code: expect.any(String) });
});

test.each([
  ["fields", ".z"],
  ["elements", "[1]"],
  ["calls", "()"],
  ["method calls", ":z()"],
  ["additions", " + 1"],
])(
  "a chain of 4,100 %s is too deep for the check, whatever the stack has room for",
  (_what, link) => {
    const chain = (links: number) => parse(`local x = y${link.repeat(links)}`);
    expect(check(chain(3_900)).diagnostics).toEqual([]);
    expect(() => check(chain(4_100))).toThrow("the code is nested too deeply");
  },
);

test("a path of many fields has no facts, and is no fault", () => {
  const path = `y${".z".repeat(40)}`;
  const text = `local y = f()\nif ${path} then ${path} = ${path}.a end\nreturn ${path}.b`;
  expect(check(parse(text)).diagnostics).toEqual([]);
});
