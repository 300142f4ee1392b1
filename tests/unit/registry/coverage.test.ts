/** The page of what is built names every kind and module, as the registry has them, with tests that mention them. */
import { expect, test } from "bun:test";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { root } from "../../../scripts/sources.ts";
import { kinds } from "../../../src/registry/kinds.ts";
import { builtinModules } from "../../../src/registry/modules.ts";
import { refusedKind, refusedModules } from "../../../src/registry/refused.ts";
import { specifiedKinds, specifiedModules } from "./specified.ts";

const page = join(root, "docs/reference/built.md");
const [, kindsPart = "", modulesPart = ""] = readFileSync(page, "utf8").split(/^## .*$/m);

/** The cells behind the name of each row that begins with a name. */
function rowsOf(text: string): Map<string, string[]> {
  const rows = text.split("\n").map((line) =>
    line.split("|").slice(1, -1).map((cell) => cell.trim())
  );
  return new Map(rows.flatMap(([name = "", ...cells]) => {
    const quoted = /^`(.+)`$/.exec(name)?.[1];
    return quoted === undefined ? [] : [[quoted, cells] as const];
  }));
}

function textOf(path: string): string {
  if (!statSync(path).isDirectory()) return readFileSync(path, "utf8");
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), "utf8")).join("\n");
}

/** The texts of the tests that a cell links. */
function testsOf(cell: string): string {
  const links = [...cell.matchAll(/\]\(([^)]+)\)/g)].map(([, link]) => link!);
  expect(links).not.toBeEmpty();
  return links.map((link) => textOf(join(dirname(page), link))).join("\n");
}

const builtOf = (part: string) => [...rowsOf(part)].filter(([, cells]) => cells.length === 2);
const refusedOf = (part: string) =>
  Object.fromEntries(
    [...rowsOf(part)].filter(([, cells]) => cells.length === 1)
      .map(([name, [sentence]]) => [name, sentence]),
  );

test.each([
  ["kinds", kindsPart, [...kinds.keys()]],
  ["modules", modulesPart, [...builtinModules.keys()]],
])("the page has the %s of the registry", (_what, part, present) => {
  expect(builtOf(part).map(([name]) => name)).toEqual(present.toSorted());
});

test("it has what else is specified, with the sentences of the errors", () => {
  const missing = specifiedKinds.filter((name) => !kinds.has(name));
  expect(refusedOf(kindsPart)).toEqual(
    Object.fromEntries(missing.map((name) => [name, refusedKind(name)!])),
  );
  const without = specifiedModules.filter((name) => !builtinModules.has(name));
  expect(refusedOf(modulesPart)).toEqual(
    Object.fromEntries(without.map((name) => [name, refusedModules.get(name)!])),
  );
});

test.each(builtOf(kindsPart))("the tests of %s mention it", (name, [, tests = ""]) => {
  const whole = new RegExp(`(?<![\\w.])${name.replaceAll(".", "\\.")}(?![\\w.])`);
  expect(testsOf(tests)).toMatch(whole);
});

test.each(builtOf(modulesPart))("the tests of %s use it", (name, [, tests = ""]) => {
  // Listed, required, or, where a test lists the module of its name for all, one of its functions called.
  const use = new RegExp(`["'\\s,[]${name}["'\\s,\\]]|\\b${name}[.:]\\w+`);
  expect(testsOf(tests)).toMatch(use);
});
