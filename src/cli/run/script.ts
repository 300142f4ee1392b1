import { isUtf8 } from "node:buffer";
import { mkdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { Config } from "../../app/config.ts";
import type { Problem } from "../../app/problem.ts";
import { definesUnits, type ScriptUnits } from "../../app/script-units.ts";
import {
  chunkName,
  readUnits,
  type Script,
  script,
  scriptEntries,
  unitsFinder,
} from "../../app/script.ts";
import { prepareSource } from "../../app/source.ts";
import { scriptStateFolder } from "../../app/state-folder.ts";
import { argumentBytes } from "../../operations/io/standard/environment.ts";
import { silentSink } from "../../observe/log.ts";
import { WippyError } from "../../vm/error.ts";
import { CommandError, type Console } from "../terminal/terminal.ts";
import { report } from "../terminal/report.ts";
import { createScriptLog } from "./logging.ts";
import { type RunOptions, start } from "./start.ts";
import { withSyntaxCheck } from "../../app/syntax-check.ts";

/** What to run, and what distinguishes it from other scripts. */
interface Source extends Script {
  /** Absolute path of the file, or the text where there is none. */
  key: string;
}

/** Flags of a script, which stand before it. */
export interface ScriptOptions extends RunOptions {
  eval?: string;
  sandbox?: boolean;
}

/** `wippy -e CODE [ARGS…]`: code of the command line. */
export async function runCode(
  console: Console,
  code: string,
  args: string[],
  options: ScriptOptions,
): Promise<number> {
  return await runSource(console, { text: code, name: "(command line)", key: code }, args, options);
}

/**
 * `wippy FILE.lua [ARGS…]`, `wippy - [ARGS…]`: one Lua file as a process with the terminal, and the units that it
 * defines.
 */
export async function runScript(
  console: Console,
  file: string,
  args: string[],
  options: ScriptOptions,
): Promise<number> {
  return await runSource(console, await readSource(console, file), args, options);
}

async function readSource(console: Console, file: string): Promise<Source> {
  if (file === "-") {
    const text = await console.input();
    return { text, name: "stdin", key: text };
  }
  const path = resolve(console.directory, file);
  try {
    return { ...textOf(readFileSync(path)), name: file, file, key: path };
  } catch (error) {
    throw new CommandError(`cannot read ${file}: ${(error as Error).message}`, "correct the path");
  }
}

/** Lua's strings are bytes, and so is its code: a file that is no UTF-8 runs as it is. */
function textOf(bytes: Buffer): { text: string; bytes?: boolean } {
  return isUtf8(bytes)
    ? { text: bytes.toString("utf8") }
    : { text: bytes.toString("latin1"), bytes: true };
}

async function runSource(
  console: Console,
  source: Source,
  args: string[],
  options: ScriptOptions,
): Promise<number> {
  const given = argumentBytes(args);
  const { code } = prepareSource(script.main, source.text);
  const units = definesUnits(code) ? await findUnits(console, source, options) : undefined;
  const state = options.state === undefined
    ? scriptStateFolder(source.key, console.system)
    : resolve(console.directory, options.state);
  if (units && units.workflows.length > 0) makeFolder(state);
  const entries = scriptEntries(source, {
    ...(units && { units }),
    ...(options.sandbox && { sandbox: true }),
    system: console.system,
    args: given,
    journal: join(state, "journal.db"),
  });
  try {
    return await start(console, { ...options, state }, {
      entries,
      config: Config.empty,
      log: createScriptLog(console, options),
      traces: true,
      output: (to, data) => to === 1 ? console.out(data) : console.err(data),
      task: { entry: script.main, host: script.terminal, args: given },
    });
  } catch (error) {
    // The body of a plain script is compiled when its process starts, and not before: that is faster.
    const message = error instanceof WippyError ? error.message : "";
    if (message.startsWith(`${chunkName(source.name)}:`)) {
      report(console, [await locate(source, message)], "script");
    }
    throw error;
  }
}

/** Only its owner may look into it: the journal holds what workflows were given. */
function makeFolder(path: string): void {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new CommandError(
      `cannot make the folder ${path} for the script's workflows: ${(error as Error).message}`,
      "name another one with --state DIR, or set XDG_STATE_HOME",
    );
  }
}

/** Runs the body of a script to see which units it defines. @throws CommandError when it is faulty */
async function findUnits(
  console: Console,
  source: Source,
  { sandbox }: ScriptOptions,
): Promise<ScriptUnits> {
  const options = { ...(sandbox && { sandbox }), system: console.system };
  const { Node } = await import("../../node/node.ts");
  const node = await Node.start({
    entries: unitsFinder(source, options),
    // The body runs again in the script itself: what it writes here is written there.
    output: () => {},
    config: Config.empty,
    directory: console.directory,
    stateDir: console.directory,
    workers: 1,
    inline: true,
    log: silentSink,
  });
  let units;
  try {
    units = readUnits(await node.call(script.units, []));
  } catch (error) {
    report(console, [await locate(source, WippyError.from(error).message)], "script");
    throw error;
  } finally {
    await node.stop();
  }
  if (!("message" in units)) return units;
  report(console, [{ severity: "error", file: source.name, ...units }], "script");
  throw new CommandError(units.message);
}

/** What is wrong with the text, as the compiler says it of the text alone; undefined when it compiles. */
async function syntaxFault(source: Source): Promise<Problem | undefined> {
  const { code } = prepareSource(script.main, source.text);
  const wrong = await withSyntaxCheck((check) =>
    Promise.resolve(check(code, chunkName(source.name)))
  );
  if (wrong === undefined) return undefined;
  const { line, column } = wrong;
  const { excerptAt } = await import("../../app/excerpt.ts");
  return {
    severity: "error",
    file: source.name,
    line,
    ...(column !== undefined && { excerpt: excerptAt(code, line, column) }),
    message: `Lua syntax error: ${wrong.message}`,
    fix: "correct the code at that line",
  };
}

/** Finds the place of a fault of the script's body in its message. */
async function locate(source: Source, message: string): Promise<Problem> {
  const text = message.replace(/^failed to execute script: /, "");
  if (text === message) {
    // The compiler was given the text with other code around it.
    const fault = await syntaxFault(source);
    if (fault !== undefined) return fault;
  }
  const chunk = `${chunkName(source.name)}:`;
  const line = text.startsWith(chunk) ? parseInt(text.slice(chunk.length), 10) : NaN;
  const known = !Number.isNaN(line);
  return {
    severity: "error",
    file: source.name,
    ...(known && { line }),
    message: known ? text.slice(`${chunk}${line}: `.length) : text,
    fix: "correct the top-level code: it runs in every unit of the script, and cannot wait",
  };
}
