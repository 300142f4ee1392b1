import { WippyError } from "../../../../vm/error.ts";
import type { Failure } from "../../../engine/outcome.ts";
import type { PackedCommand } from "../../../history/history.ts";
import { workflowIdOf } from "../../../pid.ts";
import { cancelActivity, scheduleActivity } from "./activity.ts";
import { mergeAttributes } from "../store/attributes.ts";
import type { Transaction } from "../transaction/transaction.ts";
import { cancelRun, completeRun, continueRun, failRun } from "./close.ts";
import { notFound, type RunState } from "../store/run-states.ts";
import { requestCancel, signalRun } from "./signal.ts";
import { startChildRun } from "./start.ts";
import { acceptUpdate, endUpdate } from "./update.ts";

type Of<Type extends PackedCommand["type"]> = Extract<PackedCommand, { type: Type }>;

/** Carries out the commands of a completed task, in order. */
export function applyCommands(tx: Transaction, state: RunState, commands: PackedCommand[]): void {
  for (const command of commands) {
    // A closing command is the last one; nothing can be asked of a closed run.
    if (state.status !== "running") break;
    applyCommand(tx, state, command);
  }
}

/**
 * Carries out one command of a completed task: its event, and what follows from it within the
 * journal. What leaves the journal is put into `tx.out`.
 */
function applyCommand(tx: Transaction, state: RunState, command: PackedCommand): void {
  switch (command.type) {
    case "start_timer": {
      const due = tx.setTimer(state, "timer", command.seq, tx.now + command.duration);
      tx.append(state, "TimerStarted", { seq: command.seq, due });
      return;
    }
    case "cancel_timer":
      tx.store.deleteTimer(state.run, "timer", command.seq);
      tx.append(state, "TimerCanceled", { seq: command.seq });
      return;
    case "schedule_activity":
      return scheduleActivity(tx, state, command);
    case "cancel_activity":
      return cancelActivity(tx, state, command.seq);
    case "schedule_local_activity": {
      const { seq, activityId = String(seq), entry, attempt } = command;
      tx.append(state, "LocalActivityScheduled", { seq, activityId, entry, attempt });
      return;
    }
    case "cancel_local_activity":
      tx.append(state, "LocalActivityCancelRequested", { seq: command.seq });
      return;
    case "record_local_activity": {
      const { type: _, ...result } = command;
      tx.append(state, "LocalActivityRecorded", result);
      return;
    }
    case "start_child":
      return startChild(tx, state, command);
    case "cancel_child":
      return cancelChild(tx, state, command);
    case "signal_external":
      return signalExternal(tx, state, command);
    case "cancel_external":
      return cancelExternal(tx, state, command);
    case "record": {
      const { seq, value, failure } = command;
      const data = failure ? { seq, failure } : { seq, ...value ? { value } : {} };
      tx.append(state, "SideEffectRecorded", data);
      return;
    }
    case "record_patch": {
      const { changeId, version } = command;
      tx.append(state, "VersionRecorded", { changeId, version });
      return;
    }
    case "send_message":
      return sendMessage(tx, state, command);
    case "publish":
      return publish(tx, state, command);
    case "upsert_attributes":
      return upsertAttributes(tx, state, command);
    case "accept_update":
      return acceptUpdate(tx, state, command.updateId);
    case "reject_update":
      return endUpdate(tx, state, command.updateId, "UpdateRejected", {
        failure: command.failure,
      });
    case "complete_update": {
      const { updateId, value, failure } = command;
      const outcome = failure ? { failure } : value ? { value } : {};
      return endUpdate(tx, state, updateId, "UpdateCompleted", outcome);
    }
    case "complete_workflow":
      return completeRun(tx, state, command.result);
    case "fail_workflow":
      return failRun(tx, state, "failed", command.failure);
    case "cancel_workflow_execution":
      return cancelRun(tx, state, command.failure);
    case "continue_as_new":
      return continueRun(tx, state, command);
  }
}

function startChild(tx: Transaction, state: RunState, command: Of<"start_child">): void {
  const { seq, entry, hostId, options } = command;
  const workflowId = command.workflowId ?? `${state.runId}_${seq}`;
  const parentPid = tx.pidOf(state);
  tx.append(state, "ChildInitiated", { seq, workflowId, entry, hostId, options });
  try {
    const child = startChildRun(tx, {
      workflowId,
      entry,
      hostId,
      args: command.args,
      frame: command.frame ?? tx.runs.frame(state),
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
    tx.append(state, "ChildStarted", { seq, pid: tx.pidOf(child), runId: child.runId });
  } catch (error) {
    // A refusal comes before anything is written; it is the outcome of the command.
    if (!(error instanceof WippyError)) throw error;
    tx.append(state, "ChildStartFailed", { seq, failure: failureOf(error) });
  }
  tx.wake(state);
}

function cancelChild(tx: Transaction, state: RunState, command: Of<"cancel_child">): void {
  tx.append(state, "ChildCancelRequested", { seq: command.seq });
  const row = tx.store.openChild(state.run, command.seq);
  const child = row && tx.runs.get(row.run);
  if (!child) return;
  const { reason } = command;
  requestCancel(tx, child, { ...reason ? { reason } : {}, sender: tx.pidOf(state) });
}

function signalExternal(tx: Transaction, state: RunState, command: Of<"signal_external">): void {
  const { seq, pid, name, payloads } = command;
  tx.append(state, "ExternalSignalInitiated", { seq, pid, name });
  const target = runOf(tx, pid);
  if ("failure" in target) {
    tx.append(state, "ExternalSignalFailed", { seq, failure: target.failure });
  } else {
    signalRun(tx, target.run, { name, payloads, sender: tx.pidOf(state) });
    tx.append(state, "ExternalSignaled", { seq });
  }
  tx.wake(state);
}

function cancelExternal(tx: Transaction, state: RunState, command: Of<"cancel_external">): void {
  const { seq, pid, reason } = command;
  tx.append(state, "ExternalCancelInitiated", { seq, pid });
  const target = runOf(tx, pid);
  if ("failure" in target) {
    tx.append(state, "ExternalCancelFailed", { seq, failure: target.failure });
  } else {
    const sender = tx.pidOf(state);
    requestCancel(tx, target.run, { ...reason ? { reason } : {}, sender });
    tx.append(state, "ExternalCancelRequested", { seq });
  }
  tx.wake(state);
}

function sendMessage(tx: Transaction, state: RunState, command: Of<"send_message">): void {
  const { seq, pid, topic, payloads } = command;
  tx.append(state, "MessageSent", { seq, pid, topic });
  const from = tx.pidOf(state);
  const id = tx.store.insertMessage({ recipient: pid, sender: from, topic, payloads });
  tx.out.push({ type: "message", id, message: { to: pid, from, topic, payloads } });
}

function publish(tx: Transaction, state: RunState, command: Of<"publish">): void {
  const { seq, queue, value: body, headers = null, messageId, delay = 0, failure } = command;
  const named = messageId === undefined ? {} : { messageId };
  if (failure) {
    tx.append(state, "MessagePublished", { seq, queue, ...named, failure });
    return;
  }
  tx.append(state, "MessagePublished", { seq, queue, ...named });
  tx.publications.add(tx, {
    queue,
    workflowId: state.workflowId,
    messageId: messageId ?? `${state.runId}.publish.${seq}`,
    time: Math.floor(tx.now),
    due: Math.ceil(tx.now + delay),
    body,
    headers,
  });
}

function upsertAttributes(
  tx: Transaction,
  state: RunState,
  command: Of<"upsert_attributes">,
): void {
  const { search, memo } = command;
  tx.append(state, "AttributesUpserted", {
    ...search ? { search } : {},
    ...memo ? { memo } : {},
  });
  if (search) {
    state.searchAttributes = mergeAttributes(state.searchAttributes, search);
    tx.store.saveAttributes(state.run, state.searchAttributes);
  }
  if (memo) state.memo = mergeAttributes(state.memo, memo);
  tx.runs.standingChanged(state);
}

function runOf(tx: Transaction, pid: string): { run: RunState } | { failure: Failure } {
  const workflowId = workflowIdOf(pid);
  const run = workflowId === undefined ? undefined : tx.runs.newest(workflowId);
  if (run?.status === "running") return { run };
  return { failure: failureOf(notFound(workflowId ?? pid, run)) };
}

function failureOf(error: WippyError): Failure {
  return error.toJSON();
}
