import { expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { builtinModules } from "../../../src/registry/modules.ts";

test("every module file can be listed in an entry", () => {
  const folder = join(import.meta.dir, "../../../lua/modules");
  const names = readdirSync(folder).filter((file) => file.endsWith(".lua"))
    .map((file) => file.slice(0, -".lua".length))
    // The base functions of a unit: there without being listed.
    .filter((name) => name !== "globals");
  expect(names.filter((name) => !builtinModules.has(name))).toEqual([]);
});
