import { WippyError } from "../../../vm/error.ts";
import type { WorkerAnswer } from "../../tasks/task-queue.ts";
import { completeAttempt, heartbeat, loseAttempt, recoverAttempts } from "./runs/activity.ts";
import type { Book } from "./transaction/transaction.ts";
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
export function carryOut(book: Book, request: JournalRequest): void {
  if (!isQuestion(request)) {
    notice(book, request);
    return;
  }
  const { id } = request;
  try {
    const value = answer(book, request);
    if (value === later) return;
    book.out.push({ type: "answer", id, ...value === undefined ? {} : { value } });
  } catch (error) {
    // Refusals are thrown before anything is written.
    if (!(error instanceof WippyError)) throw error;
    book.out.push({ type: "refusal", id, failure: error.toJSON() });
  }
}

/** Says that a question is answered when something has happened. */
const later = Symbol("later");

function answer(book: Book, request: Asked): unknown {
  switch (request.type) {
    case "start":
      return startRun(book, request.request);
    case "signal":
      return signalRun(book, openRun(book, request.workflowId), request.signal);
    case "update":
      return updateRun(book, request.workflowId, request.request, request) ?? later;
    case "update_with_start":
      return updateWithStart(book, request.start, request.request, request) ?? later;
    case "query":
      askRun(book, request.id, request.workflowId, request.request);
      return later;
    case "poll_update":
      return pollUpdate(book, request.workflowId, request.updateId, request) ?? later;
    case "cancel": {
      const { reason, sender } = request;
      const state = openRun(book, request.workflowId);
      return requestCancel(book, state, { ...reason ? { reason } : {}, sender });
    }
    case "terminate":
      return terminateRun(book, openRun(book, request.workflowId), request.reason);
    case "reset":
      return resetRun(book, request.workflowId, request.request);
    case "unblock": {
      const state = book.runs.byId(request.runId);
      if (state?.status !== "running") throw notFound(request.runId, state);
      return unblockRun(book, state);
    }
    case "describe":
      return describeRun(book, request.workflowId);
    case "run":
      return runDetail(book, request.runId);
    case "list":
      return listRuns(book, request.query);
    case "history":
      return runHistory(book, request.runId);
    case "schedule":
      return answerSchedule(book, request.request);
    case "open":
    case "close":
      throw new WippyError("Conflict", "the workflow journal is already open");
  }
}

function notice(book: Book, request: Exclude<JournalRequest, Asked>): void {
  switch (request.type) {
    case "answered":
      return answered(book, request.worker, request.answer);
    case "connect":
      // No matter of a transaction: done when it came.
      return;
    case "disconnect":
      return disconnected(book, request);
    case "delivered":
      return book.store.deleteMessagesUpTo(request.id);
    case "watch":
      return watch(book, request);
    case "unwatch":
      return book.watches.delete(request.watch);
  }
}

/** Takes what a worker says. */
function answered(book: Book, worker: number, answer: WorkerAnswer): void {
  switch (answer.type) {
    case "task":
      return completeTask(book, worker, answer.completion);
    case "heartbeat":
      return heartbeat(book, answer.token, answer.details);
    case "queried":
      return answerQuery(book, worker, answer.answer);
    case "activity":
      return completeAttempt(book, answer.token, answer.result);
  }
}

/** A worker died: what it had is lost. */
function disconnected(
  book: Book,
  { worker, failure, held }: Extract<JournalRequest, { type: "disconnect" }>,
): void {
  for (const run of held?.tasks ?? []) loseTask(book, run, failure.message);
  for (const token of held?.attempts ?? []) loseAttempt(book, token, failure);
  for (const id of held?.queries ?? []) loseQuery(book, worker, id, failure.message);
}

function watch(book: Book, request: Extract<JournalRequest, { type: "watch" }>): void {
  const { workflowId } = request;
  const asked = request.runId === undefined ? undefined : book.runs.byId(request.runId);
  const newest = asked
    ? book.runs.newestOfChain(asked)
    : request.runId === undefined
    ? book.runs.newest(workflowId)
    : undefined;
  if (newest?.status === "running") {
    book.watches.add(newest.firstRunId, request.watch);
    return;
  }
  const closed = newest ? closedChain(book, newest) : {
    workflowId,
    runId: "",
    pid: "",
    status: "not_found" as const,
    closeTime: book.now,
    failure: notFound(workflowId).toJSON(),
  };
  book.out.push({ type: "closed", watch: request.watch, closed });
}

/** Takes up what the last owner of the journal left: tasks, attempts and messages that were out. */
export function recover(book: Book): void {
  if (book.settings.schedules) declareSchedules(book, book.settings.schedules);
  book.store.reclaimTasks();
  for (const { run } of book.store.runsWithTask()) book.ready.push(run);
  for (const { run } of book.store.runsWithAttempt()) {
    const state = book.runs.get(run);
    if (state) recoverAttempts(book, state);
  }
  for (const { id, recipient: to, sender: from, topic, payloads } of book.store.messages()) {
    book.out.push({ type: "message", id, message: { to, from, topic, payloads } });
  }
}
