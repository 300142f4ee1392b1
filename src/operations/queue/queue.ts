import { lazy } from "../../registry/lazy.ts";
import { z } from "../../registry/schema.ts";
import { pack } from "../../vm/codec.ts";
import { type LuaValue, numberOf } from "../../vm/value.ts";
import { defineOperation, type Operation, type OperationContext } from "../operation.ts";
import { askQueue, checkQueue } from "./asking.ts";
import { packMessages } from "./messages.ts";
import type { ConsumerRequests } from "./requests.ts";

const queueId = lazy(() => z.string({ error: "a queue id is text" }));
const anything = lazy(() => z.custom<LuaValue>(() => true));

async function askConsumer<Name extends keyof ConsumerRequests>(
  { services, pid, signal }: OperationContext,
  service: string,
  operation: Name,
  input: ConsumerRequests[Name] & LuaValue,
): Promise<LuaValue> {
  return await services.ask({ service, operation, input, pid, signal });
}

/** Host operations of the module `queue`. The module asks for the permissions. */
export const queue: Operation[] = [
  defineOperation({
    name: "queue.publish",
    summary: "Puts a message into a queue, for a workflow whose provider does not do that.",
    mode: "async",
    arguments: () => [queueId(), anything(), anything(), z.string().optional(), anything()],
    quick: ([id, , , given]) =>
      typeof id === "string" && (given === undefined || typeof given === "string"),
    async run({ services, once, pid, signal }, queue, data, headers, given, delay) {
      const input = packMessages([{
        body: pack(data),
        headers: headers === undefined ? undefined : pack(headers),
        // A publish that is repeated after a crash is the same message.
        id: given ?? once,
        delay: numberOf(delay) || 0,
      }]);
      return await askQueue(
        services,
        queue,
        () => services.ask({ service: queue, operation: "publish", input, pid, signal }),
      );
    },
  }),
  defineOperation({
    name: "queue.check",
    summary: "Checks that there is a queue.",
    mode: "immediate",
    arguments: () => [queueId()],
    quick: ([id]) => typeof id === "string",
    run(context, id) {
      checkQueue(context.services, id);
      return true;
    },
  }),
  defineOperation({
    name: "queue.info",
    summary: "Returns how a queue is.",
    mode: "async",
    arguments: () => [queueId()],
    run: ({ services, pid, signal }, queue) =>
      askQueue(
        services,
        queue,
        () => services.ask({ service: queue, operation: "info", input: {}, pid, signal }),
      ),
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
