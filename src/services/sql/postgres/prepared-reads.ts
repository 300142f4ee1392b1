import { BoundedMap } from "../../../platform/bounded-map.ts";
import type { Column } from "./decoder.ts";
import type { Encoder } from "./encoder.ts";

/** Statements that one connection has prepared at most. */
const most = 100;
/** Failures in a row after which a text is not run here any more, and texts of which they are remembered. */
const mostFailures = 3;
const remembered = 500;
/** How often a text must have been quick by itself. */
const often = 2;

/** A text that the server has prepared. */
export interface PreparedRead {
  readonly sql: string;
  readonly name: string;
  /** Once the server has described them; texts come until then. */
  columns: readonly Column[] | undefined;
  names: readonly string[];
  formats: readonly number[];
  /** How often it was quick since it was slow the last time. */
  quick: number;
}

/** Whether it is known to be quick. */
export function isQuick({ quick }: PreparedRead): boolean {
  return quick >= often;
}

/** The texts that one reading connection has had prepared. */
export class PreparedReads {
  readonly #encoder: Encoder;
  readonly #bySql = new Map<string, PreparedRead>();
  readonly #failures = new BoundedMap<string, number>(remembered);
  #last = 0;

  constructor(encoder: Encoder) {
    this.#encoder = encoder;
  }

  /** Whether a text has failed too often. */
  refuses(sql: string): boolean {
    return (this.#failures.get(sql) ?? 0) >= mostFailures;
  }

  get(sql: string): PreparedRead | undefined {
    return this.#bySql.get(sql);
  }

  /** Has the server prepare a text that it does not have. */
  add(sql: string): PreparedRead {
    const [oldest] = this.#bySql.values();
    if (this.#bySql.size >= most && oldest) this.#forget(oldest);
    const name = `wippy_read_${this.#last += 1}`;
    const read = { sql, name, columns: undefined, names: [], formats: [], quick: 0 };
    this.#bySql.set(sql, read);
    this.#encoder.prepare(name, sql);
    return read;
  }

  #forget(read: PreparedRead): void {
    if (this.#bySql.get(read.sql) !== read) return;
    this.#bySql.delete(read.sql);
    this.#encoder.forget(read.name);
  }

  /** It failed, perhaps because its tables have changed. */
  failed(read: PreparedRead): void {
    this.#forget(read);
    const { sql } = read;
    this.#failures.set(sql, (this.#failures.get(sql) ?? 0) + 1);
  }

  succeeded({ sql }: PreparedRead): void {
    if (this.#failures.size > 0) this.#failures.delete(sql);
  }
}
