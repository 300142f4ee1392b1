import type { Entry } from "../registry/entry.ts";

/** A process that `wippy run NAME` starts. */
export interface NamedCommand {
  name: string;
  /** One line for the list of commands. */
  short: string;
  /** Whether a pack runs it when no command is named. */
  main: boolean;
  /** Identifier of the process. */
  entry: string;
}

/** The commands of an application, in the order of their entries; the first of a name is the one run. */
export function findCommands(entries: readonly Entry[]): NamedCommand[] {
  return entries.flatMap((entry): NamedCommand[] => {
    const command = entry.meta["command"];
    if (!entry.kind.startsWith("process.") || typeof command !== "object" || command === null) {
      return [];
    }
    const { name, short, main } = command as Record<string, unknown>;
    if (typeof name !== "string" || name === "") return [];
    const line = typeof short === "string" ? short : "";
    return [{ name, short: line, main: main === true, entry: entry.id }];
  });
}
