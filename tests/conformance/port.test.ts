import { expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { temporalExceptions } from "./temporal-exceptions.ts";

/** The only files that may know a provider by name. */
const knows = ["sqlite-place.ts", "temporal-clock.ts", "temporal-place.ts"];

test("the suite knows only the port", () => {
  const inside = readdirSync(import.meta.dir).filter((name) => name.endsWith(".ts"));
  expect(inside).toEqual(expect.arrayContaining(knows));
  const beyond = inside.filter((name) => !knows.includes(name)).flatMap((name) => {
    const text = readFileSync(join(import.meta.dir, name), "utf8");
    return [...text.matchAll(/from "([^"]*workflows\/providers[^"]*|bun:sqlite)"/g)]
      .map(([, path]) => `${name} imports ${path}`);
  });
  expect(beyond, "import src/workflows/provider.ts, and put what is a provider's into its Place")
    .toEqual([]);
});

test("every exception of Temporal is a test, and is in the page for people", () => {
  const tests = readdirSync(import.meta.dir).filter((name) => name.endsWith(".test.ts"))
    .map((name) => readFileSync(join(import.meta.dir, name), "utf8")).join("\n");
  // The names of tests with rows are made of them.
  const patterns = [...tests.matchAll(/"([^"\n]*%s[^"\n]*)"/g)].map(([, pattern]) =>
    new RegExp(`^${pattern!.split("%s").map((part) => RegExp.escape(part)).join(".+")}$`)
  );
  const page = readFileSync(
    join(import.meta.dir, "../../docs/contributing/temporal-conformance.md"),
    "utf8",
  );
  for (const name of Object.keys(temporalExceptions)) {
    const isTest = tests.includes(`"${name}"`) || patterns.some((pattern) => pattern.test(name));
    expect([name, isTest, page.includes(name)]).toEqual([name, true, true]);
  }
});
