import type { RunStatus } from "../workflows/provider.ts";

/** The statuses that a run may have. */
export const runStatuses = [
  "running",
  "completed",
  "failed",
  "canceled",
  "terminated",
  "timed_out",
  "continued_as_new",
] as const satisfies readonly RunStatus[];
