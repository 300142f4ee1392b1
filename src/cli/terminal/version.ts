import manifest from "../../../package.json" with { type: "json" };
import type { Console } from "./console.ts";

declare const WIPPY_COMMIT: string | undefined;

/** The version of this executable. */
export const version: string = manifest.version;

/** The commit that the executable was built from; empty when it runs from source. */
function commit(): string {
  return typeof WIPPY_COMMIT === "string" ? WIPPY_COMMIT : "";
}

/** The line that names this program. */
export function banner(): string {
  const built = commit() === "" ? "" : ` (${commit()})`;
  return `wippy ${version}${built}`;
}

/** `wippy version` */
export function showVersion(console: Console, options: { short?: boolean }): number {
  console.out(options.short ? `${version}\n` : `${banner()}\nBun ${Bun.version}\n`);
  return 0;
}
