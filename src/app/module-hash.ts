import { createHash } from "node:crypto";
import { closeSync, openSync, readdirSync, readFileSync, readSync } from "node:fs";
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

/** The same of a module in a directory; nothing when it cannot be read. A link to a file counts as the file. */
export function hashDirectory(directory: string): string | undefined {
  const files = new Map<string, Uint8Array>();
  const walk = (folder: string, prefix: string) => {
    for (const item of readdirSync(folder, { withFileTypes: true })) {
      const path = join(folder, item.name);
      if (item.isDirectory()) walk(path, `${prefix}${item.name}/`);
      else files.set(prefix + item.name, readFileSync(path));
    }
  };
  try {
    walk(directory, "");
  } catch {
    return undefined;
  }
  return hashFiles(files);
}

/** The hash of a packed module: of its file; nothing when it cannot be read. */
export function hashFile(path: string): string | undefined {
  const hash = createHash("sha256");
  const piece = new Uint8Array(2 ** 20);
  try {
    const file = openSync(path, "r");
    try {
      for (let size; (size = readSync(file, piece)) > 0;) hash.update(piece.subarray(0, size));
    } finally {
      closeSync(file);
    }
  } catch {
    return undefined;
  }
  return hashPrefix + hash.digest("hex");
}
