import { lazy } from "../../registry/lazy.ts";
import { z } from "../../registry/schema.ts";
import { pack } from "../../vm/codec.ts";
import { WippyError } from "../../vm/error.ts";
import { type LuaValue, numberOf } from "../../vm/value.ts";
import { defineOperation, type Operation, type OperationContext } from "../operation.ts";
import { messageHeaders } from "./headers.ts";
import type { ConsumerRequests } from "./requests.ts";
import { publishTogether } from "./together.ts";

const queueId = lazy(() => z.string({ error: "a queue id is text" }));
const anything = lazy(() => z.custom<LuaValue>(() => true));

/** Failures of transport, which somebody may try again; all others of a queue are Internal. */
const kept: ReadonlySet<string> = new Set(["Unavailable", "Timeout", "Canceled", "Invalid"]);

async function askConsumer<Name extends keyof ConsumerRequests>(
  { services, pid, signal }: OperationContext,
  service: string,
  operation: Name,
  input: ConsumerRequests[Name] & LuaValue,
): Promise<LuaValue> {
  return await services.ask({ service, operation, input, pid, signal });
}

/** Checks that there is a queue. @throws WippyError Internal */
function checkQueue({ services }: OperationContext, id: string): void {
  const entry = services.entry(id);
  if (entry?.kind === "queue.queue") return;
  const message = entry
    ? `${id} is a ${entry.kind} entry; use the id of a queue.queue entry`
    : `queue not found: ${id}`;
  throw new WippyError("Internal", message, { retryable: false });
}

/** Checks that there is the queue and asks it. @throws WippyError Internal, and what is kept */
async function askQueue(
  context: OperationContext,
  id: string,
  ask: () => Promise<LuaValue>,
): Promise<LuaValue> {
  checkQueue(context, id);
  try {
    return await ask();
  } catch (error) {
    const failure = WippyError.from(error);
    if (kept.has(failure.kind)) throw failure;
    throw new WippyError("Internal", failure.message, { retryable: false, cause: error });
  }
}

/** Host operations of the module `queue`. The module asks for the permissions. */
export const queue: Operation[] = [
  defineOperation({
    name: "queue.publish",
    summary: "Puts a message into a queue.",
    mode: "async",
    arguments: () => [queueId(), anything(), anything(), z.string().optional(), anything()],
    quick: ([id, , , given]) =>
      typeof id === "string" && (given === undefined || typeof given === "string"),
    async run(context, queue, data, headers, given, delay) {
      const { services, once } = context;
      // In a workflow without an outbox, a publish that is repeated after a crash is the same message.
      const id = given ?? once;
      const message = {
        ...(id !== undefined && { id }),
        body: pack(data),
        headers: messageHeaders(headers, services.clock.now()),
        delay: numberOf(delay) || 0,
        unique: id !== undefined,
      };
      return await askQueue(context, queue, () => publishTogether(context, queue, message));
    },
  }),
  defineOperation({
    name: "queue.check",
    summary: "Checks that there is a queue.",
    mode: "immediate",
    arguments: () => [queueId()],
    quick: ([id]) => typeof id === "string",
    run(context, id) {
      checkQueue(context, id);
      return true;
    },
  }),
  defineOperation({
    name: "queue.info",
    summary: "Returns how a queue is.",
    mode: "async",
    arguments: () => [queueId()],
    run: (context, queue) =>
      askQueue(context, queue, () => {
        const { services, pid, signal } = context;
        return services.ask({ service: queue, operation: "info", input: {}, pid, signal });
      }),
  }),
  defineOperation({
    name: "queue.settle",
    summary: "Settles a message.",
    mode: "async",
    arguments: () => [z.string(), z.int(), z.enum(["ack", "nack"])],
    run: (context, consumer, tag, how) => askConsumer(context, consumer, "settle", { tag, how }),
  }),
  defineOperation({
    name: "queue.open",
    summary: "Checks that the function of a consumer still has a message.",
    mode: "async",
    arguments: () => [z.string(), z.int()],
    run: (context, consumer, tag) => askConsumer(context, consumer, "open", { tag }),
  }),
];
