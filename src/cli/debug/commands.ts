/**
 * The definition of `wippy debug`.
 * @module
 */
import type { Command } from "commander";
import type { CommandContext } from "../command.ts";

/** Adds `wippy debug`. */
export function addDebugCommand(program: Command, { here, finish }: CommandContext): void {
  program.command("debug")
    .description("debug applications and scripts from an editor (Debug Adapter Protocol)")
    .action(async () => {
      const { debug } = await import("./debug.ts");
      finish(await debug(here(), process));
    });
}
