import { basename, dirname, resolve } from "node:path";
import { type Application, loadApplication, type LoadOptions } from "../../app/app.ts";
import type { Console } from "../terminal/terminal.ts";

/** Flags that choose and change the application. */
export interface SourceOptions {
  config?: string[];
  set?: string[];
  profile?: string[];
  override?: string[];
  /** The lock file; its folder is the application's. @default wippy.lock of the current directory */
  lockFile?: string;
}

/** Where the files of packs are unpacked: a folder of the state folder; absolute. */
export function packsFolder(console: Console, options: { state?: string }): string {
  return resolve(console.directory, options.state ?? ".wippy", "packs");
}

/**
 * Loads the application of the current directory, or that of a lock file which is named. Its faults are in `problems`.
 *
 * @param thorough types and names in code are checked too, see {@link LoadOptions}
 * @param packs a pack in place of the sources, and where files of packs go, see {@link LoadOptions}
 */
export function load(
  console: Console,
  options: SourceOptions,
  checkSyntax?: LoadOptions["checkSyntax"],
  thorough = false,
  packs: Pick<LoadOptions, "pack" | "unpackInto"> = {},
): Promise<Application> {
  const lockFile = options.lockFile && resolve(console.directory, options.lockFile);
  // Other paths of the command line stay relative to the current directory.
  const configFiles = lockFile
    ? options.config?.map((file) => resolve(console.directory, file))
    : options.config;
  return loadApplication({
    directory: lockFile ? dirname(lockFile) : console.directory,
    ...(lockFile && { lockFile: basename(lockFile) }),
    system: console.system,
    ...(configFiles && { configFiles }),
    ...(options.set === undefined ? {} : { settings: options.set }),
    ...(options.profile === undefined ? {} : { profiles: options.profile }),
    ...(options.override === undefined ? {} : { overrides: options.override }),
    ...(checkSyntax === undefined ? {} : { checkSyntax }),
    thorough,
    ...packs,
  });
}
