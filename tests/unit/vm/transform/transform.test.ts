import { beforeAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { ModuleText, TransformError } from "../../../../src/vm/transform/module_text.ts";
import { compileNatives } from "../../../../src/vm/natives/natives.ts";
import { disassemble, transform, transformText } from "../../../../src/vm/transform/transform.ts";

const input = readFileSync(Bun.resolveSync("wasmoon/dist/glue.wasm", import.meta.dir));

describe("transform", () => {
  test("refuses any other input", () => {
    const other = new Uint8Array(input);
    other[other.length - 1]! ^= 1;
    expect(() => transform(other, "")).toThrow(
      /at "input": its SHA-256 is [0-9a-f]{64}, not 95f3f19d/,
    );
  });

  describe("of the text", () => {
    let text: string;
    let natives: string;
    beforeAll(async () => {
      text = disassemble(input);
      natives = await compileNatives();
    }, 60_000);

    // Each changes one place that a site depends on, in a way that keeps the text well-formed.
    const altered: [string, (text: string) => string][] = [
      [
        "lua_yieldk returns when no C frame is between",
        (t) => inFunction(t, "$273", (f) => f.replace("(call $255", "(call $254")),
      ],
      [
        "precallC does not finish a call that yielded",
        (t) =>
          inFunction(
            t,
            "$265",
            (f) => f.replace("(call_indirect $0 (type $0)", "(call_indirect $0 (type $2)"),
          ),
      ],
      [
        "unroll leaves when Lua code yielded",
        (t) => inFunction(t, "$271", (f) => f.replace("(call $548", "(call $547")),
      ],
      [
        "luaV_execute reloads trap",
        (t) =>
          inFunction(
            t,
            "$548",
            (f) =>
              f.replace(/\(i32\.load offset=20\s+\(local\.get \$7\)/, (s) => s.replace("20", "24")),
          ),
      ],
      [
        "luaF_newproto leaves the index of compiled code 0, and counts",
        (t) =>
          inFunction(t, "$284", (f) => f.replace("i32.store8 offset=8", "i32.store8 offset=9")),
      ],
      [
        "freeobj frees a Proto",
        (t) => inFunction(t, "$292", (f) => f.replaceAll("(i32.const 84)", "(i32.const 88)")),
      ],
      ["function table", (t) => t.replace("(table $0 198 funcref)", "(table $0 199 funcref)")],
      ["import of invoke_vii", (t) => t.replace('"invoke_vii"', '"invoke_viii"')],
    ];
    test.each(altered)("names the site that does not match: %s", (site, alter) => {
      const other = alter(text);
      expect(other).not.toBe(text);
      try {
        transformText(other, natives);
        throw new Error("nothing was thrown");
      } catch (error) {
        expect(error).toBeInstanceOf(TransformError);
        expect((error as TransformError).site).toBe(site);
        expect((error as TransformError).message).toContain(`"${site}"`);
      }
    });

    test("leaves no import of emscripten's exceptions", () => {
      const imports = new Set(
        [...transformText(text, natives).matchAll(/\(import "env" "(\w+)"/g)].map(([, name]) =>
          name
        ),
      );
      expect(imports.has("host_call")).toBe(true);
      expect([...imports].filter((name) => /invoke|longjmp/.test(name!))).toEqual([]);
    });
  });
});

/** Changes the text of one function. */
function inFunction(text: string, name: string, change: (text: string) => string): string {
  const start = text.indexOf(`\n (func ${name} `);
  const end = text.indexOf("\n (func ", start + 1);
  return text.slice(0, start) + change(text.slice(start, end)) + text.slice(end);
}

describe("ModuleText", () => {
  const module = () =>
    new ModuleText(`(module
 (memory $0 1)
 (func $f (param $0 i32)
  (call $g
   (i32.add
    (local.get $0)
    (i32.const 1)
   )
  )
  (call $g (local.get $0))
 )
 (func $g (param $0 i32))
)
`);

  test("finds a site whatever the white space, and keeps the rest", () => {
    const text = module();
    text.change({
      name: "site",
      inside: "f",
      find: "(i32.add (local.get $0)   (i32.const 1))",
      put: "(i32.const 2)",
    });
    expect(text.function("f").replaceAll(/\s+/g, " ")).toContain(
      "(call $g (i32.const 2) ) (call $g (local.get $0))",
    );
    expect(text.toString()).toContain("(func $g (param $0 i32))");
  });

  test("binds expressions, equal ones to equal names", () => {
    const text = module();
    text.change({ name: "all", inside: "f", find: "(call $g ?x)", put: "(call $h ?x)", times: 2 });
    expect(text.function("f").match(/\$h/g)).toHaveLength(2);
    expect(() => text.change({ name: "twice", inside: "f", find: "(i32.add ?x ?x)", put: "" }))
      .toThrow(/"twice": it matches 0 times in f, not 1/);
  });

  test("refuses a site that matches more or less often than it must", () => {
    const site = { name: "site", inside: "f", find: "(call $g ?x)", put: "" };
    expect(() => module().change(site)).toThrow(/"site": it matches 2 times in f, not 1/);
    expect(() => module().change({ ...site, inside: "nowhere" })).toThrow(/no such function/);
    expect(() => module().changeField("field", /^ \(func /, () => "")).toThrow(/2 fields/);
  });
});
