/**
 * Where packages are fetched from. This program knows no addresses: they come from flags, the configuration and npm's
 * own settings.
 * @module
 */
import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import type { Config } from "../app/config.ts";
import { PackageError } from "./package.ts";

/** What addresses are taken from. */
export interface AddressOptions {
  /** `--server` */
  server?: string | undefined;
  config: Config;
  system: Readonly<Record<string, string | undefined>>;
  /** The application's directory. */
  directory: string;
}

/** The LuaRocks server. @throws PackageError when there is none */
export function rocksAddress({ server, config, system }: AddressOptions): string {
  const address = server ?? system["WIPPY_LUAROCKS"] ?? config.string("modules.luarocks");
  if (address) return address.replace(/\/+$/, "");
  throw new PackageError(
    "the address of a LuaRocks server is not set",
    'write it to .wippy.yaml as "modules: { luarocks: ADDRESS }", set WIPPY_LUAROCKS, or give --server ADDRESS',
  );
}

/** The npm registry of a package. @throws PackageError when npm says none */
export async function npmAddress(name: string, options: AddressOptions): Promise<string> {
  const { server, system, directory } = options;
  if (server) return server;
  const scope = /^(@[^/]+)\//.exec(name)?.[1];
  const files = [join(directory, ".npmrc"), join(system["HOME"] || homedir(), ".npmrc")]
    .map(settingsOf);
  const address = files.map((settings) => settings.get(`${scope}:registry`)).find(Boolean) ??
    system["npm_config_registry"] ?? system["NPM_CONFIG_REGISTRY"] ??
    files.map((settings) => settings.get("registry")).find(Boolean) ?? await askNpm(directory);
  if (address) return address;
  throw new PackageError(
    "the address of an npm registry is not set",
    'write "registry=ADDRESS" to .npmrc, set npm_config_registry, or give --server ADDRESS',
  );
}

/** The settings of an `.npmrc`; none when there is no such file. */
function settingsOf(path: string): Map<string, string> {
  if (!existsSync(path)) return new Map();
  return new Map(
    readFileSync(path, "utf8").split("\n").flatMap((line): [string, string][] => {
      const [, key, value] = /^\s*([^#;=\s][^=]*?)\s*=\s*"?([^"\s]+)"?\s*$/.exec(line) ?? [];
      return key === undefined || value === undefined ? [] : [[key, value]];
    }),
  );
}

/** What the program `npm` uses by itself. */
async function askNpm(directory: string): Promise<string | undefined> {
  const program = Bun.which("npm");
  if (program === null) return undefined;
  const child = Bun.spawn([program, "config", "get", "registry"], {
    cwd: directory,
    stdin: "ignore",
    stderr: "ignore",
    timeout: 15_000,
  });
  const text = (await new Response(child.stdout).text()).trim();
  return await child.exited === 0 && /^https?:/.test(text) ? text : undefined;
}
