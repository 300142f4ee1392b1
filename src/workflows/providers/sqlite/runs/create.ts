import type { ParentInfo } from "../../../engine/activation.ts";
import { type EventData, packPlain } from "../../../history/history.ts";
import { nextCron } from "../../../cron.ts";
import type { ParentClosePolicy, RunOptions, StartOptions } from "../../../options/options.ts";
import type { Signal } from "../../../provider.ts";
import type { Transaction } from "../transaction/transaction.ts";
import type { RunState, RunTerms } from "../store/run-states.ts";
import { signalRun } from "./signal.ts";
import { handOnUpdates } from "./update.ts";
import type { Payload } from "../../../payload.ts";

/** How the run that follows another one differs from it. */
interface Succession {
  runId: string;
  attempt: number;
  /** Absent: the same entry and input. */
  entry?: string;
  args?: Payload;
  options?: RunOptions;
  /** What the run before was shown and has not received. */
  messages?: Signal[];
  /** Milliseconds before its first task. */
  delay?: number;
}

/** Starts the run that follows a closed one in its chain, with what that one had. */
export function succeedRun(tx: Transaction, state: RunState, succession: Succession): RunState {
  const started = tx.runs.started(state);
  const next = createRun(tx, {
    workflowId: state.workflowId,
    runId: succession.runId,
    firstRunId: state.firstRunId,
    entry: succession.entry ?? state.entry,
    hostId: state.hostId,
    args: succession.args ?? started.args,
    frame: started.frame,
    memo: state.memo ?? undefined,
    searchAttributes: state.searchAttributes ?? undefined,
    options: succession.options ?? state.terms.options,
    executionDeadline: state.terms.executionDeadline,
    schedule: state.terms.schedule,
    attempt: succession.attempt,
    delay: succession.delay,
    continuedFrom: state.runId,
    messages: succession.messages ?? [],
    parent: parentOf(state, started.parent),
  });
  handOnUpdates(tx, state, next);
  return next;
}

/** What a run is made of. */
export interface NewRun {
  workflowId: string;
  runId?: string | undefined;
  firstRunId?: string | undefined;
  entry: string;
  hostId: string;
  args: Payload;
  frame?: Payload | undefined;
  memo?: Payload | undefined;
  searchAttributes?: Payload | undefined;
  options: StartOptions;
  executionDeadline?: number | undefined;
  schedule?: RunTerms["schedule"] | undefined;
  attempt?: number | undefined;
  delay?: number | undefined;
  continuedFrom?: string | undefined;
  messages: Signal[];
  parent?: Parent | undefined;
}

/** The run that started a child, and as which of its commands. */
interface Parent {
  run: number;
  seq: number;
  closePolicy: ParentClosePolicy;
  info: ParentInfo;
}

function parentOf(state: RunState, info: ParentInfo | undefined): Parent | undefined {
  const { parentRun: run, parentSeq: seq, parentClosePolicy: closePolicy } = state;
  if (run === null || seq === null || closePolicy === null || !info) return undefined;
  return { run, seq, closePolicy, info };
}

/** Makes a run with its first event, its startup messages and its deadlines. */
export function createRun(tx: Transaction, request: NewRun): RunState {
  const { workflowId, entry, hostId, parent } = request;
  const { startDelay, errorWhenAlreadyStarted: _, ...options } = request.options;
  const waits = options.cronSchedule === undefined || request.continuedFrom !== undefined
    ? startDelay
    : nextCron(options.cronSchedule, tx.now) - tx.now;
  const delay = request.delay ?? waits ?? 0;
  const runId = request.runId ?? tx.random.uuid();
  const firstRunId = request.firstRunId ?? runId;
  const executionDeadline = request.executionDeadline ??
    (options.executionTimeout === undefined ? undefined : tx.now + options.executionTimeout);
  const terms = termsOf(options, executionDeadline, request.schedule);
  const state = tx.runs.create({
    runId,
    workflowId,
    firstRunId,
    entry,
    hostId,
    status: "running",
    attempt: request.attempt ?? 1,
    startTime: tx.now,
    closeTime: null,
    wake: 0,
    held: delay > 0 ? 1 : 0,
    cancelRequested: 0,
    parentRun: parent?.run ?? null,
    parentSeq: parent?.seq ?? null,
    parentClosePolicy: parent?.closePolicy ?? null,
    terms: packTerms(terms),
    memo: request.memo ?? null,
    searchAttributes: request.searchAttributes ?? null,
    blocked: null,
  });
  state.frame = { value: request.frame };
  const started: EventData["ExecutionStarted"] = {
    workflowId,
    runId,
    firstRunId,
    entry,
    hostId,
    pid: tx.pidOf(state),
    args: request.args,
    randomSeed: tx.random.seed(),
    attempt: state.attempt,
    publishes: true,
  };
  if (request.frame) started.frame = request.frame;
  if (request.memo) started.memo = request.memo;
  if (request.searchAttributes) started.searchAttributes = request.searchAttributes;
  if (request.continuedFrom) started.continuedFrom = request.continuedFrom;
  if (parent) started.parent = parent.info;
  tx.append(state, "ExecutionStarted", started);
  setRunDeadlines(tx, state, delay);
  tx.wake(state);
  for (const message of request.messages) signalRun(tx, state, message);
  return state;
}

/** What a run is promised. */
export function termsOf(
  options: RunOptions,
  executionDeadline: number | undefined,
  schedule: RunTerms["schedule"],
): RunTerms {
  return {
    options,
    ...executionDeadline === undefined ? {} : { executionDeadline },
    ...schedule ? { schedule } : {},
  };
}

/** Terms as the row of a run has them; most runs have none. */
export function packTerms(terms: RunTerms): Payload | null {
  const { options, executionDeadline, schedule } = terms;
  const none = Object.keys(options).length === 0 && !executionDeadline && !schedule;
  return none ? null : packPlain(terms);
}

/** Sets the timers of a run that begins. */
export function setRunDeadlines(tx: Transaction, state: RunState, delay: number): void {
  const { options, executionDeadline } = state.terms;
  if (delay > 0) tx.setTimer(state, "start", 0, tx.now + delay);
  if (options.runTimeout !== undefined) {
    tx.setTimer(state, "run", 0, tx.now + delay + options.runTimeout);
  }
  if (executionDeadline !== undefined) tx.setTimer(state, "execution", 0, executionDeadline);
}

/** Ends the wait before the first task of a run. */
export function releaseRun(tx: Transaction, state: RunState): void {
  if (!state.held) return;
  state.held = 0;
  tx.runs.standingChanged(state);
  tx.store.deleteTimer(state.run, "start", 0);
  tx.wake(state);
}
