/**
 * The definition of `wippy debug`.
 * @module
 */
import type { Command } from "commander";
import type { CommandContext } from "../command.ts";
import type { DebugOptions } from "./launch.ts";

/** Adds `wippy debug`. */
export function addDebugCommand(program: Command, { here, finish }: CommandContext): void {
  program.command("debug")
    .description("debug applications and scripts from an editor (Debug Adapter Protocol)")
    .option("--run <id>", "workflow run to go through, or a file of wippy workflow export")
    .option("--test <file>", "file or folder of tests to debug")
    .option("--filter <text>", "only tests whose groups and name contain the text")
    .option("--attach", "debug the runtime that runs, started with --debuggable")
    .option("--state <directory>", "state folder of that runtime (default: .wippy)")
    .action(async (_options, command: Command) => {
      const { debug } = await import("./debug.ts");
      finish(await debug(here(), process, command.optsWithGlobals<DebugOptions>()));
    });
}
