import type { Lifecycle } from "../registry/lifecycle.ts";
import type { Started } from "../services/service.ts";
import { WippyError } from "../vm/error.ts";

/** Returns whether a service has ended for good: cancelled, or with an error that is not retryable. */
export function isTerminal(error: unknown): boolean {
  return error instanceof WippyError && (error.retryable === false || error.kind === "Canceled");
}

/** Milliseconds before restart `n` (from 1), without jitter. */
export function restartDelay(restart: Lifecycle["restart"], n: number): number {
  return Math.min(restart.max_delay, restart.initial_delay * restart.backoff_factor ** (n - 1));
}

/** What the record of a failure says: the error with its traceback, and the process that failed. */
export function failureFields(
  { process }: { process: Started["process"] },
  error: unknown,
): Record<string, unknown> {
  const { message, luaStack } = WippyError.from(error);
  return { error: message, ...process, ...(luaStack !== undefined && { stack: luaStack }) };
}
