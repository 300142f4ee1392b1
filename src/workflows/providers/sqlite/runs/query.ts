import { WippyError } from "../../../../vm/error.ts";
import { packHistory, unpackPlain } from "../../../history/history.ts";
import type { QueryRequest } from "../../../provider.ts";
import type { Transaction } from "../transaction/transaction.ts";
import type { JournalEvent } from "../protocol.ts";
import { notFound, type RunState } from "../store/run-states.ts";
import { queryToken, readQueryToken } from "../../../tasks/tokens.ts";
import type { Query } from "../transaction/pending-queries.ts";
import type { Work } from "../transaction/workers.ts";
import type { QueryAnswer, QueryTask, TaskFailure } from "../../../tasks/tasks.ts";

/** Times that a query is given to a worker before it is answered with Unavailable. */
const maxLosses = 3;

/** Hands out the queries whose run is at rest; answers those that cannot be. */
export function dispatchQueries(tx: Transaction, out: JournalEvent[]): void {
  if (!tx.workers.any) return;
  for (const query of tx.queries.waiting()) {
    const state = tx.runs.get(query.run);
    const refusal = state ? refusalOf(state) : notFound("");
    if (refusal) {
      tx.queries.delete(query.id);
      out.push({ type: "refusal", id: query.id, failure: refusal.toJSON() });
    } else if (state && (isAtRest(state) || isBeforeTask(state))) {
      tx.queries.handOut(query);
      out.push(queryWork(tx, state, query));
    } else if (state?.heldOpen && !query.expedited) {
      query.expedited = tx.expedite(state);
    }
  }
}

function isAtRest(state: RunState): boolean {
  return state.status !== "running" || (state.taskEvent === 0 && !state.wake);
}

/**
 * Whether the run has come to rest only for a moment: its worker has local activities under way, and the
 * task in which they end, which shows nothing else, has begun and was not handed out yet.
 */
function isBeforeTask({ heldOpen, taskEvent, worker, unshown }: RunState): boolean {
  return heldOpen && taskEvent > 0 && worker !== undefined &&
    unshown?.length === 1 && unshown[0]?.type === "TaskStarted";
}

/** Takes a query; it is answered later. @throws NotFound */
export function askRun(
  tx: Transaction,
  id: number,
  workflowId: string,
  request: QueryRequest,
): void {
  const state = request.runId === undefined
    ? tx.runs.newest(workflowId)
    : tx.runs.byId(request.runId);
  if (!state || state.workflowId !== workflowId) throw notFound(request.runId ?? workflowId);
  tx.queries.add({ id, run: state.run, request, losses: 0 });
}

/** Takes what a worker answered. */
export function answerQuery(tx: Transaction, worker: number, answer: QueryAnswer): void {
  const query = tx.queries.out(readQueryToken(answer.token) ?? -1);
  if (!query) return;
  const { id } = query;
  tx.after.push(() => {
    tx.workers.queryBack(id);
    if (query.out !== undefined) tx.queries.delete(id);
  });
  const { outcome } = answer;
  const state = tx.runs.get(query.run);
  switch (outcome.type) {
    case "completed":
      tx.out.push({ type: "answer", id, ...outcome.value ? { value: outcome.value } : {} });
      break;
    case "failed":
      tx.out.push({ type: "refusal", id, failure: outcome.failure });
      break;
    case "cache_miss":
      query.whole = true;
      tx.queries.add(query);
      return;
    case "lost": {
      query.whole = true;
      if (++query.losses < maxLosses) {
        tx.queries.add(query);
        return;
      }
      const failure = new WippyError("Unavailable", `the query was lost: ${outcome.message}`, {
        retryable: true,
      });
      tx.out.push({ type: "refusal", id, failure: failure.toJSON() });
      return;
    }
  }
  if (state && query.whole && answer.since > 0 && state.nextEvent === query.out) {
    keepWorker(state, worker, answer.since);
  }
}

/** The worker that was to answer a query died. */
export function loseQuery(tx: Transaction, worker: number, id: number, message: string): void {
  const token = queryToken(tx.settings.name, id);
  answerQuery(tx, worker, { token, since: 0, outcome: { type: "lost", message } });
}

/** The worker that has replayed an idle run goes on with it. */
function keepWorker(state: RunState, worker: number, since: number): void {
  if (state.status !== "running" || state.worker !== undefined || state.taskEvent > 0) return;
  state.worker = worker;
  state.since = since;
  state.unshown = [];
}

function refusalOf(state: RunState): WippyError | undefined {
  if (state.status !== "running") return undefined;
  const { workflowId } = state;
  if (state.blocked) {
    const { message } = unpackPlain<TaskFailure>(state.blocked);
    return new WippyError("Conflict", `workflow ${workflowId} is blocked: ${message}`, {
      retryable: false,
      details: { workflow_id: workflowId },
    });
  }
  if (!state.held) return undefined;
  return new WippyError("Unavailable", `workflow ${workflowId} has not begun: it is delayed`, {
    retryable: true,
    details: { workflow_id: workflowId },
  });
}

function queryWork(tx: Transaction, state: RunState, query: Query): Work {
  // To replay the run would end what its worker has under way.
  const held = isBeforeTask(state) || (
    !query.whole && state.status === "running" && state.since > 0 && state.unshown?.length === 0
  );
  const worker = held ? state.worker : undefined;
  if (worker === undefined) query.whole = true;
  query.out = state.nextEvent;
  const task: QueryTask = {
    token: queryToken(tx.settings.name, query.id),
    runId: state.runId,
    since: worker === undefined ? 0 : state.since,
    history: worker === undefined ? packHistory(tx.runs.eventsFrom(state.run, 1)) : packHistory([]),
    name: query.request.name,
    args: query.request.args,
  };
  return { type: "query", id: query.id, task, ...worker === undefined ? {} : { worker } };
}
