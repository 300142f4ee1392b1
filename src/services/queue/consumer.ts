import type { ConsumerRequests } from "../../operations/queue/requests.ts";
import { WippyError } from "../../vm/error.ts";
import { type LuaValue, ofKernel } from "../../vm/value.ts";
import type { ServiceContext } from "../context.ts";
import type { Figure, Service, Started } from "../service.ts";
import { type Delivery, packDeliver } from "./deliveries.ts";
import type { Consumption, Received } from "./driver.ts";
import { Fifo } from "./fifo.ts";
import { QueueService } from "./queue-service.ts";
import type { ConsumerSettings } from "./schema.ts";

/** What comes goes to workers in so many parts for each, which they share, but not fewer messages at once. */
const partsPerWorker = 2;
const leastTogether = 16;

/** A message that a function has. */
interface Handled {
  message: Received;
  /** By the function itself, or by its end. */
  settled: boolean;
}

/** Calls a function for each message of a queue. */
class Consumer implements Service {
  readonly #context: ServiceContext;
  readonly #settings: ConsumerSettings;
  readonly #buffer = new Fifo<Received>();
  /** By tag. */
  readonly #handled = new Map<number, Handled>();
  /** Messages whose functions have ended, on their way to be settled. */
  #settling = 0;
  #last = 0;
  /** Whether calls are about to be made. */
  #pumping = false;
  #queue: QueueService | undefined;
  #consumption: Consumption | undefined;
  #end = Promise.withResolvers<void>();
  /** Aborted by force. */
  #killed = new AbortController();
  #stopping = false;
  #total = 0;
  #failures = 0;

  constructor(context: ServiceContext, settings: ConsumerSettings) {
    this.#context = context;
    this.#settings = settings;
  }

  async start(): Promise<Started> {
    const { queue: id, concurrency, prefetch, auto_ack, driver_options } = this.#settings;
    this.#stopping = false;
    this.#killed = new AbortController();
    const end = this.#end = Promise.withResolvers<void>();
    end.promise.catch(() => {});
    this.#queue = this.#context.services.get(id, QueueService);
    this.#consumption = await this.#queue.consume({
      concurrency,
      prefetch,
      autoAck: auto_ack,
      driverOptions: driver_options,
      deliver: (message) => this.#take(message),
    });
    return { ended: end.promise };
  }

  /** Takes nothing new, returns what waits, and lets the functions finish. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#consumption?.detach();
    await this.#returnBuffer();
    this.#endIfIdle();
  }

  async kill(): Promise<void> {
    this.#stopping = true;
    await this.#consumption?.detach();
    await this.#returnBuffer();
    this.#killed.abort();
    this.#endIfIdle();
  }

  async #returnBuffer(): Promise<void> {
    const buffered: Received[] = [];
    for (let next = this.#buffer.shift(); next; next = this.#buffer.shift()) buffered.push(next);
    // Each goes to the front.
    await Promise.all(
      buffered.reverse().map((message) => this.#unless("return", message, message.release())),
    );
  }

  #endIfIdle(): void {
    const idle = this.#handled.size === 0 && this.#settling === 0;
    if (this.#stopping && idle) this.#end.resolve();
  }

  #take(message: Received): void {
    if (this.#stopping) {
      void this.#unless("return", message, message.release());
      return;
    }
    this.#buffer.push(message);
    this.#pump();
  }

  /** Calls the function for what has come in this turn, as far as there are handlers. */
  #pump(): void {
    if (this.#pumping || this.#stopping) return;
    this.#pumping = true;
    queueMicrotask(() => {
      this.#pumping = false;
      if (this.#stopping) return;
      const batch: Delivery[] = [];
      while (this.#handled.size < this.#settings.concurrency) {
        const message = this.#buffer.shift();
        if (!message) break;
        const tag = this.#last += 1;
        this.#handled.set(tag, { message, settled: false });
        batch.push([tag, message]);
      }
      const parts = partsPerWorker * Math.max(1, this.#context.workers.running);
      const together = Math.max(leastTogether, Math.ceil(batch.length / parts));
      for (let at = 0; at < batch.length; at += together) {
        void this.#handle(batch.slice(at, at + together));
      }
    });
  }

  async #handle(batch: readonly Delivery[]): Promise<void> {
    const { units } = this.#context;
    const { func, lifecycle } = this.#settings;
    this.#total += batch.length;
    try {
      const frame = units.frame(lifecycle.security);
      const args = packDeliver(func, frame, this.#context.entry.id, batch);
      await units.handle({ args, count: batch.length }, this.#killed.signal);
    } catch (error) {
      const failure = WippyError.from(error);
      for (const [tag] of batch) this.#ended(tag, failure);
    }
  }

  /** The function has ended for a message. */
  #ended(tag: number, failure?: Pick<WippyError, "kind" | "message">): void {
    const handled = this.#handled.get(tag);
    if (!handled) return;
    this.#handled.delete(tag);
    if (failure) this.#failures += 1;
    // The next one does not wait for the settlement.
    this.#settling += 1;
    this.#pump();
    const finishing = this.#finish(handled, failure);
    if (finishing) void finishing.then(() => this.#finished());
    else this.#finished();
  }

  #finished(): void {
    this.#settling -= 1;
    this.#endIfIdle();
  }

  /** Settles a message whose function has ended, unless it is settled. Never fails; a promise where that takes time. */
  #finish(
    handled: Handled,
    failure: Pick<WippyError, "kind" | "message"> | undefined,
  ): Promise<void> | void {
    const { message } = handled;
    const { id, attempt } = message;
    const { func } = this.#settings;
    const killed = failure !== undefined && this.#killed.signal.aborted;
    if (killed) {
      const text = `${func} was canceled; its message is delivered again`;
      this.#context.log("warn", text, { message_id: id });
    } else if (failure) {
      const { kind } = failure;
      const text = `${func} failed: ${failure.message}`;
      this.#context.log("warn", text, { message_id: id, attempt, kind });
    }
    if (handled.settled) return;
    const done = killed ? message.release() : this.#settle(handled, failure?.message);
    if (done) return this.#unless(failure ? "return" : "acknowledge", message, done);
  }

  /** Settles a message by its queue, once. @throws WippyError */
  #settle(handled: Handled, failure: string | undefined): Promise<void> | void {
    handled.settled = true;
    // Settled by the broker when it was delivered.
    if (this.#settings.auto_ack) return;
    if (failure === undefined) return this.#queue!.acknowledge(handled.message);
    return this.#queue!.fail(handled.message, failure);
  }

  async #unless(what: string, message: Received, done: Promise<void>): Promise<void> {
    await done.catch((error) => this.#note(what, message, error));
  }

  #note(what: string, { id }: Received, error: unknown): void {
    const { message } = WippyError.from(error);
    const text = `could not ${what} a message; it is delivered again: ${message}`;
    this.#context.log("warn", text, { message_id: id });
  }

  async answer(operation: string, input: LuaValue): Promise<LuaValue> {
    // The other side are the kernel and the operations of the module `queue`.
    if (operation === "ended") {
      const { done, failed } = ofKernel<ConsumerRequests["ended"]>(input);
      // Lua's empty list is a table.
      if (Array.isArray(done)) { for (const tag of done) this.#ended(tag); }
      if (Array.isArray(failed)) {
        for (const [tag, kind, message] of failed) this.#ended(tag, { kind, message });
      }
      return true;
    }
    const { tag, how } = ofKernel<ConsumerRequests["settle"]>(input);
    const handled = this.#handled.get(tag);
    if (!handled) {
      throw new WippyError("Invalid", "the function that got the message has ended", {
        retryable: false,
      });
    }
    if (operation === "open") return true;
    if (handled.settled) {
      throw new WippyError("Invalid", "the message is settled already", { retryable: false });
    }
    await this.#settle(handled, how === "nack" ? "nack" : undefined);
    return true;
  }

  inspect(): LuaValue {
    const { queue, func, concurrency } = this.#settings;
    return {
      queue,
      func,
      concurrency,
      running: this.#handled.size,
      waiting: this.#buffer.size,
      handled: this.#total,
      failed: this.#failures,
    };
  }

  figures(): Figure[] {
    return [
      {
        name: "wippy_queue_consumer_running",
        help: "Messages that the function of a consumer works on.",
        value: this.#handled.size,
      },
      {
        name: "wippy_queue_consumer_waiting",
        help: "Messages that wait for the function of a consumer.",
        value: this.#buffer.size,
      },
      {
        name: "wippy_queue_consumer_calls_total",
        help: "Calls of the function of a consumer.",
        value: this.#total,
      },
      {
        name: "wippy_queue_consumer_failures_total",
        help: "Calls of the function of a consumer that failed.",
        value: this.#failures,
      },
    ];
  }
}

/** A consumer as a service. */
export function runConsumer(context: ServiceContext, settings: ConsumerSettings): Service {
  return new Consumer(context, settings);
}
