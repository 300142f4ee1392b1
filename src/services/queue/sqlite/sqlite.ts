import type { Platform } from "../../../platform/platform.ts";
import { pack, unpack } from "../../../vm/codec.ts";
import { WippyError } from "../../../vm/error.ts";
import { ofKernel } from "../../../vm/value.ts";
import type { Figure } from "../../service.ts";
import {
  type ConsumeOptions,
  type Consumption,
  depthFigures,
  type DriverQueue,
  type Headers,
  type Message,
  type PublishOptions,
  type QueueInfo,
  type Received,
} from "../driver.ts";
import { type Receiver, Receivers } from "../receivers.ts";
import { Room } from "../room.ts";
import type { Row } from "./commands.ts";
import type { QueueLink } from "./link.ts";

/** Messages that are read at once. */
const mostTaken = 500;
/** Milliseconds that a timer waits at most. */
const longestTimer = 3_600_000;

/** What a queue needs of its driver. */
export interface QueuePlace {
  platform: Pick<Platform, "now" | "setTimer">;
  /** @throws WippyError Unavailable while the file is not open */
  link(): QueueLink;
  /** The number of the next message. */
  number(): number;
}

/** A queue in a file. A message is read from there only where no consumer could take it when it came. */
export class SqliteQueue implements DriverQueue {
  readonly #id: string;
  readonly #place: QueuePlace;
  readonly #receivers = new Receivers();
  readonly #room: Room;
  /** Messages in the file that no consumer has. */
  #waiting = 0;
  #inFlight = 0;
  /** Counts the openings of the file: what was in flight before one waits after it. */
  #opening = 0;
  /** Whether there may be messages in the file that are due. */
  #backlog = true;
  #taking = false;
  #timer: { due: number; cancel(): void } | undefined;

  constructor(id: string, place: QueuePlace, most: number) {
    this.#id = id;
    this.#place = place;
    this.#room = new Room(most);
  }

  set most(most: number) {
    this.#room.most = most;
  }

  /** The file was opened: so many messages wait, those that consumers had before included. */
  opened(waiting: number): void {
    this.#room.taken += waiting - this.#waiting;
    this.#waiting = waiting;
    this.#inFlight = 0;
    this.#opening += 1;
    this.#backlog = true;
    void this.#take();
  }

  get room(): number {
    return this.#room.left;
  }

  async publish(message: Message, options: PublishOptions): Promise<void> {
    const { id, body, headers } = message;
    const { delay = 0, unique = false, signal } = options;
    await this.#room.enter(signal);
    const receiver = delay > 0 || this.#backlog || this.#taking
      ? undefined
      : this.#receivers.next();
    if (receiver) {
      receiver.credit -= 1;
      this.#room.leave();
    }
    const { platform } = this.#place;
    const seq = this.#place.number();
    const now = platform.now();
    const due = now + Math.ceil(delay);
    try {
      const duplicate = await this.#place.link().ask({
        type: "publish",
        queue: this.#id,
        seq,
        id,
        headers: pack(headers),
        body,
        due,
        ...(unique && { unique: now }),
        leased: receiver !== undefined,
      });
      if (receiver && duplicate) this.#unused(receiver);
      else if (receiver) this.#deliver({ seq, id, body, headers, attempt: 1 }, receiver);
      else if (duplicate) this.#room.leave();
      else {
        this.#waiting += 1;
        if (delay > 0) this.#wakeAt(due);
        else this.#look();
      }
    } catch (error) {
      if (receiver) this.#unused(receiver);
      else this.#room.leave();
      throw error;
    }
  }

  #unused(receiver: Receiver): void {
    receiver.credit += 1;
    void this.#take();
  }

  /** There is something in the file that is due. */
  #look(): void {
    this.#backlog = true;
    void this.#take();
  }

  #wakeAt(due: number): void {
    if (this.#timer && this.#timer.due <= due) return;
    this.#timer?.cancel();
    const { platform } = this.#place;
    const delay = Math.min(longestTimer, Math.max(1, due - platform.now()));
    const cancel = platform.setTimer(delay, () => {
      this.#timer = undefined;
      this.#look();
    });
    this.#timer = { due, cancel };
  }

  /** Reads what is due, as much as consumers may get. */
  async #take(): Promise<void> {
    if (this.#taking || !this.#backlog) return;
    this.#taking = true;
    try {
      while (this.#backlog) {
        const limit = Math.min(mostTaken, this.#receivers.credit);
        if (limit === 0) break;
        this.#backlog = false;
        await this.#takeSome(limit);
      }
    } catch {
      // The file is closed, or the disk is full: the next opening, message or settlement tries again.
      this.#backlog = true;
    } finally {
      this.#taking = false;
    }
  }

  async #takeSome(limit: number): Promise<void> {
    const now = this.#place.platform.now();
    const reserved: Receiver[] = [];
    for (let count = 0; count < limit; count++) {
      const receiver = this.#receivers.next()!;
      receiver.credit -= 1;
      reserved.push(receiver);
    }
    let rows: Row[] = [];
    try {
      const taken = await this.#place.link().ask({ type: "take", queue: this.#id, limit, now });
      rows = taken.rows;
      if (rows.length === limit) this.#backlog = true;
      else if (taken.next !== undefined) this.#wakeAt(taken.next);
    } finally {
      for (const receiver of reserved.slice(rows.length)) receiver.credit += 1;
    }
    this.#waiting -= rows.length;
    for (const [index, { seq, id, body, headers, attempts }] of rows.entries()) {
      this.#room.leave();
      const unpacked = ofKernel<Headers>(unpack(headers));
      const message = { seq, id, body, headers: unpacked, attempt: attempts };
      this.#deliver(message, reserved[index]!);
    }
  }

  #deliver(message: Message & { seq: number; attempt: number }, receiver: Receiver): void {
    const { seq, ...shown } = message;
    this.#inFlight += 1;
    const opening = this.#opening;
    const settle = async (done: (link: QueueLink) => Promise<unknown>) => {
      try {
        await done(this.#place.link());
      } finally {
        if (opening === this.#opening) this.#inFlight -= 1;
        receiver.credit += 1;
        void this.#take();
      }
    };
    const putBack = (link: QueueLink, forget: boolean) => {
      const due = forget ? {} : { due: this.#place.platform.now() };
      this.#waiting += 1;
      this.#room.taken += 1;
      return link.ask({ type: "return", seq, forget, ...due }).then(() => this.#look());
    };
    const received: Received = {
      ...shown,
      ack: () => settle((link) => link.ask({ type: "ack", seq })),
      retry: () => settle((link) => putBack(link, false)),
      release: () => settle((link) => putBack(link, true)),
    };
    receiver.options.deliver(received);
  }

  consume(options: ConsumeOptions): Promise<Consumption> {
    const receiver = this.#receivers.add(options);
    void this.#take();
    return Promise.resolve({
      detach: () => {
        this.#receivers.remove(receiver);
        return Promise.resolve();
      },
    });
  }

  async info(): Promise<QueueInfo> {
    const { platform } = this.#place;
    const { count } = await this.#place.link().ask({
      type: "ready",
      queue: this.#id,
      now: platform.now(),
    });
    return {
      messages: this.#waiting,
      ready: count,
      inFlight: this.#inFlight,
      consumers: this.#receivers.size,
      waiting: this.#room.waiting,
    };
  }

  figures(): Figure[] {
    return depthFigures(this.#waiting, this.#inFlight);
  }

  close(): void {
    this.#room.refuse(new WippyError("Unavailable", "the queue is stopped", { retryable: true }));
  }

  /** The driver stops. */
  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.close();
  }
}
