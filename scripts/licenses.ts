/**
 * Collects the licence notices of everything that the executable contains: npm packages by what the bundler read,
 * and what they do not cover by the tables below. `build.ts` embeds the result; `wippy version --licenses` prints it.
 * @module
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import manifest from "../package.json" with { type: "json" };
import { treeSitterPackages } from "./tree-sitter.ts";

const root = join(import.meta.dir, "..");

/** A work that the executable contains. */
export interface Work {
  name: string;
  version?: string | undefined;
  /** SPDX expression. */
  license: string;
  text: string;
}

/** The part of the bundler's metafile that is needed: the files it read. */
export interface Metafile {
  inputs: Record<string, unknown>;
}

/** Texts for packages that are published without a licence file. */
const packagesWithoutFile: Readonly<Record<string, string>> = {
  "@hono/zod-openapi": "hono-middleware.txt",
  "@hono/zod-validator": "hono-middleware.txt",
  "drizzle-orm": "apache-2.0.txt",
  "pg-types": "pg-types.txt",
  "pgpass": "pgpass.txt",
};

/** The works compiled into the Lua VM; `wasmoon` is the package that its wasm comes from. */
const vm: readonly Omit<Work, "text">[] = [
  { name: "lua", version: "5.4", license: "MIT" },
  { name: "emscripten", license: "MIT" },
  { name: "musl", license: "MIT" },
];

/** Which works a file made by `scripts/prepare.ts` contains. A made file that is not listed fails the build. */
const madeFiles: Readonly<Record<string, "vm" | "page" | "messages" | "grammars" | "own">> = {
  "build/lua.wasm": "vm",
  // Our own Lua, compiled.
  "build/kernel.image": "own",
  "build/page/app.txt": "page",
  "build/page/style.txt": "page",
  "build/licenses.txt": "own",
  // Made from the descriptions in a package.
  "build/temporal-messages.js": "messages",
  "build/tree-sitter.js": "grammars",
};

/** Folders of the npm packages that the given files belong to; a package that two others bring is there twice. */
export function packageFolders(files: Iterable<string>): string[] {
  const folders = new Set<string>();
  for (const file of files) {
    const folder = /^(.*node_modules\/(?!\.)(?:@[^/]+\/)?[^/]+)\//.exec(file.replaceAll("\\", "/"));
    if (folder?.[1] !== undefined) folders.add(folder[1]);
  }
  return [...folders].sort();
}

function kept(file: string): string {
  return readFileSync(join(root, "licenses", file), "utf8");
}

/** The work in the folder of a package. @throws where its licence is unknown */
export function workOfPackage(folder: string): Work {
  const { name, version, license } = JSON.parse(
    readFileSync(join(folder, "package.json"), "utf8"),
  ) as { name: string; version: string; license?: unknown };
  const own = readdirSync(folder).filter((file) => /^(licen[cs]e|copying|notice)/i.test(file));
  const text = own.length > 0
    ? own.sort().map((file) => readFileSync(join(folder, file), "utf8")).join("\n")
    : packagesWithoutFile[name] && kept(packagesWithoutFile[name]);
  if (text === undefined || typeof license !== "string") {
    throw new Error(
      `the package ${name} is bundled but has no ${
        text === undefined ? "licence file" : "license field"
      }: ` +
        "add its text to licenses/ and its name to packagesWithoutFile in scripts/licenses.ts",
    );
  }
  return { name, version, license, text };
}

/**
 * Returns the works of others that a bundle contains, sorted by name.
 *
 * @param program metafile of the program's bundle
 * @param page metafile of the admin page's bundle, which the program embeds as text
 * @throws where a file's origin or a package's licence is unknown
 */
export function collectWorks(program: Metafile, page: Metafile): Work[] {
  const made = new Set<string>();
  for (const file of Object.keys(program.inputs)) {
    const path = file.replaceAll("\\", "/");
    if (/(^|\/)node_modules\//.test(path) || /^(src|lua|none:|package\.json$)/.test(path)) continue;
    // Our own example, which wippy init writes.
    const origin = path.startsWith("examples/")
      ? "own"
      : /^build\/tree-sitter\/[\w-]+\.zst$/.test(path)
      ? "grammars"
      : madeFiles[path];
    // Generated lists of our own files; what they import is among the inputs.
    if (origin === undefined && /^build\/[\w-]+\.js$/.test(path)) continue;
    if (origin === undefined) {
      throw new Error(
        `${path} is embedded, but scripts/licenses.ts does not say whose work it contains: ` +
          "add it to madeFiles",
      );
    }
    made.add(origin);
  }
  const files = Object.keys(program.inputs);
  if (made.has("page")) files.push(...Object.keys(page.inputs));
  const folders = packageFolders(files).map((folder) => resolve(root, folder));
  const works = new Map<string, Work>();
  const add = (work: Work) => works.set(`${work.name} ${work.version}`, work);
  for (const folder of folders) add(workOfPackage(folder));
  if (made.has("vm")) {
    add(workOfPackage(join(root, "node_modules/wasmoon")));
    for (const work of vm) add({ ...work, text: kept(`${work.name}.txt`) });
  }
  if (made.has("grammars")) {
    for (const name of treeSitterPackages) add(workOfPackage(join(root, "node_modules", name)));
  }
  if (made.has("messages")) add(workOfPackage(join(root, "node_modules/@temporalio/proto")));
  add({ name: "bun", version: Bun.version, license: "MIT", text: kept("bun.txt") });
  add({ name: "JavaScriptCore", license: "LGPL-2.0", text: kept("lgpl-2.0.txt") });
  add({ name: "tinycc", license: "LGPL-2.1", text: kept("lgpl-2.1.txt") });
  return [...works.values()].sort((a, b) => a.name.localeCompare(b.name, "en"));
}

/** The line above a work's notice. */
export function heading({ name, version, license }: Omit<Work, "text">): string {
  return `== ${name}${version === undefined ? "" : ` ${version}`} (${license})`;
}

/** Returns the text that `wippy version --licenses` prints. */
export function noticeText(works: readonly Work[]): string {
  const own = { name: manifest.name, version: manifest.version, license: manifest.license };
  const all = [{ ...own, text: readFileSync(join(root, "LICENSE"), "utf8") }, ...works];
  return all.map((work) => `${heading(work)}\n\n${work.text.trim()}\n`).join("\n\n");
}

/** Where the bundle finds the text. */
export const noticeFile = join(root, "build/licenses.txt");

/** Metafile of the page in `build/page`; written with it. */
export function pageMetafile(): Metafile {
  const path = join(root, "build/page/metafile.json");
  if (!existsSync(path)) {
    throw new Error("build/page/metafile.json is missing: run scripts/bun run scripts/prepare.ts");
  }
  return JSON.parse(readFileSync(path, "utf8")) as Metafile;
}
