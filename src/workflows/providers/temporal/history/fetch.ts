import type { Connection } from "../connection/connection.ts";
import type { TemporalEvent } from "../proto.ts";

/** Which run is meant. */
export interface RunName {
  workflowId: string;
  runId: string;
}

/**
 * Fetches a whole history.
 *
 * @param pageToken where to go on
 * @throws RpcError NotFound
 */
export async function fetchHistory(
  connection: Connection,
  execution: RunName,
  pageToken: Uint8Array = new Uint8Array(),
): Promise<TemporalEvent[]> {
  const events: TemporalEvent[] = [];
  const { workflowId, runId } = execution;
  for (let nextPageToken = pageToken;;) {
    const page = await connection.rpc("getWorkflowExecutionHistory", {
      execution: { workflowId, runId },
      nextPageToken,
      skipArchival: true,
    });
    events.push(...page.history?.events ?? []);
    nextPageToken = page.nextPageToken;
    if (nextPageToken.length === 0) return events;
  }
}
