import { readFileSync, realpathSync } from "node:fs";
import { dirname, join, relative, resolve, sep } from "node:path";

const scheme = "file://";

/** The text that a `file://` string stands for, or why it cannot be had. */
export type FileReference =
  | { path: string; text: string }
  | { message: string; fix: string };

/** Whether a string of a definition file is to be replaced by a file's text. */
export function isFileReference(value: string): boolean {
  return value.startsWith(scheme);
}

function inside(root: string, path: string): boolean {
  return path === root || path.startsWith(root.endsWith(sep) ? root : root + sep);
}

/**
 * Reads the file named by a `file://` string.
 *
 * @param reference `file://a/b.lua` (beside the definition file) or `file:///a/b.lua` (from the root)
 * @param definition absolute path of the definition file
 * @param root absolute path of the load root, which cannot be left
 * @param texts texts to take instead of what files hold, by absolute path
 */
export function readFileReference(
  reference: string,
  definition: string,
  root: string,
  texts?: ReadonlyMap<string, string>,
): FileReference {
  const target = reference.slice(scheme.length);
  if (target === "" || target === "/") {
    return { message: "empty path in file://", fix: 'write "file://NAME" with the name of a file' };
  }
  const path = target.startsWith("/")
    ? join(root, target.slice(1))
    : resolve(dirname(definition), target);
  const traversal = {
    message: `path traversal detected in file path: ${target}`,
    fix: `move the file into ${relative(dirname(root), root) || root}, sources cannot lie outside`,
  };
  if (!inside(root, path)) return traversal;
  const given = texts?.get(path);
  if (given !== undefined) return { path, text: given };
  try {
    if (!inside(realpathSync(root), realpathSync(path))) return traversal;
    const text = new TextDecoder("utf-8", { fatal: true }).decode(readFileSync(path));
    return { path, text };
  } catch (error) {
    const shown = relative(root, path);
    const code = (error as NodeJS.ErrnoException).code;
    if (code === "ENOENT" || code === "ENOTDIR") {
      return { message: `file not found: ${shown}`, fix: "create the file or correct the path" };
    }
    if (code === "EISDIR") {
      return { message: `${shown} is a directory`, fix: "name a file inside it" };
    }
    if (error instanceof TypeError) {
      return { message: `${shown} is not UTF-8 text`, fix: "save the file as UTF-8" };
    }
    return {
      message: `cannot read ${shown}: ${(error as Error).message}`,
      fix: "make the file readable",
    };
  }
}
