import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { root, sourceFiles } from "../../../scripts/sources.ts";
import { machineTraces } from "../../../scripts/traces.ts";

// Put together here, so that this file passes its own check.
const slash = "/";
const home = `${slash}home${slash}ann${slash}`;
const registry = `https:${slash}${slash}registry.npmjs.org${slash}`;

describe("machineTraces", () => {
  test.each([
    ["a registry in a lock file", `"resolved": "${registry}yaml/-/yaml-2.9.1.tgz"`],
    ["a registry setting", `registry = "https:${slash}${slash}packages.example.com"`],
    ["a scope's registry setting", `@acme:registry=${slash}${slash}packages.example.com`],
    [
      "a package on a proxy",
      `http:${slash}${slash}127.0.0.1:4873${slash}yaml${slash}yaml-2.9.1.tgz`,
    ],
    ["a home folder", `const data = "${home}data.json";`],
    ["a home folder as an address", `import x from "file:${slash}${slash}${home}x.ts";`],
    ["a checkout", `cd ${slash}work${slash}main`],
    ["root's folder", `source=${slash}root${slash}.npmrc`],
  ])("finds %s", (_name, line) => {
    expect(machineTraces(`first\n${line}\nlast`)).toEqual([
      { line: 2, text: line.trim(), reason: expect.any(String) },
    ]);
  });

  test.each([
    "see https://bun.sh/docs/bundler/executables",
    'import { Registry } from "../registry/registry.ts";',
    "the registry = all entries",
    "  process.registry = registry",
    'new URL("file:///$bunfs/root/worker/thread.js")',
    "#!/usr/bin/env wippy",
    "fetch(`http://127.0.0.1:${port}/work/list`)",
    "src/work/home/users.ts",
  ])("leaves alone: %s", (line) => {
    expect(machineTraces(line)).toEqual([]);
  });
});

test("no source names a package registry or a path of one machine", async () => {
  const found: string[] = [];
  for (const path of sourceFiles("**/*")) {
    const text = await Bun.file(join(root, path)).text();
    for (const { line, reason } of machineTraces(text)) found.push(`${path}:${line}: ${reason}`);
  }
  expect(found).toEqual([]);
});
