import { WippyError } from "../../../../vm/error.ts";
import type { Signal } from "../../../provider.ts";
import type { Book } from "../transaction/transaction.ts";
import type { RunState } from "../store/run-states.ts";

/** Records a signal; the code sees it with its next task. */
export function signalRun(book: Book, state: RunState, signal: Signal): void {
  const { name, payloads, sender } = signal;
  book.append(state, "ExecutionSignaled", { name, payloads, sender });
  book.wake(state);
}

/** Records a cancellation request, once a run. */
export function requestCancel(
  book: Book,
  state: RunState,
  request: { reason?: string; sender: string },
): void {
  if (state.cancelRequested) return;
  state.cancelRequested = 1;
  book.runs.standingChanged(state);
  book.append(state, "ExecutionCancelRequested", request);
  book.wake(state);
}

/** The open run of an id. @throws NotFound when there is none. */
export function openRun(book: Book, workflowId: string): RunState {
  const state = book.runs.newest(workflowId);
  if (state?.status === "running") return state;
  throw notFound(workflowId, state);
}

export function notFound(workflowId: string, closed?: RunState): WippyError {
  return new WippyError(
    "NotFound",
    closed
      ? `workflow ${workflowId} is closed (${closed.status})`
      : `there is no workflow ${workflowId}`,
    { retryable: false, details: { workflow_id: workflowId } },
  );
}
