import { unpackMessages } from "../../operations/queue/messages.ts";
import type {
  PublishedMessage,
  PublishOutcome,
  QueueRequests,
} from "../../operations/queue/requests.ts";
import { WippyError } from "../../vm/error.ts";
import { asLua, type LuaValue, ofKernel } from "../../vm/value.ts";
import type { ServiceContext } from "../context.ts";
import { type Caller, type Figure, type Service, type Started, untilStopped } from "../service.ts";
import type {
  ConsumeOptions,
  Consumption,
  DriverQueue,
  Headers,
  Message,
  PublishOptions,
  QueueInfo,
  Received,
} from "./driver.ts";
import { DriverService } from "./driver-service.ts";
import { Rate } from "./rate.ts";
import type { QueueSettings } from "./schema.ts";

/** Headers that the runtime alone writes, on dead letters. */
export const deadLetterHeaders = {
  queue: "x_dead_letter_queue",
  reason: "x_dead_letter_reason",
  error: "x_dead_letter_error",
  attempts: "x_dead_letter_attempts",
  time: "x_dead_letter_time",
} as const;

/** A queue: what is published, what is delivered, and what is given up. */
export class QueueService implements Service {
  readonly settings: QueueSettings;
  readonly #context: ServiceContext;
  readonly #life: Service;
  #queue: DriverQueue | undefined;
  readonly #published: Rate;
  readonly #delivered: Rate;
  readonly #acknowledged: Rate;
  readonly #failed: Rate;
  readonly #deadLettered: Rate;

  constructor(context: ServiceContext, settings: QueueSettings) {
    const { entry, platform } = context;
    this.#context = context;
    this.settings = settings;
    if (settings.dead_letter?.queue === entry.id) {
      throw new WippyError("Invalid", `${entry.id}: dead_letter.queue is the queue itself`, {
        retryable: false,
      });
    }
    const rate = () => new Rate(platform);
    this.#published = rate();
    this.#delivered = rate();
    this.#acknowledged = rate();
    this.#failed = rate();
    this.#deadLettered = rate();
    this.#life = untilStopped({
      open: async () => {
        const { driver } = context.services.get(settings.driver, DriverService);
        this.#queue = await driver.declare(entry.id, settings);
      },
      close: () => {
        this.#queue?.close();
        this.#queue = undefined;
      },
    });
  }

  start(): Promise<Started> {
    return this.#life.start();
  }

  stop(): Promise<void> {
    return this.#life.stop();
  }

  kill(): Promise<void> {
    return this.#life.kill();
  }

  get #open(): DriverQueue {
    if (this.#queue) return this.#queue;
    const message = `queue ${this.#context.entry.id} is stopped`;
    throw new WippyError("Unavailable", message, { retryable: true });
  }

  async answer(operation: string, input: LuaValue, { signal }: Caller): Promise<LuaValue> {
    // The other side are the operations of the module `queue`.
    if (operation === "publish") {
      const [message] = this.#unpack(ofKernel<QueueRequests["publish"]>(input));
      if (message) await this.#publish(message, signal);
      return true;
    }
    if (operation === "publish_all") {
      return await this.#publishAll(this.#unpack(ofKernel<QueueRequests["publish_all"]>(input)));
    }
    if (operation === "info") {
      const { messages, ready, consumers } = await this.#open.info();
      return { message_count: messages, ready, consumer_count: consumers };
    }
    throw new WippyError("Internal", `a queue answers no ${operation}`, { retryable: false });
  }

  #unpack(packed: Uint8Array): PublishedMessage[] {
    return unpackMessages(packed, this.#context.platform.now());
  }

  #publish(
    { id = this.#context.platform.random.uuid(), body, headers, delay, unique }: PublishedMessage,
    signal?: AbortSignal,
  ): Promise<void> | void {
    const message = { id, body, headers: headers as Headers };
    return this.publish(message, signal ? { delay, unique, signal } : { delay, unique });
  }

  /** Publishes what there is room for; the outcome of each, or `true` for all. */
  #publishAll(messages: readonly PublishedMessage[]): LuaValue | Promise<LuaValue> {
    const { room } = this.#open;
    const outcomes = messages.map((message, index) => index < room && this.#outcome(message));
    const all = (outcomes: readonly PublishOutcome[]) =>
      outcomes.every((outcome) => outcome === true) || asLua(outcomes);
    return outcomes.some((outcome) => outcome instanceof Promise)
      ? Promise.all(outcomes).then(all)
      : all(outcomes as PublishOutcome[]);
  }

  #outcome(message: PublishedMessage): PublishOutcome | Promise<PublishOutcome> {
    try {
      return this.#publish(message)?.then(() => true, WippyError.from) ?? true;
    } catch (error) {
      return WippyError.from(error);
    }
  }

  /** Puts a message into the queue; a promise where that takes a while. @throws WippyError */
  publish(message: Message, options: PublishOptions): Promise<void> | void {
    const published = this.#open.publish(message, options);
    if (published) return published.then(() => this.#published.add());
    this.#published.add();
  }

  /** Has messages delivered. @throws WippyError */
  consume(options: ConsumeOptions): Promise<Consumption> {
    const { deliver } = options;
    return this.#open.consume({
      ...options,
      deliver: (message) => {
        this.#delivered.add();
        deliver(message);
      },
    });
  }

  /** A message was handled. @throws WippyError Unavailable when the driver does not know it yet */
  acknowledge(message: Received): Promise<void> | void {
    const settled = message.ack();
    if (settled) return settled.then(() => this.#acknowledged.add());
    this.#acknowledged.add();
  }

  /** The handling of a message failed: it is delivered again, or is dead after the last attempt. */
  async fail(message: Received, error: string): Promise<void> {
    this.#failed.add();
    const { dead_letter } = this.settings;
    if (!dead_letter || message.attempt < dead_letter.max_attempts) return await message.retry();
    try {
      await this.#bury(message, dead_letter.queue, error);
    } catch (failure) {
      const { message: text } = WippyError.from(failure);
      this.#context.log("error", `the dead-letter queue ${dead_letter.queue} refused a message`, {
        message_id: message.id,
        error: text,
      });
      return await message.retry();
    }
    // The other order would lose the message in a crash between the two; this one repeats the burial, under its id.
    await message.ack();
  }

  async #bury({ id, body, headers, attempt }: Received, to: string, error: string) {
    const { platform, services, entry } = this.#context;
    const dead: Headers = {
      ...headers,
      [deadLetterHeaders.queue]: entry.id,
      [deadLetterHeaders.reason]: "max_attempts",
      [deadLetterHeaders.error]: error,
      [deadLetterHeaders.attempts]: attempt,
      [deadLetterHeaders.time]: Math.floor(platform.now() / 1000),
    };
    await services.get(to, QueueService).publish({ id, body, headers: dead }, { unique: true });
    this.#deadLettered.add();
    this.#context.log("warn", `message ${id} is dead after ${attempt} attempts`, {
      message_id: id,
      dead_letter_queue: to,
      error,
    });
  }

  async inspect(): Promise<LuaValue> {
    const unknown: Partial<QueueInfo> = {};
    const info = await this.#queue?.info().catch(() => unknown) ?? unknown;
    const { driver, codec, dead_letter } = this.settings;
    return asLua({
      driver,
      codec,
      ...(dead_letter && { dead_letter_queue: dead_letter.queue }),
      messages: info.messages,
      ready: info.ready,
      in_flight: info.inFlight,
      consumers: info.consumers,
      waiting: info.waiting,
      published: this.#published.total,
      published_per_second: this.#published.perSecond,
      delivered: this.#delivered.total,
      delivered_per_second: this.#delivered.perSecond,
      acknowledged: this.#acknowledged.total,
      failed: this.#failed.total,
      dead_lettered: this.#deadLettered.total,
    });
  }

  figures(): Figure[] {
    const counted = (name: string, help: string, { total }: Rate): Figure => ({
      name: `wippy_queue_${name}_total`,
      help,
      value: total,
    });
    return [
      counted("published", "Messages put into a queue.", this.#published),
      counted("delivered", "Deliveries of messages of a queue.", this.#delivered),
      counted("acknowledged", "Messages of a queue that were handled.", this.#acknowledged),
      counted("failed", "Deliveries of messages of a queue that failed.", this.#failed),
      counted("dead_lettered", "Messages that were given up.", this.#deadLettered),
      ...this.#queue?.figures?.() ?? [],
    ];
  }
}

/** A queue as a service. */
export function runQueue(context: ServiceContext, settings: QueueSettings): QueueService {
  return new QueueService(context, settings);
}
