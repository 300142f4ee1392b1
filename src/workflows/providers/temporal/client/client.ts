import { WippyError } from "../../../../vm/error.ts";
import type { Connection } from "../bridge/bridge.ts";
import type { HistoryContext } from "../history/state.ts";

/** What requests to the server need of the provider. */
export interface ClientContext extends HistoryContext {
  connection: Connection;
  queueOf(hostId: string): string;
  uuid(): string;
  /** Notes of which workflow a run is: the server asks for both. */
  note(workflowId: string, runId: string): void;
  /** Search attributes that the server does not know are added. */
  addSearchAttributes: boolean;
  /** Milliseconds that a workflow task may take unless its run says otherwise; the server's default when absent. */
  taskTimeout?: number;
}

/** There is no such workflow, or it takes nothing more. */
export function notFound(what: string, closed = false): WippyError {
  return new WippyError(
    "NotFound",
    closed ? `workflow ${what} is closed` : `workflow not found: ${what}`,
    { retryable: false, details: { workflow_id: what } },
  );
}

/** Puts NotFound into our words; other errors pass. */
export async function ofWorkflow<Value>(what: string, request: Promise<Value>): Promise<Value> {
  try {
    return await request;
  } catch (error) {
    const { kind, message } = WippyError.from(error);
    if (kind !== "NotFound") throw error;
    throw notFound(what, /already completed|closed/i.test(message));
  }
}
