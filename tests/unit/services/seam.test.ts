import { expect, test } from "bun:test";
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { definitions } from "../../../build/kinds.js";
import { sourceFiles } from "../../../scripts/sources.ts";
import { isKind } from "../../../src/registry/kind.ts";
import { kinds } from "../../../src/registry/kinds.ts";
import { isServiceKind } from "../../../src/services/service.ts";
import { cleanAfterTest } from "../../cleanup.ts";
import { kindsOfTest } from "./kinds-of-test.ts";

const root = join(import.meta.dir, "../../..");
const read = (path: string) => Bun.file(join(root, path)).text();

/** Every kind with the file that defines it. */
const places = Object.entries(definitions).flatMap(([file, exported]) =>
  Object.values(exported).filter(isKind).map((kind) => ({ kind, file }))
);

test("every file where kinds are looked for defines some", () => {
  const empty = Object.keys(definitions).filter((file) => !places.some((at) => at.file === file));
  expect(empty).toEqual([]);
  expect(places.map(({ kind }) => kind.name).sort()).toEqual([...kinds.keys()].sort());
});

test.each(places.map(({ kind, file }) => [kind.name, file] as const))(
  "%s of %s is a service exactly when it is in a folder of services with what runs it",
  async (name, file) => {
    const kind = kinds.get(name)!;
    if (!isServiceKind(kind)) return expect(kind).not.toHaveProperty("service");
    expect(file).toMatch(/^src\/services\/([\w-]+)\/\1\.ts$/);
    expect(typeof await kind.service.load()).toBe("function");
  },
);

test("every kind is in the user's guide", async () => {
  const pages = await Promise.all(sourceFiles("**/*.md", ["docs"]).map(read));
  const missing = [...kinds.keys()].filter((name) =>
    !pages.some((page) => page.includes(`\`${name}\``) || page.includes(`kind: ${name}`))
  );
  expect(missing).toEqual([]);
});

test("the node names no kind and imports the definition of none", async () => {
  const named = await Promise.all(
    sourceFiles("**/*.ts", ["src/node"]).map(async (path) => {
      const text = await read(path);
      const names = [...kinds.keys()].filter((name) => text.includes(`"${name}"`));
      const imports = [
        ...text.matchAll(/from "(\.\.\/(?:services\/[\w-]+\/|registry\/kinds\/)[^"]*)"/g),
      ];
      return [...names, ...imports.map(([, target]) => target!)].map((what) => `${path}: ${what}`);
    }),
  );
  expect(named.flat()).toEqual([]);
});

/** A copy of the sources, in which files can be added. */
function copySources(): string {
  const copy = mkdtempSync(join(tmpdir(), "wippy-kind-"));
  cleanAfterTest(() => rmSync(copy, { recursive: true, force: true }));
  for (const name of ["src", "lua", "build", "package.json", "bunfig.toml", "tsconfig.json"]) {
    cpSync(join(root, name), join(copy, name), { recursive: true });
  }
  symlinkSync(join(root, "node_modules"), join(copy, "node_modules"));
  return copy;
}

function write(folder: string, files: Record<string, string>): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
}

test("a new kind needs its own folder and no change to another file", () => {
  const copy = copySources();
  const run = (...args: string[]) => {
    const { stdout, stderr } = Bun.spawnSync([process.execPath, ...args], {
      cwd: copy,
      env: { ...process.env, NO_COLOR: "1" },
    });
    return { output: stdout.toString(), errors: stderr.toString() };
  };
  write(copy, kindsOfTest.application);
  expect(run("drive.ts").errors).toContain('unknown kind \\"test.clock\\"');

  write(copy, kindsOfTest.folder);
  run("src/services/make-index.ts");
  const { output, errors } = run("drive.ts");
  expect(errors).toBe("");
  expect(output.trim().split("\n")).toEqual(kindsOfTest.expected);
}, 60_000);

test("no schema and no service is loaded before one is used", () => {
  const { stdout, stderr } = Bun.spawnSync([
    process.execPath,
    "-e",
    `await import("./src/registry/kinds.ts");
     console.log(Object.keys(require.cache).join("\\n"));`,
  ], { cwd: root });
  const loaded = stdout.toString();
  expect(stderr.toString()).toBe("");
  expect(loaded).toContain("src/services/process-service/process-service.ts");
  expect(loaded).not.toContain("src/services/process-service/service.ts");
  expect(loaded).not.toContain("node_modules/zod");
});
