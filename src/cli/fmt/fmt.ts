import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { isUtf8 } from "node:buffer";
import { type CompileBytes, withBytecode } from "../../app/bytecode.ts";
import { readLock } from "../../app/lock.ts";
import { replaceFile } from "../../app/replace-file.ts";
import { FormatError, formatTyped } from "../../formatting/formatting.ts";
import {
  findStylua,
  type FormatLua,
  formatterFor,
  styluaPackage,
} from "../../formatting/stylua.ts";
import { oneLine } from "../../observe/clean.ts";
import { CommandError, type Console } from "../terminal/terminal.ts";

/** Flags of `wippy fmt`. */
export interface FmtOptions {
  check?: boolean;
  stdin?: boolean;
}

const neverEntered: ReadonlySet<string> = new Set(["node_modules", ".git", ".wippy"]);

/** `wippy fmt [FILE…]`. @returns the exit status: 1 for a text that cannot be formatted, or with --check is not */
export async function fmt(
  console: Console,
  names: readonly string[],
  options: FmtOptions,
): Promise<number> {
  const stylua = await findStylua(console.directory);
  if (!stylua) {
    throw new CommandError(
      "StyLua, which formats, is not installed",
      `run "npm install --save-dev ${styluaPackage}" in the folder of the application`,
    );
  }
  return await withBytecode(async (compile) => {
    if (options.stdin) {
      if (names.length > 0) {
        throw new CommandError(
          "--stdin formats standard input, not files",
          "leave out one of both",
        );
      }
      const formatter = inCommand(() => formatterFor(stylua, console.directory));
      return formatInput(console, await console.input(), formatter, compile);
    }
    const files = filesOf(console, names);
    const formatters = new Map<string, FormatLua>();
    const counts = { formatted: 0, unchanged: 0, failed: 0 };
    for (const path of files) {
      const folder = dirname(path);
      const formatter = formatters.get(folder) ?? inCommand(() => formatterFor(stylua, folder));
      formatters.set(folder, formatter);
      counts[formatFile(console, path, formatter, compile, options.check === true)]++;
    }
    const changed = options.check ? "not formatted" : "formatted";
    console.out(
      `${files.length} ${files.length === 1 ? "file" : "files"}: ${counts.formatted} ${changed}, ` +
        `${counts.unchanged} unchanged${counts.failed ? `, ${counts.failed} failed` : ""}\n`,
    );
    return counts.failed > 0 || options.check && counts.formatted > 0 ? 1 : 0;
  });
}

/** Turns wrong settings into a failure of the command. */
function inCommand<Result>(work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    if (error instanceof FormatError) throw new CommandError(error.message);
    throw error;
  }
}

function formatInput(
  console: Console,
  text: string,
  formatter: FormatLua,
  compile: CompileBytes,
): number {
  try {
    console.out(formatTyped(text, formatter, compile));
    return 0;
  } catch (error) {
    tell(console, "standard input", error);
    return 1;
  }
}

function formatFile(
  console: Console,
  path: string,
  formatter: FormatLua,
  compile: CompileBytes,
  check: boolean,
): "formatted" | "unchanged" | "failed" {
  const shown = relative(console.directory, path);
  try {
    const bytes = readFileSync(path);
    if (!isUtf8(bytes)) throw new FormatError("the file is not UTF-8");
    const text = bytes.toString();
    const formatted = formatTyped(text, formatter, compile);
    if (formatted === text) return "unchanged";
    if (!check) replaceFile(path, formatted);
    console.out(check ? `${oneLine(shown)}: not formatted\n` : `formatted ${oneLine(shown)}\n`);
    return "formatted";
  } catch (error) {
    tell(console, shown, error);
    return "failed";
  }
}

/** Shows why a text was left as it is. @throws what is a fault of the program */
function tell(console: Console, name: string, error: unknown): void {
  const isFile = error instanceof Error && "syscall" in error;
  if (!(error instanceof FormatError) && !isFile) throw error;
  const position = error instanceof FormatError && error.position;
  const place = position ? `${name}:${position.line}:${position.column}` : name;
  console.err(`${oneLine(place)}: ${oneLine(error.message)}; it is left as it is\n`);
}

function filesOf(console: Console, names: readonly string[]): string[] {
  if (names.length === 0) {
    const { lock } = readLock(console.directory);
    if (!lock) {
      throw new CommandError(`no wippy.lock in ${console.directory}`, "name files or folders");
    }
    return luaFiles(lock.source);
  }
  const found = names.flatMap((name) => {
    const path = resolve(console.directory, name);
    if (!existsSync(path)) throw new CommandError(`there is no ${name}`, "correct the path");
    return statSync(path).isDirectory() ? luaFiles(path) : [path];
  });
  return [...new Set(found)];
}

/** Lua files below a folder, in the order of their paths. */
function luaFiles(folder: string): string[] {
  const items = existsSync(folder) ? readdirSync(folder, { withFileTypes: true }) : [];
  return items.sort((one, other) => one.name < other.name ? -1 : 1).flatMap((item) => {
    const path = join(folder, item.name);
    if (item.isDirectory()) return neverEntered.has(item.name) ? [] : luaFiles(path);
    return item.name.endsWith(".lua") ? [path] : [];
  });
}
