/**
 * The definition of `wippy schema`.
 * @module
 */
import type { Command } from "commander";
import type { CommandContext } from "../command.ts";

/** Adds `wippy schema`. */
export function addSchemaCommand(program: Command, { here, finish }: CommandContext): void {
  program.command("schema")
    .description("print the JSON Schema of _index.yaml, for editors")
    .action(async () => {
      const { printSchema } = await import("./schema.ts");
      finish(printSchema(here()));
    });
}
