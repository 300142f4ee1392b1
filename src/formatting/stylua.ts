/**
 * StyLua, where it is installed: its licence (MPL-2.0) and its size keep it out of the executable.
 * @module
 */
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { z } from "zod";
import { FormatError } from "./mask.ts";

/** Part of a text, in bytes. */
export interface FormatRange {
  start: number;
  end: number;
}

/** Formats a text of Lua 5.4, or the statements in a part of it. @throws FormatError for one that it cannot read */
export type FormatLua = (text: string, range?: FormatRange) => string;

/** Name of the package that brings StyLua. */
export const styluaPackage = "@johnnymorganz/stylua";

type Names = Readonly<Record<string, string | number>>;

/** The part of the package that is used; its names of settings are enumerations. */
interface Stylua {
  Config: { new (): never; new: () => Record<string, unknown> };
  LuaVersion: Names;
  OutputVerification: Names;
  Range: { from_values(start: number, end: number): object };
  formatCode(code: string, config: object, range: object | undefined, verify: unknown): string;
  [enumeration: string]: unknown;
}

/** Settings of stylua.toml whose values are names, and the enumerations that have these. */
const named: Readonly<Record<string, string>> = {
  line_endings: "LineEndings",
  indent_type: "IndentType",
  quote_style: "QuoteStyle",
  call_parentheses: "CallParenType",
  collapse_simple_statement: "CollapseSimpleStatement",
  space_after_function_names: "SpaceAfterFunctionNames",
  block_newline_gaps: "BlockNewlineGaps",
};
const numbers = ["column_width", "indent_width"];

/** The nearest of some files in a folder or above it. */
function above(folder: string, names: readonly string[]): string | undefined {
  for (const name of names) {
    const path = join(folder, name);
    if (existsSync(path)) return path;
  }
  const parent = dirname(folder);
  return parent === folder ? undefined : above(parent, names);
}

/**
 * Finds StyLua in `node_modules` of a folder or of one above it.
 *
 * @returns undefined where it is not installed
 * @throws FormatError for one that cannot be used
 */
export async function findStylua(folder: string): Promise<Stylua | undefined> {
  const found = above(folder, [join("node_modules", styluaPackage, "stylua_lib_node.mjs")]);
  if (found === undefined) return undefined;
  const module = await import(found) as Partial<Stylua>;
  if (typeof module.formatCode === "function" && module.Config && module.LuaVersion) {
    return module as Stylua;
  }
  throw new FormatError(`${found} is another version of StyLua than 2`);
}

/** What stylua.toml may say. */
const settingsSchema = z.record(z.string(), z.unknown());

/**
 * A formatter with the settings of the nearest `stylua.toml` or `.stylua.toml`, else with those of StyLua.
 *
 * @param folder absolute path of the folder of the text
 * @throws FormatError for settings that are unknown or cannot be read
 */
export function formatterFor(stylua: Stylua, folder: string): FormatLua {
  const path = above(folder, ["stylua.toml", ".stylua.toml"]);
  const settings = path === undefined ? {} : readSettings(path);
  const values = Object.entries(settings).flatMap(([name, value]): [string, unknown][] => {
    const wrong = (hint: string) =>
      new FormatError(`${path}: ${name} = ${JSON.stringify(value)} ${hint}`);
    // All is Lua 5.4 once the types are hidden.
    if (name === "syntax") return [];
    if (numbers.includes(name)) {
      if (!Number.isInteger(value) || Number(value) < 0) throw wrong("is no whole number");
      return [[name, value]];
    }
    const enumeration = named[name];
    if (enumeration === undefined) {
      throw wrong(
        `is not supported (supported: ${[...numbers, ...Object.keys(named)].join(", ")})`,
      );
    }
    const known = stylua[enumeration] as Names;
    const member = typeof value === "string" ? known[value] : undefined;
    if (typeof member !== "number") {
      const names = Object.keys(known).filter((key) => !/^\d/.test(key));
      throw wrong(`is unknown (known: ${names.join(", ")})`);
    }
    return [[name, member]];
  });
  return (text, range) => {
    // A call consumes its settings.
    const config = stylua.Config.new();
    config["syntax"] = stylua.LuaVersion["Lua54"];
    for (const [name, value] of values) config[name] = value;
    try {
      const part = range && stylua.Range.from_values(range.start, range.end);
      return stylua.formatCode(text, config, part, stylua.OutputVerification["None"]);
    } catch (error) {
      throw new FormatError(`StyLua: ${error instanceof Error ? error.message : String(error)}`);
    }
  };
}

function readSettings(path: string): Record<string, unknown> {
  try {
    return settingsSchema.parse(Bun.TOML.parse(readFileSync(path, "utf8")));
  } catch (error) {
    throw new FormatError(`${path} cannot be read: ${(error as Error).message}`);
  }
}
