/**
 * Downloads Temporal's Core from npm and installs it.
 * @module
 */
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { chmod, mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { WippyError } from "../../../../vm/error.ts";
import { addonFile, addonInPackage, addonPackage, addonVersion } from "./addon.ts";

/** SHA-256 of the addons of this version, by their paths in the package: the registry is not trusted. */
export const addonHashes: Readonly<Record<string, string>> = {
  "releases/aarch64-apple-darwin/index.node":
    "16ceff2c5bd54c4a25e9d252976f7b73538195d92870f4e4c057fd9d1cccf5dd",
  "releases/aarch64-unknown-linux-gnu/index.node":
    "93d879b20ff56debd401eb54215ddd97c4ab84e218deeff3baef26474b2eaa91",
  "releases/x86_64-apple-darwin/index.node":
    "a00dc0a903c3f0084beab5f9f9b4e7a0135e527a8ef3e295a8712faa85099cde",
  "releases/x86_64-pc-windows-msvc/index.node":
    "8476608d532aa854fecff067929c33dfca4a5dfe9cf8d785102a015ce0806b4a",
  "releases/x86_64-unknown-linux-gnu/index.node":
    "a0ed7c392f0d95f0c1a0aa9a18bf7985a7ca91c78f0079cc98454186fda6e78d",
};

/** The installed file. */
export interface InstalledAddon {
  file: string;
  /** Bytes. */
  size: number;
  version: string;
}

type Variables = Readonly<Record<string, string | undefined>>;

/**
 * Downloads the addon and installs it in a folder.
 *
 * @param variables those of the operating system, with which npm runs
 * @throws WippyError NotFound when npm is not installed; Unavailable when it cannot download the package; Conflict when
 *   the file is not the addon of this version; PermissionDenied when the folder cannot be written
 */
export async function installAddon(folder: string, variables: Variables): Promise<InstalledAddon> {
  const inPackage = addonInPackage();
  const temporary = await mkdtemp(join(tmpdir(), "wippy-temporal-"));
  try {
    await fetchPackage(temporary, variables);
    const found = join(temporary, "node_modules", addonPackage, inPackage);
    if (!existsSync(found)) {
      throw new WippyError("Conflict", `${addonPackage}@${addonVersion} has no ${inPackage}`, {
        retryable: false,
      });
    }
    const content = await readFile(found);
    checkAddon(content, inPackage);
    const file = join(folder, addonFile);
    await place(content, file);
    return { file, size: content.length, version: addonVersion };
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

/** @throws WippyError Conflict for other bytes than those of this version's addon */
export function checkAddon(content: Uint8Array, inPackage: string): void {
  const hash = createHash("sha256").update(content).digest("hex");
  if (hash === addonHashes[inPackage]) return;
  throw new WippyError(
    "Conflict",
    `what npm got as ${addonPackage}@${addonVersion} is not the package that this program was tested with: ` +
      `SHA-256 of ${inPackage} is ${hash}`,
    { retryable: false },
  );
}

async function fetchPackage(folder: string, variables: Variables): Promise<void> {
  const npm = Bun.which("npm", { PATH: variables["PATH"] ?? "" });
  if (npm === null) {
    throw new WippyError(
      "NotFound",
      "npm is not installed; hint: on a machine that has it, run " +
        `"npm install ${addonPackage}@${addonVersion}" in the application's folder and copy node_modules`,
      { retryable: false },
    );
  }
  await writeFile(join(folder, "package.json"), "{}");
  const flags = [
    "--ignore-scripts",
    "--no-fund",
    "--no-audit",
    "--no-package-lock",
    "--loglevel=error",
  ];
  const child = Bun.spawn([npm, "install", ...flags, `${addonPackage}@${addonVersion}`], {
    cwd: folder,
    env: { ...variables },
    stdin: "ignore",
    stdout: "ignore",
    stderr: "pipe",
  });
  const said = (await new Response(child.stderr).text()).trim();
  if (await child.exited === 0) return;
  throw new WippyError(
    "Unavailable",
    `npm cannot get ${addonPackage}@${addonVersion}: ${said.split("\n").slice(0, 4).join("; ")}`,
    { retryable: true },
  );
}

/** Writes it with a rename, so that a runtime never finds a partial file. */
async function place(content: Uint8Array, file: string): Promise<void> {
  const fresh = `${file}.${process.pid}`;
  try {
    await writeFile(fresh, content);
    await chmod(fresh, 0o755);
    await rename(fresh, file);
  } catch (error) {
    await rm(fresh, { force: true }).catch(() => {});
    throw new WippyError(
      "PermissionDenied",
      `${file} cannot be written: ${(error as Error).message}`,
      {
        retryable: false,
        cause: error,
      },
    );
  }
}
