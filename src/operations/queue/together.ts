import { WippyError } from "../../vm/error.ts";
import { asLua, type LuaValue, ofKernel } from "../../vm/value.ts";
import type { OperationContext, OperationServices } from "../operation.ts";
import { packMessages } from "./messages.ts";
import type { PublishedMessage, PublishOutcome } from "./requests.ts";

interface Waiting {
  message: PublishedMessage;
  context: OperationContext;
  resolve(value: LuaValue): void;
  reject(error: unknown): void;
}

/** What units of this worker publish in one turn, by queue. */
const turns = new WeakMap<OperationServices, Map<string, Waiting[]>>();

async function alone(queue: string, { message, context }: Waiting): Promise<LuaValue> {
  const { services, pid, signal } = context;
  const input = asLua(message);
  return await services.ask({ service: queue, operation: "publish", input, pid, signal });
}

async function send(queue: string, all: Waiting[]): Promise<void> {
  const [first, ...others] = all as [Waiting, ...Waiting[]];
  if (others.length === 0) {
    await alone(queue, first).then(first.resolve, first.reject);
    return;
  }
  const { services, pid } = first.context;
  try {
    const outcomes = ofKernel<PublishOutcome[] | true>(
      await services.ask({
        service: queue,
        operation: "publish_all",
        input: packMessages(all.map(({ message }) => message)),
        pid,
      }),
    );
    for (const [index, each] of all.entries()) {
      const outcome = outcomes === true || outcomes[index];
      if (outcome === true) each.resolve(true);
      else if (outcome instanceof WippyError) each.reject(outcome);
      // It has to wait for room, until its own unit does not want it any more.
      else alone(queue, each).then(each.resolve, each.reject);
    }
  } catch (error) {
    for (const { reject } of all) reject(error);
  }
}

/**
 * Publishes a message. What this worker publishes to one queue in the same turn crosses to its service together.
 *
 * @throws WippyError that of the queue
 */
export function publishTogether(
  context: OperationContext,
  queue: string,
  message: PublishedMessage,
): Promise<LuaValue> {
  const { services } = context;
  let turn = turns.get(services);
  if (!turn) {
    turn = new Map();
    turns.set(services, turn);
  }
  const { promise, resolve, reject } = Promise.withResolvers<LuaValue>();
  const waiting = { message, context, resolve, reject };
  const present = turn.get(queue);
  if (present) present.push(waiting);
  else {
    turn.set(queue, [waiting]);
    queueMicrotask(() => {
      const all = turn.get(queue)!;
      turn.delete(queue);
      void send(queue, all);
    });
  }
  return promise;
}
