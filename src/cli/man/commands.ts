/**
 * The definition of `wippy man`.
 * @module
 */
import type { Command } from "commander";
import type { CommandContext } from "../command.ts";

/** Adds `wippy man`. */
export function addManCommand(program: Command, { here, finish }: CommandContext): void {
  program.command("man")
    .description("print the manual page; to read it: wippy man | man -l -")
    .action(async () => {
      const { showManual } = await import("./man.ts");
      finish(showManual(here(), program));
    });
}
