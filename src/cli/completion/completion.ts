import type { Command } from "commander";
import { findCommands } from "../../app/command.ts";
import { load } from "../run/load.ts";
import type { Console } from "../terminal/terminal.ts";
import { type ApplicationNames, findCandidates } from "./candidates.ts";
import { type Shell, shellScripts } from "./shells.ts";

/** `wippy completion SHELL` */
export function showCompletion(console: Console, shell: Shell): number {
  console.out(shellScripts[shell]);
  return 0;
}

/** `wippy complete`: prints candidates, for the shells' scripts. */
export async function complete(
  console: Console,
  program: Command,
  words: readonly string[],
): Promise<number> {
  const { words: found, others } = await findCandidates(program, words, namesOf(console));
  const lines = found.map(({ word, description }) => `${word}\t${firstLine(description)}\n`);
  console.out(`${lines.join("")}:${others}\n`);
  return 0;
}

function firstLine(text: string): string {
  return text.split("\n", 1)[0]!.replaceAll("\t", " ");
}

/** The names of the application in the console's directory; none where it cannot be loaded. */
function namesOf(console: Console): ApplicationNames {
  const entries = async () => {
    try {
      return (await load(console, {})).entries;
    } catch {
      // Completion must not print the application's errors.
      return [];
    }
  };
  return {
    commands: async () => [
      { word: "list", description: "list the named commands" },
      ...findCommands(await entries())
        .map(({ name, short }) => ({ word: name, description: short })),
    ],
    entries: async () => (await entries()).map(({ id, kind }) => ({ word: id, description: kind })),
  };
}
