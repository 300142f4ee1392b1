import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { bundleOptions } from "../../../build.ts";

const outdir = mkdtempSync(join(tmpdir(), "wippy-start-path-"));
afterAll(() => rmSync(outdir, { recursive: true, force: true }));

const { metafile, logs } = await Bun.build({
  ...bundleOptions(),
  // It is made later than this test, and holds no code.
  external: ["*/licenses.txt"],
  metafile: true,
  outdir,
});
if (metafile === undefined) throw new Error(logs.join("\n"));
const { outputs } = metafile;

/** The files of the bundle that are read with the file that holds a module. */
function readWith(module: string, read = new Set<string>()): Set<string> {
  const holder = Object.keys(outputs).find((path) => outputs[path]!.inputs[module] !== undefined);
  const waiting = [holder ?? ""];
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    const output = outputs[path];
    if (!output || read.has(path)) continue;
    read.add(path);
    for (const { kind, path: imported } of output.imports) {
      if (kind === "import-statement") waiting.push(imported);
    }
  }
  return read;
}

test("a one-line script reads no library, and little of the program", () => {
  const read = readWith("src/cli/run/script.ts", readWith("src/main.ts"));
  for (const path of readWith("src/node/node.ts")) read.add(path);
  const inputs = [...read].flatMap((path) => Object.keys(outputs[path]!.inputs));
  expect(inputs).toContain("src/worker/worker.ts");
  expect(inputs.filter((path) => path.includes("node_modules"))).toEqual([]);
  const bytes = [...read].reduce((sum, path) => sum + outputs[path]!.bytes, 0);
  expect(bytes).toBeLessThan(310 * 1024);
});

test("a server reads no library for its probes and its socket, before somebody asks for more", () => {
  const known = readWith("src/cli/run/run.ts", readWith("src/node/node.ts"));
  const read = readWith("src/cli/run/serve.ts", readWith("src/admin/local.ts"));
  const inputs = [...read].filter((path) => !known.has(path))
    .flatMap((path) => Object.keys(outputs[path]!.inputs));
  expect(inputs).toContain("src/admin/server.ts");
  expect(inputs.filter((path) => path.includes("node_modules"))).toEqual([]);
  expect(inputs.filter((path) => path.includes("src/admin/routes/"))).toEqual([]);
});

test("zod is read with the messages of one language", () => {
  const inputs = [...readWith("src/registry/zod.ts")]
    .flatMap((path) => Object.keys(outputs[path]!.inputs));
  expect(inputs.filter((path) => path.includes("/zod/v4/locales/")).length).toBeLessThan(3);
});
