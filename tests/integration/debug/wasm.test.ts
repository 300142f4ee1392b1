import { expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stringify } from "yaml";
import { main } from "../../../src/cli/cli.ts";
import { cleanAfterTest } from "../../cleanup.ts";

const SUM = `local function sum(n)
  local s = 0
  for i = 1, n do
    s = s + i
  end
  return s
end
local function guarded(n)
  local guard <close> = nil
  return sum(n) .. "done"
end
error("never run")
return { main = guarded }
`;

/** Runs `wippy debug wasm` in an application with that function, typed or not. */
async function wasm(source: string, ...args: string[]) {
  const directory = mkdtempSync(join(tmpdir(), "wippy-wasm-"));
  cleanAfterTest(() => rmSync(directory, { recursive: true, force: true }));
  mkdirSync(join(directory, "src"));
  writeFileSync(join(directory, "wippy.lock"), "directories: { src: ./src }\n");
  writeFileSync(join(directory, "src/sum.lua"), source);
  writeFileSync(
    join(directory, "src/_index.yaml"),
    stringify({
      version: "1.0",
      namespace: "app",
      entries: [
        { name: "sum", kind: "function.lua", source: "file://sum.lua", method: "main" },
        { name: "host", kind: "process.host" },
      ],
    }),
  );
  let [out, err] = ["", ""];
  const status = await main(["debug", "wasm", ...args], {
    out: (text) => out += text,
    err: (text) => err += text,
    input: () => Promise.resolve(""),
    directory,
    system: {},
    terminal: false,
    colour: false,
  });
  return { status, out, err };
}

test("functions are shown in bytecode, with what they become", async () => {
  const { status, out, err } = await wasm(SUM, "app:sum");
  expect({ status, err }).toEqual({ status: 0, err: "" });
  // What is around the text, and the text itself.
  expect(out).toMatch(/^app:sum, lines 1-15: \d+ instructions, 1 parameters, /);
  expect(out).toMatch(
    /^app:sum, lines 1-15: \d+ instructions, 0 parameters, .* \d+ bytes of WebAssembly$/m,
  );
  expect(out).toMatch(
    /^app:sum, lines 1-7: 10 instructions, 1 parameters, 6 registers; \d+ bytes of WebAssembly$/m,
  );
  expect(out).toMatch(/^ {3}5 \[3\] FORPREP +2 2 +; to 9$/m);
  // Both are integers: there is no test, and the metamethod's instruction is never reached.
  expect(out).toMatch(/^ {3}6 \[4\] ADD .*\n(?: {8}.*\n)*? {8} *i64\.add\n/m);
  expect(out).toMatch(/^ {3}7 \[4\] MMBIN .*\n {8} *unreachable\n/m);
  expect(out).toContain("return ;; the interpreter goes on");
  expect(out).toMatch(
    /^app:sum, lines 8-11: .*; left to the interpreter: a variable to be closed$/m,
  );
  expect(out).toContain('; "done"');
});

test("one function is shown by a line of it, also as JSON", async () => {
  const { out } = await wasm(SUM, "app:sum", "--line", "4");
  expect(out).toStartWith("app:sum, lines 1-7: ");
  expect(out.match(/^app:sum/gm)).toHaveLength(1);
  const whole = await wasm(SUM, "app:sum", "--line", "12", "--json");
  const { entry, functions } = JSON.parse(whole.out);
  expect(entry).toBe("app:sum");
  expect(functions).toMatchObject([{ from: 1, to: 15, parameters: 0 }]);
  expect(functions[0].instructions[0]).toMatchObject({
    line: 1,
    text: "VARARGPREP 0 0 0",
    wasm: expect.arrayContaining([expect.stringContaining("call compiled_adjust_varargs")]),
  });
});

test("typed code is shown as Lua runs it", async () => {
  const { status, out, err } = await wasm(
    `local function twice(n: integer): integer
      return 2 * n
    end
    return { main = twice }`,
    "app:sum",
    "--line",
    "2",
  );
  expect({ status, err }).toEqual({ status: 0, err: "" });
  expect(out).toMatch(/^app:sum, lines 1-3: /);
  expect(out).toMatch(/\[2\] MULK .*; 2$/m);
});

test("what has no Lua code, and no such line, is said", async () => {
  for (const id of ["app:host", "app:nothing"]) {
    const { status, err } = await wasm(SUM, id);
    expect([status, err]).toEqual([1, expect.stringContaining(`no Lua entry ${id}`)]);
  }
  expect((await wasm("return {", "app:sum")).err).toContain("nothing was run");
});
