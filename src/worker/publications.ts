import { askQueue, queueFailure } from "../operations/queue/asking.ts";
import { packMessages, type SentMessage } from "../operations/queue/messages.ts";
import type { PublishOutcome } from "../operations/queue/requests.ts";
import type { OperationServices } from "../operations/operation.ts";
import { pack } from "../vm/codec.ts";
import { WippyError } from "../vm/error.ts";
import { numberOf, ofKernel } from "../vm/value.ts";
import type { LuaState } from "../vm/exports.ts";
import type { Vm } from "../vm/vm.ts";

/** A unit that waits until its message is in its queue. */
interface Waiting {
  ticket: number;
  pid: string;
  /** Aborted when the unit ends. */
  signal: AbortSignal;
  message: SentMessage;
}

/** What publications are given by their worker. */
export interface PublicationsHost {
  services: Pick<OperationServices, "ask" | "entry">;
  /** Aborted when the unit with this host work ends. */
  signalOf(work: number): AbortSignal;
  /** The message of the ticket is in its queue, or is not. */
  answer(ticket: number, failure?: WippyError): void;
  /** The messages of all these tickets are in their queue. */
  answerAll(tickets: number[]): void;
  /** Keeps a simulated world waiting for a promise. */
  during(work: Promise<void>): void;
}

/**
 * What the units of a worker publish to queues. The messages of one turn cross to their queue together, and their units
 * are answered together: by itself each would cost several times as much as the queue.
 */
export class Publications {
  readonly #host: PublicationsHost;
  /** Of this turn, by queue. */
  readonly #turn = new Map<string, Waiting[]>();

  constructor(host: PublicationsHost) {
    this.#host = host;
  }

  /** host.emit("publish", ticket, work, pid, queue, data, headers, id, delay). @throws WippyError what cannot leave */
  take(vm: Vm, L: LuaState): void {
    const queue = String(vm.read(L, 5));
    const headers = vm.read(L, 7);
    const id = vm.read(L, 8);
    const waiting: Waiting = {
      ticket: Number(vm.read(L, 2)),
      signal: this.#host.signalOf(Number(vm.read(L, 3))),
      pid: String(vm.read(L, 4)),
      message: {
        body: vm.pack(L, 6),
        headers: headers === undefined ? undefined : pack(headers),
        id: typeof id === "string" ? id : undefined,
        delay: numberOf(vm.read(L, 9)) || 0,
      },
    };
    const present = this.#turn.get(queue);
    if (present) {
      present.push(waiting);
      return;
    }
    this.#turn.set(queue, [waiting]);
    this.#host.during(Promise.resolve().then(() => this.#send(queue)));
  }

  async #send(queue: string): Promise<void> {
    const all = this.#turn.get(queue)!;
    this.#turn.delete(queue);
    const [first] = all;
    if (all.length === 1) return await this.#sendAlone(queue, first!);
    const { services } = this.#host;
    try {
      const input = packMessages(all.map(({ message }) => message));
      const question = { service: queue, operation: "publish_all", input, pid: first!.pid };
      const outcomes = await askQueue(services, queue, () => services.ask(question));
      if (outcomes === true) this.#host.answerAll(all.map(({ ticket }) => ticket));
      else await this.#settle(queue, all, ofKernel<PublishOutcome[]>(outcomes));
    } catch (error) {
      for (const { ticket } of all) this.#host.answer(ticket, WippyError.from(error));
    }
  }

  async #settle(
    queue: string,
    all: readonly Waiting[],
    outcomes: readonly PublishOutcome[],
  ): Promise<void> {
    const done: number[] = [];
    const left: Waiting[] = [];
    for (const [index, waiting] of all.entries()) {
      const outcome = outcomes[index];
      if (outcome === true) done.push(waiting.ticket);
      else if (outcome instanceof WippyError) {
        this.#host.answer(waiting.ticket, queueFailure(outcome));
      } else left.push(waiting);
    }
    this.#host.answerAll(done);
    await Promise.all(left.map((waiting) => this.#sendAlone(queue, waiting)));
  }

  /** Sends one message, which waits for room in its queue until its own unit does not want it any more. */
  async #sendAlone(queue: string, { ticket, pid, signal, message }: Waiting): Promise<void> {
    const { services } = this.#host;
    try {
      const input = packMessages([message]);
      const question = { service: queue, operation: "publish", input, pid, signal };
      await askQueue(services, queue, () => services.ask(question));
      this.#host.answer(ticket);
    } catch (error) {
      this.#host.answer(ticket, WippyError.from(error));
    }
  }
}
