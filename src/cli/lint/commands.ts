/**
 * The definition of `wippy lint`.
 * @module
 */
import type { Command } from "commander";
import {
  collect,
  type CommandContext,
  wholeNumber,
  withLockFile,
  withSources,
} from "../command.ts";
import type { LintOptions } from "./lint.ts";

/** Adds `wippy lint`. */
export function addLintCommand(program: Command, { here, finish }: CommandContext): void {
  withLockFile(withSources(program.command("lint")))
    .description(
      "check the Lua code of the application: syntax, types, modules and, on request, style",
    )
    .option("--level <severity>", "lowest severity shown: error, warning, hint", "warning")
    .option(
      "--ns <namespace>",
      "only this namespace, or x.* for x and all below; repeatable",
      collect,
    )
    .option("--code <code>", "only this code; repeatable", collect)
    .option("--rules", "also check style and likely mistakes, W0001 to W0007")
    .option(
      "--fix",
      "fix in the files what can be fixed without a change of behavior; checks rules",
    )
    .option("--summary", "print counts by namespace and by code")
    .option(
      "--limit <number>",
      "show at most this many diagnostics; 0: all",
      wholeNumber(0, 1_000_000),
      0,
    )
    .option("--json", "print JSON on one line")
    .option("--sarif", "print SARIF 2.1.0, for code hosts and editors")
    .option("--no-color", "disable colors")
    .option("--cache-reset", "accepted; nothing is cached")
    .action(async (_options, command: Command) => {
      const { lint } = await import("./lint.ts");
      finish(await lint(here(), command.optsWithGlobals<LintOptions>()));
    });
}
