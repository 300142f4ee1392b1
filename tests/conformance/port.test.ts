import { expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** The only files that may know a provider by name. */
const knows = ["sqlite-place.ts", "temporal-place.ts"];

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
