import { lstatSync, readlinkSync, realpathSync } from "node:fs";
import { isAbsolute, join, relative, sep } from "node:path";
import { WippyError } from "../../vm/error.ts";

/** As many links as Linux follows in one path. */
const maxLinks = 40;

function invalid(message: string): WippyError {
  return new WippyError("Invalid", message, { retryable: false });
}

/**
 * The path of an application inside its volume, written from the volume's root: `/a/b`.
 *
 * @param directory where a path without leading `/` starts, itself of this form
 * @throws WippyError Invalid: empty, with a NUL byte, or out of the volume by `..`
 */
export function normalizePath(directory: string, path: string): string {
  if (path === "") throw invalid("empty path");
  if (path.includes("\0")) throw invalid("a path cannot hold a NUL byte");
  const parts: string[] = [];
  for (const part of (path.startsWith("/") ? path : `${directory}/${path}`).split("/")) {
    if (part === "" || part === ".") continue;
    if (part !== "..") parts.push(part);
    else if (parts.pop() === undefined) throw invalid(`path ${path} leads out of the volume`);
  }
  return `/${parts.join("/")}`;
}

function isInside(root: string, path: string): boolean {
  return path === root || path.startsWith(root.endsWith(sep) ? root : root + sep);
}

/**
 * The real path of a volume's path, without symbolic links in it, so that opening it cannot lead
 * out of the volume. What does not exist yet is appended as it is; only an outsider who swaps a
 * folder for a link between this check and the use could still lead out, as applications cannot
 * make links.
 *
 * @param root real path of the volume's root
 * @param path as `normalizePath` returns it
 * @param followLast whether a link at the end of the path is followed
 * @throws WippyError Invalid when a link leads out of the volume, or links go round
 */
export function realPath(root: string, path: string, followLast = true): string {
  if (followLast) {
    // One call when everything exists, which is the usual case.
    try {
      const real = realpathSync.native(join(root, path));
      if (!isInside(root, real)) throw invalid(`path ${path} leads out of the volume by a link`);
      return real;
    } catch (error) {
      if (error instanceof WippyError) throw error;
    }
  }
  let current = root;
  let links = 0;
  const pending = path.split("/").filter((part) => part !== "").reverse();
  while (pending.length > 0) {
    const part = pending.pop()!;
    if (part === "..") {
      if (current === root) throw invalid(`path ${path} leads out of the volume by a link`);
      current = join(current, "..");
      continue;
    }
    const next = join(current, part);
    const link = pending.length === 0 && !followLast ? undefined : linkAt(next);
    if (link === undefined) {
      current = next;
      continue;
    }
    links += 1;
    if (links > maxLinks) throw invalid(`path ${path} has too many links`);
    let target = link;
    if (isAbsolute(link)) {
      if (!isInside(root, link)) throw invalid(`path ${path} leads out of the volume by a link`);
      target = relative(root, link);
      current = root;
    }
    pending.push(...target.split("/").filter((name) => name !== "" && name !== ".").reverse());
  }
  return current;
}

/** Where a symbolic link leads, or `undefined` when there is none. */
function linkAt(path: string): string | undefined {
  try {
    return lstatSync(path).isSymbolicLink() ? readlinkSync(path) : undefined;
  } catch {
    return undefined;
  }
}
