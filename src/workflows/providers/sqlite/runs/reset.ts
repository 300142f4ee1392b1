import { WippyError } from "../../../../vm/error.ts";
import { isCommandEvent } from "../../../replay/determinism.ts";
import {
  type EventData,
  type HistoryEvent,
  packPlain,
  type StoredEvent,
  unpackPlain,
} from "../../../history/history.ts";
import type { ResetRequest, StartResult } from "../../../provider.ts";
import { takeUpActivity } from "./activity.ts";
import { mergeAttributes } from "../store/attributes.ts";
import type { Transaction } from "../transaction/transaction.ts";
import { supersedeRun, tellChildOutcome, terminateRun } from "./close.ts";
import { packTerms, setRunDeadlines, termsOf } from "./create.ts";
import { notFound, type RunState } from "../store/run-states.ts";
import { signalRun } from "./signal.ts";

/** An event, unpacked, beside its row. */
type Kept = { row: StoredEvent; event: HistoryEvent };

/**
 * Makes a new run that has the history of another one up to a task, and goes on from there: the task
 * and everything after it is undone, except that messages which came later come again. Whatever run of
 * the workflow id is open ends; who waits for the chain of the reset run waits for the new one.
 *
 * @throws NotFound, Invalid; nothing is written then.
 */
export function resetRun(tx: Transaction, workflowId: string, request: ResetRequest): StartResult {
  const base = request.runId === undefined
    ? tx.runs.newest(workflowId)
    : tx.runs.byId(request.runId);
  if (!base || base.workflowId !== workflowId) throw notFound(request.runId ?? workflowId);
  const history = tx.runs.eventsFrom(base.run, 1).map((row): Kept => ({
    row,
    event: {
      id: row.id,
      time: row.time,
      type: row.type,
      data: unpackPlain(row.data),
    } as HistoryEvent,
  }));
  const point = pointOf(base, history.map(({ event }) => event), request.eventId);
  const kept = history.filter(({ event }) => event.id <= point);
  const later = messagesAfter(tx, base, point, kept)
    .filter((message) => comesAgain(tx, base, message));

  const runId = tx.random.uuid();
  const reason = `reset to event ${point}${request.reason ? `: ${request.reason}` : ""}`;
  const children = childrenOf(tx, kept);
  const state = makeRun(tx, base, runId, kept, () => {
    // The children that go on are nobody's for a moment: their parent does not end for them.
    for (const child of children.values()) if (child) setParent(tx, child, null, null);
    endPresent(tx, base, reason, runId);
  });
  tx.append(state, "TaskFailed", {
    message: `${reason} (of run ${base.runId})`,
    baseRunId: base.runId,
    resent: later.length,
  });
  takeUp(tx, state, kept);
  for (const [seq, child] of children) joinChild(tx, state, seq, child);
  for (const event of later) {
    if (event.type === "ExecutionSignaled") signalRun(tx, state, event.data);
    else deliverAgain(tx, state, event.data);
  }
  tx.forgetWorker(state);
  tx.wake(state);
  return { workflowId, runId, pid: tx.pidOf(state), existed: false };
}

/** The TaskStarted event of the first task that is undone. @throws Invalid */
function pointOf(base: RunState, events: HistoryEvent[], eventId: number): number {
  const given = events[eventId - 1];
  if (!given) {
    throw new WippyError(
      "Invalid",
      `run ${base.runId} has no event ${eventId}; its events are 1 to ${events.length}`,
      { retryable: false },
    );
  }
  const own = given.type === "TaskCompleted" || isCommandEvent(given);
  const started = events.filter(({ type }) => type === "TaskStarted");
  const at = own
    ? started.findLastIndex(({ id }) => id < eventId)
    : started.findIndex(({ id }) => id >= eventId);
  // What a failed task showed is shown again by the next one.
  const point = at < 0
    ? undefined
    : started.slice(at).find(({ id }) => events[id]?.type !== "TaskFailed");
  if (point) return point.id;
  throw new WippyError(
    "Invalid",
    `no task of run ${base.runId} comes after event ${eventId}, ${given.type}; give an earlier event`,
    { retryable: false },
  );
}

type Message = Extract<HistoryEvent, { type: "ExecutionSignaled" | "UpdateDelivered" }>;

/**
 * Messages that came after the point, in their order: those of the run, and those that came to whatever run the chain
 * has gone on as since, by itself or by other resets. Each is in the list once, and none that the kept events hold.
 */
function messagesAfter(tx: Transaction, base: RunState, point: number, kept: Kept[]): Message[] {
  const updates = new Set(
    kept.flatMap(({ event }) => event.type === "UpdateDelivered" ? [event.data.updateId] : []),
  );
  const found = messagesOf(tx, base, point + 1);
  for (const { run } of tx.store.laterOfChain(base)) {
    const later = tx.runs.get(run);
    if (later) found.push(...ownMessages(tx, later));
  }
  return found.filter((message) => {
    if (message.type === "ExecutionSignaled") return true;
    // One that was not answered may have been handed on to the next run.
    const { updateId } = message.data;
    return !updates.has(updateId) && updates.add(updateId);
  });
}

function messagesOf(tx: Transaction, { run }: RunState, from: number): Message[] {
  return tx.runs.eventsFrom(run, from)
    .filter(({ type }) => type === "ExecutionSignaled" || type === "UpdateDelivered")
    .map(({ id, time, type, data }) => ({ id, time, type, data: unpackPlain(data) }) as Message);
}

/** Messages that came to a run itself: one that a reset has made holds those of others before them. */
function ownMessages(tx: Transaction, state: RunState): Message[] {
  const made = tx.runs.eventsFrom(state.run, 1).findLast(({ type, data }) =>
    type === "TaskFailed" && unpackPlain<EventData["TaskFailed"]>(data).baseRunId !== undefined
  );
  if (!made) return messagesOf(tx, state, 1);
  const messages = messagesOf(tx, state, made.id + 1);
  const { resent } = unpackPlain<EventData["TaskFailed"]>(made.data);
  // Earlier programs have not noted how many they were; they were written at one moment with the reset.
  return resent === undefined
    ? messages.filter(({ time }) => time > made.time)
    : messages.slice(resent);
}

/** Whether a message is to come again: updates that have their outcome keep it. */
function comesAgain(tx: Transaction, base: RunState, message: Message): boolean {
  return message.type === "ExecutionSignaled" ||
    tx.store.update(base.firstRunId, message.data.updateId)?.outcome === 0;
}

/** Children that were started before the point and had no outcome then: the newest run of each, by sequence. */
function childrenOf(tx: Transaction, kept: Kept[]): Map<number, RunState | undefined> {
  const children = new Map<number, RunState | undefined>();
  for (const { event } of kept) {
    switch (event.type) {
      case "ChildStarted": {
        const first = tx.runs.byId(event.data.runId);
        children.set(event.data.seq, first && tx.runs.newestOfChain(first));
        break;
      }
      case "ChildCompleted":
      case "ChildFailed":
      case "ChildTimedOut":
      case "ChildCanceled":
      case "ChildTerminated":
        children.delete(event.data.seq);
    }
  }
  return children;
}

/** Ends whatever run of the workflow id is open. */
function endPresent(tx: Transaction, base: RunState, reason: string, nextRunId: string): void {
  const present = tx.runs.newest(base.workflowId);
  if (present?.status !== "running") return;
  if (present.firstRunId === base.firstRunId) supersedeRun(tx, present, reason, nextRunId);
  else terminateRun(tx, present, reason);
}

function setParent(tx: Transaction, child: RunState, run: number | null, seq: number | null): void {
  child.parentRun = run;
  child.parentSeq = seq;
  tx.store.saveParent(child);
}

/** Makes the new run with the kept events. `end` ends the present one, as only one may be open. */
function makeRun(
  tx: Transaction,
  base: RunState,
  runId: string,
  kept: Kept[],
  end: () => void,
): RunState {
  const started = kept[0]?.event;
  if (started?.type !== "ExecutionStarted") throw new Error(`run ${base.runId} has no first event`);
  const { options } = base.terms;
  const executionDeadline = options.executionTimeout === undefined
    ? undefined
    : tx.now + options.executionTimeout;
  const chainIsOpen = tx.runs.newestOfChain(base)?.status === "running";
  const parent = chainIsOpen ? base.parentRun : null;
  end();
  const terms = termsOf(options, executionDeadline, base.terms.schedule);
  const state = tx.runs.create({
    runId,
    workflowId: base.workflowId,
    firstRunId: base.firstRunId,
    entry: base.entry,
    hostId: base.hostId,
    status: "running",
    attempt: base.attempt,
    startTime: tx.now,
    closeTime: null,
    wake: 0,
    held: 0,
    cancelRequested: kept.some(({ event }) => event.type === "ExecutionCancelRequested") ? 1 : 0,
    parentRun: parent,
    parentSeq: parent === null ? null : base.parentSeq,
    parentClosePolicy: parent === null ? null : base.parentClosePolicy,
    terms: packTerms(terms),
    ...attributesAt(kept, started.data),
    blocked: null,
  });
  const { parent: info, ...data } = started.data;
  const own = { ...data, runId, ...info && parent !== null ? { parent: info } : {} };
  for (const { row } of kept) {
    tx.runs.copy(state, row.id === 1 ? { ...row, data: packPlain(own) } : row);
  }
  setRunDeadlines(tx, state, 0);
  return state;
}

function attributesAt(
  kept: Kept[],
  started: EventData["ExecutionStarted"],
): Pick<RunState, "memo" | "searchAttributes"> {
  let memo = started.memo ?? null;
  let searchAttributes = started.searchAttributes ?? null;
  for (const { event } of kept) {
    if (event.type !== "AttributesUpserted") continue;
    const { search, memo: added } = event.data;
    if (search) searchAttributes = mergeAttributes(searchAttributes, search);
    if (added) memo = mergeAttributes(memo, added);
  }
  return { memo, searchAttributes };
}

/** Takes up what was pending at the point: timers, activities, updates. */
function takeUp(tx: Transaction, state: RunState, kept: Kept[]): void {
  const timers = new Map<number, number>();
  const activities = new Map<number, Extract<HistoryEvent, { type: "ActivityScheduled" }>>();
  const updates = new Map<string, { delivered: number; accepted: number }>();
  for (const { event } of kept) {
    switch (event.type) {
      case "TimerStarted":
        timers.set(event.data.seq, event.data.due);
        break;
      case "TimerFired":
      case "TimerCanceled":
        timers.delete(event.data.seq);
        break;
      case "ActivityScheduled":
        activities.set(event.data.seq, event);
        break;
      case "ActivityCompleted":
      case "ActivityFailed":
      case "ActivityTimedOut":
      case "ActivityCanceled":
        activities.delete(event.data.seq);
        break;
      case "UpdateDelivered":
        updates.set(event.data.updateId, { delivered: event.id, accepted: 0 });
        break;
      case "UpdateAccepted": {
        const update = updates.get(event.data.updateId);
        if (update) update.accepted = 1;
        break;
      }
      case "UpdateRejected":
      case "UpdateCompleted":
        updates.delete(event.data.updateId);
    }
  }
  for (const [seq, due] of timers) tx.setTimer(state, "timer", seq, due);
  for (const { id, data } of activities.values()) takeUpActivity(tx, state, id, data);
  for (const [updateId, at] of updates) {
    const row = tx.store.update(state.firstRunId, updateId);
    if (row?.outcome === 0) tx.store.saveUpdate({ ...row, ...at, run: state.run });
  }
}

/** A child of the reset run is now the new run's; if it has ended meanwhile, the new run is told. */
function joinChild(
  tx: Transaction,
  state: RunState,
  seq: number,
  child: RunState | undefined,
): void {
  if (child?.status !== "running") {
    tellChildOutcome(tx, state, seq, child);
    return;
  }
  setParent(tx, child, state.run, seq);
}

function deliverAgain(tx: Transaction, state: RunState, data: EventData["UpdateDelivered"]): void {
  const delivered = tx.append(state, "UpdateDelivered", data);
  const row = tx.store.update(state.firstRunId, data.updateId);
  if (row) tx.store.saveUpdate({ ...row, run: state.run, delivered, accepted: 0 });
}
