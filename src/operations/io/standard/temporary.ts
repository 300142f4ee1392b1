import { randomBytes } from "node:crypto";
import { tmpdir } from "node:os";

/** The path of a temporary file that nobody can foresee. */
export function temporaryPath(): string {
  return `${tmpdir()}/lua_${randomBytes(8).toString("hex")}`;
}
