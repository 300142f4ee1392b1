/**
 * The definitions of `wippy journal …`.
 * @module
 */
import type { Command } from "commander";
import { type CommandContext, withConnection } from "../command.ts";
import type { JournalOptions } from "./journal.ts";

/** Adds `wippy journal …`. */
export function addJournalCommands(program: Command, { here, finish }: CommandContext): void {
  const journal = program.command("journal").description("maintain the journal of workflows");
  const command = (name: string) =>
    withConnection(journal.command(name))
      .option("--journal <file>", "the journal file (default: journal.db in the state folder)");
  command("check")
    .description("read all of it and report faults; possible while a runtime is writing")
    .addHelpText("after", "\nExit status: 0 no faults, 1 faults found.")
    .action(async (options: JournalOptions) => {
      const { check } = await import("./journal.ts");
      finish(await check(here(), options));
    });
  command("backup")
    .description("write a consistent copy; possible while a runtime is writing")
    .argument("<file>", "the copy; must not exist yet")
    .action(async (file: string, options: JournalOptions) => {
      const { backUp } = await import("./journal.ts");
      finish(await backUp(here(), file, options));
    });
  command("compact")
    .description("release the space of removed runs; requires that no runtime is running")
    .action(async (options: JournalOptions) => {
      const { compact } = await import("./journal.ts");
      finish(await compact(here(), options));
    });
  command("migrate")
    .description("upgrade the schema, as the next start would; requires that no runtime is running")
    .action(async (options: JournalOptions) => {
      const { migrate } = await import("./journal.ts");
      finish(await migrate(here(), options));
    });
}
