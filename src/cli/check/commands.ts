/**
 * The definition of `wippy check`.
 * @module
 */
import type { Command } from "commander";
import { type CommandContext, withSources } from "../command.ts";
import type { CheckOptions } from "./check.ts";

/** Adds `wippy check`. */
export function addCheckCommand(program: Command, { here, finish }: CommandContext): void {
  withSources(program.command("check"))
    .description("find every fault of the application without running it")
    .option("--json", "print JSON")
    .action(async (_options, command: Command) => {
      const { check } = await import("./check.ts");
      finish(await check(here(), command.optsWithGlobals<CheckOptions>()));
    });
}
