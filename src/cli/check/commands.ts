/**
 * The definition of `wippy check`.
 * @module
 */
import { type Command, Option } from "commander";
import { type CommandContext, itemCount, withSources } from "../command.ts";
import type { CheckOptions } from "./check.ts";

/** Adds `wippy check`. */
export function addCheckCommand(program: Command, { here, finish }: CommandContext): void {
  withSources(program.command("check"))
    .description("find every fault of the application without running it")
    .option(
      "--histories [source...]",
      "also replay open runs of state folders, and exported histories (default: .wippy)",
    )
    .option(
      "--limit <number>",
      "with --histories: most open runs of a state folder",
      itemCount,
      1000,
    )
    .addOption(new Option("--json", "print JSON").conflicts("sarif"))
    .option("--sarif", "print SARIF 2.1.0, for code hosts and editors")
    .action(async (_options, command: Command) => {
      const { check } = await import("./check.ts");
      finish(await check(here(), command.optsWithGlobals<CheckOptions>()));
    });
}
