import { join } from "node:path";

/** The program under trial: the executable that `WIPPY_CHAOS_PROGRAM` names, else the sources. */
export const program: readonly string[] = process.env["WIPPY_CHAOS_PROGRAM"]
  ? [process.env["WIPPY_CHAOS_PROGRAM"]]
  : [process.execPath, join(import.meta.dir, "../../src/main.ts")];
