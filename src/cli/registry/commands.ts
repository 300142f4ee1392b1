/**
 * The definitions of `wippy registry …`.
 * @module
 */
import { type Command, Option } from "commander";
import { collect, type CommandContext, withLockFile, withSources } from "../command.ts";
import type { ListOptions, ShowOptions } from "./registry.ts";

/** Adds `wippy registry …`. */
export function addRegistryCommands(program: Command, { here, finish }: CommandContext): void {
  const registry = program.command("registry").description(
    "list and show entries without starting anything",
  );
  withLockFile(withSources(registry.command("list")))
    .description("list entries")
    .option("-k, --kind <pattern>", "only this kind; one * is allowed")
    .option("-n, --ns <pattern>", "only this namespace")
    .option("--name <pattern>", "only this name")
    .option(
      "--meta <filter>",
      "only this metadata: f=v f~re f*sub f^pre f$suf, repeatable",
      collect,
    )
    .option("--json", "print JSON")
    .addOption(new Option("--yaml", "print YAML").conflicts("json"))
    .action(async (_options, command: Command) => {
      const { listEntries } = await import("./registry.ts");
      finish(await listEntries(here(), command.optsWithGlobals<ListOptions>()));
    });
  withLockFile(withSources(registry.command("show")))
    .description("show one entry")
    .argument("<id>", "identifier, or a name that is unambiguous")
    .option("-f, --field <name>", "only this field of its data")
    .option("--raw", "with --field: without a newline at the end")
    .option("--json", "print JSON")
    .addOption(new Option("--yaml", "print YAML").conflicts("json"))
    .action(async (id: string, _options, command: Command) => {
      const { showEntry } = await import("./registry.ts");
      finish(await showEntry(here(), id, command.optsWithGlobals<ShowOptions>()));
    });
}
