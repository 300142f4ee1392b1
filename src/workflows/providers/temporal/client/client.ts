import { WippyError } from "../../../../vm/error.ts";
import type { Connection } from "../connection/connection.ts";
import type { HistoryContext } from "../history/state.ts";

/** The provider, as requests to the server use it. */
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

/** The error for a workflow that does not exist or is closed. */
export function notFound(what: string, closed = false): WippyError {
  return new WippyError(
    "NotFound",
    closed ? `workflow ${what} is closed` : `workflow not found: ${what}`,
    { retryable: false, details: { workflow_id: what } },
  );
}

/** The error for a query of a run that has not begun. */
export function delayed(workflowId: string): WippyError {
  return new WippyError("Unavailable", `workflow ${workflowId} has not begun: it is delayed`, {
    retryable: true,
    details: { workflow_id: workflowId },
  });
}

/** Replaces the message of NotFound; rethrows other errors. */
export async function ofWorkflow<Value>(what: string, request: Promise<Value>): Promise<Value> {
  try {
    return await request;
  } catch (error) {
    const { kind, message } = WippyError.from(error);
    if (kind !== "NotFound") throw error;
    throw notFound(what, /already completed|closed/i.test(message));
  }
}
