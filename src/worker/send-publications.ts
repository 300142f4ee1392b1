import { askQueue, queueFailure } from "../operations/queue/asking.ts";
import type { OperationServices } from "../operations/operation.ts";
import { packMessages, type SentMessage } from "../operations/queue/messages.ts";
import type { PublishOutcome } from "../operations/queue/requests.ts";
import { WippyError } from "../vm/error.ts";
import { ofKernel } from "../vm/value.ts";

/** A unit that waits until its message is in its queue. */
export interface Publication {
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

/** Sends messages to their queue in one request, and answers the units that wait. Never fails. */
export async function sendPublications(
  host: PublicationsHost,
  queue: string,
  all: readonly Publication[],
): Promise<void> {
  const [first] = all;
  if (all.length === 1) return await sendAlone(host, queue, first!);
  try {
    const input = packMessages(all.map(({ message }) => message));
    const question = { service: queue, operation: "publish_all", input, pid: first!.pid };
    const outcomes = await askQueue(host.services, queue, () => host.services.ask(question));
    if (outcomes === true) host.answerAll(all.map(({ ticket }) => ticket));
    else await settle(host, queue, all, ofKernel<PublishOutcome[]>(outcomes));
  } catch (error) {
    for (const { ticket } of all) host.answer(ticket, WippyError.from(error));
  }
}

async function settle(
  host: PublicationsHost,
  queue: string,
  all: readonly Publication[],
  outcomes: readonly PublishOutcome[],
): Promise<void> {
  const done: number[] = [];
  const left: Publication[] = [];
  for (const [index, publication] of all.entries()) {
    const outcome = outcomes[index];
    if (outcome === true) done.push(publication.ticket);
    else if (outcome instanceof WippyError) host.answer(publication.ticket, queueFailure(outcome));
    else left.push(publication);
  }
  host.answerAll(done);
  await Promise.all(left.map((publication) => sendAlone(host, queue, publication)));
}

/** Sends one message, which waits for room in its queue until its own unit does not want it any more. */
async function sendAlone(
  { services, answer }: PublicationsHost,
  queue: string,
  { ticket, pid, signal, message }: Publication,
): Promise<void> {
  try {
    const input = packMessages([message]);
    const question = { service: queue, operation: "publish", input, pid, signal };
    await askQueue(services, queue, () => services.ask(question));
    answer(ticket);
  } catch (error) {
    answer(ticket, WippyError.from(error));
  }
}
