/**
 * An error as plain data: the form that `WippyError.toJSON()` gives, so that it survives threads and
 * the journal. Temporal calls it Failure.
 */
export interface Failure {
  kind: string;
  message: string;
  /** Absent when the error does not say; only `false` forbids a retry. */
  retryable?: boolean;
  details?: Record<string, unknown>;
  /** Where in Lua, `"ns:name:LINE"`. */
  position?: string;
  /** Lua traceback. */
  stack?: string;
  cause?: unknown;
}

/** How an activity or a child ended. */
export type Outcome<Value> =
  | { status: "completed"; value: Value }
  | { status: "failed"; failure: Failure }
  | { status: "canceled"; failure: Failure };
