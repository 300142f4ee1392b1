import { WippyError } from "../../vm/error.ts";
import type { ServiceContext, ServiceParts } from "../context.ts";
import type { Address } from "./listener.ts";
import { Meters } from "./meters.ts";
import type { FromPart, PartData, ToPart } from "./part.ts";
import type { HttpService } from "./schema.ts";
import { Counts, type Traffic } from "./traffic.ts";

type Order = { listen: Address } | { rebuild: true } | { drain: true };
type Answer = Extract<FromPart, { step: number }>;

/** The listeners of a server in the threads of the workers. */
export class ListenersApart {
  readonly #context: ServiceContext;
  readonly #data: HttpService;
  readonly #traffic: Traffic;
  readonly #counts = new Map<number, Counts>();
  readonly #meters = new Map<number, Meters>();
  /** Totals of parts that have ended. */
  readonly #past = new Meters();
  /** Workers that run, and have a part. */
  readonly #running = new Set<number>();
  readonly #waiting = new Map<number, { worker: number; answer: PromiseWithResolvers<Answer> }>();
  #parts: ServiceParts | undefined;
  #address: Address | undefined;
  #step = 0;
  #origin: string | undefined;

  constructor(context: ServiceContext, data: HttpService, traffic: Traffic) {
    this.#context = context;
    this.#data = data;
    this.#traffic = traffic;
  }

  /** The address as a URL, while they listen. */
  get origin(): string | undefined {
    return this.#origin;
  }

  /** The metrics of all parts. */
  get meters(): Meters {
    const all = new Meters();
    for (const meters of [this.#past, ...this.#meters.values()]) all.add(meters.counted);
    return all;
  }

  /**
   * Makes one worker listen, then all others as they start.
   *
   * @throws WippyError Unavailable when the address is in use, Invalid for certificates
   */
  async open(address: Address): Promise<void> {
    this.#address = undefined;
    const first = Promise.withResolvers<number>();
    this.#parts = this.#context.workers.parts({
      started: (worker) => {
        this.#start(worker);
        first.resolve(worker);
        if (this.#address !== undefined) void this.#join(worker);
      },
      gone: (worker) => this.#gone(worker),
      told: (worker, message) => this.#told(worker, message as FromPart),
    });
    const worker = await first.promise;
    try {
      const { origin, port } = await this.#ask(worker, { listen: address });
      this.#origin = origin;
      this.#address = { ...address, port: port! };
    } catch (error) {
      this.end();
      throw error;
    }
    for (const other of this.#running) if (other !== worker) void this.#join(other);
    this.#context.workers.fill();
  }

  /** Opens a part in a worker. */
  #start(worker: number): void {
    this.#forget(worker);
    const memory = Counts.memory();
    const counts = new Counts(memory);
    this.#counts.set(worker, counts);
    this.#traffic.add(counts);
    this.#meters.set(worker, new Meters());
    this.#running.add(worker);
    const data: PartData = { data: this.#data, counts: memory };
    this.#parts!.open(worker, data);
  }

  /** Makes another worker listen on the address. */
  async #join(worker: number): Promise<void> {
    try {
      await this.#ask(worker, { listen: this.#address! });
    } catch (error) {
      // One that has died is replaced.
      if (!this.#running.has(worker)) return;
      const { message } = WippyError.from(error);
      this.#context.log("error", `worker ${worker} does not listen: ${message}`);
    }
  }

  /** Removes the requests in flight of a part. */
  #forget(worker: number): void {
    const counts = this.#counts.get(worker);
    if (counts) this.#traffic.remove(counts);
    this.#counts.delete(worker);
    const meters = this.#meters.get(worker);
    if (!meters) return;
    meters.stopped();
    this.#past.add(meters.counted);
    this.#meters.delete(worker);
  }

  #gone(worker: number): void {
    this.#running.delete(worker);
    this.#forget(worker);
    for (const [step, { worker: asked, answer }] of this.#waiting) {
      if (asked !== worker) continue;
      this.#waiting.delete(step);
      answer.reject(new WippyError("Unavailable", "the worker has ended", { retryable: true }));
    }
  }

  #told(worker: number, message: FromPart): void {
    if ("counted" in message) {
      this.#meters.get(worker)?.replace(message.counted);
      return;
    }
    const waiting = this.#waiting.get(message.step);
    this.#waiting.delete(message.step);
    if (message.failure) waiting?.answer.reject(WippyError.from(message.failure));
    else waiting?.answer.resolve(message);
  }

  /** Sends a command to a part and waits for its reply. @throws WippyError its own; Unavailable if its worker dies */
  async #ask(worker: number, order: Order): Promise<Answer> {
    const step = this.#step += 1;
    const answer = Promise.withResolvers<Answer>();
    this.#waiting.set(step, { worker, answer });
    const message: ToPart = { step, ...order };
    this.#parts!.tell(worker, message);
    return await answer.promise;
  }

  /** Sends a command to all parts; those that die meanwhile are ignored. */
  async #askAll(order: Order): Promise<void> {
    const asked = [...this.#running].filter((worker) => !this.#context.workers.standing(worker));
    await Promise.allSettled(asked.map((worker) => this.#ask(worker, order)));
  }

  /** Makes all parts apply the current entries, which have been validated. */
  async rebuild(): Promise<void> {
    await this.#askAll({ rebuild: true });
  }

  /** Fulfilled when all requests in flight have a response. */
  async drain(): Promise<void> {
    this.#address = undefined;
    if (this.#parts) await this.#askAll({ drain: true });
  }

  /** Ends all connections. */
  end(): void {
    this.#address = undefined;
    this.#origin = undefined;
    this.#parts?.end();
    this.#parts = undefined;
    for (const worker of [...this.#running]) this.#gone(worker);
  }
}
