import manifest from "../../../package.json" with { type: "json" };
import { CommandError, type Console } from "./terminal.ts";

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
export async function showVersion(
  console: Console,
  options: { short?: boolean; licenses?: boolean },
): Promise<number> {
  if (options.licenses) {
    if (typeof WIPPY_COMMIT !== "string") {
      throw new CommandError(
        "the licence notices are collected when the executable is built",
        "run scripts/bun build.ts, then dist/wippy version --licenses",
      );
    }
    const { readLicenses } = await import("./licenses.ts");
    console.out(await readLicenses());
    return 0;
  }
  console.out(options.short ? `${version}\n` : `${banner()}\nBun ${Bun.version}\n`);
  return 0;
}
