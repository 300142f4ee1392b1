import { lazy } from "../../registry/lazy.ts";
import { z } from "../../registry/schema.ts";
import { pack } from "../../vm/codec.ts";
import { WippyError } from "../../vm/error.ts";
import { type LuaValue, numberOf } from "../../vm/value.ts";
import { defineOperation, type Operation, type OperationContext } from "../operation.ts";
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

/** Checks that there is the queue and asks it. @throws WippyError Internal, and what is kept */
async function askQueue(
  { services }: OperationContext,
  id: string,
  ask: () => Promise<LuaValue>,
): Promise<LuaValue> {
  const entry = services.entry(id);
  if (entry?.kind !== "queue.queue") {
    const message = entry
      ? `${id} is a ${entry.kind} entry; use the id of a queue.queue entry`
      : `queue not found: ${id}`;
    throw new WippyError("Internal", message, { retryable: false });
  }
  try {
    return await ask();
  } catch (error) {
    const failure = WippyError.from(error);
    if (kept.has(failure.kind)) throw failure;
    throw new WippyError("Internal", failure.message, { retryable: false, cause: error });
  }
}

function headersOf(given: LuaValue, now: number): Record<string, LuaValue> {
  const headers: Record<string, LuaValue> = { timestamp: Math.floor(now / 1000) };
  if (typeof given !== "object" || given === null || Array.isArray(given)) return headers;
  for (const [name, value] of Object.entries(given as Record<string, LuaValue>)) {
    // What says why a message is dead is written by the runtime alone.
    if (!name.startsWith("x_dead_letter_")) headers[name] = value;
  }
  return headers;
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
      // In a workflow, a publish that is repeated after a crash is the same message.
      const id = given ?? once;
      const message = {
        ...(id !== undefined && { id }),
        body: pack(data),
        headers: headersOf(headers, services.clock.now()),
        delay: numberOf(delay) || 0,
        unique: id !== undefined,
      };
      return await askQueue(context, queue, () => publishTogether(context, queue, message));
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
