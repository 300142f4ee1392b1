import type { ConsumerRequests } from "../../operations/queue/requests.ts";
import { unpack } from "../../vm/codec.ts";
import { WippyError } from "../../vm/error.ts";
import { asLua, type LuaValue, ofKernel } from "../../vm/value.ts";
import type { ServiceContext } from "../context.ts";
import type { Figure, Service, Started } from "../service.ts";
import type { Consumption, Received } from "./driver.ts";
import { Fifo } from "./fifo.ts";
import { QueueService } from "./queue-service.ts";
import type { ConsumerSettings } from "./schema.ts";

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

  #pump(): void {
    while (this.#handled.size < this.#settings.concurrency) {
      const message = this.#buffer.shift();
      if (!message) return;
      const tag = this.#last += 1;
      const handled = { message, settled: false };
      this.#handled.set(tag, handled);
      void this.#handle(tag, handled);
    }
  }

  async #handle(tag: number, handled: Handled): Promise<void> {
    const { message } = handled;
    const { units, entry } = this.#context;
    const { func, lifecycle } = this.#settings;
    const { id, headers, attempt } = message;
    const delivery = { consumer: entry.id, tag, id, headers, attempt };
    this.#total += 1;
    let failure: WippyError | undefined;
    try {
      await units.call(func, [unpack(message.body)], {
        frame: { ...units.frame(lifecycle.security), delivery: asLua(delivery) },
        signal: this.#killed.signal,
      });
    } catch (error) {
      failure = WippyError.from(error);
      this.#failures += 1;
    }
    this.#handled.delete(tag);
    // The next one does not wait for the settlement.
    this.#settling += 1;
    if (!this.#stopping) this.#pump();
    await this.#finish(handled, failure);
    this.#settling -= 1;
    this.#endIfIdle();
  }

  /** Settles a message whose function has ended, unless it is settled. Never fails. */
  async #finish(handled: Handled, failure: WippyError | undefined): Promise<void> {
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
    await this.#unless(failure ? "return" : "acknowledge", message, done);
  }

  /** Settles a message by its queue, once. @throws WippyError */
  async #settle(handled: Handled, failure: string | undefined): Promise<void> {
    handled.settled = true;
    // Settled by the broker when it was delivered.
    if (this.#settings.auto_ack) return;
    if (failure === undefined) await this.#queue!.acknowledge(handled.message);
    else await this.#queue!.fail(handled.message, failure);
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
    // The other side are the operations of the module `queue`.
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
