import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { moduleTypes } from "../../../build/module-types.js";
import { sandboxGlobals } from "../../app/sandbox-globals.ts";
import { parse } from "../../language/language.ts";
import { CommandError, type Console } from "../terminal/terminal.ts";
import { type Presence, stubHeader, stubOf } from "./stub.ts";

/** Tables that LuaLS knows already. */
const standard: ReadonlySet<string> = new Set(["coroutine", "os"]);

const errorClass = `${stubHeader}
---@meta

---@class wippy.Error
local Error = {}

---@return string
function Error:kind() end

---@return string
function Error:message() end

---@return boolean?
function Error:retryable() end

---@return table?
function Error:details() end

---@return string
function Error:stack() end
`;

/** The stubs of all modules, by the name of the file. */
export function stubs(): Map<string, string> {
  const files = new Map([["wippy.lua", errorClass]]);
  for (const [name, text] of Object.entries(moduleTypes)) {
    const presence: Presence = standard.has(name)
      ? "standard"
      : sandboxGlobals.has(name)
      ? "global"
      : "required";
    const tree = parse(Buffer.from(text).toString("latin1"));
    files.set(`${name}.lua`, stubOf(name, tree, presence));
  }
  return files;
}

type Settings = Record<string, unknown>;

function isSettings(value: unknown): value is Settings {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Adds a folder to the libraries that settings name, in whichever form they are written. */
function withLibrary(settings: Settings, folder: string): Settings {
  const nested = settings["workspace"];
  if (isSettings(nested)) {
    return { ...settings, workspace: { ...nested, library: added(nested["library"], folder) } };
  }
  const key = "Lua.workspace.library" in settings ? "Lua.workspace.library" : "workspace.library";
  return { ...settings, [key]: added(settings[key], folder) };
}

function added(list: unknown, folder: string): unknown[] {
  const known: unknown[] = Array.isArray(list) ? list : [];
  return known.includes(folder) ? known : [...known, folder];
}

/** What `.luarc.json` says. @throws CommandError when it is no object of JSON */
function readSettings(path: string, force: boolean): Settings {
  if (!existsSync(path)) return { "runtime.version": "Lua 5.4" };
  try {
    const settings: unknown = JSON.parse(readFileSync(path, "utf8"));
    if (isSettings(settings)) return settings;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  if (force) return { "runtime.version": "Lua 5.4" };
  throw new CommandError(
    ".luarc.json is no JSON object, so nothing can be added to it",
    "correct it (comments are not JSON), or replace it with --force",
  );
}

/**
 * `wippy types`: writes the types of all modules for LuaLS, and names the folder in `.luarc.json`, whose other settings
 * stay. Writes nothing when one file is in the way.
 *
 * @param force replace files that this command has not written
 * @returns the exit status
 * @throws CommandError when a file is in the way or cannot be written
 */
export function writeTypes(console: Console, folder: string, force: boolean): number {
  const target = resolve(console.directory, folder);
  const settingsPath = join(console.directory, ".luarc.json");
  const shown = relative(console.directory, target).replaceAll("\\", "/") || ".";
  const settings = withLibrary(readSettings(settingsPath, force), shown);
  const files = [...stubs()].map(([name, text]) => [join(target, name), text] as const);
  const foreign = files.find(([path]) =>
    existsSync(path) && !readFileSync(path, "utf8").startsWith(stubHeader)
  );
  if (foreign && !force) {
    throw new CommandError(
      `${relative(console.directory, foreign[0])} was not written by wippy types`,
      "name another folder, or replace the file with --force",
    );
  }
  try {
    mkdirSync(target, { recursive: true });
    for (const [path, text] of files) writeFileSync(path, text);
    writeFileSync(settingsPath, `${JSON.stringify(settings, null, 2)}\n`);
  } catch (error) {
    throw new CommandError(
      `cannot write the types: ${(error as Error).message}`,
      "name a folder that you may write to",
    );
  }
  console.err(`wrote ${files.length} files to ${shown}, named in .luarc.json\n`);
  return 0;
}
