import type { EventEmitter } from "node:events";
import type { Connection, FieldPacket } from "mysql2";
import { WippyError } from "../../../vm/error.ts";
import { RowPacker } from "../../../vm/rows.ts";
import type { RowStream } from "../driver.ts";
import { failureOf } from "./failure.ts";
import { readerOf } from "./values.ts";

/** The events that `mysql2` emits for a query without a callback. */
export type RunningQuery = EventEmitter<{
  fields: [fields: FieldPacket[] | undefined];
  result: [row: unknown];
  error: [error: unknown];
  end: [];
}>;

/** Packs rows that `mysql2` has read as lists of values. */
export function packLists(
  columns: readonly FieldPacket[],
  lists: readonly (readonly unknown[])[],
): Uint8Array {
  const readers = columns.map(({ columnType }) => readerOf(columnType));
  const packer = new RowPacker();
  for (const values of lists) {
    for (let at = 0; at < readers.length; at += 1) {
      const value = values[at];
      if (value === null || value === undefined) packer.null();
      else readers[at]!(packer, value);
    }
  }
  return packer.finish(columns.map(({ name }) => name), lists.length);
}

/** Rows that are read from the server on demand: between reads, the connection is paused. */
export class MysqlRows implements RowStream {
  readonly #connection: Pick<Connection, "pause" | "resume">;
  readonly #stop: () => void;
  #columns: FieldPacket[] = [];
  #rows: unknown[][] = [];
  #wanted = 1;
  #ended = false;
  #failure: WippyError | undefined;
  #changed = Promise.withResolvers<void>();

  /** @param stop ends the connection */
  constructor(
    connection: Pick<Connection, "pause" | "resume">,
    query: RunningQuery,
    stop: () => void,
  ) {
    this.#connection = connection;
    this.#stop = stop;
    query.on("fields", (fields) => {
      this.#columns = fields ?? [];
      this.#change();
    });
    query.on("result", (row) => {
      if (!Array.isArray(row)) return;
      this.#rows.push(row);
      if (this.#rows.length < this.#wanted) return;
      connection.pause();
      this.#change();
    });
    query.on("error", (error) => this.fail(error));
    query.on("end", () => {
      this.#ended = true;
      this.#change();
    });
  }

  #change(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }

  /** Ends pending reads when the connection is lost. */
  fail(error: unknown): void {
    this.#failure ??= failureOf(error);
    this.#ended = true;
    this.#change();
  }

  /** Waits for the server to begin. @throws WippyError when it refuses the query */
  async begun(signal: AbortSignal): Promise<void> {
    while (this.#columns.length === 0 && !this.#ended) await this.#wait(signal);
    if (this.#failure) throw this.#failure;
  }

  async #wait(signal: AbortSignal): Promise<void> {
    const abort = () => {
      this.#failure = new WippyError("Canceled", "the statement was canceled", {
        retryable: false,
      });
      this.#stop();
      this.#change();
    };
    const changed = this.#changed.promise;
    signal.addEventListener("abort", abort);
    if (signal.aborted) abort();
    await changed;
    signal.removeEventListener("abort", abort);
  }

  async fetch(rows: number, signal: AbortSignal): Promise<Uint8Array> {
    this.#wanted = rows;
    if (this.#rows.length < rows && !this.#ended) this.#connection.resume();
    while (this.#rows.length < rows && !this.#ended) await this.#wait(signal);
    if (this.#failure) throw this.#failure;
    return packLists(this.#columns, this.#rows.splice(0, rows));
  }

  // deno-lint-ignore require-await
  async close(): Promise<void> {
    if (!this.#ended) this.#stop();
  }
}
