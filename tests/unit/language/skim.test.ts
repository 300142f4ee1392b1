import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { root, sourceFiles } from "../../../scripts/sources.ts";
import { lower, lowerTree } from "../../../src/language/language.ts";
import { skim } from "../../../src/language/skim/skim.ts";

const files = sourceFiles("**/*.lua", ["lua", "examples", "bench", "tests"])
  .map((path) => [path, readFileSync(join(root, path), "latin1")] as const);
const head = "type Point = {x: number} type string_ = string interface Shape end ";

test("every Lua file of this repository becomes what its tree becomes", () => {
  expect(files.length).toBeGreaterThan(100);
  for (const [path, text] of files) {
    for (const made of [text, head + text]) {
      expect([path, lower(made)]).toEqual([path, lowerTree(made)]);
    }
  }
});

test("most of them without a tree", () => {
  const skimmed = files.filter(([, text]) => typeof skim(head + text) === "object");
  expect(skimmed.length).toBeGreaterThan(files.length * 0.95);
});

/** Chooses by a seed. */
class Chance {
  constructor(public seed: number) {}

  below(limit: number): number {
    this.seed = Math.imul(this.seed ^ (this.seed >>> 15), 0x2c1b3c6d) + 0x9e3779b9 | 0;
    return ((this.seed ^ (this.seed >>> 13)) >>> 0) % limit;
  }

  of<Value>(values: readonly Value[]): Value {
    return values[this.below(values.length)]!;
  }
}

/** Makes programs of typed Lua, some of them faulty. */
class Programs {
  #depth = 0;

  constructor(readonly chance: Chance) {}

  #deep<Value>(make: () => Value, otherwise: Value): Value {
    if (this.#depth > 5) return otherwise;
    this.#depth++;
    const made = make();
    this.#depth--;
    return made;
  }

  name(): string {
    return this.chance.of("f g Point Shape string integer as is type self x fun T".split(" "));
  }

  type(): string {
    return this.#deep(() =>
      this.chance.of([
        () => this.name(),
        () => "integer?",
        () => `{${this.type()}}`,
        () => `{[string]: ${this.type()}}`,
        () => `{x: ${this.type()}, y?: ${this.type()} @min(1)}`,
        () => `(${this.type()}, ${this.type()}) -> ${this.type()}`,
        () => `fun(a: ${this.type()}): (${this.type()}, ${this.type()})`,
        () => `${this.type()} | "a"`,
        () => "string @pattern('a(b)') @min_len(2)",
        () => `typeof(${this.expression()})`,
        () => "time.Duration",
        () => `Box<${this.type()}>`,
      ])(), "any");
  }

  annotation(): string {
    return this.chance.below(2) ? `: ${this.type()}` : "";
  }

  body(): string {
    const parameters = this.chance.of([
      "",
      "x",
      `f${this.annotation()}`,
      `a, ...${this.annotation()}`,
    ]);
    const generic = this.chance.below(6) ? "" : `<T: ${this.type()}>`;
    return `${generic}(${parameters})${this.annotation()} ${this.block()} end`;
  }

  suffixed(): string {
    return this.#deep(() =>
      this.chance.of([
        () => this.name(),
        () => `${this.suffixed()}.${this.chance.of(["x", "is", "kind", "as"])}`,
        () => `${this.suffixed()}[${this.expression()}]`,
        () => this.call(),
        () => `(${this.expression()})`,
      ])(), "x");
  }

  call(): string {
    const args = this.chance.of([
      () => `(${this.expression()})`,
      () => "()",
      () => "'text'",
      () => `{${this.expression()}}`,
    ])();
    const method = this.chance.below(3) ? "" : `:${this.chance.of(["is", "name", "put", "as"])}`;
    return `${this.suffixed()}${method}${args}`;
  }

  expression(): string {
    return this.#deep(() =>
      this.chance.of([
        () => this.suffixed(),
        () => `${this.expression()} ${this.chance.of(["+", "..", "and", "<", "//", "~="])} x`,
        () => `${this.chance.of(["-", "not ", "#"])}${this.expression()}`,
        () => `${this.expression()} as ${this.type()}`,
        () => `${this.expression()} :: ${this.type()}`,
        () => `${this.expression()}!`,
        () => `function${this.body()}`,
        () => `{ x = ${this.expression()}, [${this.expression()}] = 1; ${this.expression()} }`,
        () => this.chance.of(["1", "'a\\d'", "...", "nil", "0x1p4", "[[long]]"]),
      ])(), "1");
  }

  statement(): string {
    return this.#deep(() =>
      this.chance.of([
        () => `local ${this.name()}${this.annotation()} = ${this.expression()}`,
        () => `local f = function${this.body()}`,
        () => `local x <const>${this.annotation()}, f = ${this.expression()}`,
        () => `local function ${this.name()}${this.body()}`,
        () => `function x.${this.name()}:g${this.body()}`,
        () => `function ${this.name()}${this.body()}`,
        () => this.call(),
        () => `${this.suffixed()}, ${this.name()} = ${this.expression()}`,
        () => `if ${this.expression()} then ${this.block()} else ${this.block()} end`,
        () => `while ${this.expression()} do ${this.block()} break end`,
        () => `for i${this.annotation()} = 1, ${this.expression()} do ${this.block()} end`,
        () => `for k, ${this.name()}${this.annotation()} in pairs(x) do ${this.block()} end`,
        () => `repeat ${this.block()} until ${this.expression()}`,
        () => `type ${this.name()} = ${this.type()}`,
        () => `interface Shape function area(self, n: ${this.type()}): number end`,
        () => `do ${this.block()} return ${this.expression()} end`,
        () => "goto done ::done::",
      ])(), "x = 1");
  }

  block(): string {
    const separator = this.chance.of([" ", "\n", "; "]);
    return Array.from({ length: this.chance.below(4) }, () => this.statement()).join(separator);
  }
}

describe("random programs", () => {
  test("become what their trees become", () => {
    let sound = 0;
    for (let seed = 1; seed <= 2000; seed++) {
      const text = new Programs(new Chance(seed * 7919)).block();
      const expected = lowerTree(text);
      expect([seed, text, lower(text)]).toEqual([seed, text, expected]);
      if (expected && !("fault" in expected) && typeof skim(text) === "object") sound++;
    }
    expect(sound).toBeGreaterThan(200);
  }, 30_000);

  test("also with bytes taken out or put in", () => {
    const chance = new Chance(5);
    for (let seed = 1; seed <= 1000; seed++) {
      const whole = new Programs(new Chance(seed * 104_729)).block();
      const at = chance.below(whole.length + 1);
      const text = whole.slice(0, at) + chance.of(["", ":", "!", "<", "as ", "::", "(", "end "]) +
        whole.slice(at + chance.below(3));
      expect([text, lower(text)]).toEqual([text, lowerTree(text)]);
    }
  });
});
