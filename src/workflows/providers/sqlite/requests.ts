import { WippyError } from "../../../vm/error.ts";
import type { WorkerAnswer } from "../../tasks/task-queue.ts";
import { completeAttempt, heartbeat, loseAttempt, recoverAttempts } from "./runs/activity.ts";
import type { Transaction } from "./transaction/transaction.ts";
import { closedChain, terminateRun } from "./runs/close.ts";
import { describeRun, listRuns, runDetail, runHistory } from "./read/describe.ts";
import type { JournalRequest } from "./protocol.ts";
import { answerQuery, askRun, loseQuery } from "./runs/query.ts";
import { resetRun } from "./runs/reset.ts";
import { notFound, openRun, requestCancel, signalRun } from "./runs/signal.ts";
import { answerSchedule, declareSchedules } from "./schedules/requests.ts";
import { startRun, updateWithStart } from "./runs/start.ts";
import { completeTask, loseTask, unblockRun } from "./runs/task.ts";
import { pollUpdate, updateRun } from "./runs/update.ts";

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
    notice(tx, request);
    return;
  }
  const { id } = request;
  try {
    const value = answer(tx, request);
    if (value === later) return;
    tx.out.push({ type: "answer", id, ...value === undefined ? {} : { value } });
  } catch (error) {
    // Refusals are thrown before anything is written.
    if (!(error instanceof WippyError)) throw error;
    tx.out.push({ type: "refusal", id, failure: error.toJSON() });
  }
}

/** Says that a question is answered when something has happened. */
const later = Symbol("later");

function answer(tx: Transaction, request: Asked): unknown {
  switch (request.type) {
    case "start":
      return startRun(tx, request.request);
    case "signal":
      return signalRun(tx, openRun(tx, request.workflowId), request.signal);
    case "update":
      return updateRun(tx, request.workflowId, request.request, request) ?? later;
    case "update_with_start":
      return updateWithStart(tx, request.start, request.request, request) ?? later;
    case "query":
      askRun(tx, request.id, request.workflowId, request.request);
      return later;
    case "poll_update":
      return pollUpdate(tx, request.workflowId, request.updateId, request) ?? later;
    case "cancel": {
      const { reason, sender } = request;
      const state = openRun(tx, request.workflowId);
      return requestCancel(tx, state, { ...reason ? { reason } : {}, sender });
    }
    case "terminate":
      return terminateRun(tx, openRun(tx, request.workflowId), request.reason);
    case "reset":
      return resetRun(tx, request.workflowId, request.request);
    case "unblock": {
      const state = tx.runs.byId(request.runId);
      if (state?.status !== "running") throw notFound(request.runId, state);
      return unblockRun(tx, state);
    }
    case "describe":
      return describeRun(tx, request.workflowId);
    case "run":
      return runDetail(tx, request.runId);
    case "list":
      return listRuns(tx, request.query);
    case "history":
      return runHistory(tx, request.runId);
    case "schedule":
      return answerSchedule(tx, request.request);
    case "open":
    case "close":
      throw new WippyError("Conflict", "the workflow journal is already open");
  }
}

function notice(tx: Transaction, request: Exclude<JournalRequest, Asked>): void {
  switch (request.type) {
    case "answered":
      return answered(tx, request.worker, request.answer);
    case "connect":
      // No matter of a transaction: done when it came.
      return;
    case "disconnect":
      return disconnected(tx, request);
    case "delivered":
      return tx.store.deleteMessagesUpTo(request.id);
    case "watch":
      return watch(tx, request);
    case "unwatch":
      return tx.watches.delete(request.watch);
  }
}

/** Takes what a worker says. */
function answered(tx: Transaction, worker: number, answer: WorkerAnswer): void {
  switch (answer.type) {
    case "task":
      return completeTask(tx, worker, answer.completion);
    case "heartbeat":
      return heartbeat(tx, answer.token, answer.details);
    case "queried":
      return answerQuery(tx, worker, answer.answer);
    case "activity":
      return completeAttempt(tx, answer.token, answer.result);
  }
}

/** A worker died: what it had is lost. */
function disconnected(
  tx: Transaction,
  { worker, failure, held }: Extract<JournalRequest, { type: "disconnect" }>,
): void {
  for (const run of held?.tasks ?? []) loseTask(tx, run, failure.message);
  for (const token of held?.attempts ?? []) loseAttempt(tx, token, failure);
  for (const id of held?.queries ?? []) loseQuery(tx, worker, id, failure.message);
}

function watch(tx: Transaction, request: Extract<JournalRequest, { type: "watch" }>): void {
  const { workflowId } = request;
  const asked = request.runId === undefined ? undefined : tx.runs.byId(request.runId);
  const newest = asked
    ? tx.runs.newestOfChain(asked)
    : request.runId === undefined
    ? tx.runs.newest(workflowId)
    : undefined;
  if (newest?.status === "running") {
    tx.watches.add(newest.firstRunId, request.watch);
    return;
  }
  const closed = newest ? closedChain(tx, newest) : {
    workflowId,
    runId: "",
    pid: "",
    status: "not_found" as const,
    closeTime: tx.now,
    failure: notFound(workflowId).toJSON(),
  };
  tx.out.push({ type: "closed", watch: request.watch, closed });
}

/** Takes up what the last owner of the journal left: tasks, attempts and messages that were out. */
export function recover(tx: Transaction): void {
  if (tx.settings.schedules) declareSchedules(tx, tx.settings.schedules);
  tx.store.reclaimTasks();
  for (const { run } of tx.store.runsWithTask()) tx.ready.push(run);
  for (const { run } of tx.store.runsWithAttempt()) {
    const state = tx.runs.get(run);
    if (state) recoverAttempts(tx, state);
  }
  for (const { id, recipient: to, sender: from, topic, payloads } of tx.store.messages()) {
    tx.out.push({ type: "message", id, message: { to, from, topic, payloads } });
  }
}
