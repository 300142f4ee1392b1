import { describe, expect, test } from "bun:test";
import { kinds, suggestKind } from "../../../src/registry/kinds.ts";
import { builtinModules, isModule, suggestModule } from "../../../src/registry/modules.ts";
import { refusedKind, refusedModules } from "../../../src/registry/refused.ts";
import { specifiedKinds, specifiedModules } from "./specified.ts";

/** What a sentence of refusal tells: what it is, that it is not here, and what there is instead. */
const sentence =
  /^(\S+) .*\bthis wippy\b.*(?:, |; )(?:and|use|write|keep|list|or) .*$|^(\S+) .*needs no entry here; .*$/;

/** The names of modules and kinds in what a sentence proposes. */
function proposed(text: string): string[] {
  return text.slice(text.indexOf("; ")).match(/[a-z_]+(?:\.[a-z_0-9]+)*/g)!
    .filter((word) => builtinModules.has(word) || kinds.has(word));
}

describe("a module that the reference runtime has", () => {
  test.each(specifiedModules)("%s is there, or refused with what to use instead", (name) => {
    if (isModule(name)) return expect(refusedModules.has(name)).toBe(false);
    const text = suggestModule(name);
    expect(text).toBe(refusedModules.get(name)!);
    expect(text).toMatch(sentence);
    expect(text).toStartWith(`${name} `);
    expect(proposed(text)).not.toBeEmpty();
  });
});

describe("a kind that the reference runtime has", () => {
  test.each(specifiedKinds)(
    "%s is there, or refused with what to use instead",
    (name) => {
      if (kinds.has(name)) return expect(refusedKind(name)).toBeUndefined();
      const text = suggestKind(name);
      expect(text).toBe(refusedKind(name)!);
      expect(text).toMatch(sentence);
      if (name !== "module.lua") expect(proposed(text)).not.toBeEmpty();
    },
  );
});

test("what is refused is not there", () => {
  expect([...refusedModules.keys()].filter(isModule)).toEqual([]);
  expect([...kinds.keys()].filter((name) => refusedKind(name) !== undefined)).toEqual([]);
});
