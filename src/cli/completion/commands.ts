/**
 * The definitions of `wippy completion` and of the hidden command that its scripts call.
 * @module
 */
import { Argument, type Command } from "commander";
import type { CommandContext } from "../command.ts";
import { type Shell, shellScripts } from "./shells.ts";

/** Adds `wippy completion` and `wippy complete`. */
export function addCompletionCommands(program: Command, { here, finish }: CommandContext): void {
  program.command("completion")
    .description("print a script that completes commands in a shell")
    .addArgument(new Argument("<shell>", "the shell").choices(Object.keys(shellScripts)))
    .addHelpText(
      "after",
      "\nbash:  wippy completion bash > ~/.local/share/bash-completion/completions/wippy\n" +
        'zsh:   wippy completion zsh > "${fpath[1]}/_wippy"\n' +
        "fish:  wippy completion fish > ~/.config/fish/completions/wippy.fish",
    )
    .action(async (shell: Shell) => {
      const { showCompletion } = await import("./completion.ts");
      finish(showCompletion(here(), shell));
    });
  program.command("complete", { hidden: true })
    .argument("[words...]")
    .action(async (words: string[]) => {
      const { complete } = await import("./completion.ts");
      finish(await complete(here(), program, words));
    });
}
