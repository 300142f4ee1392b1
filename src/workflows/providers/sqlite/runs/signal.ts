import { packSignal } from "../../../history/signals.ts";
import type { Signal } from "../../../provider.ts";
import type { Transaction } from "../transaction/transaction.ts";
import { notFound, type RunState } from "../store/run-states.ts";

/** Records a signal; the code sees it with its next task. */
export function signalRun(tx: Transaction, state: RunState, signal: Signal): void {
  takeSignal(tx, state, packSignal(signal));
}

/** Records a signal whose event is packed already. */
export function takeSignal(tx: Transaction, state: RunState, data: Uint8Array): void {
  tx.appendPacked(state, "ExecutionSignaled", data);
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
