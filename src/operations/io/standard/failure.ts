import { constants } from "node:os";
import type { LuaValue } from "../../../vm/value.ts";

/** What C's `strerror` says, which programs print and compare. */
const words: Readonly<Record<string, string>> = {
  EACCES: "Permission denied",
  EAGAIN: "Resource temporarily unavailable",
  EBADF: "Bad file descriptor",
  EBUSY: "Device or resource busy",
  EEXIST: "File exists",
  EFBIG: "File too large",
  EINVAL: "Invalid argument",
  EIO: "Input/output error",
  EISDIR: "Is a directory",
  ELOOP: "Too many levels of symbolic links",
  EMFILE: "Too many open files",
  ENAMETOOLONG: "File name too long",
  ENFILE: "Too many open files in system",
  ENODEV: "No such device",
  ENOENT: "No such file or directory",
  ENOMEM: "Cannot allocate memory",
  ENOSPC: "No space left on device",
  ENOTDIR: "Not a directory",
  ENOTEMPTY: "Directory not empty",
  ENXIO: "No such device or address",
  EPERM: "Operation not permitted",
  EPIPE: "Broken pipe",
  EROFS: "Read-only file system",
  ESPIPE: "Illegal seek",
  ETXTBSY: "Text file busy",
  EXDEV: "Invalid cross-device link",
};

/** A failure of the operating system, as C would report it. */
export class SystemError extends Error {
  override name = "SystemError";

  constructor(readonly code: string) {
    super(code);
  }
}

/**
 * A failure as Lua's own functions return it behind nil: message and number of the error.
 *
 * @throws what is no failure of the operating system
 */
export function systemFailure(error: unknown): LuaValue[] {
  const { code } = error as { code?: unknown };
  // What Node refuses by itself, such as a path with a NUL.
  const name = code === "ERR_INVALID_ARG_VALUE" ? "EINVAL" : code;
  const number = (constants.errno as Record<string, number | undefined>)[String(name)];
  if (number === undefined) throw error;
  return [words[String(name)] ?? String(name), number];
}

/** The result of `work`, or its failure as a list of message and number. */
export function attempt(work: () => LuaValue): LuaValue {
  try {
    return work();
  } catch (error) {
    return systemFailure(error);
  }
}
