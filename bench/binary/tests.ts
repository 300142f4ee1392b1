/**
 * Tests a second of `wippy test`, from its start to its exit: each test has a runtime of its own. Beside `bun test`,
 * whose tests share one, and beside a new process of Lua for each test.
 * @module
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { outputOf, temporaryFolder, wippy } from "../kernel/measurement/command.ts";
import { measure, quick } from "../kernel/measurement/measurement.ts";

const files = 10;
const tests = quick ? 200 : 1000;
const each = tests / files;

const entries = `version: "1.0"
namespace: app
entries:
  - { name: processes, kind: process.host, lifecycle: { auto_start: true } }
  - name: add
    kind: function.lua
    source: "return { main = function(a, b) return a + b end }"
    method: main
  - name: echo
    kind: process.lua
    source: |
      return { main = function()
        local message = process.inbox():receive()
        process.send(message:from(), "back", message:payload():data())
      end }
    method: main
`;

const workflow = `  - { name: durable, kind: workflow.host, lifecycle: { auto_start: true } }
  - name: wait
    kind: workflow.lua
    source: |
      local funcs, time = require("funcs"), require("time")
      return { main = function(n)
        time.sleep("72h")
        return (funcs.call("app:add", n, 1))
      end }
    method: main
    modules: [funcs, time]
`;

/** A folder with files of tests, each made of its number. */
function folderOf(suffix: string, head: string, body: (n: number) => string, tail = ""): string {
  const folder = temporaryFolder();
  for (let file = 0; file < files; file++) {
    const text = Array.from({ length: each }, (_, i) => body(file * each + i)).join("");
    mkdirSync(join(folder, "src"), { recursive: true });
    writeFileSync(join(folder, `src/group_${file}${suffix}`), head + text + tail);
  }
  return folder;
}

/** An application with tests whose bodies are given. */
function application(more: string, body: (n: number) => string): string {
  const head = `local funcs, process = require("funcs"), require("process")\n`;
  const test = (n: number) => `it("does ${n}", function()\n${body(n)}\nend)\n`;
  const folder = folderOf("_test.lua", head, test);
  writeFileSync(join(folder, "wippy.lock"), "directories: { src: ./src }\n");
  writeFileSync(join(folder, "src/_index.yaml"), entries + more);
  return folder;
}

/** Tests a second of some work. */
function rate(work: () => void): number {
  const began = performance.now();
  work();
  return tests / (performance.now() - began) * 1000;
}

function ours(folder: string): number {
  return rate(() => {
    const out = outputOf([...wippy, "test"], folder);
    if (!out.includes(`${tests} passed, 0 failed`)) throw new Error(`not all passed: ${out}`);
  });
}

const kind = { unit: "1/s", better: "higher", n: tests } as const;
const small = application("", (n) => `expect(${n} + 1):to_equal(${n + 1})`);

await measure({ ...kind, figure: "tests.small", target: 1000, ours: () => ours(small) });

const cases = [
  ["function", "", (n: number) => `expect(funcs.call("app:add", ${n}, 1)):to_equal(${n + 1})`],
  [
    "process",
    "",
    (n: number) =>
      `local back = process.listen("back")
       process.send(assert(process.spawn("app:echo", "app:processes")), "say", ${n})
       expect((back:receive())):to_equal(${n})`,
  ],
  [
    "workflow",
    workflow,
    (n: number) => `expect(process.exec("app:wait", "app:durable", ${n})):to_equal(${n + 1})`,
  ],
] as const;

for (const [name, more, body] of cases) {
  const folder = application(more, body);
  await measure({ ...kind, figure: `tests.${name}`, target: null, ours: () => ours(folder) });
}

const bun = folderOf(
  ".test.ts",
  `import { expect, test } from "bun:test";\n`,
  (n) => `test("does ${n}", () => expect(${n} + 1).toEqual(${n + 1}));\n`,
);

await measure({
  ...kind,
  figure: "tests.small_beside_bun",
  target: null,
  ours: () => ours(small),
  peer: { name: "bun", run: () => rate(() => void outputOf([process.execPath, "test"], bun)) },
});

if (Bun.which("lua5.4")) {
  const command = (n: number) => ["lua5.4", "-e", `assert(${n} + 1 == ${n + 1})`];
  await measure({
    ...kind,
    figure: "tests.small_beside_lua5.4",
    target: null,
    ours: () => ours(small),
    peer: {
      name: "lua5.4",
      run: () =>
        rate(() => {
          for (let n = 0; n < tests; n++) outputOf(command(n));
        }),
    },
  });
}
