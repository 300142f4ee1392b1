/**
 * The definition of `wippy test`.
 * @module
 */
import { type Command, Option } from "commander";
import { type CommandContext, wholeNumber, withSources } from "../command.ts";
import type { TestOptions } from "./test.ts";

/** Adds `wippy test`. */
export function addTestCommand(program: Command, { here, finish }: CommandContext): void {
  withSources(program.command("test"))
    .description("run the tests of the application: files named *_test.lua, and its test commands")
    .argument("[files...]", "only these files or folders, or a pack, FILE.wapp")
    .option("--filter <text>", "only tests whose groups and name contain the text")
    .option("--seed <number>", "seed of the first run (default: 1)", wholeNumber(0, 999_999_999))
    .option("--seeds <count>", "number of seeds to run each test under", wholeNumber(1, 1_000_000))
    .option("--timeout <seconds>", "real time that a test may take", wholeNumber(1, 86_400), 10)
    .addOption(
      new Option("--reporter <name>", "format of the results")
        .choices(["pretty", "tap", "junit", "json"]).default("pretty"),
    )
    .option("--jobs <number>", "tests at a time (default: one per core)", wholeNumber(1, 64))
    .option("--coverage", "count which lines of the application's code the tests run")
    .option("--coverage-output <file>", "write the coverage to a file, in the format of lcov")
    .option("--watch", "run again when a file changes")
    .option("--host <id>", "terminal host of test commands, if there are several")
    .addOption(new Option("--debugger", "wait for the debugger").hideHelp())
    .action(async (files: string[], _options, command: Command) => {
      const { test } = await import("./test.ts");
      finish(await test(here(), files, command.optsWithGlobals<TestOptions>()));
    });
}
