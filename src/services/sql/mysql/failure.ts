import { type ErrorKind, WippyError } from "../../../vm/error.ts";

/** What `mysql2` knows of a failure. */
interface MysqlFailure extends Error {
  code?: string;
  errno?: number;
  sqlState?: string;
}

/** By the number of the error; where it has none here, the SQLSTATE decides. */
const byNumber: [numbers: number[], kind: ErrorKind, retryable: boolean][] = [
  [[1062, 1169, 1586], "AlreadyExists", false],
  [[1216, 1217, 1451, 1452], "Conflict", false],
  // A deadlock; a row that has changed since it was read.
  [[1213, 1020], "Conflict", true],
  [[1048, 1364, 3819, 4025], "Invalid", false],
  // It waited too long for a lock.
  [[1205, 3572], "Unavailable", true],
  [[1040, 1053, 1203, 1226, 1927], "Unavailable", true],
  [[1044, 1045, 1142, 1143, 1227, 1290, 1370, 1698, 1792], "PermissionDenied", false],
  // Stopped by a limit of time, or by somebody else.
  [[1317, 1969, 3024], "Timeout", true],
];

const states: [pattern: RegExp, kind: ErrorKind, retryable: boolean][] = [
  [/^23/, "Invalid", false],
  [/^40/, "Conflict", true],
  [/^28/, "PermissionDenied", false],
  [/^08/, "Unavailable", true],
  [/^(?:0A|2[12]|42|44)/, "Invalid", false],
];

const constraints: [numbers: number[], constraint: string][] = [
  [[1062, 1169, 1586], "unique"],
  [[1216, 1217, 1451, 1452], "foreign_key"],
  [[1048, 1364], "not_null"],
  [[3819, 4025], "check"],
];

const subjects = [
  /for key '([^']+)'/,
  /CONSTRAINT [`']([^`']+)[`'] (?:failed|FOREIGN)/,
  /onstraint '([^']+)' is violated/,
  /(?:Column|Field) '([^']+)'/,
];

/** The key, the column or the constraint that a message names. */
function subjectOf(message: string): string | undefined {
  return subjects.map((pattern) => pattern.exec(message)?.[1]).find((name) => name !== undefined);
}

/** Whether the server has rolled a transaction back because of it. */
export function endsTransaction(error: WippyError): boolean {
  return error.details?.["errno"] === 1213;
}

/**
 * A failure of MySQL or MariaDB, or of the way to it, as Lua gets it. Its details have `code`, `errno` and `sqlstate`
 * and, where one was violated, `constraint` and `subject`.
 */
export function failureOf(error: unknown): WippyError {
  if (error instanceof WippyError) return error;
  const { message, code, errno, sqlState } = error as MysqlFailure;
  if (sqlState === undefined || errno === undefined) {
    // From the network, the TLS library or the driver.
    return new WippyError("Unavailable", message, {
      retryable: true,
      ...(code !== undefined && { details: { code } }),
      cause: error,
    });
  }
  const [, kind, retryable] = byNumber.find(([numbers]) => numbers.includes(errno)) ??
    states.find(([pattern]) => pattern.test(sqlState)) ?? [0, "Internal" as const, false] as const;
  const constraint = constraints.find(([numbers]) => numbers.includes(errno))?.[1];
  const subject = constraint && subjectOf(message);
  return new WippyError(kind, message, {
    retryable,
    details: {
      ...(code !== undefined && { code }),
      errno,
      sqlstate: sqlState,
      ...(constraint && { constraint }),
      ...(subject && { subject }),
    },
    cause: error,
  });
}
