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

/**
 * What a request to cancel an activity does. `try_cancel`: its attempt is aborted, and it counts as
 * canceled at once. `wait_cancellation_completed`: its attempt is asked to end, and its outcome is the
 * activity's. `abandon`: it counts as canceled, its attempt goes on. Names are Temporal's.
 */
export type CancellationType = "try_cancel" | "wait_cancellation_completed" | "abandon";

/** Options of one activity call. Times in milliseconds. */
export interface ActivityOptions {
  /** One attempt; default 10 minutes. */
  startToCloseTimeout?: number;
  /** All attempts with the waiting between them. */
  scheduleToCloseTimeout?: number;
  /** Waiting for a slot, of each attempt. */
  scheduleToStartTimeout?: number;
  /** Longest time from one heartbeat of an attempt to the next. */
  heartbeatTimeout?: number;
  /** What a request to cancel does; default `try_cancel`. */
  cancellationType?: CancellationType;
  /** The older form of `wait_cancellation_completed`. */
  waitForCancellation?: boolean;
  retryPolicy?: RetryPolicy;
  /** Of a local activity: the longest wait between two attempts that is no durable timer; default 10 s. */
  localRetryThreshold?: number;
  /** One line for people. */
  summary?: string;
  /** Where workers take it from instead of the queue of the host; a journal has one queue, and ignores it. */
  taskQueue?: string;
}

export type IdConflictPolicy = "use_existing" | "fail" | "terminate_existing";
export type IdReusePolicy =
  | "allow_duplicate"
  | "allow_duplicate_failed_only"
  | "reject_duplicate";
export type ParentClosePolicy = "terminate" | "abandon" | "request_cancel";

/** Options that every start has. Times in milliseconds. */
export interface RunOptions {
  /** As `ActivityOptions.taskQueue`. */
  taskQueue?: string;
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
  /** When the run begins, and when the next one does after each end: see `cron.ts`. */
  cronSchedule?: string;
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
