/**
 * The definition of `wippy lsp`.
 * @module
 */
import type { Command } from "commander";
import type { CommandContext } from "../command.ts";

/** Adds `wippy lsp`. */
export function addLspCommand(program: Command, { finish }: CommandContext): void {
  program.command("lsp")
    .description("serve an editor: the language server protocol on standard input and output")
    .option("--stdio", "accepted; there is no other way")
    .action(async () => {
      const { lsp } = await import("./lsp.ts");
      finish(await lsp());
    });
}
