import { SQLiteError } from "bun:sqlite";
import { type ErrorKind, WippyError } from "../../../vm/error.ts";

const kinds: [pattern: RegExp, kind: ErrorKind, retryable: boolean][] = [
  [/^SQLITE_CONSTRAINT_(?:UNIQUE|PRIMARYKEY|ROWID)$/, "AlreadyExists", false],
  [/^SQLITE_CONSTRAINT_FOREIGNKEY$/, "Conflict", false],
  [/^SQLITE_CONSTRAINT/, "Invalid", false],
  [/^SQLITE_(?:BUSY|LOCKED)/, "Unavailable", true],
  [/^SQLITE_(?:READONLY|PERM|AUTH)/, "PermissionDenied", false],
  [/^SQLITE_(?:CANTOPEN|FULL|IOERR)/, "Unavailable", true],
  [/^SQLITE_(?:ERROR|MISMATCH|RANGE|TOOBIG|MISUSE)/, "Invalid", false],
];

const constraints: Readonly<Record<string, string>> = {
  UNIQUE: "unique",
  PRIMARYKEY: "primary_key",
  ROWID: "primary_key",
  FOREIGNKEY: "foreign_key",
  NOTNULL: "not_null",
  CHECK: "check",
};

/** A failure of SQLite as Lua gets it; its details have `code` and, where one was violated, `constraint`. */
export function failureOf(error: unknown): WippyError {
  if (error instanceof WippyError) return error;
  if (error instanceof SQLiteError) {
    const code = error.code ?? "SQLITE_ERROR";
    const [, kind, retryable] = kinds.find(([pattern]) => pattern.test(code)) ??
      [code, "Internal" as const, false] as const;
    const constraint = constraints[code.replace("SQLITE_CONSTRAINT_", "")];
    // Behind the colon: the columns, or the name of the check.
    const subject = /constraint failed: (.+)$/.exec(error.message)?.[1];
    return new WippyError(kind, error.message, {
      retryable,
      details: { code, ...(constraint && { constraint }), ...(subject && { subject }) },
      cause: error,
    });
  }
  // A wrong number of parameters, or an empty text.
  return new WippyError("Invalid", error instanceof Error ? error.message : String(error), {
    retryable: false,
    cause: error,
  });
}
