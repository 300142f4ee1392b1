import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { root, sourceFiles } from "../../../scripts/sources.ts";
import { rules, type Tree } from "./rules.ts";

const folders = ["src", "lua", "tests", "scripts", "release", "bench", "examples"];
const house: Tree = new Map(
  await Promise.all(
    sourceFiles("**/*.{ts,tsx,lua}", folders)
      .map(async (path) => [path, await Bun.file(join(root, path)).text()] as const),
  ),
);

const sound: Record<string, string> = {
  "src/vm/vm.ts": "export const vm = 1;\n",
  "src/node/node.ts": 'import { vm } from "../vm/vm.ts";\n',
  "src/workflows/provider.ts": "export {};\n",
  "src/workflows/providers/providers.ts": 'import "./sqlite/sqlite.ts";\n',
  "src/workflows/providers/sqlite/sqlite.ts": "export {};\n",
  "lua/kernel/kernel.lua": 'local unit = use("kernel/core/core")\n',
  "lua/kernel/core/core.lua": "return {}\n",
};

/** What breaks each rule, and words of the message. */
const violations: Record<string, [files: Record<string, string>, message: string][]> = {
  "no circle between files": [
    [
      { "src/vm/a.ts": 'import "./b.ts";\n', "src/vm/b.ts": 'import type { A } from "./a.ts";\n' },
      "src/vm/a.ts, src/vm/b.ts import each other",
    ],
    [
      {
        "lua/kernel/core/a.lua": 'local b = use("kernel/core/b")\n',
        "lua/kernel/core/b.lua": 'use("kernel/core/a")\n',
      },
      "lua/kernel/core/a.lua, lua/kernel/core/b.lua import each other",
    ],
  ],
  "imports point downwards": [
    [{ "src/vm/a.ts": 'import "../node/node.ts";\n' }, "src/vm/a.ts imports src/node/node.ts"],
    [
      { "src/vm/a.ts": 'const node = await import("../node/node.ts");\n' },
      "src/vm/a.ts imports src/node/node.ts",
    ],
    [
      { "lua/kernel/core/a.lua": 'use("modules/time")\n', "lua/modules/time.lua": "" },
      "lua/kernel/core/a.lua imports lua/modules/time.lua",
    ],
  ],
  "every folder of src has its layer": [[{ "src/misc/misc.ts": "" }, "src/misc is in no layer"]],
  "providers of workflows are known by their port": [
    [
      { "src/node/a.ts": 'import "../workflows/providers/sqlite/sqlite.ts";\n' },
      "src/node/a.ts imports src/workflows/providers/sqlite/sqlite.ts",
    ],
  ],
  "no file over 500 lines": [[{ "src/vm/a.ts": "x;\n".repeat(501) }, "src/vm/a.ts has 501 lines"]],
  "no line over 120 columns": [
    [{ "src/vm/a.ts": `// ${"x".repeat(120)}\n` }, "src/vm/a.ts:1 has 123 columns"],
  ],
  "the language knows nothing of the runtime": [
    [
      { "src/language/language.ts": 'import { readFileSync } from "node:fs";\n' },
      "src/language/language.ts imports node:fs",
    ],
    [
      { "src/language/language.ts": 'import type { Vm } from "../vm/vm.ts";\n' },
      "src/language/language.ts imports ../vm/vm.ts",
    ],
  ],
  "the file to open first in a folder is named after it": [
    [{ "src/platform/clock.ts": "" }, "src/platform has no platform.ts"],
  ],
  "tests wait for what happens, not for time": [
    [{ "tests/unit/a.test.ts": "await Bun.sleep(5);\n" }, "tests/unit/a.test.ts:1 sleeps"],
  ],
  "no reference to what is outside the repository": [
    [{ "src/vm/a.ts": "// as in spec core-api §2\n" }, "src/vm/a.ts:1 refers to a document"],
  ],
  "a coroutine is woken once, and only while it waits": [
    [
      { "lua/kernel/core/a.lua": "scheduler.ready(co)\n" },
      "lua/kernel/core/a.lua makes coroutines ready in 1 places",
    ],
    [
      { "lua/modules/server.lua": "ready(co)\nhost.ready(co)\n" },
      "lua/modules/server.lua makes coroutines ready in 2 places",
    ],
    [
      { "src/vm/natives/a.as.ts": "const entry = enqueue(L);\n" },
      "src/vm/natives/a.as.ts makes coroutines ready in 1 places",
    ],
    [
      { "lua/kernel/core/a.lua": "at(due, scheduler.co)\n" },
      "lua/kernel/core/a.lua reads scheduler.co",
    ],
    [
      { "lua/kernel/core/a.lua": "return host.park()\n" },
      "lua/kernel/core/a.lua parks a coroutine that it has not named",
    ],
  ],
  "casts through unknown stay at the VM's boundary": [
    [{ "src/node/a.ts": "x as unknown as string;\n" }, "src/node/a.ts:1 casts through unknown"],
  ],
};

describe.each(Object.entries(rules))("%s", (name, rule) => {
  test("in this repository", () => {
    expect(rule(house)).toEqual([]);
  });

  test("not in a house that breaks it, and only there", () => {
    expect(rule(new Map(Object.entries(sound)))).toEqual([]);
    expect(violations[name]?.length).toBeGreaterThan(0);
    for (const [files, message] of violations[name] ?? []) {
      expect(rule(new Map(Object.entries({ ...sound, ...files }))).join("\n")).toContain(message);
    }
  });
});
