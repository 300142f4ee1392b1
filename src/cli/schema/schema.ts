import { configSchema } from "../../app/config-schema.ts";
import { lockFileSchema } from "../../app/lock.ts";
import { definitionSchema } from "../../registry/json-schema.ts";
import type { Console } from "../terminal/terminal.ts";

const schemas = {
  "_index.yaml": definitionSchema,
  "wippy.lock": lockFileSchema,
  ".wippy.yaml": configSchema,
};

/** A file of which there is a schema. */
export type SchemaFile = keyof typeof schemas;

/** `wippy schema`. @returns the exit status */
export function printSchema(console: Console, file: SchemaFile): number {
  console.out(`${JSON.stringify(schemas[file](), null, 2)}\n`);
  return 0;
}
