/**
 * Formats the Lua files with StyLua and the settings of stylua.toml.
 *
 *     bun scripts/lua-format.ts [--check] [file ...]
 *
 * With `--check` nothing is written: files that are not formatted are named, and the exit status is 1.
 * @module
 */

import {
  CallParenType,
  CollapseSimpleStatement,
  Config,
  formatCode,
  IndentType,
  LineEndings,
  LuaVersion,
  OutputVerification,
  QuoteStyle,
} from "@johnnymorganz/stylua";
import { join } from "node:path";
import settings from "../stylua.toml";
import { type CompileBytes, withBytecode } from "../src/app/bytecode.ts";
import { formatTyped } from "../src/formatting/formatting.ts";
import { lower } from "../src/language/language.ts";
import { luaFolders, root, sourceFiles } from "./sources.ts";

/** The enum member that a setting names; a wrong name fails with the names that are known. */
function member<T>(names: Record<string, T | string>, setting: string, value: string): T {
  const found = names[value];
  if (found === undefined || typeof found === "string") {
    const known = Object.keys(names).filter((name) => !/^\d/.test(name)).join(", ");
    throw new Error(`stylua.toml: ${setting} = "${value}" is unknown (known: ${known})`);
  }
  return found;
}

/** The settings of stylua.toml. A call of formatCode consumes its Config, so each gets a new one. */
function config(): Config {
  const made = Config.new();
  made.syntax = member<LuaVersion>(LuaVersion, "syntax", settings.syntax);
  made.column_width = settings.column_width;
  made.line_endings = member<LineEndings>(LineEndings, "line_endings", settings.line_endings);
  made.indent_type = member<IndentType>(IndentType, "indent_type", settings.indent_type);
  made.indent_width = settings.indent_width;
  made.quote_style = member<QuoteStyle>(QuoteStyle, "quote_style", settings.quote_style);
  made.call_parentheses = member<CallParenType>(
    CallParenType,
    "call_parentheses",
    settings.call_parentheses,
  );
  made.collapse_simple_statement = member<CollapseSimpleStatement>(
    CollapseSimpleStatement,
    "collapse_simple_statement",
    settings.collapse_simple_statement,
  );
  return made;
}

/** The formatted text of a Lua source. Throws where it cannot be parsed. */
export function formatLua(source: string): string {
  // StyLua does not know the first line of a script.
  const shebang = /^#![^\n]*\n/.exec(source)?.[0] ?? "";
  const body = source.slice(shebang.length);
  // StyLua's own check of its output crashes on hexadecimal floats such as 0x1p63.
  return shebang + formatCode(body, config(), undefined, OutputVerification.None);
}

async function main(args: string[]): Promise<number> {
  return await withBytecode((compile) => formatFiles(args, compile));
}

async function formatFiles(args: string[], compile: CompileBytes): Promise<number> {
  const check = args.includes("--check");
  const named = args.filter((arg) => arg !== "--check");
  let faults = 0;
  for (const path of named.length > 0 ? named : sourceFiles("**/*.lua", luaFolders)) {
    const file = Bun.file(join(root, path));
    const source = await file.text();
    let formatted: string;
    try {
      // StyLua does not know types.
      const isTyped = lower(Buffer.from(source).toString("latin1")) !== undefined;
      formatted = isTyped ? formatTyped(source, formatLua, compile) : formatLua(source);
    } catch (error) {
      console.error(`${path}: ${error instanceof Error ? error.message : String(error)}`);
      faults += 1;
      continue;
    }
    if (formatted === source) continue;
    if (check) {
      console.error(`${path}: not formatted (hint: scripts/bun scripts/lua-format.ts ${path})`);
      faults += 1;
    } else {
      await file.write(formatted);
      console.log(`${path}: formatted`);
    }
  }
  return faults > 0 ? 1 : 0;
}

if (import.meta.main) process.exitCode = await main(process.argv.slice(2));
