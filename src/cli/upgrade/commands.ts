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
    .description("replace this executable by the version that is published")
    .option("--check", "only show which version there is")
    .option("--from <directory>", "folder or address of releases (default: WIPPY_RELEASES)")
    .option("--key <file>", "minisign public key that the releases must be signed with")
    .option("--state <directory>", "state folder of the runtime (default: .wippy)")
    .option("--allow-downgrade", "install an older version too")
    .addOption(new Option("--back", "go back to the version before").conflicts(["check", "from"]))
    .action(async (options: UpgradeOptions) => {
      const [{ upgrade }, { versionFacts }] = await Promise.all([
        import("./upgrade.ts"),
        import("../terminal/version.ts"),
      ]);
      const { version, target } = await versionFacts();
      finish(await upgrade(here(), options, { path: process.execPath, version, target }));
    });
}
