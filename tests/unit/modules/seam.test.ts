import { expect, test } from "bun:test";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { readFacts } from "../../../src/operations/make-index.ts";
import { allOperations } from "../../../src/operations/operations.ts";
import { builtinModules } from "../../../src/registry/modules.ts";
import { cleanAfterTest } from "../../cleanup.ts";

const root = join(import.meta.dir, "../../..");

/** The files below a folder whose path ends so. */
function found(folder: string, end: string): string[] {
  const paths = new Bun.Glob(`**/${end}`).scanSync({ cwd: join(root, folder) });
  return [...paths].map((path) => `${folder}/${path}`).sort();
}

test("lua/modules is the list of the modules", () => {
  expect([...builtinModules.keys()].map((name) => `lua/modules/${name}.lua`))
    .toEqual(found("lua/modules", "*.lua"));
});

test.each([...builtinModules.keys()])(
  "module %s has its page, its test and its operations",
  (name) => {
    expect(found("docs", `modules/${name}.md`)).toHaveLength(1);
    expect(found("tests", `${name}.test.ts`)).not.toBeEmpty();
    const own = allOperations().filter((operation) => operation.name.startsWith(`${name}.`));
    // A folder without an operation, or an operation that lives elsewhere.
    expect(existsSync(join(root, `src/operations/${name}/${name}.ts`))).toBe(own.length > 0);
  },
);

test("every operation belongs to a module", () => {
  const strays = allOperations().map(({ name }) => name).filter((name) =>
    !builtinModules.has(name.split(".")[0]!)
  );
  expect(strays).toEqual([]);
});

test.each([
  ["-- @sandbox yes\n", 'its first comment lacks "-- @workflows yes"'],
  ["-- @workflows no\n", 'its first comment lacks "-- @sandbox yes"'],
  [
    "local x = 1\n-- @workflows no\n-- @sandbox yes\n",
    'its first comment lacks "-- @workflows yes"',
  ],
  ["-- @workflows maybe\n-- @sandbox yes\n", '"-- @workflows maybe" is not'],
  ["-- @workflow yes\n-- @sandbox yes\n", '"-- @workflow yes" is not'],
])("a module that declares %j is refused", (head, message) => {
  expect(() => readFacts(head, "lua/modules/x.lua")).toThrow(`lua/modules/x.lua: `);
  expect(() => readFacts(head, "lua/modules/x.lua")).toThrow(message);
});

/** The four files of a module that exists only here. */
const sample = {
  "lua/modules/sample.lua": `--- Module \`sample\`: doubles numbers.
-- @workflows no
-- @sandbox no
local runtime = ...
local sample = {}

function sample.double(n)
  return runtime.pure("sample.double", n)
end

return sample
`,
  "src/operations/sample/sample.ts": `import { z } from "../../registry/schema.ts";
import { defineOperation, type Operation } from "../operation.ts";

export const sample: Operation[] = [
  defineOperation({
    name: "sample.double",
    summary: "Twice a number.",
    mode: "pure",
    arguments: () => [z.number()],
    run: (_context, n) => 2 * n,
  }),
];
`,
  "docs/reference/modules/sample.md": "# sample\n",
  "tests/unit/modules/sample.test.ts": `import { expect, test } from "bun:test";
import { evaluate } from "./lua-unit.ts";

test("doubles", async () => {
  expect(await evaluate("return sample.double(21)")).toBe(42);
});
`,
};

test("a new module needs its own files and no change to another", () => {
  const copy = mkdtempSync(join(tmpdir(), "wippy-module-"));
  cleanAfterTest(() => rmSync(copy, { recursive: true, force: true }));
  for (
    const name of [
      "src",
      "lua",
      "tests/unit/modules",
      "tests/unit/operations",
      "tests/cleanup.ts",
      "build",
      "package.json",
      "bunfig.toml",
      "tsconfig.json",
      "docs/reference/modules",
    ]
  ) {
    cpSync(join(root, name), join(copy, name), { recursive: true });
  }
  symlinkSync(join(root, "node_modules"), join(copy, "node_modules"));
  const run = (...args: string[]) => {
    const { stdout, stderr } = Bun.spawnSync([process.execPath, ...args], {
      cwd: copy,
      env: { ...process.env, NO_COLOR: "1" },
    });
    return stdout.toString() + stderr.toString();
  };
  const script = "print(sample.double(21), funcs.call('script:f')) ";
  writeFileSync(
    join(copy, "main.lua"),
    `function functions.f() return sample.double(4) end function main() ${script} end`,
  );
  writeFileSync(
    join(copy, "durable.lua"),
    "function workflows.w() return sample.double(4) end function main() return workflow.exec('script:w') end",
  );
  expect(run("src/main.ts", "main.lua")).toContain("global 'sample'");

  for (const [path, text] of Object.entries(sample)) {
    mkdirSync(dirname(join(copy, path)), { recursive: true });
    writeFileSync(join(copy, path), text);
  }
  run("src/operations/make-index.ts");
  run("src/worker/make-image.ts");
  expect(run("src/main.ts", "main.lua")).toBe("42\t8\tnil\n");
  expect(run("src/main.ts", "--sandbox", "main.lua")).toContain("global 'sample'");
  expect(run("src/main.ts", "durable.lua")).toContain(
    "module 'sample' cannot be used in a workflow",
  );
  expect(run("test", "tests/unit/modules/sample.test.ts")).toContain("1 pass");
  expect(run("test", "tests/unit/modules/seam.test.ts", "-t", "module sample has")).toContain(
    "1 pass",
  );
}, 60_000);
