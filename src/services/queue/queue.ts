import { defineService } from "../service.ts";

/** Read with the first entry of such a kind: a short script has none. */
const schemas = () => require("./schema.ts") as typeof import("./schema.ts");

/** Queues in memory, which end with the runtime. */
export const memoryDriver = defineService({
  name: "queue.driver.memory",
  schema: () => schemas().memorySchema(),
  load: () => import("./memory/service.ts").then(({ runMemoryDriver }) => runMemoryDriver),
});

/** Queues in a file of the state folder, which survive the runtime. */
export const sqliteDriver = defineService({
  name: "queue.driver.sqlite",
  schema: () => schemas().sqliteSchema(),
  load: () => import("./sqlite/service.ts").then(({ runSqliteDriver }) => runSqliteDriver),
});

/** Queues of a broker that speaks AMQP 0-9-1. */
export const amqpDriver = defineService({
  name: "queue.driver.amqp",
  schema: () => schemas().amqpSchema(),
  load: () => import("./amqp/service.ts").then(({ runAmqpDriver }) => runAmqpDriver),
});

/** Queues of SQS. */
export const sqsDriver = defineService({
  name: "queue.driver.sqs",
  references: [{ path: ["config"], bareName: false, kinds: ["config.aws"] }],
  schema: () => schemas().sqsSchema(),
  load: () => import("./sqs/service.ts").then(({ runSqsDriver }) => runSqsDriver),
});

/** A queue of a driver. */
export const queue = defineService({
  name: "queue.queue",
  references: [
    { path: ["driver"], bareName: false, kinds: ["queue.driver."] },
    { path: ["dead_letter", "queue"], bareName: false, kinds: ["queue.queue"] },
  ],
  schema: () => schemas().queueSchema(),
  requires: ({ driver, dead_letter }) => dead_letter ? [driver, dead_letter.queue] : [driver],
  load: () => import("./queue-service.ts").then(({ runQueue }) => runQueue),
});

/** Calls a function for each message of a queue. */
export const consumer = defineService({
  name: "queue.consumer",
  references: [
    { path: ["queue"], bareName: false, kinds: ["queue.queue"] },
    { path: ["func"], bareName: false, kinds: ["function.lua"] },
  ],
  schema: () => schemas().consumerSchema(),
  requires: ({ queue }) => [queue],
  load: () => import("./consumer.ts").then(({ runConsumer }) => runConsumer),
});
