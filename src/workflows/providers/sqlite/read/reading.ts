import { WippyError } from "../../../../vm/error.ts";
import type { PayloadKeys } from "../../../cipher.ts";
import type { Failure } from "../../../engine/outcome.ts";
import type { EventRange, RunInfo, RunQuery } from "../../../provider.ts";

/** What the reading thread is asked; each is answered with a `ReadingAnswer` of the same id. */
export type ReadingQuestion =
  & { id: number }
  & (
    | { type: "open"; path: string; keys?: PayloadKeys }
    | { type: "list"; query: RunQuery }
    | { type: "history"; runId: string; range?: EventRange }
    | { type: "close" }
  );

export type ReadingAnswer = { id: number; value?: unknown } | { id: number; failure: Failure };

type Question = ReadingQuestion extends infer Each
  ? Each extends { id: number } ? Omit<Each, "id"> : never
  : never;

/**
 * Lists and histories of a journal, read by a thread of its own with a connection of its own: a look at a
 * million runs keeps no run from its next step. It sees what is committed. The thread starts with the first
 * question.
 */
export class Reading {
  readonly #path: string;
  readonly #keys: PayloadKeys | undefined;
  #thread: Worker | undefined;
  #lastId = 0;
  readonly #waiting = new Map<
    number,
    { resolve: (value: unknown) => void; reject: (error: WippyError) => void }
  >();

  constructor(path: string, keys?: PayloadKeys) {
    this.#path = path;
    this.#keys = keys;
  }

  list(query: RunQuery): Promise<{ runs: RunInfo[]; cursor?: string }> {
    return this.#ask({ type: "list", query });
  }

  history(runId: string, range?: EventRange): Promise<Uint8Array> {
    return this.#ask({ type: "history", runId, ...range && { range } });
  }

  /** Closes the connection, so that the journal can merge its log. */
  async close(): Promise<void> {
    if (this.#thread) await this.#ask({ type: "close" }).catch(() => {});
  }

  /**
   * Ends the thread, after the journal is closed: what the connection leaves behind takes the lock of the log
   * for a moment when it goes.
   */
  end(): void {
    this.#end("the workflow journal is closed");
  }

  #ask<Value>(question: Question): Promise<Value> {
    if (!this.#thread) this.#start();
    const { promise, resolve, reject } = Promise.withResolvers<Value>();
    const id = ++this.#lastId;
    // The thread answers each question with what the method's type says.
    this.#waiting.set(id, { resolve: resolve as (value: unknown) => void, reject });
    this.#thread?.postMessage({ ...question, id });
    return promise;
  }

  #start(): void {
    const thread = new Worker(new URL("./reading-thread.ts", import.meta.url).href);
    this.#thread = thread;
    thread.onmessage = ({ data }: MessageEvent<ReadingAnswer>) => {
      const waiting = this.#waiting.get(data.id);
      this.#waiting.delete(data.id);
      if ("failure" in data) waiting?.reject(WippyError.from(data.failure));
      else waiting?.resolve(data.value);
    };
    thread.onerror = ({ message }) => this.#end(`reading the journal failed: ${message}`);
    // A journal that cannot be opened fails the questions themselves.
    const keys = this.#keys;
    this.#ask({ type: "open", path: this.#path, ...keys && { keys } }).catch(() => {});
  }

  #end(reason: string): void {
    this.#thread?.terminate();
    this.#thread = undefined;
    for (const { reject } of this.#waiting.values()) reject(new WippyError("Unavailable", reason));
    this.#waiting.clear();
  }
}
