/** What kind of failure an error is; programs compare with these. Other strings are carried. */
export type ErrorKind =
  | "NotFound"
  | "AlreadyExists"
  | "Invalid"
  | "PermissionDenied"
  | "Unavailable"
  | "Internal"
  | "Canceled"
  | "Conflict"
  | "Timeout"
  | "RateLimited"
  | ""
  | (string & Record<never, never>);

/** What may be known about an error besides its kind and message. */
export interface ErrorOptions {
  /** Whether doing the same again may succeed; undefined when nobody said. */
  readonly retryable?: boolean | undefined;
  readonly details?: Record<string, unknown> | undefined;
  /** Where in Lua it was raised, `ns:name:LINE`. */
  readonly position?: string | undefined;
  /** Lua's traceback. */
  readonly luaStack?: string | undefined;
  readonly cause?: unknown;
}

/** The plain form of an error, which messages and the journal carry. */
export interface ErrorData {
  readonly kind: ErrorKind;
  readonly message: string;
  readonly retryable?: boolean;
  readonly details?: Record<string, unknown>;
  readonly position?: string;
  readonly luaStack?: string;
}

/** The one error type of the product, from Lua through workers and the journal to the API. */
export class WippyError extends Error {
  override readonly name = "WippyError";
  readonly kind: ErrorKind;
  readonly retryable?: boolean | undefined;
  readonly details?: Record<string, unknown> | undefined;
  /** Where in Lua it was raised, `ns:name:LINE`. */
  readonly position?: string | undefined;
  /** Lua's traceback, when there is one (`stack` is JavaScript's). */
  readonly luaStack?: string | undefined;

  constructor(kind: ErrorKind, message: string, options: ErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.kind = kind;
    this.retryable = options.retryable;
    this.details = options.details;
    this.position = options.position;
    this.luaStack = options.luaStack;
  }

  /** The plain form; what is not known is left out. */
  toJSON(): ErrorData {
    return {
      kind: this.kind,
      message: this.message,
      ...this.retryable !== undefined && { retryable: this.retryable },
      ...this.details !== undefined && { details: this.details },
      ...this.position !== undefined && { position: this.position },
      ...this.luaStack !== undefined && { luaStack: this.luaStack },
    };
  }

  /**
   * A WippyError of anything that was thrown or that `toJSON` made: itself, its plain form, or
   * the message of an Error, as kind Internal.
   */
  static from(value: unknown): WippyError {
    if (value instanceof WippyError) return value;
    if (value instanceof Error) return new WippyError("Internal", value.message, { cause: value });
    if (isErrorData(value)) return new WippyError(value.kind, value.message, value);
    return new WippyError("Internal", String(value));
  }
}

function isErrorData(value: unknown): value is ErrorData {
  if (typeof value !== "object" || value === null) return false;
  const { kind, message } = value as Partial<ErrorData>;
  return typeof kind === "string" && typeof message === "string";
}
