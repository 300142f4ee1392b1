/**
 * The definition of `wippy repl`.
 * @module
 */
import type { Command } from "commander";
import type { CommandContext } from "../command.ts";
import type { ScriptOptions } from "../run/script.ts";

/** Adds `wippy repl`. */
export function addReplCommand(program: Command, { here, finish }: CommandContext): void {
  program.command("repl")
    .description("start an interactive Lua session")
    .option("--sandbox", "without files, network, programs and environment variables")
    .option("--state <directory>", "where workflow runs are stored (default: discarded at the end)")
    .action(async (_options, command: Command) => {
      const { repl } = await import("./repl.ts");
      finish(await repl(here(), command.optsWithGlobals<ScriptOptions>(), process));
    });
}
