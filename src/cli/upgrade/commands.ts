/**
 * The definition of `wippy upgrade`.
 * @module
 */
import { type Command, Option } from "commander";
import type { CommandContext } from "../command.ts";
import type { UpgradeOptions } from "./upgrade.ts";

/** Adds `wippy upgrade`. */
export function addUpgradeCommand(program: Command, { here, finish }: CommandContext): void {
  program.command("upgrade")
    .description("replace this executable with the newest release")
    .option("--check", "only show the available version")
    .option("--from <directory>", "folder or address of releases (default: WIPPY_RELEASES)")
    .option("--key <file>", "minisign public key that the releases must be signed with")
    .option("--state <directory>", "state folder of the runtime (default: .wippy)")
    .option("--allow-downgrade", "permit an older version")
    .addOption(new Option("--back", "return to the previous version").conflicts(["check", "from"]))
    .action(async (options: UpgradeOptions) => {
      const [{ upgrade }, { versionFacts }] = await Promise.all([
        import("./upgrade.ts"),
        import("../terminal/version.ts"),
      ]);
      const { version, target } = await versionFacts();
      finish(await upgrade(here(), options, { path: process.execPath, version, target }));
    });
}
