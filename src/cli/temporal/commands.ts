/**
 * The definitions of `wippy temporal …`.
 * @module
 */
import type { Command } from "commander";
import type { CommandContext } from "../command.ts";
import type { InstallOptions } from "./temporal.ts";

/** Adds `wippy temporal …`. */
export function addTemporalCommands(program: Command, { here, finish }: CommandContext): void {
  const temporal = program.command("temporal").description("run workflows on a Temporal server");
  temporal.command("install")
    .description("install Temporal's Core, the library that connects to a server, with npm")
    .option("--to <directory>", "where to put it (default: beside this executable)")
    .option("--json", "print JSON")
    .addHelpText(
      "after",
      "\nnpm downloads it from its configured registry (npm config get registry). The file is installed only if its\n" +
        "checksum is that of the tested version.",
    )
    .action(async (options: InstallOptions) => {
      const { install } = await import("./temporal.ts");
      finish(await install(here(), options));
    });
}
