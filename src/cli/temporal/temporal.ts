/**
 * `wippy temporal`: what a runtime needs to connect to a Temporal server.
 * @module
 */
import { dirname, resolve } from "node:path";
import { bytes } from "../../observe/measure.ts";
import { WippyError } from "../../vm/error.ts";
import { installTemporal } from "../../workflows/providers/providers.ts";
import { CommandError, type Console } from "../terminal/terminal.ts";

export interface InstallOptions {
  to?: string;
  json?: boolean;
}

/** `wippy temporal install` */
export async function install(console: Console, options: InstallOptions): Promise<number> {
  const folder = options.to === undefined
    ? dirname(process.execPath)
    : resolve(console.directory, options.to);
  try {
    const installed = await installTemporal(folder, console.system);
    const { file, size, version } = installed;
    if (options.json) console.out(`${JSON.stringify(installed)}\n`);
    else console.out(`Temporal's Core ${version}: ${file} (${bytes(size)})\n`);
    return 0;
  } catch (error) {
    if (!(error instanceof WippyError)) throw error;
    const fix = error.kind === "PermissionDenied"
      ? "name another folder with --to, such as the application's"
      : undefined;
    throw new CommandError(error.message, fix);
  }
}
