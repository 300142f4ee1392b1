import { temporal } from "../messages/messages.ts";
import { pack } from "../../../../vm/codec.ts";
import { WippyError } from "../../../../vm/error.ts";
import { type HistoryEvent, inbound } from "../../../history/history.ts";
import type { QueryAnswer } from "../../../tasks/tasks.ts";
import { queryToken } from "../../../tasks/tokens.ts";
import { delayed } from "../client/client.ts";
import { fetchHistory } from "../history/fetch.ts";
import { HistoryReader } from "../history/history.ts";
import { resultPayloads, valuesOf } from "../names.ts";
import { whole } from "../proto.ts";
import type { HeldRun } from "./run.ts";
import type { PolledTask, TaskContext } from "./worker.ts";

const { QueryResultType: Result } = temporal.api.enums.v1;

/** How often a query is given to a worker before it fails. */
const maxLosses = 3;

type Outcome = QueryAnswer["outcome"];
/** What the code has answered, or why there is no answer. */
type Final = Extract<Outcome, { type: "completed" | "failed" }>;
type Answer = Pick<QueryAnswer, "since" | "outcome">;
type Query = temporal.api.query.v1.IWorkflowQuery;
type QueryResult = temporal.api.query.v1.IWorkflowQueryResult;

/** The queries that the server hands to this runtime, and their answers. */
export class Queries {
  readonly #context: TaskContext;
  readonly #out = new Map<string, { worker: number; resolve: (answer: Answer) => void }>();
  #count = 0;

  constructor(context: TaskContext) {
    this.#context = context;
  }

  /** A worker has answered. */
  answered(answer: QueryAnswer): void {
    this.#out.get(answer.token)?.resolve(answer);
  }

  disconnect(worker: number, message: string): void {
    for (const { worker: has, resolve } of [...this.#out.values()]) {
      if (has === worker) resolve(lost(message));
    }
  }

  abandon(): void {
    for (const { resolve } of [...this.#out.values()]) {
      resolve(lost("the runtime is stopping"));
    }
  }

  /**
   * Answers the queries that have come with a task, which the run's worker has just done. Those that the worker has
   * lost are left out: the server hands them out again, by themselves.
   *
   * @param since id of the task's start
   */
  async answerWith(
    run: HeldRun,
    since: number,
    queries: { [id: string]: Query },
  ): Promise<{ [id: string]: QueryResult }> {
    const results: { [id: string]: QueryResult } = {};
    for (const [id, query] of Object.entries(queries)) {
      const { outcome } = await this.#ask(run, query, since, []);
      if (isAnswer(outcome)) results[id] = this.#resultOf(outcome);
    }
    return results;
  }

  /** Answers a query that has come by itself. */
  async answer(run: HeldRun, task: PolledTask): Promise<void> {
    const { connection } = this.#context;
    const outcome = await this.#outcome(run, task);
    const { resultType, answer, errorMessage, failure } = this.#resultOf(outcome);
    await connection.rpc("respondQueryTaskCompleted", {
      taskToken: task.taskToken,
      completedType: resultType ?? Result.QUERY_RESULT_TYPE_FAILED,
      ...answer && { queryResult: answer },
      ...errorMessage && { errorMessage },
      ...failure && { failure },
    });
  }

  async #outcome(run: HeldRun, task: PolledTask): Promise<Final> {
    const query = task.query ?? {};
    let message = "";
    let losses = 0;
    // The worker's copy of the run is up to date.
    if (run.since > 0 && run.completed === whole(task.previousStartedEventId)) {
      const { outcome } = await this.#ask(run, query, run.since, []);
      if (isAnswer(outcome)) return outcome;
      if (outcome.type === "lost") losses++;
    }
    try {
      while (losses < maxLosses) {
        const events = await fetchHistory(this.#context.connection, run);
        const reader = new HistoryReader(run.runId, this.#context);
        const read = reader.read(events);
        if (!read.some(({ type }) => type === "TaskStarted")) {
          return { type: "failed", failure: delayed(run.workflowId).toJSON() };
        }
        const { outcome, since } = await this.#ask(run, query, 0, read);
        if (isAnswer(outcome)) {
          hold(run, reader, since, read, events.length);
          return outcome;
        }
        losses++;
        message = outcome.type === "lost" ? outcome.message : "the run was dropped";
      }
    } catch (error) {
      return { type: "failed", failure: WippyError.from(error).toJSON() };
    }
    const failure = new WippyError("Unavailable", `the query was lost: ${message}`, {
      retryable: true,
    });
    return { type: "failed", failure: failure.toJSON() };
  }

  async #ask(run: HeldRun, query: Query, since: number, history: HistoryEvent[]): Promise<Answer> {
    const { links, number, conversion } = this.#context;
    await links.ready();
    const worker = links.choose({ wanted: run.worker, quick: true });
    if (worker < 0 || (since > 0 && worker !== run.worker)) {
      return { since: 0, outcome: { type: "cache_miss" } };
    }
    const token = queryToken(number, ++this.#count);
    const { promise, resolve } = Promise.withResolvers<Answer>();
    this.#out.set(token, { worker, resolve });
    links.count(worker, 1);
    links.send(worker, {
      type: "query",
      task: {
        token,
        runId: run.runId,
        since,
        history,
        name: query.queryType ?? "",
        args: pack(valuesOf(conversion, query.queryArgs)),
      },
    });
    try {
      return await promise;
    } finally {
      this.#out.delete(token);
      links.count(worker, -1);
    }
  }

  #resultOf(outcome: Final): QueryResult {
    const { conversion } = this.#context;
    if (outcome.type === "completed") {
      return {
        resultType: Result.QUERY_RESULT_TYPE_ANSWERED,
        answer: outcome.value ? resultPayloads(conversion, outcome.value) : { payloads: [] },
      };
    }
    const { failure } = outcome;
    return {
      resultType: Result.QUERY_RESULT_TYPE_FAILED,
      errorMessage: failure.message,
      failure: conversion.failure(failure),
    };
  }
}

/** Whether the worker has not lost the query. */
function isAnswer(outcome: Outcome): outcome is Final {
  return outcome.type === "completed" || outcome.type === "failed";
}

function lost(message: string): Answer {
  return { since: 0, outcome: { type: "lost", message } };
}

/** The worker that has replayed an idle run for a query goes on with it. */
function hold(
  run: HeldRun,
  reader: HistoryReader,
  since: number,
  events: readonly HistoryEvent[],
  last: number,
): void {
  if (run.give) return;
  const seenAll = since > 0 && !inbound.has(events.at(-1)!.type);
  run.since = seenAll ? since : 0;
  if (!seenAll) return;
  run.reader = reader;
  run.completed = since;
  run.read = last;
}
