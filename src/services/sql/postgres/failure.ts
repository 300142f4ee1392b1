import { DatabaseError } from "pg";
import { type ErrorKind, WippyError } from "../../../vm/error.ts";

/** By the SQLSTATE; the first that matches counts. */
const kinds: [pattern: RegExp, kind: ErrorKind, retryable: boolean][] = [
  [/^23505$/, "AlreadyExists", false],
  [/^23503$/, "Conflict", false],
  [/^23P01$/, "Conflict", false],
  [/^23/, "Invalid", false],
  // A serialization failure, a deadlock.
  [/^40/, "Conflict", true],
  [/^55P03$/, "Unavailable", true],
  [/^57014$/, "Timeout", true],
  // A wrong number of parameters.
  [/^08P01$/, "Invalid", false],
  [/^(?:25006|28|42501)/, "PermissionDenied", false],
  [/^(?:08|53|57P)/, "Unavailable", true],
  [/^(?:0A|2|3|42|44|54|55)/, "Invalid", false],
];

const constraints: Readonly<Record<string, string>> = {
  "23505": "unique",
  "23503": "foreign_key",
  "23502": "not_null",
  "23514": "check",
  "23P01": "exclusion",
};

/**
 * A failure of PostgreSQL, or of the way to it, as Lua gets it. Its details have `code` and `sqlstate` and, where the
 * server says so, `constraint`, `subject` (the name of the constraint, or the column), `detail` and `hint`.
 */
export function failureOf(error: unknown): WippyError {
  if (error instanceof WippyError) return error;
  if (!(error instanceof DatabaseError) || error.code === undefined) {
    const { message, code } = error as Error & { code?: string };
    return new WippyError("Unavailable", message, {
      retryable: true,
      ...(code !== undefined && { details: { code } }),
      cause: error,
    });
  }
  const { code, detail, hint } = error;
  const [, kind, retryable] = kinds.find(([pattern]) => pattern.test(code)) ??
    [code, "Internal" as const, false] as const;
  const constraint = constraints[code];
  const subject = error.constraint ?? error.column;
  return new WippyError(kind, error.message, {
    retryable,
    details: {
      code,
      sqlstate: code,
      ...(constraint && { constraint }),
      ...(subject && { subject }),
      ...(detail && { detail }),
      ...(hint && { hint }),
    },
    cause: error,
  });
}
