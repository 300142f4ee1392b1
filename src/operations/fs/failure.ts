import { type ErrorKind, WippyError } from "../../vm/error.ts";

const kinds: Readonly<Record<string, ErrorKind>> = {
  ENOENT: "NotFound",
  EEXIST: "AlreadyExists",
  EACCES: "PermissionDenied",
  EPERM: "PermissionDenied",
  EROFS: "PermissionDenied",
  ENOTEMPTY: "Invalid",
  EISDIR: "Invalid",
  ENOTDIR: "Invalid",
  EINVAL: "Invalid",
  ELOOP: "Invalid",
  ENAMETOOLONG: "Invalid",
};

const words: Readonly<Record<string, string>> = {
  ENOENT: "no such file or directory",
  EEXIST: "it exists already",
  EACCES: "permission denied by the system",
  EPERM: "not permitted by the system",
  EROFS: "the file system is read-only",
  ENOTEMPTY: "the directory is not empty",
  EISDIR: "it is a directory",
  ENOTDIR: "a part of the path is not a directory",
  ENOSPC: "the disk is full",
  ELOOP: "too many links",
  ENAMETOOLONG: "the name is too long",
};

/**
 * An error of the file system in the application's words, without the real path.
 *
 * @param what such as `open /a.txt`
 */
export function failureOf(what: string, error: unknown): WippyError {
  if (error instanceof WippyError) return error;
  const { code = "", message } = error as NodeJS.ErrnoException;
  return new WippyError(kinds[code] ?? "Internal", `${what}: ${words[code] ?? (code || message)}`, {
    retryable: false,
    cause: error,
  });
}
