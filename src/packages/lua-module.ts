/**
 * Makes modules of wippy from Lua files: each file becomes a `library.lua` entry that imports what it requires.
 * @module
 */
import { stringify } from "yaml";
import { parse } from "../language/language.ts";
import { required } from "../language/mentions.ts";
import { type FileTree, subtree } from "./file-tree.ts";
import { PackageError } from "./package.ts";

/** Sources by the name that `require` takes. */
export type LuaSources = Map<string, Buffer>;

/** What is there without being required. */
const builtIn: ReadonlySet<string> = new Set(
  ["_G", "coroutine", "debug", "io", "math", "os", "package", "string", "table", "utf8"],
);

const license = /^(?:licen[cs]e|copying|copyright|notice)(?:\.\w+)?$/i;
const native = /(?:\.(?:c|cc|cpp|cxx|m|rs|so|dll|dylib|node)|^binding\.gyp)$/i;
const notTheModule =
  /(?:^|\/)(?:spec|specs|test|tests|example|examples|bench|benchmarks|doc|docs)\//;

/** The refusal of what is not written in Lua alone. */
export function nativeCode(name: string, what: string): PackageError {
  return new PackageError(
    `${name} is not written in Lua alone (${what}), and wippy loads no C modules`,
    "choose a package of Lua files, or a module of wippy that does the same",
  );
}

/**
 * The modules of a folder: those in `lua`, else `src`, else the folder itself. `a/b.lua` is `a.b`, and `a/init.lua` is
 * `a`.
 *
 * @param name what a lone `init.lua` is called
 * @throws PackageError without Lua files, or with native code
 */
export function sourcesOf(files: FileTree, name: string): LuaSources {
  const lua = (tree: FileTree) =>
    [...tree].filter(([path]) =>
      path.endsWith(".lua") && !notTheModule.test(path) &&
      !/(?:_test|_spec|^\.[^/]*|\/\.[^/]*)\.lua$/.test(path)
    );
  const root = ["lua", "src", ""].map((folder) => subtree(files, folder)).find((tree) =>
    lua(tree).length > 0
  );
  if (root === undefined) throw new PackageError(`${name} has no Lua files`);
  const foreign = [...files.keys()].find((path) => native.test(path) && !notTheModule.test(path));
  if (foreign !== undefined) throw nativeCode(name, foreign);
  const sources: LuaSources = new Map();
  for (const [path, content] of lua(root)) {
    const module = path.slice(0, -".lua".length).replaceAll("/", ".").replace(/(?:^|\.)init$/, "");
    sources.set(module === "" ? name : module, content);
  }
  return sources;
}

/** Files that say under what terms a package may be used. */
export function licensesOf(files: FileTree): FileTree {
  return new Map([...files].filter(([path]) => license.test(path)));
}

/**
 * The files of a module of wippy.
 *
 * @param module `org/module`
 * @param libraries identifiers of the libraries of other packages by the name that code requires
 * @throws PackageError for names that are none, texts that are no Lua, and modules that need each other
 */
export function makeModule(
  module: string,
  sources: LuaSources,
  libraries: ReadonlyMap<string, string>,
  licenses: FileTree,
): { files: FileTree; libraries: Map<string, string>; notes: string[] } {
  const namespace = module.replace("/", ".");
  const own = new Map<string, string>();
  for (const name of [...sources.keys()].sort()) {
    if (!/^[\w-]+(?:\.[\w-]+)*$/.test(name)) {
      throw new PackageError(`${module} has a module with the name ${JSON.stringify(name)}`);
    }
    own.set(name, `${namespace}:${name}`);
  }
  const files: FileTree = new Map(licenses);
  const imports = new Map<string, string[]>();
  const unknown = new Map<string, string>();
  const entries = [...own.keys()].map((name) => {
    const content = sources.get(name)!;
    const path = `${name.replaceAll(".", "/")}.lua`;
    files.set(path, content);
    const wanted = requiredBy(content, `${module}: ${path}`);
    const known = wanted.filter((other) => own.has(other) || libraries.has(other));
    imports.set(name, known.filter((other) => own.has(other)));
    for (const other of wanted) {
      if (!known.includes(other) && !unknown.has(other)) unknown.set(other, name);
    }
    const aliases = Object.fromEntries(
      known.map((other) => [other, own.get(other) ?? libraries.get(other)]),
    );
    return {
      name,
      kind: "library.lua",
      source: `file://${path}`,
      ...(known.length > 0 && { imports: aliases }),
    };
  });
  checkCycles(module, imports);
  const text = "# Written by wippy add; changes are lost.\n" +
    stringify({ version: "1.0", namespace, entries }, { lineWidth: 0 });
  files.set("_index.yaml", Buffer.from(text));
  const notes = [...unknown].map(([name, by]) =>
    `${by} requires ${name}, which is in none of these packages`
  );
  return { files, libraries: own, notes };
}

/** Names that a text requires, each once, without those that are always there. */
function requiredBy(content: Buffer, place: string): string[] {
  const text = content.toString("utf8").replace(/^\uFEFF/, "").replace(/^#[^\n]*/, "");
  const tree = parse(text);
  const [fault] = tree.faults;
  if (fault !== undefined) throw new PackageError(`${place} is not Lua 5.4: ${fault.message}`);
  return [...new Set(required(tree).map(({ name }) => name))].filter((name) => !builtIn.has(name))
    .sort();
}

/** Entries cannot import each other in a circle. */
function checkCycles(module: string, imports: ReadonlyMap<string, string[]>): void {
  const done = new Set<string>();
  const path: string[] = [];
  function visit(name: string): void {
    if (done.has(name)) return;
    if (path.includes(name)) {
      const circle = [...path.slice(path.indexOf(name)), name].join(" -> ");
      throw new PackageError(
        `the modules of ${module} require each other in a circle, which imports cannot: ${circle}`,
      );
    }
    path.push(name);
    for (const other of imports.get(name) ?? []) visit(other);
    path.pop();
    done.add(name);
  }
  for (const name of imports.keys()) visit(name);
}
