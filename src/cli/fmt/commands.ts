/**
 * The definition of `wippy fmt`.
 * @module
 */
import { type Command, Option } from "commander";
import type { CommandContext } from "../command.ts";
import type { FmtOptions } from "./fmt.ts";

/** Adds `wippy fmt`. */
export function addFmtCommand(program: Command, { here, finish }: CommandContext): void {
  program.command("fmt")
    .description("format Lua code in the style of StyLua, types included")
    .argument("[files...]", "files and folders (default: the application's sources)")
    .option("--check", "write nothing; name files that are not formatted, with status 1")
    .addOption(
      new Option("--stdin", "format standard input onto standard output").conflicts("check"),
    )
    .action(async (files: string[], options: FmtOptions) => {
      const { fmt } = await import("./fmt.ts");
      finish(await fmt(here(), files, options));
    });
}
