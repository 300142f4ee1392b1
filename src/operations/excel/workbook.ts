import { WippyError } from "../../vm/error.ts";
import { BytesSource } from "../archive/source.ts";
import { options } from "../archive/options.ts";
import { Reader, Walker } from "../archive/reader.ts";
import type { Closable } from "../resources.ts";

/** What the thread of a workbook is asked. */
export type Request =
  | { name: "create" }
  | { name: "open"; bytes: Uint8Array }
  | { name: "sheets" }
  | { name: "add"; sheet: string }
  | { name: "set"; sheet: string; cell: string; value: string | number | boolean | null }
  | { name: "rows"; sheet: string; from: number; count: number }
  | { name: "write" };

export type Reply = { value: unknown } | { failure: string };

const MiB = 1024 * 1024;

function internal(message: string, cause?: unknown): WippyError {
  return new WippyError("Internal", `excel: ${message}`, {
    retryable: false,
    ...(cause !== undefined && { cause }),
  });
}

/**
 * Reads a file once, before the thread does: one that unpacks to too much, or declares entities, is refused.
 *
 * @throws WippyError Internal
 */
export async function checkFile(bytes: Uint8Array): Promise<void> {
  const limits = options().parse({
    format: "zip",
    max_entries: 10_000,
    max_file_bytes: 256 * MiB,
    max_total_bytes: 512 * MiB,
  });
  try {
    const walker = new Walker(await Reader.open(new BytesSource(bytes), limits), true);
    for (let next = await walker.next(); next; next = await walker.next()) {
      let end = "";
      for (;;) {
        const part = await walker.read(next.number, MiB);
        if (part.length === 0) break;
        const text = end + Buffer.from(part).latin1Slice();
        if (/<!(?:DOCTYPE|ENTITY)/i.test(text)) throw new Error("it declares XML entities");
        end = text.slice(-10);
      }
    }
  } catch (error) {
    throw internal(`open: ${(error as Error).message}`, error);
  }
}

/** A workbook, on a thread of its own. */
export class Workbook implements Closable {
  readonly #thread = new Worker(new URL("./thread.ts", import.meta.url).href);
  readonly #waiting: PromiseWithResolvers<unknown>[] = [];
  #closed = false;

  constructor() {
    this.#thread.onmessage = ({ data }: MessageEvent<Reply>) => {
      const waiting = this.#waiting.shift();
      if ("failure" in data) waiting?.reject(internal(data.failure));
      else waiting?.resolve(data.value);
    };
    this.#thread.onerror = ({ message }) => this.#end(internal(message));
  }

  #end(error: WippyError): void {
    this.#closed = true;
    this.#thread.terminate();
    for (const waiting of this.#waiting.splice(0)) waiting.reject(error);
  }

  /** Asks the thread, which answers in order. @throws WippyError Internal */
  ask(request: Request): Promise<unknown> {
    if (this.#closed) return Promise.reject(internal("the workbook is closed"));
    const waiting = Promise.withResolvers<unknown>();
    this.#waiting.push(waiting);
    this.#thread.postMessage(request);
    return waiting.promise;
  }

  close(): void {
    if (!this.#closed) this.#end(internal("the workbook is closed"));
  }
}
