import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fromBufferPromise } from "yauzl";
import grammar from "../../../editors/vscode/typed-lua.json" with { type: "json" };
import manifest from "../../../editors/vscode/package.json" with { type: "json" };
import { attachSchema, launchSchema } from "../../../src/cli/debug/launch.ts";
import { packageExtension } from "../../../editors/vscode/package.ts";

/** The files of an archive. */
async function unpacked(path: string): Promise<Map<string, string>> {
  const zip = await fromBufferPromise(readFileSync(path), { lazyEntries: true });
  const files = new Map<string, string>();
  for await (const entry of zip.eachEntry()) {
    const stream = await zip.openReadStreamPromise(entry);
    files.set(entry.fileName, await text(stream));
  }
  return files;
}

test("the package of the extension for Visual Studio Code is whole", async () => {
  const folder = await mkdtemp(join(tmpdir(), "wippy-vsix-"));
  try {
    const path = join(folder, "wippy.vsix");
    await packageExtension(path);
    const files = await unpacked(path);
    const manifest = JSON.parse(files.get("extension/package.json")!);
    for (const named of [manifest.main, manifest.contributes.grammars[0].path]) {
      expect([...files.keys()]).toContain(join("extension", named));
    }
    const code = files.get("extension/extension.js")!;
    const required = new Set(
      [...code.matchAll(/\brequire\("([^"]+)"\)/g)].map(([, name]) => name!),
    );
    const foreign = [...required].filter((name) => !/^node:/.test(name) && !isBuiltin(name));
    expect(foreign).toEqual(["vscode"]);
    expect(files.get("extension/NOTICES.txt")).toContain("== vscode-languageclient");
    expect(files.get("extension.vsixmanifest")).toContain(`Version="${manifest.version}"`);
  } finally {
    await rm(folder, { recursive: true });
  }
});

function isBuiltin(name: string): boolean {
  return process.getBuiltinModule(name) !== undefined;
}

test("the extension launches with what the debug adapter takes, and nothing else", () => {
  const [wippy] = manifest.contributes.debuggers;
  expect(wippy!.type).toBe("wippy");
  expect(Object.keys(wippy!.configurationAttributes.launch.properties).sort())
    .toEqual(Object.keys(launchSchema.shape).sort());
  expect(Object.keys(wippy!.configurationAttributes.attach.properties).sort())
    .toEqual(Object.keys(attachSchema.shape).sort());
});

test.each([
  ["type Point = { x: number }", 0, "Point"],
  ["interface Shape", 1, "Shape"],
  ["local function f(a: number, b: {string}): boolean?", 2, "number"],
  ["local x = y as Point", 3, "as"],
])("the grammar finds types in %s", (line, index, word) => {
  const { begin, match } = grammar.patterns[index]!;
  expect(new RegExp(begin ?? match!, "g").exec(line)).toContain(word);
});

test("the grammar takes calls of methods for no types", () => {
  const [, , annotation] = grammar.patterns;
  expect(new RegExp(annotation!.match!).test("object:method(1) f(a):b()")).toBe(false);
});
