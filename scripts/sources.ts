/**
 * The files of this repository, as the checks see them.
 * @module
 */

import { join, relative } from "node:path";

/** The repository's root folder. */
export const root = join(import.meta.dir, "..");

// In a git worktree, .git is a file.
const ignored = /(^|\/)(node_modules|build|dist|\.git|\.tools[^/]*|\.wippy)\/|^\.git$/;

/** Paths of all source files below the given folders, relative to the root, sorted. */
export function sourceFiles(pattern: string, folders: readonly string[] = ["."]): string[] {
  const found = new Set<string>();
  for (const folder of folders) {
    const cwd = join(root, folder);
    for (const name of new Bun.Glob(pattern).scanSync({ cwd, dot: true, absolute: true })) {
      const path = relative(root, name).replaceAll("\\", "/");
      if (!ignored.test(path)) found.add(path);
    }
  }
  return [...found].sort();
}

/** Folders whose Lua files are ours to format and lint. */
export const luaFolders = ["lua", "examples", "bench"];
