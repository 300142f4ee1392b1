import { CommandError, type Console } from "./terminal.ts";

/**
 * Prints the failure of a command.
 *
 * @param debug with where it came from
 * @returns the exit status
 */
export function tellFailure(console: Console, error: unknown, debug = false): number {
  const message = error instanceof Error ? error.message : String(error);
  const detail = debug && error instanceof Error ? `${error.stack}\n` : "";
  const fix = error instanceof CommandError && error.fix !== undefined
    ? `    hint: ${error.fix}\n`
    : "";
  console.err(`Error: ${message}\n${fix}${detail}`);
  return 1;
}
