import { expect, test } from "bun:test";
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../../../scripts/sources.ts";
import { templateNames } from "../../../src/cli/init/templates.ts";
import { writeFiles } from "../../unit/app/temporary-application.ts";
import { runCommand } from "../../unit/cli/run/run-command.ts";

test.each([...templateNames])(
  "an application of the template %s is sound, formatted, and passes its tests",
  async (name) => {
    const folder = writeFiles({ "README": "" });
    expect((await runCommand(folder, "init", "new", "--template", name)).status).toBe(0);
    const application = join(folder, "new");
    const check = await runCommand(application, "check");
    expect([check.status, check.out]).toEqual([0, expect.stringContaining("nothing is wrong")]);
    const lint = await runCommand(application, "lint", "--rules", "--level", "hint");
    expect([lint.status, lint.out]).toEqual([0, expect.stringMatching(/^No issues found\n/)]);
    mkdirSync(join(application, "node_modules"));
    symlinkSync(
      join(root, "node_modules/@johnnymorganz"),
      join(application, "node_modules/@johnnymorganz"),
    );
    const fmt = await runCommand(application, "fmt", "--check");
    expect([fmt.status, fmt.err]).toEqual([0, ""]);
    const { status, out } = await runCommand(application, "test", "--timeout", "60");
    expect([status, out]).toEqual([0, expect.stringMatching(/[3-9] passed, 0 failed in/)]);
  },
  60_000,
);

test("files that are there stay as they are", async () => {
  const folder = writeFiles({ "README": "" });
  mkdirSync(join(folder, "src"));
  writeFileSync(join(folder, "src/greet.lua"), "mine");
  const { err } = await runCommand(folder, "init", ".");
  expect(err).toContain("kept  src/greet.lua\n");
  expect(err).toContain("wrote src/counter.lua\n");
  expect(readFileSync(join(folder, "src/greet.lua"), "utf8")).toBe("mine");
  expect((await runCommand(folder, "init", ".")).err).toEndWith("all files already exist\n");
});

test("flags that do not fit are refused", async () => {
  const folder = writeFiles({ "README": "" });
  const said = async (...args: string[]) => (await runCommand(folder, "init", ...args)).err;
  expect(await said("new", "--template", "shop")).toContain(
    "Allowed choices are hello, service, webhook.",
  );
  expect(await said("--template", "hello")).toContain("--template needs a folder");
  expect(await said("new", "--src-dir", "x")).toContain("are for wippy init without a folder");
});

test("a pass that ends before its crash point ends, whatever the seed", async () => {
  const folder = writeFiles({ "README": "" });
  await runCommand(folder, "init", "new", "--template", "service");
  const flags = ["--filter", "charges once", "--seed", "3", "--seeds", "3", "--timeout", "60"];
  const { status, out } = await runCommand(join(folder, "new"), "test", ...flags);
  expect([status, out]).toEqual([0, expect.stringContaining("1 passed, 0 failed in")]);
}, 60_000);
