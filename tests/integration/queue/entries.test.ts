/** What entries of queues, drivers and consumers may say. */
import { expect, test } from "bun:test";
import { startApplication } from "../application.ts";
import { withQueue } from "./queues.ts";

const sqs = (fields: Record<string, unknown>) => ({
  kind: "queue.driver.sqs",
  config: "app:aws",
  ...fields,
});

test.each([
  ["work", { codec: "json" }, "unknown codec: json"],
  ["work", { driver: "driver" }, "driver"],
  ["work", { driver: "app:none" }, "app:none"],
  ["work", { dead_letter: { queue: "app:driver" } }, "app:driver"],
  ["work", { dead_letter: {} }, "dead_letter.queue is required"],
  ["work", { dead_letter: { queue: "app:work" } }, "dead_letter.queue is the queue itself"],
  ["driver", { kind: "queue.driver.amqp", url: "http://x" }, "url must begin with amqp://"],
  ["driver", { kind: "queue.driver.amqp", auth_mechanism: "BASIC" }, "unknown auth_mechanism"],
  ["driver", { kind: "queue.driver.amqp", heartbeat: "7d" }, 'bad duration "7d"'],
  ["driver", { kind: "queue.driver.sqs" }, "config is required"],
  ["driver", { kind: "queue.driver.sqs", config: "app:none" }, "app:none"],
  ["driver", { kind: "queue.driver.sqs", config: "app:notes" }, "app:notes"],
  ["driver", sqs({ message_retention_period: 59 }), "message_retention_period"],
  ["driver", sqs({ default_delay_seconds: 901 }), "default_delay_seconds"],
  ["driver", sqs({ endpoint: "ftp://x" }), "endpoint must begin with http"],
  ["consumer", { queue: "app:none" }, "app:none"],
  ["consumer", { queue: "app:driver" }, "app:driver"],
  ["consumer", { func: "handle" }, "handle"],
  ["consumer", { concurrency: 1001 }, "concurrency must be at most 1000"],
  ["consumer", { prefetch: 10001 }, "prefetch must be at most 10000"],
  ["consumer", { concurrency: -1 }, "concurrency must be greater than 0"],
])("an entry that is wrong is refused: %s %j", async (name, fields, message) => {
  const sources = withQueue({ handle: "" });
  const entry = { ...sources.entries![name], ...fields };
  const aws = { kind: "config.aws", region: "r", access_key_id: "a", secret_access_key: "b" };
  const entries = { ...sources.entries, aws, [name]: entry };
  const started = startApplication({ ...sources, entries });
  expect(await started.catch((error: Error) => error.message)).toContain(message);
});
