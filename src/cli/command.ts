/**
 * What the definitions of commands share: values of flags, flags of several commands, texts of help.
 * @module
 */
import { type Command, InvalidArgumentError, Option } from "commander";
import { parseSize } from "./run/memory-limit.ts";
import { type Deprecation, deprecationText } from "../registry/deprecation.ts";
import type { Console } from "./terminal/terminal.ts";

/** What a command needs of the program it belongs to. */
export interface CommandContext {
  /** The console, in the directory that -C names. */
  here(): Console;
  /** Sets the exit status. */
  finish(status: number): void;
}

const deprecatedOptions = new WeakMap<Option, Deprecation>();

/** Makes a flag that works and is to be removed; help does not show it. */
export function deprecatedOption(
  flags: string,
  description: string,
  deprecation: Deprecation,
): Option {
  const option = new Option(flags, description).hideHelp();
  deprecatedOptions.set(option, deprecation);
  return option;
}

/** Reports deprecated flags that are given, before a command runs. */
export function warnOfDeprecated(program: Command, report: (text: string) => void): void {
  program.hook("preAction", (_program, command) => {
    for (const option of command.options) {
      const deprecation = deprecatedOptions.get(option);
      if (deprecation === undefined) continue;
      if (command.getOptionValueSource(option.attributeName()) !== "cli") continue;
      const text = deprecationText(option.long ?? option.flags, deprecation);
      report(`warning: ${text}\n    hint: use ${deprecation.instead}\n`);
    }
  });
}

/** A parser of whole numbers within a range, for flags. */
export function wholeNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = /^\d{1,9}$/.test(text) ? Number(text) : NaN;
    if (value >= least && value <= most) return value;
    throw new InvalidArgumentError(`Write a whole number from ${least} to ${most}.`);
  };
}

/** Number of items that a list may be limited to. */
export const itemCount = wholeNumber(1, 1_000_000);

/** Parses the bytes of a size such as `4M`, for flags. */
export function size(text: string): number {
  const bytes = parseSize(text);
  if (bytes !== undefined) return bytes;
  throw new InvalidArgumentError("Write a size, such as 4M.");
}

/** Collects the values of a flag that may be repeated. */
export function collect(value: string, previous: string[] | undefined): string[] {
  return [...previous ?? [], value];
}

/** Adds the flags that change what is loaded. */
export function withSources(command: Command): Command {
  return command
    .option("-o, --override <key=value>", "namespace:entry:field=value, repeatable", collect)
    .option("--set <key=value>", "configuration section.path=value, repeatable", collect)
    .option("--profile <name>", "profile of the configuration, repeatable", collect);
}

/** Adds the flag for the lock file. */
export function withLockFile(command: Command): Command {
  return command.option(
    "-l, --lock-file <file>",
    "lock file of the application (default: wippy.lock)",
  );
}

/** Adds the flag for the number of worker threads. */
export function withWorkers(command: Command): Command {
  return command.option(
    "--workers <number>",
    "worker threads (default: one per core)",
    wholeNumber(1, 9999),
  );
}

/** Adds the flags of every command that connects to a runtime. */
export function withConnection(command: Command): Command {
  return command
    .option("--state <directory>", "state folder of the runtime (default: .wippy)")
    .option("--json", "print JSON");
}

export const argumentsHelp =
  "\nArguments that are valid JSON (42, true, '{\"a\":1}', '\"42\"') are read as JSON, others as text.";

export const offlineHelp =
  "\nConnects to the running runtime; if none is running, reads the journal in the state folder.";
