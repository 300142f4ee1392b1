import { WippyError } from "../../../vm/error.ts";
import type { Command, Opened, Outcome, Reply } from "./commands.ts";
import { QueueDatabase } from "./database.ts";
import { packCommands, unpackOutcomes } from "./messages.ts";

interface Asked {
  command: Command;
  resolve(outcome: unknown): void;
  reject(error: WippyError): void;
}

function unavailable(message: string): WippyError {
  return new WippyError("Unavailable", message, { retryable: true });
}

/**
 * The way to the file: on a thread of its own or, in a simulation, on this one. What is asked while a batch is being
 * written is the next batch, so that one write to the disk is for all of it.
 */
export class QueueLink {
  readonly #thread: Worker | undefined;
  #database: QueueDatabase | undefined;
  #replied: PromiseWithResolvers<Reply> | undefined;
  #waiting: Asked[] = [];
  #running: Promise<void> | undefined;
  #broken: WippyError | undefined;

  private constructor(threads: boolean, failed: (error: WippyError) => void) {
    if (!threads) return;
    this.#thread = new Worker(new URL("./thread.ts", import.meta.url).href);
    this.#thread.onmessage = ({ data }: MessageEvent<Reply>) => this.#replied?.resolve(data);
    this.#thread.onerror = ({ message }) => {
      this.#break(unavailable(`the thread of the queues broke down: ${message}`));
      failed(this.#broken!);
    };
  }

  /** Opens the file. @throws WippyError Unavailable, Invalid */
  static async open(
    path: string,
    threads: boolean,
    failed: (error: WippyError) => void,
  ): Promise<{ link: QueueLink; opened: Opened }> {
    const link = new QueueLink(threads, failed);
    if (!link.#thread) {
      link.#database = new QueueDatabase(path);
      return { link, opened: link.#database.contents };
    }
    const reply = await link.#post({ path });
    if (typeof reply === "object" && "opened" in reply) return { link, opened: reply.opened };
    link.#thread.terminate();
    const failure = typeof reply === "object" && "failure" in reply ? reply.failure : undefined;
    throw failure ? WippyError.from(failure) : unavailable("the file was closed");
  }

  #post(message: { path: string } | Uint8Array<ArrayBuffer> | "close"): Promise<Reply> {
    if (this.#broken) return Promise.reject(this.#broken);
    this.#replied = Promise.withResolvers();
    this.#thread!.postMessage(message, message instanceof Uint8Array ? [message.buffer] : []);
    return this.#replied.promise;
  }

  #break(error: WippyError): void {
    this.#broken ??= error;
    this.#replied?.reject(this.#broken);
    for (const { reject } of this.#waiting.splice(0)) reject(this.#broken);
  }

  /** Does something, durably when this resolves. @throws WippyError Unavailable (retryable) */
  ask<Given extends Command>(command: Given): Promise<Outcome<Given>> {
    if (this.#broken) return Promise.reject(this.#broken);
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    this.#waiting.push({ command, resolve, reject });
    this.#running ??= this.#run();
    return promise as Promise<Outcome<Given>>;
  }

  async #run(): Promise<void> {
    // What is asked in this turn of the event loop is of the first batch already.
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0);
      try {
        const outcomes = await this.#batch(batch.map(({ command }) => command));
        for (const [index, { resolve }] of batch.entries()) resolve(outcomes[index]);
      } catch (error) {
        const { message } = WippyError.from(error);
        for (const { reject } of batch) reject(unavailable(`the queue's file: ${message}`));
      }
    }
    // Here and not when the promise is fulfilled: what is asked in between would wait for nobody.
    this.#running = undefined;
  }

  async #batch(commands: Command[]): Promise<unknown[]> {
    if (this.#database) return this.#database.run(commands);
    const reply = await this.#post(packCommands(commands));
    if (reply instanceof Uint8Array) return unpackOutcomes(reply);
    if (typeof reply === "object" && "failure" in reply) throw WippyError.from(reply.failure);
    throw unavailable("the file was closed");
  }

  /** Closes the file, after what was asked. */
  async close(): Promise<void> {
    await this.#running;
    this.#database?.close();
    if (this.#thread && !this.#broken) await this.#post("close").catch(() => {});
    this.kill();
  }

  /** Ends the thread at once. */
  kill(): void {
    this.#break(unavailable("the queue's driver is stopped"));
    this.#thread?.terminate();
  }
}
