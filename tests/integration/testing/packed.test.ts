import { expect, test } from "bun:test";
import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { writeFiles } from "../../unit/app/temporary-application.ts";
import { runCommand } from "../../unit/cli/run/run-command.ts";

const files = {
  "wippy.lock": "directories: { src: ./src }\n",
  "src/_index.yaml": `version: "1.0"
namespace: app
entries:
  - { name: double, kind: function.lua, source: file://double.lua, method: main }
  - { name: price, kind: library.lua, source: "return { one = 250 }" }
`,
  "src/double.lua": "return { main = function(n) return n * 2 end }\n",
  "src/double_test.lua": `local funcs, price = require("funcs"), require("price")
it("doubles", function()
  expect(funcs.call("app:double", price.one)):to_equal(500)
end)
it("fails", function()
  expect(1):to_equal(2)
end)
`,
};

/** Packs the application, and moves the pack to a folder in which nothing else is. */
async function packed(...flags: string[]): Promise<string> {
  const source = writeFiles(files);
  const { status } = await runCommand(source, "pack", "app.wapp", ...flags);
  expect(status).toBe(0);
  const target = writeFiles({});
  copyFileSync(join(source, "app.wapp"), join(target, "app.wapp"));
  return target;
}

test("a pack with its tests runs them where nothing else is", async () => {
  const folder = await packed("--tests");
  const { status, out } = await runCommand(folder, "test", "app.wapp");
  expect(status).toBe(1);
  expect(out).toStartWith("src/double_test.lua\n  ok   doubles\n  FAIL fails\n");
  expect(out).toContain("1 passed, 1 failed in");
  const some = await runCommand(folder, "test", "app.wapp", "--filter", "doubles");
  expect([some.status, some.out]).toEqual([0, expect.stringContaining("1 passed, 0 failed")]);
}, 30_000);

test("says what a pack is tested without", async () => {
  const folder = await packed();
  const said = async (...args: string[]) => (await runCommand(folder, "test", ...args)).err;
  expect(await said("app.wapp")).toBe(
    "Error: app.wapp holds no tests\n    hint: make it with wippy pack --tests\n",
  );
  expect(await said("app.wapp", "src")).toContain("a pack is tested alone");
  expect(await said("app.wapp", "--watch")).toContain("--watch follows source files");
  expect(await said("no.wapp")).toContain("there is no such file");
  const { "src/double_test.lua": _, ...untested } = files;
  expect((await runCommand(writeFiles(untested), "pack", "a.wapp", "--tests")).err).toContain(
    "there are no files of tests, named *_test.lua",
  );
});

test("a pack whose tests were changed is refused", async () => {
  const folder = await packed("--tests");
  const path = join(folder, "app.wapp");
  const bytes = readFileSync(path);
  const at = bytes.indexOf("tests.json");
  bytes[at + "tests.json".length + 4]! ^= 1;
  writeFileSync(path, bytes);
  const { status, out, err } = await runCommand(folder, "test", "app.wapp");
  expect(status).toBe(1);
  expect(out).toBe("");
  expect(err).toMatch(/^Error: cannot load app\.wapp: .+\n {4}hint: make it again with wippy pack/);
});
