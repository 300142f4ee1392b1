import { loadConfig } from "../../app/config-file.ts";
import type { AddressOptions } from "../../packages/addresses.ts";
import { PackageError } from "../../packages/package.ts";
import {
  addPackage,
  type Installed,
  installPackages,
  removePackage,
} from "../../packages/packages.ts";
import { report } from "../terminal/report.ts";
import { CommandError, type Console } from "../terminal/terminal.ts";

/** Flags of `wippy add` and `install`. */
export interface PackagesOptions {
  config?: string[];
  set?: string[];
  profile?: string[];
  server?: string;
}

function addressesOf(console: Console, options: PackagesOptions): AddressOptions {
  const { directory, system } = console;
  const { config, problems } = loadConfig({
    directory,
    files: options.config,
    profiles: options.profile,
    settings: options.set,
    system,
  });
  report(console, problems);
  return { config, directory, system, server: options.server };
}

/** Turns failures of packages into those of commands. */
function failed(error: unknown): never {
  if (error instanceof PackageError) throw new CommandError(error.message, error.fix);
  throw error;
}

/** Names shown of the libraries of a package. */
const mostNames = 10;

function tell(console: Console, { name, version, state, libraries, notes }: Installed): void {
  console.err(`${state} ${name} ${version}\n`);
  for (const note of notes) console.err(`    note: ${note}\n`);
  if (state === "kept" || libraries.size === 0) return;
  const all = [...libraries].map(([library, id]) => `${library}: ${id}`);
  const more = all.length > mostNames ? `, … (${all.length} in all)` : "";
  console.err(`    imports: { ${all.slice(0, mostNames).join(", ")}${more} }\n`);
}

/** `wippy add PACKAGE…` */
export async function add(
  console: Console,
  packages: readonly string[],
  options: PackagesOptions,
): Promise<number> {
  const addresses = addressesOf(console, options);
  for (const text of packages) {
    const installed = await addPackage(text, addresses).catch(failed);
    for (const each of installed) tell(console, each);
  }
  return 0;
}

/** `wippy install` */
export async function install(console: Console, options: PackagesOptions): Promise<number> {
  const installed = await installPackages(addressesOf(console, options)).catch(failed);
  for (const each of installed) tell(console, each);
  if (installed.length === 0) console.err("wippy.lock lists no modules\n");
  return 0;
}

/** `wippy remove PACKAGE…` */
export function remove(console: Console, packages: readonly string[]): number {
  for (const text of packages) {
    try {
      const { name, version } = removePackage(text, console.directory);
      console.err(`removed ${name} ${version}\n`);
    } catch (error) {
      failed(error);
    }
  }
  return 0;
}
