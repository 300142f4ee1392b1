/**
 * Finds and loads Temporal's Core, a native addon that is not part of the executable: it takes 30 MB, and most
 * applications do not need it.
 * @module
 */
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import type * as native from "@temporalio/core-bridge/lib/native";
import { WippyError } from "../../../../vm/error.ts";

/** The functions of the addon. All fields of their arguments must be present, `null` for none. */
export type Addon = typeof native;

/** The npm package that the addon comes in. */
export const addonPackage = "@temporalio/core-bridge";

/** Its version. Addons of other versions take other options. */
export const addonVersion = "1.24.0";

/** Name of the addon's file beside the executable, outside its package. */
export const addonFile = `temporal-core-${addonVersion}.node`;

const architectures: Readonly<Record<string, string>> = { x64: "x86_64", arm64: "aarch64" };
const systems: Readonly<Record<string, string>> = {
  linux: "unknown-linux-gnu",
  darwin: "apple-darwin",
  win32: "pc-windows-msvc",
};

/** Path of this machine's addon in the package. @throws WippyError Invalid if there is none */
export function addonInPackage(platform = process.platform, arch = process.arch): string {
  const [architecture, system] = [architectures[arch], systems[platform]];
  const none = platform === "win32" && arch === "arm64";
  if (architecture === undefined || system === undefined || none) {
    throw new WippyError(
      "Invalid",
      `Temporal's Core is not available for ${platform} on ${arch}; ` +
        "use workflow.host, which keeps workflows in a journal of its own",
      { retryable: false },
    );
  }
  return `releases/${architecture}-${system}/index.node`;
}

/** The result of the search: the addon's file, or the reason why there is none. */
export type AddonPlace = { file: string } | { absent: string };

/**
 * Finds the addon: beside the executable, then in the given folders, in the working directory and in that of this
 * program's sources, or in the `node_modules` of one of them or of a folder above.
 */
export function findAddon(folders: readonly string[] = []): AddonPlace {
  const beside = join(dirname(process.execPath), addonFile);
  if (existsSync(beside)) return { file: beside };
  const inPackage = addonInPackage();
  let other = "";
  for (const folder of [...folders, process.cwd(), import.meta.dirname]) {
    const here = join(resolve(folder), addonFile);
    if (existsSync(here)) return { file: here };
    for (let at = resolve(folder);; at = dirname(at)) {
      const base = join(at, "node_modules", addonPackage);
      const version = packageVersion(base);
      if (version === addonVersion && existsSync(join(base, inPackage))) {
        return { file: join(base, inPackage) };
      }
      if (version !== undefined) other ||= ` (version ${version} in ${base} is not compatible)`;
      if (at === dirname(at)) break;
    }
  }
  return {
    absent: `Temporal's Core ${addonVersion} is neither ${beside} nor in node_modules${other}; ` +
      `install it with "wippy temporal install", or in the application's folder with ` +
      `"npm install ${addonPackage}@${addonVersion}"`,
  };
}

function packageVersion(folder: string): string | undefined {
  try {
    const { version } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
    return typeof version === "string" ? version : undefined;
  } catch {
    return undefined;
  }
}

let loaded: Addon | undefined;

/**
 * Loads the addon, once in each thread.
 *
 * @throws WippyError NotFound when it is absent; Invalid when the machine cannot load it
 */
export function loadAddon(folders: readonly string[] = []): Addon {
  if (loaded) return loaded;
  const place = findAddon(folders);
  if ("absent" in place) throw new WippyError("NotFound", place.absent, { retryable: false });
  try {
    return loaded = createRequire(import.meta.url)(place.file) as Addon;
  } catch (error) {
    throw new WippyError(
      "Invalid",
      `Temporal's Core in ${place.file} cannot be loaded: ${(error as Error).message}; ` +
        "on Linux it needs glibc, which Alpine does not have",
      { retryable: false, cause: error },
    );
  }
}
