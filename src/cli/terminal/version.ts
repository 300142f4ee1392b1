import manifest from "../../../package.json" with { type: "json" };
import { CommandError, type Console } from "./terminal.ts";

declare const WIPPY_COMMIT: string | undefined;
declare const WIPPY_TARGET: string | undefined;

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

/** What is in an executable, as `wippy version --json` prints it. */
export interface VersionFacts {
  version: string;
  /** Empty when it runs from source; with a plus sign when the sources were changed. */
  commit: string;
  /** The platform that it was built for, such as `linux-x64-musl`; `source` when it was not built. */
  target: string;
  bun: string;
  lua: string;
  /** The schema of the journals that it writes; it opens those of this and of all earlier schemas. */
  journal_schema: number;
}

/** Flags of `wippy version`. */
export interface VersionOptions {
  short?: boolean;
  json?: boolean;
  licenses?: boolean;
}

/** Returns what is in this executable. */
export async function versionFacts(): Promise<VersionFacts> {
  const { schema } = await (await import("../../workflows/providers/providers.ts")).storageTools();
  return {
    version,
    commit: commit(),
    target: typeof WIPPY_TARGET === "string" ? WIPPY_TARGET : "source",
    bun: Bun.version,
    lua: "5.4",
    journal_schema: schema,
  };
}

/** `wippy version` */
export async function showVersion(console: Console, options: VersionOptions): Promise<number> {
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
  if (options.json) {
    console.out(`${JSON.stringify(await versionFacts(), null, 2)}\n`);
    return 0;
  }
  console.out(options.short ? `${version}\n` : `${banner()}\nBun ${Bun.version}\n`);
  return 0;
}
