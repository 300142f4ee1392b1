/**
 * The definition of `wippy types`.
 * @module
 */
import type { Command } from "commander";
import type { CommandContext } from "../command.ts";

/** Adds `wippy types`. */
export function addTypesCommand(program: Command, { here, finish }: CommandContext): void {
  program.command("types")
    .description("write the types of the modules for LuaLS, and name them in .luarc.json")
    .argument("[folder]", "folder to write to (default: .wippy-types)")
    .option("-f, --force", "replace files that this command has not written")
    .action(async (folder: string | undefined, { force = false }: { force?: boolean }) => {
      const { writeTypes } = await import("./types.ts");
      finish(writeTypes(here(), folder ?? ".wippy-types", force));
    });
}
