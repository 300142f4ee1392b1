import type { Platform } from "../../../platform/platform.ts";
import { WippyError } from "../../../vm/error.ts";
import type {
  ConsumeOptions,
  Consumption,
  DriverQueue,
  Message,
  PublishOptions,
  QueueDriver,
  QueueInfo,
  Received,
} from "../driver.ts";
import type { Figure } from "../../service.ts";
import { depthFigures } from "../driver.ts";
import { Fifo } from "../fifo.ts";
import { type Receiver, Receivers } from "../receivers.ts";
import type { QueueSettings } from "../schema.ts";

/** Ids of unique messages that a queue remembers. */
const remembered = 10_000;

interface Stored extends Message {
  attempts: number;
}

interface Waiting {
  message: Stored;
  options: PublishOptions;
  resolve(): void;
  reject(error: WippyError): void;
}

/** A queue in memory. */
export class MemoryQueue implements DriverQueue {
  readonly #platform: Pick<Platform, "setTimer">;
  readonly #most: number;
  readonly #ready = new Fifo<Stored>();
  readonly #waiting = new Fifo<Waiting>();
  readonly #receivers = new Receivers();
  readonly #timers = new Set<() => void>();
  readonly #seen = new Set<string>();
  #inFlight = 0;

  /** @param most messages that wait in it */
  constructor(platform: Pick<Platform, "setTimer">, most: number) {
    this.#platform = platform;
    this.#most = most;
  }

  get #length(): number {
    return this.#ready.size + this.#timers.size;
  }

  publish({ id, body, headers }: Message, options: PublishOptions): Promise<void> {
    const { unique, signal } = options;
    if (unique && this.#seen.has(id)) return Promise.resolve();
    const message: Stored = { id, body, headers, attempts: 0 };
    if (this.#length < this.#most && this.#waiting.size === 0) {
      this.#accept(message, options);
      return Promise.resolve();
    }
    if (signal?.aborted) return Promise.reject(canceled());
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const waiting = { message, options, resolve, reject };
    const cancel = () => {
      this.#waiting.remove(waiting);
      reject(canceled());
    };
    signal?.addEventListener("abort", cancel, { once: true });
    this.#waiting.push(waiting);
    return promise.finally(() => signal?.removeEventListener("abort", cancel));
  }

  #accept(message: Stored, { delay = 0, unique }: PublishOptions): void {
    if (unique) {
      this.#seen.add(message.id);
      if (this.#seen.size > remembered) this.#seen.delete(this.#seen.values().next().value!);
    }
    if (delay <= 0) {
      this.#ready.push(message);
      this.#deliver();
      return;
    }
    const cancel = this.#platform.setTimer(delay, () => {
      this.#timers.delete(cancel);
      this.#ready.push(message);
      this.#deliver();
    });
    this.#timers.add(cancel);
  }

  #deliver(): void {
    while (this.#ready.size > 0) {
      const receiver = this.#receivers.next();
      if (!receiver) break;
      const message = this.#ready.shift()!;
      this.#inFlight += 1;
      receiver.deliver(this.#received(message, receiver));
      this.#admit();
    }
  }

  /** Lets publishers in, as far as there is room. */
  #admit(): void {
    while (this.#waiting.size > 0 && this.#length < this.#most) {
      const { message, options, resolve } = this.#waiting.shift()!;
      resolve();
      if (!options.unique || !this.#seen.has(message.id)) this.#accept(message, options);
    }
  }

  #received(message: Stored, receiver: Receiver): Received {
    const settle = (back?: () => void): Promise<void> => {
      this.#inFlight -= 1;
      receiver.credit += 1;
      back?.();
      this.#deliver();
      return Promise.resolve();
    };
    message.attempts += 1;
    return {
      id: message.id,
      body: message.body,
      headers: message.headers,
      attempt: message.attempts,
      ack: () => settle(),
      // A message that was in the queue is not refused by a queue that has filled up meanwhile.
      retry: () => settle(() => this.#ready.push(message)),
      release: () =>
        settle(() => {
          message.attempts -= 1;
          this.#ready.unshift(message);
        }),
    };
  }

  consume(options: ConsumeOptions): Promise<Consumption> {
    const receiver = this.#receivers.add(options);
    this.#deliver();
    return Promise.resolve({
      detach: () => {
        this.#receivers.remove(receiver);
        return Promise.resolve();
      },
    });
  }

  info(): Promise<QueueInfo> {
    return Promise.resolve({
      messages: this.#length,
      ready: this.#ready.size,
      inFlight: this.#inFlight,
      consumers: this.#receivers.size,
      waiting: this.#waiting.size,
    });
  }

  figures(): Figure[] {
    return depthFigures(this.#length, this.#inFlight);
  }

  close(): void {
    for (let waiting = this.#waiting.shift(); waiting; waiting = this.#waiting.shift()) {
      waiting.reject(new WippyError("Unavailable", "the queue is stopped", { retryable: true }));
    }
  }

  /** Forgets all messages. */
  clear(): void {
    this.close();
    for (const cancel of this.#timers) cancel();
    this.#timers.clear();
    this.#ready.clear();
    this.#seen.clear();
  }
}

function canceled(): WippyError {
  return new WippyError("Canceled", "operation canceled", { retryable: false });
}

/** Queues in memory: what is in them ends with the driver. */
export class MemoryDriver implements QueueDriver {
  readonly #platform: Pick<Platform, "setTimer">;
  readonly #queues = new Map<string, { most: number; queue: MemoryQueue }>();

  constructor(platform: Pick<Platform, "setTimer">) {
    this.#platform = platform;
  }

  declare(id: string, { driver_options }: QueueSettings): Promise<DriverQueue> {
    const most = driver_options.memory.max_length;
    const present = this.#queues.get(id);
    if (present?.most === most) return Promise.resolve(present.queue);
    present?.queue.clear();
    const queue = new MemoryQueue(this.#platform, most);
    this.#queues.set(id, { most, queue });
    return Promise.resolve(queue);
  }

  get size(): number {
    return this.#queues.size;
  }

  clear(): void {
    for (const { queue } of this.#queues.values()) queue.clear();
    this.#queues.clear();
  }
}
