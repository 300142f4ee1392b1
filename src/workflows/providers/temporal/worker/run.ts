import { packHistory, packPlain } from "../../../history/history.ts";
import type { HistoryEvent } from "../../../history/history.ts";
import type { PendingUpdate } from "../commands/updates.ts";
import type { HistoryReader } from "../history/history.ts";

/** What is known of a run that a worker of this runtime may hold in memory. */
export class HeldRun {
  /** The first part of what its tokens have in common. */
  readonly number: number;
  readonly workflowId: string;
  readonly runId: string;
  reader: HistoryReader;
  worker: number | undefined;
  /** Id of the last task that the worker has completed; 0: it does not hold the run. */
  since = 0;
  /** Id of the last task that the server has as completed. */
  completed = 0;
  /** Id of the last event that was read and stays. */
  read = 0;
  lease = 0;
  /** Updates that were shown and are not answered. */
  readonly updates = new Map<string, PendingUpdate>();
  /** Ends the wait for the worker that has its task. */
  give?: ((outcome: "lost" | "superseded") => void) | undefined;

  constructor(number: number, workflowId: string, runId: string, reader: HistoryReader) {
    this.number = number;
    this.workflowId = workflowId;
    this.runId = runId;
    this.reader = reader;
  }
}

/** Events as they are handed to a worker. */
export function packEvents(events: readonly HistoryEvent[]): Uint8Array {
  return packHistory(
    events.map(({ id, time, type, data }) => ({ id, time, type, data: packPlain(data) })),
  );
}
