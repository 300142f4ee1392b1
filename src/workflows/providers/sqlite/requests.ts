import { WippyError } from "../../../vm/error.ts";
import type { JournalRequest } from "./protocol.ts";
import { answerRun, later, recoverRuns, takeNotice } from "./runs/runs.ts";
import { answerSchedule, declareSchedules } from "./schedules/schedules.ts";
import type { RunState } from "./store/run-states.ts";
import type { Transaction } from "./transaction/transaction.ts";

// What each request to the journal does, within its transaction.

type Asked = Extract<JournalRequest, { id: number }> & {
  type: Exclude<JournalRequest["type"], "delivered">;
};

/** Whether somebody waits for an answer. */
export function isQuestion(request: JournalRequest): request is Asked {
  return "id" in request && request.type !== "delivered";
}

/** Carries out one request. Refusals are answers; any other error undoes the transaction. */
export function carryOut(tx: Transaction, request: JournalRequest): void {
  if (!isQuestion(request)) {
    takeNotice(tx, request);
    return;
  }
  if (holdMessage(tx, request)) return;
  const { id, asker } = request;
  try {
    const value = answer(tx, request);
    if (value === later) return;
    tx.out.push({
      type: "answer",
      id,
      ...value === undefined ? {} : { value },
      ...asker && { asker },
    });
  } catch (error) {
    // Refusals are thrown before anything is written.
    if (!(error instanceof WippyError)) throw error;
    tx.out.push({ type: "refusal", id, failure: error.toJSON(), ...asker && { asker } });
  }
}

/** Lets a message to a run wait while the task is out that shows the last ones before its end. */
function holdMessage(tx: Transaction, request: Asked): boolean {
  if (request.type !== "signal" && request.type !== "cancel" && request.type !== "update") {
    return false;
  }
  const state = tx.runs.newest(request.workflowId);
  if (!state || !isEnding(state)) return false;
  tx.heldMessages.add(tx, state.run, request);
  return true;
}

function isEnding({ closing, status, taskEvent, blocked }: RunState): boolean {
  return closing && status === "running" && taskEvent > 0 && !blocked;
}

/** Delivers the messages whose run goes on, or has ended, after all. */
export function releaseMessages(tx: Transaction): void {
  for (const run of tx.heldMessages.runs()) {
    const state = tx.runs.get(run);
    if (state && isEnding(state)) continue;
    for (const request of tx.heldMessages.take(tx, run)) carryOut(tx, request);
  }
}

function answer(tx: Transaction, request: Asked): unknown {
  switch (request.type) {
    case "open":
    case "close":
      throw new WippyError("Conflict", "the workflow journal is already open");
    case "schedule":
      return answerSchedule(tx, request.request);
    default:
      return answerRun(tx, request);
  }
}

/** Takes up what the last owner of the journal left, and the schedules that entries declare now. */
export function recover(tx: Transaction): void {
  if (tx.settings.schedules) declareSchedules(tx, tx.settings.schedules);
  recoverRuns(tx);
}
