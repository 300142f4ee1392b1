import { type Dirent, readdirSync } from "node:fs";
import { join } from "node:path";
import { compareIds } from "../registry/entry.ts";

const definition = /\.(?:yaml|yml|json)$/;
const neverEntered: ReadonlySet<string> = new Set(["node_modules", ".git"]);

/**
 * Finds the definition files below a directory, in lexical order of their paths. Links to directories
 * are not followed.
 *
 * @param root absolute path of an existing directory
 * @param skipped absolute paths of directories that are loaded by themselves
 */
export function findDefinitions(root: string, skipped: ReadonlySet<string>): string[] {
  const found: string[] = [];
  const byName = (left: Dirent, right: Dirent) => compareIds(left.name, right.name);
  function walk(directory: string): void {
    for (const item of readdirSync(directory, { withFileTypes: true }).sort(byName)) {
      const path = join(directory, item.name);
      if (item.isDirectory()) {
        if (!neverEntered.has(item.name) && !skipped.has(path)) walk(path);
      } else if (definition.test(item.name)) found.push(path);
    }
  }
  walk(root);
  return found;
}
