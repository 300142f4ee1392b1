/**
 * Files that hold secrets: only their owner may read them, and nobody else may have put them there.
 * @module
 */
import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from "node:fs";
import { dirname } from "node:path";
import { WippyError } from "../vm/error.ts";

function refused(message: string): WippyError {
  return new WippyError("PermissionDenied", message, { retryable: false });
}

/** Whether a file is this user's. Systems without user ids keep that apart by other means. */
function isOwn(uid: number): boolean {
  return process.getuid === undefined || uid === process.getuid();
}

/**
 * Makes the folder that secrets live in, if it is not there.
 *
 * @throws WippyError PermissionDenied when others could put files into it
 */
export function secretFolder(path: string): void {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  const { uid, mode } = lstatSync(path);
  if (!isOwn(uid)) throw refused(`${path} belongs to another user; use another state folder`);
  if ((mode & 0o022) !== 0) {
    throw refused(`other users can write to ${path}; run: chmod go-w ${path}`);
  }
}

/**
 * Reads a secret file.
 *
 * @returns its text and when it changed, in milliseconds since 1970; undefined when there is no such file
 * @throws WippyError PermissionDenied when it is a link, another user's, or can be read by others
 */
export function readSecretFile(path: string): { text: string; changed: number } | undefined {
  let file: number;
  try {
    file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return undefined;
    if (code === "ELOOP") throw refused(`${path} is a link; remove it`);
    throw refused(`cannot read ${path}: ${message}`);
  }
  try {
    const found = fstatSync(file);
    if (!found.isFile()) throw refused(`${path} is not a file; remove it`);
    if (!isOwn(found.uid)) throw refused(`${path} belongs to another user; remove it`);
    if ((found.mode & 0o077) !== 0) {
      throw refused(`${path} can be read by others; remove it, or run: chmod 600 ${path}`);
    }
    return { text: readFileSync(file, "utf8"), changed: found.mtimeMs };
  } finally {
    closeSync(file);
  }
}

/** Writes a secret file: whole and on disk, or not at all. @throws what the system says */
export function writeSecretFile(path: string, text: string): void {
  const draft = `${path}.${process.pid}.new`;
  rmSync(draft, { force: true });
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
  const file = openSync(draft, flags, 0o600);
  try {
    writeSync(file, text);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(draft, path);
  const folder = openSync(dirname(path), constants.O_RDONLY);
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}
