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
    .description("get Temporal's Core, the library that connects to a server, with npm")
    .option("--to <directory>", "where to put it (default: beside this executable)")
    .option("--json", "print JSON")
    .addHelpText(
      "after",
      "\nnpm decides where it comes from (npm config get registry). The file is put in place only if it is the one " +
        "that this\nversion was tested with.",
    )
    .action(async (options: InstallOptions) => {
      const { install } = await import("./temporal.ts");
      finish(await install(here(), options));
    });
}
