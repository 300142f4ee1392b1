import { type Application, loadApplication, type LoadOptions } from "../../app/app.ts";
import type { Console } from "../terminal/terminal.ts";

/** Flags that choose and change the application. */
export interface SourceOptions {
  config?: string[];
  set?: string[];
  override?: string[];
}

/**
 * Loads the application of the current directory. Its faults are in `problems`.
 *
 * @param thorough types and names in code are checked too, see {@link LoadOptions}
 */
export function load(
  console: Console,
  options: SourceOptions,
  checkSyntax?: LoadOptions["checkSyntax"],
  thorough = false,
): Promise<Application> {
  return loadApplication({
    directory: console.directory,
    system: console.system,
    ...(options.config === undefined ? {} : { configFiles: options.config }),
    ...(options.set === undefined ? {} : { settings: options.set }),
    ...(options.override === undefined ? {} : { overrides: options.override }),
    ...(checkSyntax === undefined ? {} : { checkSyntax }),
    thorough,
  });
}
