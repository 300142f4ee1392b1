import { WippyError } from "../../../../vm/error.ts";
import type { Failure } from "../../../engine/outcome.ts";
import type { PackedCommand } from "../../../history/history.ts";
import { workflowIdOf } from "../../../pid.ts";
import { cancelActivity, scheduleActivity } from "./activity.ts";
import { mergeAttributes } from "../store/attributes.ts";
import type { Book } from "../transaction/transaction.ts";
import { cancelRun, completeRun, continueRun, failRun } from "./close.ts";
import type { RunState } from "../store/run-states.ts";
import { notFound, requestCancel, signalRun } from "./signal.ts";
import { startChildRun } from "./start.ts";
import { acceptUpdate, endUpdate } from "./update.ts";

type Of<Type extends PackedCommand["type"]> = Extract<PackedCommand, { type: Type }>;

/**
 * Carries out one command of a completed task: its event, and what follows from it within the
 * journal. What leaves the journal is put into `book.out`.
 */
export function applyCommand(book: Book, state: RunState, command: PackedCommand): void {
  switch (command.type) {
    case "start_timer": {
      const due = book.setTimer(state, "timer", command.seq, book.now + command.duration);
      book.append(state, "TimerStarted", { seq: command.seq, due });
      return;
    }
    case "cancel_timer":
      book.store.deleteTimer(state.run, "timer", command.seq);
      book.append(state, "TimerCanceled", { seq: command.seq });
      return;
    case "schedule_activity":
      return scheduleActivity(book, state, command);
    case "cancel_activity":
      return cancelActivity(book, state, command.seq);
    case "schedule_local_activity": {
      const { seq, activityId = String(seq), entry, attempt } = command;
      book.append(state, "LocalActivityScheduled", { seq, activityId, entry, attempt });
      return;
    }
    case "cancel_local_activity":
      book.append(state, "LocalActivityCancelRequested", { seq: command.seq });
      return;
    case "record_local_activity": {
      const { type: _, ...result } = command;
      book.append(state, "LocalActivityRecorded", result);
      return;
    }
    case "start_child":
      return startChild(book, state, command);
    case "cancel_child":
      return cancelChild(book, state, command);
    case "signal_external":
      return signalExternal(book, state, command);
    case "cancel_external":
      return cancelExternal(book, state, command);
    case "record": {
      const { seq, value, failure } = command;
      const data = failure ? { seq, failure } : { seq, ...value ? { value } : {} };
      book.append(state, "SideEffectRecorded", data);
      return;
    }
    case "record_patch": {
      const { changeId, version } = command;
      book.append(state, "VersionRecorded", { changeId, version });
      return;
    }
    case "send_message":
      return sendMessage(book, state, command);
    case "upsert_attributes":
      return upsertAttributes(book, state, command);
    case "accept_update":
      return acceptUpdate(book, state, command.updateId);
    case "reject_update":
      return endUpdate(book, state, command.updateId, "UpdateRejected", {
        failure: command.failure,
      });
    case "complete_update": {
      const { updateId, value, failure } = command;
      const outcome = failure ? { failure } : value ? { value } : {};
      return endUpdate(book, state, updateId, "UpdateCompleted", outcome);
    }
    case "complete_workflow":
      return completeRun(book, state, command.result);
    case "fail_workflow":
      return failRun(book, state, "failed", command.failure);
    case "cancel_workflow_execution":
      return cancelRun(book, state, command.failure);
    case "continue_as_new":
      return continueRun(book, state, command.entry, command.args);
  }
}

function startChild(book: Book, state: RunState, command: Of<"start_child">): void {
  const { seq, entry, hostId, options } = command;
  const workflowId = command.workflowId ?? `${state.runId}_${seq}`;
  const parentPid = book.pidOf(state);
  book.append(state, "ChildInitiated", { seq, workflowId, entry, hostId, options });
  try {
    const child = startChildRun(book, {
      workflowId,
      entry,
      hostId,
      args: command.args,
      frame: command.frame ?? book.runs.frame(state),
      memo: command.memo,
      searchAttributes: command.searchAttributes,
      options,
      messages: (command.messages ?? []).map((message) => ({ ...message, sender: parentPid })),
      parent: {
        run: state.run,
        seq,
        closePolicy: options.parentClosePolicy ?? "terminate",
        info: { workflowId: state.workflowId, runId: state.runId, pid: parentPid },
      },
    });
    book.append(state, "ChildStarted", { seq, pid: book.pidOf(child), runId: child.runId });
  } catch (error) {
    // A refusal comes before anything is written; it is the outcome of the command.
    if (!(error instanceof WippyError)) throw error;
    book.append(state, "ChildStartFailed", { seq, failure: failureOf(error) });
  }
  book.wake(state);
}

function cancelChild(book: Book, state: RunState, command: Of<"cancel_child">): void {
  book.append(state, "ChildCancelRequested", { seq: command.seq });
  const row = book.store.openChild(state.run, command.seq);
  const child = row && book.runs.get(row.run);
  if (!child) return;
  const { reason } = command;
  requestCancel(book, child, { ...reason ? { reason } : {}, sender: book.pidOf(state) });
}

function signalExternal(book: Book, state: RunState, command: Of<"signal_external">): void {
  const { seq, pid, name, payloads } = command;
  book.append(state, "ExternalSignalInitiated", { seq, pid, name });
  const target = runOf(book, pid);
  if ("failure" in target) {
    book.append(state, "ExternalSignalFailed", { seq, failure: target.failure });
  } else {
    signalRun(book, target.run, { name, payloads, sender: book.pidOf(state) });
    book.append(state, "ExternalSignaled", { seq });
  }
  book.wake(state);
}

function cancelExternal(book: Book, state: RunState, command: Of<"cancel_external">): void {
  const { seq, pid, reason } = command;
  book.append(state, "ExternalCancelInitiated", { seq, pid });
  const target = runOf(book, pid);
  if ("failure" in target) {
    book.append(state, "ExternalCancelFailed", { seq, failure: target.failure });
  } else {
    const sender = book.pidOf(state);
    requestCancel(book, target.run, { ...reason ? { reason } : {}, sender });
    book.append(state, "ExternalCancelRequested", { seq });
  }
  book.wake(state);
}

function sendMessage(book: Book, state: RunState, command: Of<"send_message">): void {
  const { seq, pid, topic, payloads } = command;
  book.append(state, "MessageSent", { seq, pid, topic });
  const from = book.pidOf(state);
  const id = book.store.insertMessage({ recipient: pid, sender: from, topic, payloads });
  book.out.push({ type: "message", id, message: { to: pid, from, topic, payloads } });
}

function upsertAttributes(book: Book, state: RunState, command: Of<"upsert_attributes">): void {
  const { search, memo } = command;
  book.append(state, "AttributesUpserted", {
    ...search ? { search } : {},
    ...memo ? { memo } : {},
  });
  if (search) {
    state.searchAttributes = mergeAttributes(state.searchAttributes, search);
    book.store.saveAttributes(state.run, state.searchAttributes);
  }
  if (memo) state.memo = mergeAttributes(state.memo, memo);
  book.runs.standingChanged(state);
}

function runOf(book: Book, pid: string): { run: RunState } | { failure: Failure } {
  const workflowId = workflowIdOf(pid);
  const run = workflowId === undefined ? undefined : book.runs.newest(workflowId);
  if (run?.status === "running") return { run };
  return { failure: failureOf(notFound(workflowId ?? pid, run)) };
}

function failureOf(error: WippyError): Failure {
  return error.toJSON();
}
