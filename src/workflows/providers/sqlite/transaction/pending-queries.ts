import type { QueryRequest } from "../../../provider.ts";

/** A query without answer. */
export interface Query {
  /** Id of the question. */
  id: number;
  run: number;
  request: QueryRequest;
  /** Times that a worker could not answer it. */
  losses: number;
  /** Set once a worker did not hold the run. */
  whole?: true;
  /** Set once the run's worker was asked to complete the task that it holds open. */
  expedited?: boolean;
  /** Number of the event after the last that the worker was given, while it is out. */
  out?: number | undefined;
}

/**
 * Queries on their way. None of it is written: who asks when the runtime ends has to ask again.
 */
export class PendingQueries {
  readonly #waiting = new Map<number, Query>();
  readonly #out = new Map<number, Query>();

  /** Lets a query wait, also one that comes back from a worker. */
  add(query: Query): void {
    query.out = undefined;
    this.#out.delete(query.id);
    this.#waiting.set(query.id, query);
  }

  /** Returns those that wait for their run to come to rest. */
  waiting(): Iterable<Query> {
    return this.#waiting.values();
  }

  /** Notes that a query is with a worker from now on. */
  handOut(query: Query): void {
    this.#waiting.delete(query.id);
    this.#out.set(query.id, query);
  }

  /** Returns a query that is with a worker. */
  out(id: number): Query | undefined {
    return this.#out.get(id);
  }

  delete(id: number): void {
    this.#waiting.delete(id);
    this.#out.delete(id);
  }
}
