import type { Failure } from "../../../engine/outcome.ts";
import { type EventData, packHistory, unpackPlain } from "../../../history/history.ts";
import { workflowPid } from "../../../pid.ts";
import type {
  EventRange,
  PendingActivityInfo,
  RunDetail,
  RunInfo,
  RunQuery,
} from "../../../provider.ts";
import type { Transaction } from "../transaction/transaction.ts";
import { notFound, type RunState } from "../store/run-states.ts";
import { activityState } from "../store/schema.ts";
import type { RunRow } from "../store/store.ts";
import { readPosition, writePosition } from "../store/visibility.ts";
import type { TaskFailure } from "../../../tasks/tasks.ts";

/** What reading needs of a journal. */
export type ReadContext = Pick<Transaction, "store" | "runs"> & {
  settings: Pick<Transaction["settings"], "node">;
};

const defaultLimit = 100;
const maxLimit = 1_000;

const stateNames = {
  [activityState.retry]: "retry",
  [activityState.running]: "running",
  [activityState.slot]: "slot",
} as const;

/** The newest run of an id. */
export function describeRun(context: ReadContext, workflowId: string): RunInfo | undefined {
  const state = context.runs.newest(workflowId);
  return state && infoOf(context, state);
}

/** A run with what it waits for. */
export function runDetail(context: ReadContext, runId: string): RunDetail | undefined {
  const state = context.runs.byId(runId);
  if (!state) return undefined;
  const info = infoOf(context, state);
  if (state.status !== "running") return { ...info, pendingActivities: [], pendingTimers: [] };
  const timers = context.store.timersOf(state.run);
  const pendingActivities = [...context.runs.pending(state).values()].map((pending) => {
    const { row, scheduled, scheduledTime } = pending;
    const retry = timers.find(({ kind, seq }) => kind === "retry" && seq === row.seq);
    return {
      seq: row.seq,
      activityId: scheduled.activityId,
      entry: scheduled.entry,
      operation: scheduled.operation,
      state: stateNames[row.running],
      attempt: row.attempt,
      scheduledTime,
      ...(row.running === activityState.retry && retry && { nextAttempt: retry.due }),
      ...(row.lastFailure && { lastFailure: unpackPlain<Failure>(row.lastFailure) }),
      ...(row.heartbeat && { heartbeat: row.heartbeat }),
    } satisfies PendingActivityInfo;
  });
  const start = timers.find(({ kind }) => kind === "start");
  return {
    ...info,
    pendingActivities: [...pendingActivities, ...localsUnderWay(context, state)],
    pendingTimers: timers.filter(({ kind }) => kind === "timer")
      .map(({ seq, due }) => ({ seq, due })),
    ...(start && state.held === 1 && { heldUntil: start.due }),
  };
}

/** Local activities that the run's worker has under way and that the journal knows of. */
function localsUnderWay(context: ReadContext, state: RunState): PendingActivityInfo[] {
  if (!state.heldOpen) return [];
  const found = new Map<number, PendingActivityInfo>();
  for (const { type, time, data } of context.runs.eventsFrom(state.run, 1)) {
    if (type === "LocalActivityScheduled") {
      const begun = unpackPlain<EventData["LocalActivityScheduled"]>(data);
      found.set(begun.seq, { ...begun, operation: false, state: "local", scheduledTime: time });
    } else if (type === "LocalActivityRecorded") {
      found.delete(unpackPlain<{ seq: number }>(data).seq);
    }
  }
  return [...found.values()];
}

/** A page of runs; `orderOf` says in which order. @throws Invalid for a cursor that is none. */
export function listRuns(
  context: ReadContext,
  query: RunQuery,
): { runs: RunInfo[]; cursor?: string } {
  const limit = Math.max(1, Math.min(maxLimit, query.limit ?? defaultLimit));
  const after = query.cursor === undefined ? undefined : readPosition(query.cursor, query);
  // Rows of this transaction's changed runs are written at its end, too late for this statement.
  context.runs.flush();
  const rows = context.store.listRuns(query, after, limit);
  const last = rows.length === limit ? rows.at(-1) : undefined;
  return {
    runs: rows.map((row) => infoOf(context, row)),
    ...last ? { cursor: writePosition(query, last) } : {},
  };
}

/** The history of a run, or a part of it, packed. @throws NotFound. */
export function runHistory(
  context: ReadContext,
  runId: string,
  { from, to }: EventRange = { from: 1, to: Number.MAX_SAFE_INTEGER },
): Uint8Array {
  const state = context.runs.byId(runId);
  if (!state) throw notFound(runId);
  return packHistory(context.runs.eventsFrom(state.run, from, to));
}

function infoOf(context: ReadContext, row: Omit<RunRow, "terms">): RunInfo {
  const parent = row.parentRun === null ? undefined : context.store.runByNumber(row.parentRun);
  return {
    workflowId: row.workflowId,
    runId: row.runId,
    firstRunId: row.firstRunId,
    entry: row.entry,
    hostId: row.hostId,
    pid: workflowPid(context.settings.node, row.hostId, row.workflowId),
    status: row.status,
    attempt: row.attempt,
    startTime: row.startTime,
    historyLength: row.nextEvent - 1,
    historySize: row.bytes,
    cancelRequested: row.cancelRequested === 1,
    ...row.closeTime === null ? {} : { closeTime: row.closeTime },
    ...parent ? { parentWorkflowId: parent.workflowId } : {},
    ...row.memo ? { memo: row.memo } : {},
    ...row.searchAttributes ? { searchAttributes: row.searchAttributes } : {},
    ...row.blocked ? { blocked: unpackPlain<TaskFailure>(row.blocked) } : {},
  };
}
