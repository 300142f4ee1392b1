import { askQueue, queueFailure } from "../operations/queue/asking.ts";
import type { OperationServices } from "../operations/operation.ts";
import { MessageBuffer } from "../operations/queue/messages.ts";
import type { PublishOutcome } from "../operations/queue/requests.ts";
import { WippyError } from "../vm/error.ts";
import { ofKernel } from "../vm/value.ts";

/** A unit that publishes. */
export interface PublishingUnit {
  /** Empty until the unit publishes. */
  pid: string;
  /** Aborted when the unit ends. */
  controller: AbortController;
}

/** What is published to a queue in one turn. */
export class Turn {
  readonly messages = new MessageBuffer();
  /** Of the units that wait until their messages are in the queue. */
  tickets: number[] = [];
  readonly units: PublishingUnit[] = [];
  /** Where each message ends. */
  readonly #ends: number[] = [];

  /** The unit of the message that was packed last. */
  add(ticket: number, unit: PublishingUnit): void {
    this.tickets.push(ticket);
    this.units.push(unit);
    this.#ends.push(this.messages.end);
  }

  /** All messages, packed. */
  all(): Uint8Array {
    return this.messages.slice(0, this.messages.end);
  }

  /** One message, packed. */
  message(index: number): Uint8Array {
    return this.messages.slice(index === 0 ? 0 : this.#ends[index - 1]!, this.#ends[index]!);
  }

  /** Forgets all. */
  clear(): void {
    this.messages.clear();
    this.tickets = [];
    this.units.length = this.#ends.length = 0;
  }
}

/** What publications are given by their worker. */
export interface PublicationsHost {
  services: Pick<OperationServices, "ask" | "entry">;
  /** The unit with this host work, which has not ended. */
  unitOf(work: number): PublishingUnit;
  /** The message of the ticket is in its queue, or is not. */
  answer(ticket: number, failure?: WippyError): void;
  /** The messages of all these tickets are in their queue. */
  answerAll(tickets: number[]): void;
  /** Keeps a simulated world waiting for a promise. */
  during(work: Promise<void>): void;
}

/** Sends messages to their queue in one request, and answers the units that wait. Never fails. */
export async function sendPublications(
  host: PublicationsHost,
  queue: string,
  turn: Turn,
): Promise<void> {
  const { tickets, units } = turn;
  if (tickets.length === 1) return await sendAlone(host, queue, turn, 0);
  try {
    const question = {
      service: queue,
      operation: "publish_all",
      input: turn.all(),
      pid: units[0]!.pid,
    };
    const outcomes = await askQueue(host.services, queue, () => host.services.ask(question));
    if (outcomes === true) host.answerAll(tickets);
    else await settle(host, queue, turn, ofKernel<PublishOutcome[]>(outcomes));
  } catch (error) {
    for (const ticket of tickets) host.answer(ticket, WippyError.from(error));
  }
}

async function settle(
  host: PublicationsHost,
  queue: string,
  turn: Turn,
  outcomes: readonly PublishOutcome[],
): Promise<void> {
  const done: number[] = [];
  const left: number[] = [];
  for (const [index, ticket] of turn.tickets.entries()) {
    const outcome = outcomes[index];
    if (outcome === true) done.push(ticket);
    else if (outcome instanceof WippyError) host.answer(ticket, queueFailure(outcome));
    else left.push(index);
  }
  host.answerAll(done);
  await Promise.all(left.map((index) => sendAlone(host, queue, turn, index)));
}

/** Sends one message, which waits for room in its queue until its own unit does not want it any more. */
async function sendAlone(
  { services, answer }: PublicationsHost,
  queue: string,
  turn: Turn,
  index: number,
): Promise<void> {
  const ticket = turn.tickets[index]!;
  const { pid, controller: { signal } } = turn.units[index]!;
  try {
    const question = {
      service: queue,
      operation: "publish",
      input: turn.message(index),
      pid,
      signal,
    };
    await askQueue(services, queue, () => services.ask(question));
    answer(ticket);
  } catch (error) {
    answer(ticket, WippyError.from(error));
  }
}
