/** When and how often a failed activity or workflow is tried again. Times in milliseconds. */
export interface RetryPolicy {
  /** Before the first retry; default 1,000. */
  initialInterval?: number;
  /** Factor per retry; default 2. */
  backoffCoefficient?: number;
  /** Cap; default 100 times the initial interval. */
  maximumInterval?: number;
  /** 0 or absent: without limit; 1: no retry. */
  maximumAttempts?: number;
  /** Error kinds that are final. */
  nonRetryableKinds?: string[];
}

/** Options of one activity call. Times in milliseconds. */
export interface ActivityOptions {
  /** One attempt; default 10 minutes. */
  startToCloseTimeout?: number;
  /** All attempts with the waiting between them. */
  scheduleToCloseTimeout?: number;
  /** Waiting for the first attempt. */
  scheduleToStartTimeout?: number;
  /** As nothing sends heartbeats, an attempt that takes longer has timed out. */
  heartbeatTimeout?: number;
  /** A cancelled activity is reported when its attempt has ended, not when asked. */
  waitForCancellation?: boolean;
  retryPolicy?: RetryPolicy;
  /** One line for people. */
  summary?: string;
}

export type IdConflictPolicy = "use_existing" | "fail" | "terminate_existing";
export type IdReusePolicy =
  | "allow_duplicate"
  | "allow_duplicate_failed_only"
  | "reject_duplicate";
export type ParentClosePolicy = "terminate" | "abandon" | "request_cancel";

/** Options that every start has. Times in milliseconds. */
export interface RunOptions {
  /** The whole chain of runs. */
  executionTimeout?: number;
  /** One run. */
  runTimeout?: number;
  /** One workflow task. */
  taskTimeout?: number;
  /** Absent: a failed run is final. */
  retryPolicy?: RetryPolicy;
  idConflictPolicy?: IdConflictPolicy;
  idReusePolicy?: IdReusePolicy;
  /** Texts for people. */
  summary?: string;
  details?: string;
}

/** Options of a start from outside. */
export interface StartOptions extends RunOptions {
  /** An open run with the id is an error even where the policy would hand it back. */
  errorWhenAlreadyStarted?: boolean;
  /** The first task is not run before this has passed. */
  startDelay?: number;
}

/** Options of a child. */
export interface ChildOptions extends RunOptions {
  /** What happens to the child when its parent closes; default `terminate`. */
  parentClosePolicy?: ParentClosePolicy;
  /**
   * A cancelled child is reported when it has closed, not when asked. Read by the engine, which may
   * answer its code before the child's outcome comes; the provider always delivers that outcome.
   */
  waitForCancellation?: boolean;
}
