import { definitionSchema } from "../../registry/json-schema.ts";
import type { Console } from "../terminal/terminal.ts";

/** `wippy schema`. @returns the exit status */
export function printSchema(console: Console): number {
  console.out(`${JSON.stringify(definitionSchema(), null, 2)}\n`);
  return 0;
}
