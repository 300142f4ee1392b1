/**
 * The definition of `wippy pack`.
 * @module
 */
import type { Command } from "commander";
import { collect, type CommandContext, withLockFile, withSources } from "../command.ts";
import type { PackOptions } from "./pack.ts";

/** Adds `wippy pack`. */
export function addPackCommand(program: Command, { here, finish }: CommandContext): void {
  withLockFile(withSources(program.command("pack")))
    .description("write the application to one file, which wippy run and wippy serve accept")
    .argument("[output]", "file to write; its name ends in .wapp")
    .option("-d, --description <text>", "description of the pack")
    .option("-t, --tags <list>", "tags of the pack, separated by commas")
    .option(
      "--meta <key=value>",
      "metadata; runtime.SECTION.KEY is configuration, repeatable",
      collect,
    )
    .option(
      "--embed <pattern>",
      "pack the files of these fs.directory entries, repeatable",
      collect,
    )
    .option("--embed-all", "pack the files of all fs.directory entries")
    .option("--tests", "pack the files of tests, for wippy test FILE.wapp")
    .option("--list", "list the fs.directory and fs.embed entries, and write nothing")
    .option("--exclude-ns <pattern>", "leave these namespaces out, repeatable", collect)
    .option(
      "--exclude <pattern>",
      "leave these entries out, as namespace:name, repeatable",
      collect,
    )
    .option("--bytecode <pattern>", "not supported: packs hold sources")
    .addHelpText(
      "after",
      "\nPatterns match a part between dots: * one part, ** any number, (a|b) a choice.",
    )
    .action(async (output: string | undefined, _options, command: Command) => {
      const { pack } = await import("./pack.ts");
      finish(await pack(here(), output, command.optsWithGlobals<PackOptions>()));
    });
}
