/**
 * Makes what the module `treesitter` embeds: `build/tree-sitter.js`, the library without its asynchronous start, and
 * `build/tree-sitter/*.zst`, its WebAssembly and that of each grammar.
 * @module
 */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { writeIndex } from "../src/operations/make-index.ts";

const root = resolve(import.meta.dir, "..");
const packages = join(root, "node_modules");
const library = "web-tree-sitter";

/** The package of each grammar, by language. */
const grammars: Readonly<Record<string, string>> = {
  bash: "tree-sitter-bash",
  c: "tree-sitter-c",
  css: "tree-sitter-css",
  go: "tree-sitter-go",
  html: "tree-sitter-html",
  java: "tree-sitter-java",
  javascript: "tree-sitter-javascript",
  json: "tree-sitter-json",
  lua: "@tree-sitter-grammars/tree-sitter-lua",
  python: "tree-sitter-python",
  rust: "tree-sitter-rust",
  toml: "@tree-sitter-grammars/tree-sitter-toml",
  tsx: "tree-sitter-typescript",
  typescript: "tree-sitter-typescript",
  yaml: "@tree-sitter-grammars/tree-sitter-yaml",
};

/** Packages whose works the made files contain. */
export const treeSitterPackages: readonly string[] = [
  library,
  ...new Set(Object.values(grammars)),
];

/**
 * What keeps the library from starting at once: it finds and reads its files by itself, each time with a promise. Its
 * WebAssembly is given to it instead, compiled.
 */
const changes: readonly [before: string, after: string][] = [
  ["async function Module2(", "function Module2("],
  [
    'var ENVIRONMENT_IS_NODE = typeof process == "object" && process.versions?.node && process.type != "renderer";',
    "var ENVIRONMENT_IS_NODE = false;",
  ],
  [
    '    const { createRequire } = await import("module");\n    var require = createRequire(import.meta.url);\n',
    "",
  ],
  ['var ENVIRONMENT_IS_WEB = typeof window == "object";', "var ENVIRONMENT_IS_WEB = false;"],
  [
    'var ENVIRONMENT_IS_WORKER = typeof WorkerGlobalScope != "undefined";',
    "var ENVIRONMENT_IS_WORKER = false;",
  ],
  ["async function createWasm()", "function createWasm()"],
  [
    '    if (Module["instantiateWasm"]) {\n      return new Promise((resolve, reject) => {\n' +
    '        Module["instantiateWasm"](info2, (mod, inst) => {\n' +
    "          resolve(receiveInstance(mod, inst));\n        });\n      });\n    }\n" +
    "    wasmBinaryFile ??= findWasmBinary();\n" +
    "    var result = await instantiateAsync(wasmBinary, wasmBinaryFile, info2);\n" +
    "    var exports = receiveInstantiationResult(result);\n    return exports;\n",
    "    return receiveInstance(new WebAssembly.Instance(Module.wasm, info2), Module.wasm);\n",
  ],
  ["wasmExports = await createWasm();", "wasmExports = createWasm();"],
  ["async function initializeBinding(", "function initializeBinding("],
  ["Module3 ??= await web_tree_sitter_default(", "Module3 ??= web_tree_sitter_default("],
  ["static async init(moduleOptions) {", "static init(moduleOptions) {"],
  [
    "setModule(await initializeBinding(moduleOptions));",
    "setModule(initializeBinding(moduleOptions));",
  ],
];

function madeLibrary(): string {
  let text = readFileSync(join(packages, library, `${library}.js`), "utf8");
  for (const [before, after] of changes) {
    if (text.split(before).length !== 2) {
      throw new Error(`${library} has changed: ${JSON.stringify(before)} is not in it once`);
    }
    text = text.replace(before, () => after);
  }
  return text.replace(/^\/\/# sourceMappingURL=.*$/m, "");
}

function versionOf(folder: string): string {
  const text = readFileSync(join(packages, folder, "package.json"), "utf8");
  return (JSON.parse(text) as { version: string }).version;
}

/** Compresses a file, unless it was made from this version before. */
function compress(name: string, folder: string, file: string): void {
  const target = join(root, "build/tree-sitter", `${name}.zst`);
  const stamp = `${target}.version`;
  const version = versionOf(folder);
  if (existsSync(target) && existsSync(stamp) && readFileSync(stamp, "utf8") === version) return;
  mkdirSync(join(root, "build/tree-sitter"), { recursive: true });
  const bytes = readFileSync(join(packages, folder, file));
  writeFileSync(`${target}.${process.pid}`, Bun.zstdCompressSync(bytes, { level: 19 }));
  renameSync(`${target}.${process.pid}`, target);
  writeFileSync(stamp, version);
  console.error(`made build/tree-sitter/${name}.zst`);
}

/** Makes what is out of date. */
export function makeAll(): void {
  writeIndex("tree-sitter.js", madeLibrary());
  compress("runtime", library, `${library}.wasm`);
  for (const [language, folder] of Object.entries(grammars)) {
    compress(language, folder, `tree-sitter-${language}.wasm`);
  }
}
