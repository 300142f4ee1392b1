import type { Run } from "../../../operations/sql/requests.ts";
import type { NearAnswer } from "../../../operations/operation.ts";
import type { Platform } from "../../../platform/platform.ts";
import { WippyError } from "../../../vm/error.ts";
import type { LuaValue } from "../../../vm/value.ts";
import { CallsBySignal } from "../../../platform/calls-by-signal.ts";
import type { Part } from "../../../worker/parts.ts";
import type { SqlValue } from "../driver.ts";
import { sqlValues } from "../values.ts";
import { DirectMemory, mostQueries } from "./memory.ts";
import { type DirectAnswer, packQueries, unpackReplies } from "./messages.ts";

/** The worker's end of its port to a connection. */
export interface DirectPort {
  onmessage: ((event: MessageEvent<DirectAnswer>) => void) | null;
  postMessage(data: Uint8Array, transfer: ArrayBuffer[]): void;
  close(): void;
  unref?(): void;
}

/** What the part is made of. */
export interface DirectStart {
  port: DirectPort;
  memory: SharedArrayBuffer;
}

/** What a kind of database differs in. */
export interface DirectWay {
  /** Whether a text goes this way: only one that reads, and that may run twice. */
  takes(sql: string): boolean;
  /** Milliseconds of work up to which the connection is given more. */
  readonly brief: number;
}

/** What says to the other side that a query was stopped. */
const stopped = new Uint8Array(0);

/** Milliseconds after which a query keeps those behind it too long. */
const patience = 10;

interface Query {
  sql: string;
  params: SqlValue[];
  signal: AbortSignal;
  done: NearAnswer;
  /** Once it was sent. */
  number?: number;
}

/**
 * The way of a worker to a connection that only reads. What it does not answer, because it has failed,
 * waits behind a query that takes long, or the connection is gone, the node is asked, whose answer decides.
 */
export class DirectQueries implements Part {
  readonly #port: DirectPort;
  readonly #memory: DirectMemory;
  readonly #platform: Pick<Platform, "setTimer" | "precise">;
  readonly #way: DirectWay;
  readonly #signals = new CallsBySignal<Query>((query) => this.#cancel(query));
  #waiting: Query[] = [];
  /** What the other side has, in the order of asking; nothing where nobody waits for the reply. */
  #given: (Query | undefined)[] = [];
  /** The number of the first of these. */
  #first = 0;
  #posting = false;
  #watched = false;
  /** Whether the query that runs takes long. */
  #slow = false;
  #closed = false;
  /** Milliseconds that a query took lately, and when the last ones were answered. */
  #pace = 0;
  #turned = 0;

  constructor(
    { port, memory }: DirectStart,
    platform: Pick<Platform, "setTimer" | "precise">,
    way: DirectWay,
  ) {
    this.#way = way;
    this.#port = port;
    this.#memory = new DirectMemory(memory);
    this.#platform = platform;
    port.onmessage = ({ data }) => this.#answered(data);
    port.unref?.();
  }

  /** Runs a statement that only reads, if the other side is likely to come to it soon. */
  near(input: unknown, signal: AbortSignal, done: NearAnswer): boolean {
    // The other side are the operations of the module `sql`.
    const { kind, sql, values, tags, transaction } = input as Run;
    const refused = this.#slow || this.#closed || signal.aborted;
    if (refused || kind !== "query" || transaction !== undefined) return false;
    if (typeof sql !== "string" || !this.#way.takes(sql)) return false;
    const open = this.#waiting.length + this.#given.length;
    if (open * this.#pace > this.#way.brief) return false;
    const query: Query = { sql, params: sqlValues(values, tags), signal, done };
    this.#signals.add(signal, query);
    this.#waiting.push(query);
    this.#count();
    this.#postLater();
    return true;
  }

  #count(): void {
    this.#memory.open = this.#waiting.length + this.#given.length;
  }

  #postLater(): void {
    if (this.#posting) return;
    this.#posting = true;
    queueMicrotask(() => {
      this.#posting = false;
      this.#post();
    });
  }

  #post(): void {
    const free = mostQueries - this.#given.length;
    if (free <= 0 || this.#waiting.length === 0 || this.#closed) return;
    const queries = this.#waiting.splice(0, free);
    if (this.#given.length === 0) this.#turned = this.#platform.precise();
    for (const query of queries) {
      query.number = this.#first + this.#given.length;
      this.#memory.begin(query.number);
      this.#given.push(query);
    }
    const packed = packQueries(queries.map(({ sql, params }) => [sql, ...params]));
    this.#port.postMessage(packed, [packed.buffer]);
    this.#watch();
  }

  /** Has the node asked for what does not come to its turn because of a query that takes long. */
  #watch(): void {
    if (this.#watched || this.#given.length === 0) return;
    this.#watched = true;
    const first = this.#first;
    this.#platform.setTimer(patience, () => {
      this.#watched = false;
      if (this.#first === first && this.#given.length > 0) this.#withdraw();
      this.#watch();
    });
  }

  #withdraw(): void {
    this.#slow = true;
    for (const [at, query] of this.#given.entries()) {
      if (query && this.#memory.withdraw(this.#first + at)) {
        this.#given[at] = undefined;
        this.#settle(query, undefined);
      }
    }
    for (const query of this.#waiting.splice(0)) this.#settle(query, undefined);
    this.#count();
    this.#tellStopped();
  }

  #tellStopped(): void {
    this.#port.postMessage(stopped, []);
  }

  /** @param rows absent: the node is to be asked */
  #settle(query: Query | undefined, rows: Uint8Array | undefined): void {
    if (!query) return;
    this.#signals.delete(query.signal, query);
    query.done(rows);
  }

  #cancel(query: Query): void {
    if (query.number === undefined) this.#waiting.splice(this.#waiting.indexOf(query), 1);
    else {
      this.#memory.stop(query.number);
      this.#given[query.number - this.#first] = undefined;
      this.#tellStopped();
    }
    this.#count();
    const error = new WippyError("Canceled", "the statement was canceled", { retryable: false });
    query.done(undefined, error);
  }

  #answered(answer: DirectAnswer): void {
    if (answer === "closed") return this.#lose();
    this.#slow = false;
    const replies = answer instanceof Uint8Array ? unpackReplies(answer) : [answer.rows];
    let count = 0;
    for (const rows of replies) this.#settle(this.#given[count++], rows);
    this.#given.splice(0, count);
    this.#first += count;
    this.#count();
    const now = this.#platform.precise();
    const pace = (now - this.#turned) / count;
    // It rises slowly, because threads may also be kept from running.
    this.#pace = pace < this.#pace ? pace : this.#pace + (pace - this.#pace) / 16;
    this.#turned = now;
    this.#post();
  }

  /** Nothing more is answered. */
  #lose(): void {
    this.#closed = true;
    const left = [...this.#given.splice(0), ...this.#waiting.splice(0)];
    for (const query of left) this.#settle(query, undefined);
    this.#count();
    this.#port.close();
  }

  /** The service says that the connection has ended by force. */
  told(): void {
    this.#lose();
  }

  /** @throws WippyError Internal: no function serves requests of a database */
  answer(): LuaValue {
    throw new WippyError("Internal", "a database serves no requests", { retryable: false });
  }

  changed(): void {}

  /** Takes nothing new. The other side answers what it has, or says that it does not. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const query of this.#waiting.splice(0)) this.#settle(query, undefined);
    this.#count();
  }
}
