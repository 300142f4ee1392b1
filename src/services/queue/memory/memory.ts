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
import { Room } from "../room.ts";
import type { QueueSettings } from "../schema.ts";

/** Ids of unique messages that a queue remembers. */
const remembered = 10_000;

interface Stored extends Message {
  attempts: number;
}

/** A message in the hands of a consumer. */
class Delivery implements Received {
  readonly id: string;
  readonly body: Uint8Array;
  readonly headers: Message["headers"];
  readonly attempt: number;

  constructor(
    readonly stored: Stored,
    readonly receiver: Receiver,
    /** Tells the queue; a message that goes back is given, and whether to the front. */
    readonly settled: (receiver: Receiver, back?: Stored, first?: "first") => void,
  ) {
    this.id = stored.id;
    this.body = stored.body;
    this.headers = stored.headers;
    this.attempt = stored.attempts;
  }

  ack(): void {
    this.settled(this.receiver);
  }

  retry(): Promise<void> {
    this.settled(this.receiver, this.stored);
    return Promise.resolve();
  }

  release(): Promise<void> {
    this.stored.attempts -= 1;
    this.settled(this.receiver, this.stored, "first");
    return Promise.resolve();
  }
}

/** A queue in memory. */
export class MemoryQueue implements DriverQueue {
  readonly #platform: Pick<Platform, "setTimer">;
  readonly #room: Room;
  readonly #ready = new Fifo<Stored>();
  readonly #receivers = new Receivers();
  readonly #timers = new Set<() => void>();
  readonly #seen = new Set<string>();
  #inFlight = 0;

  /** @param most messages that wait in it */
  constructor(platform: Pick<Platform, "setTimer">, most: number) {
    this.#platform = platform;
    this.#room = new Room(most);
  }

  get room(): number {
    return this.#room.left;
  }

  publish(message: Message, options: PublishOptions): Promise<void> | void {
    if (options.unique && this.#seen.has(message.id)) return;
    const waiting = this.#room.enter(options.signal);
    if (waiting) return waiting.then(() => this.#enter(message, options));
    this.#enter(message, options);
  }

  #enter({ id, body, headers }: Message, { delay = 0, unique }: PublishOptions): void {
    if (unique && this.#seen.has(id)) return this.#room.leave();
    if (unique) this.#remember(id);
    const message: Stored = { id, body, headers, attempts: 0 };
    if (delay <= 0) return this.#add(message);
    const cancel = this.#platform.setTimer(delay, () => {
      this.#timers.delete(cancel);
      this.#add(message);
    });
    this.#timers.add(cancel);
  }

  #remember(id: string): void {
    this.#seen.add(id);
    if (this.#seen.size > remembered) this.#seen.delete(this.#seen.values().next().value!);
  }

  #add(message: Stored): void {
    this.#ready.push(message);
    this.#deliver();
  }

  #deliver(): void {
    while (this.#ready.size > 0) {
      const receiver = this.#receivers.next();
      if (!receiver) return;
      receiver.credit -= 1;
      this.#inFlight += 1;
      const message = this.#ready.shift()!;
      this.#room.leave();
      message.attempts += 1;
      receiver.options.deliver(new Delivery(message, receiver, this.#settled));
    }
  }

  /** A delivery is over; a message that was in the queue is not refused by one that has filled up meanwhile. */
  readonly #settled = (receiver: Receiver, message?: Stored, first?: "first"): void => {
    this.#inFlight -= 1;
    receiver.credit += 1;
    if (message) {
      this.#room.taken += 1;
      if (first) this.#ready.unshift(message);
      else this.#ready.push(message);
    }
    this.#deliver();
  };

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
      messages: this.#ready.size + this.#timers.size,
      ready: this.#ready.size,
      inFlight: this.#inFlight,
      consumers: this.#receivers.size,
      waiting: this.#room.waiting,
    });
  }

  figures(): Figure[] {
    return depthFigures(this.#ready.size + this.#timers.size, this.#inFlight);
  }

  close(): void {
    this.#room.refuse(new WippyError("Unavailable", "the queue is stopped", { retryable: true }));
  }

  /** Forgets all messages. */
  clear(): void {
    this.close();
    for (const cancel of this.#timers) cancel();
    this.#timers.clear();
    this.#ready.clear();
    this.#seen.clear();
    this.#room.taken = 0;
  }
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
