import { completeAttempt, heartbeat, loseAttempt, recoverAttempts } from "./activity.ts";
import type { Transaction } from "../transaction/transaction.ts";
import { closedChain, terminateRun } from "./close.ts";
import { describeRun, listRuns, runDetail, runHistory } from "../read/describe.ts";
import type { Notice, Question } from "../protocol.ts";
import { answerQuery, askRun, loseQuery } from "./query.ts";
import { resetRun } from "./reset.ts";
import { openRun, requestCancel, takeSignal } from "./signal.ts";
import { startRun, updateWithStart } from "./start.ts";
import { completeStep } from "./step.ts";
import { completeTask, loseTask, unblockRun } from "./task.ts";
import { pollUpdate, updateRun } from "./update.ts";
import type { WorkerAnswer } from "../../../tasks/tasks.ts";
import { notFound } from "../store/run-states.ts";

/** What may be asked of runs. */
type RunRequest = Exclude<Question, { type: "open" | "close" | "schedule" }> & { id: number };

/** Stands for an answer that is given when something has happened. */
export const later = Symbol("later");

/**
 * Returns what a request about runs is answered with; `later` when something has to happen first.
 *
 * @throws WippyError a refusal; nothing is written then.
 */
export function answerRun(tx: Transaction, request: RunRequest): unknown {
  switch (request.type) {
    case "start":
      return startRun(tx, request.request);
    case "signal":
      return takeSignal(tx, openRun(tx, request.workflowId), request.data);
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
      return runHistory(tx, request.runId, request.range);
  }
}

/** Takes what nobody waits for an answer to. */
export function takeNotice(tx: Transaction, request: Notice): void {
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
    case "published":
      // No matter of a transaction: noted when it came.
      return;
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
    case "step":
      return completeStep(tx, worker, answer.step);
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
  { worker, failure, held }: Extract<Notice, { type: "disconnect" }>,
): void {
  for (const run of held?.tasks ?? []) loseTask(tx, run, failure.message);
  for (const token of held?.attempts ?? []) loseAttempt(tx, token, failure);
  for (const id of held?.queries ?? []) loseQuery(tx, worker, id, failure.message);
}

function watch(tx: Transaction, request: Extract<Notice, { type: "watch" }>): void {
  const { workflowId } = request;
  const asked = request.runId === undefined
    ? undefined
    : tx.runs.ofWorkflow(workflowId, request.runId);
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

/** Takes up the tasks, attempts and messages that were out when the last owner let go of the journal. */
export function recoverRuns(tx: Transaction): void {
  tx.store.reclaimTasks();
  for (const { run } of tx.store.runsWithTask()) tx.ready.push(run);
  for (const run of tx.store.runsWithAttempt()) {
    const state = tx.runs.get(run);
    if (state) recoverAttempts(tx, state);
  }
  for (const { id, recipient: to, sender: from, topic, payloads } of tx.store.messages()) {
    tx.out.push({ type: "message", id, message: { to, from, topic, payloads } });
  }
  for (const workflowId of tx.publications.workflows) {
    const state = tx.runs.newest(workflowId);
    // It waited for room in the outbox to queues.
    if (state?.status === "running" && state.wake && state.taskEvent === 0) tx.wake(state);
  }
}
