import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Language, Parser } from "web-tree-sitter";
import { lazy } from "../../registry/lazy.ts";
import { nearest } from "../../registry/suggestion.ts";
import { WippyError } from "../../vm/error.ts";

/** A failure that the caller can mend. */
export function invalid(message: string): WippyError {
  return new WippyError("Invalid", message, { retryable: false });
}

const library = lazy(() =>
  require(fileURLToPath(new URL("./library.ts", import.meta.url))) as typeof import("./library.ts")
);

function compiled(path: string): WebAssembly.Module {
  return new WebAssembly.Module(Bun.zstdDecompressSync(readFileSync(path)) as BufferSource);
}

/** The library, ready to parse. */
export const started = lazy(() => {
  const { Parser, runtimeFile } = library();
  Parser.init({ wasm: compiled(runtimeFile) });
  return library();
});

/** A language, and what parses it. */
export interface Grammar {
  readonly language: Language;
  readonly parser: Parser;
}

const grammars = new Map<string, Grammar>();

/** The names of all languages, sorted. */
export function languageNames(): string[] {
  return [...library().grammarFiles.keys()].sort();
}

/**
 * The grammar of a language, which is loaded at its first use.
 *
 * @throws WippyError Invalid for an unknown language
 */
export function grammarOf(name: string): Grammar {
  const known = grammars.get(name);
  if (known !== undefined) return known;
  const file = library().grammarFiles.get(name);
  if (file === undefined) {
    const near = nearest(name, languageNames());
    const hint = near === undefined
      ? `use one of ${languageNames().join(", ")}`
      : `did you mean ${near}?`;
    throw invalid(`unknown language ${name}; ${hint}`);
  }
  const { Language, Parser } = started();
  const language = Language.loadSync(compiled(file));
  const grammar = { language, parser: new Parser().setLanguage(language) };
  grammars.set(name, grammar);
  return grammar;
}
