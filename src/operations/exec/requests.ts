/**
 * What the operations of `exec` ask the service of an executor (`src/services/exec`).
 * @module
 */

/** An output of a program. */
export type OutputName = "stdout" | "stderr";

/** Requests by the name of the operation; `program` is the number that `create` returned. */
export interface ExecRequests {
  /** Makes a program that has not started. Returns its number. */
  create: { command: string; work_dir?: string; env: Record<string, string> };
  start: { program: number };
  /** Waits for its end. Returns the exit code; what is left of its outputs can be read until `end`. */
  wait: { program: number };
  /** Says that an output will be read: it is kept until it is. */
  take: { program: number; output: OutputName };
  /** Says that the rest of an output is not read. */
  drop: { program: number; output: OutputName };
  /** Up to `size` bytes of an output, none at its end. */
  read: { program: number; output: OutputName; size: number };
  /** Writes to the input; no bytes close it. */
  write: { program: number; data: Uint8Array };
  signal: { program: number; signal: number };
  /** Ends a program that was started, by SIGTERM or, with `force`, by SIGKILL. */
  close: { program: number; force: boolean };
  /** Ends it if it runs, by SIGTERM, and forgets it. Twice is harmless. */
  end: { program: number };
}
