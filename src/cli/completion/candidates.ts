/**
 * The possible continuations of a command line, from the definitions of its commands.
 * @module
 */
import type { Argument, Command, Option } from "commander";

/** The candidates at one position. */
export interface Candidates {
  /** Words that begin with what is already written. */
  words: readonly { word: string; description: string }[];
  /** What the shell completes if no word matches. */
  others: "files" | "directories" | "nothing";
}

/** Names in the application of the current directory, each read on demand. */
export interface ApplicationNames {
  /** Named commands. */
  commands(): Promise<readonly { word: string; description: string }[]>;
  /** Identifiers of entries. */
  entries(): Promise<readonly { word: string; description: string }[]>;
}

/**
 * Returns the candidates for the current word.
 *
 * @param words the words behind the program's name; the last is the one being written, and may be empty
 */
export async function findCandidates(
  program: Command,
  words: readonly string[],
  names: ApplicationNames,
): Promise<Candidates> {
  const current = words.at(-1) ?? "";
  const { command, options, pending, positionals, literal } = walk(program, words.slice(0, -1));
  if (pending !== undefined) return await valuesOf(pending, current, "", names);
  if (!literal && current.startsWith("-")) {
    const equals = current.indexOf("=");
    const given = equals < 0 ? undefined : current.slice(0, equals);
    const option = options.find(({ long }) => long === given);
    if (given !== undefined && option?.required) {
      return await valuesOf(option, current.slice(equals + 1), `${given}=`, names);
    }
    const flags = options.map(({ long, short, description }) => ({
      word: long ?? short ?? "",
      description,
    }));
    return { words: matching(flags, current), others: "nothing" };
  }
  const subcommands = literal || positionals > 0 ? [] : visibleCommands(command);
  const argument = argumentAt(command, positionals);
  const found = subcommands.map((each) => ({
    word: each.name(),
    description: each.description(),
  }));
  if (argument !== undefined) found.push(...await wordsOf(argument, names));
  // wippy FILE.lua runs a file, whose arguments may be files.
  const files = command === program || argument !== undefined && takesFiles(argument);
  return { words: matching(found, current), others: files ? "files" : "nothing" };
}

function matching<T extends { word: string }>(words: readonly T[], start: string): T[] {
  return words.filter(({ word }) => word.startsWith(start));
}

/** Where the words before the current one lead. */
function walk(program: Command, words: readonly string[]) {
  let command = program;
  let options = visibleOptions(program);
  let pending: Option | undefined;
  let positionals = 0;
  let literal = false;
  for (const word of words) {
    if (pending !== undefined) {
      pending = undefined;
    } else if (literal || !/^-./.test(word)) {
      const child = positionals > 0 || literal
        ? undefined
        : visibleCommands(command).find((each) => each.name() === word);
      if (child === undefined) positionals++;
      else {
        command = child;
        options = [...visibleOptions(child), ...options];
      }
    } else if (word === "--") {
      literal = true;
    } else {
      const option = options.find(({ long, short }) => long === word || short === word);
      if (option?.required) pending = option;
    }
  }
  return { command, options, pending, positionals, literal };
}

/** The commands that help shows. */
export function visibleCommands(command: Command): Command[] {
  return command.createHelp().visibleCommands(command) as Command[];
}

/** The flags that help shows. */
export function visibleOptions(command: Command): Option[] {
  return command.createHelp().visibleOptions(command) as Option[];
}

function argumentAt(command: Command, position: number): Argument | undefined {
  const declared = command.registeredArguments;
  const last = declared.at(-1);
  return declared[position] ?? (last?.variadic ? last : undefined);
}

function takesFiles(argument: Argument): boolean {
  return /^(file|files|args|what|a|b)$/.test(argument.name());
}

async function wordsOf(argument: Argument, names: ApplicationNames) {
  if (argument.argChoices !== undefined) {
    return argument.argChoices.map((word) => ({ word, description: "" }));
  }
  if (argument.name() === "command") return await names.commands();
  return argument.name() === "entry" || argument.name() === "id" ? await names.entries() : [];
}

/** Candidates for a flag's value: its choices, or what its placeholder names. */
async function valuesOf(
  option: Option,
  current: string,
  prefix: string,
  names: ApplicationNames,
): Promise<Candidates> {
  const placeholder = /<([^>]*)>/.exec(option.flags)?.[1] ?? "";
  const entries = placeholder === "id" || placeholder === "entry" ? await names.entries() : [];
  const choices = option.argChoices?.map((word) => ({ word, description: "" })) ?? entries;
  const words = matching(choices, current)
    .map(({ word, description }) => ({ word: prefix + word, description }));
  if (placeholder === "directory") return { words, others: "directories" };
  return { words, others: placeholder === "file" ? "files" : "nothing" };
}
