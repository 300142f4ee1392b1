import { WippyError } from "../../../../vm/error.ts";
import type { Failure } from "../../../engine/outcome.ts";
import { type EventData, unpackPlain } from "../../../history/history.ts";
import type { UpdateRequest, UpdateResult, UpdateStage } from "../../../provider.ts";
import type { Transaction } from "../transaction/transaction.ts";
import { notFound, type RunState } from "../store/run-states.ts";
import { openRun } from "./signal.ts";
import type { UpdateRow } from "../store/store.ts";
import type { Waiter } from "../transaction/update-waits.ts";
import type { Payload } from "../../../payload.ts";

/**
 * Delivers an update, unless the chain of runs knows its id already.
 *
 * @returns what became of it; undefined when `waiter` is answered later.
 * @throws NotFound, Invalid; nothing is written then.
 */
export function updateRun(
  tx: Transaction,
  workflowId: string,
  request: UpdateRequest,
  waiter: Waiter,
): UpdateResult | undefined {
  const updateId = checkedUpdateId(request) ?? tx.random.uuid();
  const known = knownUpdate(tx, workflowId, updateId);
  if (known) return resultOrWait(tx, known, waiter);
  const state = openRun(tx, workflowId);
  const { name, args, sender } = request;
  const row = {
    chain: state.firstRunId,
    updateId,
    run: state.run,
    delivered: tx.append(state, "UpdateDelivered", { updateId, name, args, sender }),
    accepted: 0,
    outcome: 0,
  };
  tx.store.insertUpdate(row);
  tx.wake(state);
  tx.updateWaits.add(row, waiter);
  return undefined;
}

/** The id that the sender gave. @throws Invalid */
export function checkedUpdateId({ updateId }: UpdateRequest): string | undefined {
  if (updateId === undefined || updateId !== "" && !/[|{}]/.test(updateId)) return updateId;
  throw new WippyError(
    "Invalid",
    `the update id "${updateId}" is empty or holds one of | { }; choose another, or leave it out`,
    { retryable: false },
  );
}

/** An update of the newest chain of runs of a workflow id. */
export function knownUpdate(
  tx: Transaction,
  workflowId: string,
  updateId: string,
): UpdateRow | undefined {
  const newest = tx.runs.newest(workflowId);
  return newest && tx.store.update(newest.firstRunId, updateId);
}

/** Awaits an update that was delivered. @throws NotFound */
export function pollUpdate(
  tx: Transaction,
  workflowId: string,
  updateId: string,
  waiter: Waiter,
): UpdateResult | undefined {
  const newest = tx.runs.newest(workflowId);
  if (!newest) throw notFound(workflowId);
  const row = tx.store.update(newest.firstRunId, updateId);
  if (!row) {
    throw new WippyError("NotFound", `workflow ${workflowId} has no update ${updateId}`, {
      retryable: false,
      details: { workflow_id: workflowId, update_id: updateId },
    });
  }
  return resultOrWait(tx, row, waiter);
}

/** The code takes the update. */
export function acceptUpdate(tx: Transaction, state: RunState, updateId: string): void {
  tx.append(state, "UpdateAccepted", { updateId });
  const row = tx.store.update(state.firstRunId, updateId);
  if (!row || row.outcome > 0) return;
  row.accepted = 1;
  tx.store.saveUpdate(row);
  tell(tx, row, { updateId, runId: state.runId, status: "accepted" }, "accepted");
}

/** The update has its outcome: the code's, or that the run closed before there was one. */
export function endUpdate(
  tx: Transaction,
  state: RunState,
  updateId: string,
  type: "UpdateRejected" | "UpdateCompleted" | "UpdateAborted",
  outcome: { value?: Payload; failure?: Failure },
): void {
  const data = { updateId, ...outcome } as EventData["UpdateAborted"];
  const event = tx.append(state, type, data);
  const row = tx.store.update(state.firstRunId, updateId);
  if (!row || row.outcome > 0) return;
  row.outcome = event;
  tx.store.saveUpdate(row);
  tell(tx, row, resultFrom(updateId, state.runId, type, outcome), "completed");
}

/**
 * A run closes: its updates without outcome are over; but those that it has not accepted are for the
 * run that follows it, if one does.
 */
export function abortUpdates(tx: Transaction, state: RunState, followed: boolean): void {
  if (state.has?.updates === false) return;
  for (const { updateId, accepted } of tx.store.openUpdates(state.run)) {
    if (followed && !accepted) continue;
    endUpdate(tx, state, updateId, "UpdateAborted", {
      failure: {
        kind: "Canceled",
        message: `workflow ${state.workflowId} closed before the update was completed`,
        retryable: false,
        details: { workflow_id: state.workflowId, run_id: state.runId, update_id: updateId },
      },
    });
  }
}

/** Delivers what a closed run did not accept to the run that follows it. */
export function handOnUpdates(tx: Transaction, from: RunState, to: RunState): void {
  if (from.has?.updates === false) return;
  for (const row of tx.store.openUpdates(from.run)) {
    const event = tx.runs.event(from.run, row.delivered);
    if (!event) {
      throw new Error(`run ${from.runId}: event ${row.delivered} of an update is missing`);
    }
    row.run = to.run;
    row.delivered = tx.append(to, "UpdateDelivered", unpackPlain(event.data));
    tx.store.saveUpdate(row);
  }
}

function resultOrWait(tx: Transaction, row: UpdateRow, waiter: Waiter): UpdateResult | undefined {
  const runId = tx.runs.get(row.run)?.runId ?? "";
  if (row.outcome > 0) {
    const event = tx.runs.event(row.run, row.outcome);
    if (!event) throw new Error(`run ${runId}: event ${row.outcome} of an update is missing`);
    const type = event.type as "UpdateRejected" | "UpdateCompleted" | "UpdateAborted";
    return resultFrom(row.updateId, runId, type, unpackPlain(event.data));
  }
  if (row.accepted && waiter.stage === "accepted") {
    return { updateId: row.updateId, runId, status: "accepted" };
  }
  tx.updateWaits.add(row, waiter);
  return undefined;
}

function resultFrom(
  updateId: string,
  runId: string,
  type: "UpdateRejected" | "UpdateCompleted" | "UpdateAborted",
  { value, failure }: { value?: Payload; failure?: Failure },
): UpdateResult {
  if (failure) {
    const status = type === "UpdateRejected" ? "rejected" : "failed";
    return { updateId, runId, status, failure };
  }
  return { updateId, runId, status: "completed", ...value ? { value } : {} };
}

function tell(tx: Transaction, row: UpdateRow, value: UpdateResult, reached: UpdateStage): void {
  for (const id of tx.updateWaits.of(row, reached)) {
    tx.out.push({ type: "answer", id, value });
    tx.after.push(() => tx.updateWaits.delete(row, id));
  }
}
