import { askQueue, queueFailure } from "../operations/queue/asking.ts";
import { packMessages } from "../operations/queue/messages.ts";
import type { PublishOutcome } from "../operations/queue/requests.ts";
import { WippyError } from "../vm/error.ts";
import { ofKernel } from "../vm/value.ts";
import type { Publication, PublicationsHost } from "./publications.ts";

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
