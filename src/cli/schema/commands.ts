/**
 * The definition of `wippy schema`.
 * @module
 */
import { Argument, type Command } from "commander";
import type { CommandContext } from "../command.ts";
import type { SchemaFile } from "./schema.ts";

const files: readonly SchemaFile[] = ["_index.yaml", "wippy.lock", ".wippy.yaml"];

/** Adds `wippy schema`. */
export function addSchemaCommand(program: Command, { here, finish }: CommandContext): void {
  program.command("schema")
    .description("print the JSON Schema of a file, for editors")
    .addArgument(
      new Argument("[file]", "the kind of file").choices(files).default("_index.yaml"),
    )
    .action(async (file: SchemaFile) => {
      const { printSchema } = await import("./schema.ts");
      finish(printSchema(here(), file));
    });
}
