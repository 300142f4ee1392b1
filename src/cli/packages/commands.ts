/**
 * The definitions of `wippy add`, `install` and `remove`.
 * @module
 */
import type { Command } from "commander";
import { collect, type CommandContext } from "../command.ts";
import type { PackagesOptions } from "./packages.ts";

/** Adds `wippy add`, `install` and `remove`. */
export function addPackagesCommands(program: Command, { here, finish }: CommandContext): void {
  const withServer = (command: Command) =>
    command
      .option("--server <address>", "LuaRocks server or npm registry (default: as configured)")
      .option("--set <key=value>", "configuration section.path=value, repeatable", collect)
      .option("--profile <name>", "profile of the configuration, repeatable", collect);

  withServer(program.command("add"))
    .description("add a package of Lua files to the application, and lock it")
    .argument(
      "<package...>",
      "luarocks:NAME[@VERSION], npm:NAME[@VERSION], git:URL[#REF] or a path such as ./lib",
    )
    .action(async (packages: string[], _options, command: Command) => {
      const { add } = await import("./packages.ts");
      finish(await add(here(), packages, command.optsWithGlobals<PackagesOptions>()));
    });

  withServer(program.command("install"))
    .description("fetch the packages of wippy.lock that are missing or changed")
    .action(async (_options, command: Command) => {
      const { install } = await import("./packages.ts");
      finish(await install(here(), command.optsWithGlobals<PackagesOptions>()));
    });

  program.command("remove")
    .description("remove packages from the application")
    .argument("<package...>", "names in wippy.lock, such as luarocks/inspect")
    .action(async (packages: string[]) => {
      const { remove } = await import("./packages.ts");
      finish(remove(here(), packages));
    });
}
