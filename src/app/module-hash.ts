import { createHash } from "node:crypto";
import { type Dirent, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** What the hashes of modules in the lock file begin with. */
export const hashPrefix = "sha256:";

function sha256(data: Uint8Array | string): string {
  return createHash("sha256").update(data).digest("hex");
}

/** The hash of a module: of the names and contents of all its files. */
export function hashFiles(files: ReadonlyMap<string, Uint8Array>): string {
  const lines = [...files].map(([path, content]) => `${path}\0${sha256(content)}\n`);
  return hashPrefix + sha256(lines.sort().join(""));
}

/** The same of a module in a directory. A link counts as what it leads to. */
export function hashDirectory(directory: string): string {
  const files = new Map<string, Uint8Array>();
  const walk = (folder: string, prefix: string) => {
    const items: Dirent[] = readdirSync(folder, { withFileTypes: true });
    for (const item of items) {
      const path = join(folder, item.name);
      if (item.isDirectory()) walk(path, `${prefix}${item.name}/`);
      else files.set(prefix + item.name, readFileSync(path));
    }
  };
  walk(directory, "");
  return hashFiles(files);
}

/** The hash of a packed module: of its file. */
export function hashFile(path: string): string {
  return hashPrefix + sha256(readFileSync(path));
}
