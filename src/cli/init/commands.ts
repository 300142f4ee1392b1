/**
 * The definition of `wippy init`.
 * @module
 */
import { type Command, Option } from "commander";
import type { CommandContext } from "../command.ts";
import { CommandError } from "../terminal/terminal.ts";
import type { InitOptions } from "./init.ts";
import type { TemplateName } from "./templates.ts";

/** Adds `wippy init`. */
export function addInitCommand(program: Command, { here, finish }: CommandContext): void {
  program.command("init")
    .description(
      "write wippy.lock, which makes a directory an application, or create a new application",
    )
    .argument(
      "[folder]",
      "folder to create a new application in, with code, tests and editor settings",
    )
    .addOption(
      new Option("-t, --template <name>", "what the new application does (default: hello)")
        .choices(["hello", "service", "webhook"]),
    )
    .option("-d, --src-dir <directory>", "folder of sources (default: ./src)")
    .option("--modules-dir <directory>", "folder of installed modules (default: .wippy)")
    .option("-l, --lock-file <file>", "file to write (default: wippy.lock)")
    .action(async (
      folder: string | undefined,
      { template, ...options }: Partial<InitOptions> & { template?: TemplateName },
    ) => {
      if (folder === undefined) {
        if (template !== undefined) {
          throw new CommandError(
            "--template needs a folder",
            "write wippy init FOLDER --template NAME",
          );
        }
        const { initialise } = await import("./init.ts");
        return finish(initialise(here(), { lockFile: "wippy.lock", ...options }));
      }
      if (Object.keys(options).length > 0) {
        throw new CommandError(
          "--src-dir, --modules-dir and --lock-file are for wippy init without a folder",
          "leave them out, and change wippy.lock afterwards",
        );
      }
      const { createApplication } = await import("./application.ts");
      finish(createApplication(here(), folder, template ?? "hello"));
    });
}
