/**
 * Makes `build/modules.js` and `build/operations.js`, the lists of the Lua modules and of their host operations, from
 * the files of `lua/modules` and the folders beside this file: `bun src/operations/make-index.ts`.
 * @module
 */
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from "node:fs";
import { join, resolve } from "node:path";
import type { BuiltinModule } from "../registry/modules.ts";

const root = resolve(import.meta.dirname, "../..");

/**
 * Reads what a module declares about itself in the comment at the head of its Lua file.
 *
 * @example readFacts("-- @workflows no\n-- @sandbox yes\n", "lua/modules/x.lua") // { workflows: false, sandbox: true }
 * @throws Error when a declaration is missing, unknown or neither `yes` nor `no`
 */
export function readFacts(source: string, file: string): BuiltinModule {
  const head = source.match(/^(?:--.*\n)*/)![0];
  const declared = new Map<string, boolean>();
  for (const [line, name, value] of head.matchAll(/^-- @(\w+) *(\w*).*$/gm)) {
    if ((name !== "workflows" && name !== "sandbox") || (value !== "yes" && value !== "no")) {
      throw new Error(`${file}: "${line}" is not "-- @workflows yes|no" or "-- @sandbox yes|no"`);
    }
    declared.set(name, value === "yes");
  }
  const [workflows, sandbox] = [declared.get("workflows"), declared.get("sandbox")];
  if (workflows === undefined || sandbox === undefined) {
    const missing = workflows === undefined ? "workflows" : "sandbox";
    throw new Error(
      `${file}: its first comment lacks "-- @${missing} yes" or "-- @${missing} no"; ` +
        "see docs/contributing/modules.md",
    );
  }
  return { workflows, sandbox };
}

/** Writes a file of `build` when its text has changed. Renamed into place, because others may read it meanwhile. */
export function writeIndex(name: string, text: string): void {
  const path = join(root, "build", name);
  if (existsSync(path) && readFileSync(path, "utf8") === text) return;
  mkdirSync(join(root, "build"), { recursive: true });
  writeFileSync(`${path}.${process.pid}`, text);
  renameSync(`${path}.${process.pid}`, path);
  console.error(`made build/${name}`);
}

const modules = readdirSync(join(root, "lua/modules")).sort().map((file) => {
  const source = readFileSync(join(root, "lua/modules", file), "utf8");
  return [file.replace(/\.lua$/, ""), readFacts(source, `lua/modules/${file}`)] as const;
});

const folders = readdirSync(join(root, "src/operations"), { withFileTypes: true })
  .filter((found) => found.isDirectory()).map(({ name }) => name).sort();
for (const name of folders) {
  for (const needed of [`src/operations/${name}/${name}.ts`, `lua/modules/${name}.lua`]) {
    if (!existsSync(join(root, needed))) {
      throw new Error(
        `src/operations/${name}: a folder here is a module's, but there is no ${needed}`,
      );
    }
  }
}

writeIndex(
  "modules.js",
  `export const modules = ${JSON.stringify(Object.fromEntries(modules))};\n`,
);
// `require` runs a folder's files when its module is first used: running all of them would take a third of a short
// script.
writeIndex(
  "operations.js",
  "export const operations = {\n" +
    folders.map((name) =>
      `  ${name}: () => require("../src/operations/${name}/${name}.ts").${name},\n`
    ).join("") +
    "};\n",
);
