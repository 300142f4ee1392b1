/**
 * The library and the files of its grammars, for `grammars.ts`. In the executable it is a file of its own, which a
 * program without `treesitter` does not load.
 * @module
 */
import bash from "../../../build/tree-sitter/bash.zst" with { type: "file" };
import c from "../../../build/tree-sitter/c.zst" with { type: "file" };
import css from "../../../build/tree-sitter/css.zst" with { type: "file" };
import go from "../../../build/tree-sitter/go.zst" with { type: "file" };
import html from "../../../build/tree-sitter/html.zst" with { type: "file" };
import java from "../../../build/tree-sitter/java.zst" with { type: "file" };
import javascript from "../../../build/tree-sitter/javascript.zst" with { type: "file" };
import json from "../../../build/tree-sitter/json.zst" with { type: "file" };
import lua from "../../../build/tree-sitter/lua.zst" with { type: "file" };
import python from "../../../build/tree-sitter/python.zst" with { type: "file" };
import runtime from "../../../build/tree-sitter/runtime.zst" with { type: "file" };
import rust from "../../../build/tree-sitter/rust.zst" with { type: "file" };
import toml from "../../../build/tree-sitter/toml.zst" with { type: "file" };
import tsx from "../../../build/tree-sitter/tsx.zst" with { type: "file" };
import typescript from "../../../build/tree-sitter/typescript.zst" with { type: "file" };
import yaml from "../../../build/tree-sitter/yaml.zst" with { type: "file" };

export { Language, Parser, Query } from "../../../build/tree-sitter.js";

/** Path of the library's own WebAssembly, compressed. */
export const runtimeFile: string = runtime;

/** Path of each grammar's WebAssembly, compressed, by language. */
export const grammarFiles: ReadonlyMap<string, string> = new Map(Object.entries({
  bash,
  c,
  css,
  go,
  html,
  java,
  javascript,
  json,
  lua,
  python,
  rust,
  toml,
  tsx,
  typescript,
  yaml,
}));
