import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { readFileSync } from "node:fs";
import { type CompileBytes, withBytecode } from "../../../src/app/bytecode.ts";
import { fixText } from "../../../src/app/lint-fix.ts";
import { lower } from "../../../src/language/language.ts";

const everything = () => true;
/** A compiler to which all programs are alike, so that what the fix alone does is seen. */
const trusting: CompileBytes = () => new Uint8Array();

function bytecode(compile: CompileBytes, text: string): Buffer | undefined {
  const lowered = lower(text);
  if (lowered && "fault" in lowered) return undefined;
  const found = compile(lowered?.code ?? text);
  return found && Buffer.from(found);
}

describe("fixText", () => {
  test.each<[what: string, code: string, fixed: string]>([
    ["a local", "local x = f()", "local _x = f()"],
    ["its assignments", "local x x = 1 do x = 2 end", "local _x _x = 1 do _x = 2 end"],
    ["an annotated one", "local x: integer = 1", "local _x: integer = 1"],
    ["a closed one", "local x <close> = f()", "local _x <close> = f()"],
    ["a function", "local function f() end", "local function _f() end"],
    ["a module", 'local m = require("m")', 'local _m = require("m")'],
    ["a loop's variable", "for k, v in p do g(v) end", "for _k, v in p do g(v) end"],
    ["a parameter", "g(function(a, b) g(b) end)", "g(function(_a, b) g(b) end)"],
    ["a comment stays", "local x -- x\r\n--[[ x ]]\r\n", "local _x -- x\r\n--[[ x ]]\r\n"],
    ["both of one name", "local x = 1\nlocal x = 2", "local _x = 1\nlocal _x = 2"],
    ["bytes that are no text", "local x = '\xff'", "local _x = '\xff'"],
  ])("%s", (_what, code, fixed) => {
    expect(fixText(code, everything, trusting).fixed).toBe(fixed);
    expect(fixText(fixed, everything, trusting)).toEqual({ fixed, fixes: [] });
  });

  test.each([
    ["a name that is read", "local x = 1 g(x)"],
    ["a field", "x.y = 1"],
    ["the environment of globals", "local ENV = {} g()"],
    ["a global of the new name", "local x = 1 g(_x)"],
    ["another local of the new name, which hides it", "local x do local _x x = 1 end"],
    ["code that does not parse", "local x ="],
  ])("%s stays", (_what, code) => {
    expect(fixText(code, everything, trusting)).toEqual({ fixed: code, fixes: [] });
  });

  test("nothing is written that compiles to something else", () => {
    let number = 0;
    const code = "local x = 1";
    const changing: CompileBytes = () => new Uint8Array([number++]);
    expect(fixText(code, everything, changing)).toEqual({ fixed: code, fixes: [] });
  });

  test("says where what was fixed is, and which findings that were", () => {
    expect(fixText('g()\nlocal m = require("m")', everything, trusting).fixes).toEqual([
      { line: 2, column: 7, codes: ["W0004", "W0006"], message: "m is now _m" },
    ]);
  });

  test("the files of the examples compile to the same", async () => {
    await withBytecode((compile) => {
      for (const path of new Bun.Glob("{examples,lua}/**/*.lua").scanSync(".")) {
        const text = readFileSync(path, "latin1");
        const { fixed } = fixText(text, everything, trusting);
        expect([path, bytecode(compile, fixed)]).toEqual([path, bytecode(compile, text)]);
      }
    });
  });

  test("any program compiles to the same, and fixing it again changes nothing", async () => {
    const name = fc.constantFrom("x", "_x", "y", "_y", "__y", "ENV", "G", "_G");
    const { program } = fc.letrec<{ program: string; statement: string }>((tie) => ({
      statement: fc.oneof(
        { depthSize: "small", withCrossShrink: true },
        fc.tuple(name, name).map(([one, two]) => `local ${one} = ${two}`),
        name.map((one) => `local ${one}: number = 1`),
        fc.tuple(name, name).map(([one, two]) => `${one} = g(${two})`),
        name.map((one) => `${one} = 1`),
        fc.tuple(name, name, tie("program")).map(([one, two, body]) =>
          `local function ${one}(${two}) ${body} end`
        ),
        fc.tuple(name, name, tie("program")).map(([one, two, body]) =>
          `for ${one}, ${two} in g do ${body} end`
        ),
        tie("program").map((body) => `do ${body} end`),
        fc.tuple(name, tie("program")).map(([one, body]) => `repeat ${body} until ${one}`),
      ),
      program: fc.array(tie("statement"), { maxLength: 6 }).map((parts) => parts.join("\n")),
    }));
    await withBytecode((compile) => {
      let fixes = 0;
      fc.assert(
        fc.property(program, (text) => {
          const before = bytecode(compile, text);
          fc.pre(before !== undefined);
          const done = fixText(text, everything, trusting);
          fixes += done.fixes.length;
          expect(bytecode(compile, done.fixed)).toEqual(before);
          expect(fixText(done.fixed, everything, trusting).fixes).toEqual([]);
        }),
        { seed: 7, numRuns: 300 },
      );
      expect(fixes).toBeGreaterThan(50);
    });
  });
});
