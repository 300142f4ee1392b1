import type { Signal } from "../../../provider.ts";
import type { Transaction } from "../transaction/transaction.ts";
import { notFound, type RunState } from "../store/run-states.ts";

/** Records a signal; the code sees it with its next task. */
export function signalRun(tx: Transaction, state: RunState, signal: Signal): void {
  const { name, payloads, sender } = signal;
  tx.append(state, "ExecutionSignaled", { name, payloads, sender });
  tx.wake(state);
}

/** Records a cancellation request, once a run. */
export function requestCancel(
  tx: Transaction,
  state: RunState,
  request: { reason?: string; sender: string },
): void {
  if (state.cancelRequested) return;
  state.cancelRequested = 1;
  tx.runs.standingChanged(state);
  tx.append(state, "ExecutionCancelRequested", request);
  tx.wake(state);
}

/** The open run of an id. @throws NotFound when there is none. */
export function openRun(tx: Transaction, workflowId: string): RunState {
  const state = tx.runs.newest(workflowId);
  if (state?.status === "running") return state;
  throw notFound(workflowId, state);
}
