/**
 * Messages through a queue, published by 100 processes and handled by a function, in memory and durably in a file,
 * beside RabbitMQ on the same machine, whose client publishes from 100 loops and waits for each confirmation as
 * `queue.publish` does.
 *
 * RabbitMQ is left out where Debian's rabbitmq-server is not installed.
 * @module
 */
import amqp from "amqplib";
import { Broker, withoutBroker } from "../../tests/integration/queue/broker.ts";
import { temporaryFolder } from "../kernel/measurement/command.ts";
import { measure, quick, wanted } from "../kernel/measurement/measurement.ts";
import { entry, startNode } from "./node/node.ts";

const publishers = 100;
const each = quick ? 300 : 1_000;
const warmUp = 50;

const auto = { lifecycle: { auto_start: true } };

/** Publishes so many messages in each of 100 processes, and waits until all are settled. Messages per second. */
async function ours(driver: "memory" | "sqlite"): Promise<number> {
  const node = await startNode(temporaryFolder(), [
    entry("processes", "process.host", auto),
    entry("driver", `queue.driver.${driver}`, auto),
    entry("work", "queue.queue", { driver: "app:driver" }),
    entry("consumer", "queue.consumer", {
      queue: "app:work",
      func: "app:handle",
      concurrency: 100,
      prefetch: 1000,
      ...auto,
    }),
    entry("handle", "function.lua", {
      method: "main",
      modules: [],
      source: "return { main = function(order) return order.id end }",
    }),
    entry("publisher", "process.lua", {
      method: "main",
      modules: ["queue"],
      source: `local queue = require("queue")
          return { main = function(count)
            for i = 1, count do assert(queue.publish("app:work", { id = i, item = "tea" })) end
          end }`,
    }),
    entry("begin", "function.lua", {
      method: "main",
      modules: [],
      source: `return { main = function(publishers, count)
          for _ = 1, publishers do assert(process.spawn("app:publisher", "app:processes", count)) end
        end }`,
    }),
  ]);
  try {
    const settled = async (count: number) => {
      const shown = async () =>
        await node.control.inspectService("app:work") as { acknowledged: number };
      while ((await shown()).acknowledged < count) await Bun.sleep(1);
    };
    await node.call("app:begin", [publishers, warmUp]);
    await settled(publishers * warmUp);
    const begin = performance.now();
    await node.call("app:begin", [publishers, each]);
    await settled(publishers * (warmUp + each));
    return publishers * each * 1000 / (performance.now() - begin);
  } finally {
    await node.stop();
  }
}

/** The same through RabbitMQ. */
async function theirs(broker: Broker, durable: boolean): Promise<number> {
  const connection = await amqp.connect(`amqp://127.0.0.1:${broker.port}`);
  const queue = `bench.${durable}`;
  const channel = await connection.createConfirmChannel();
  await channel.assertQueue(queue, { durable });
  const consumer = await connection.createChannel();
  await consumer.prefetch(1000);
  let left = publishers * (warmUp + each);
  const done = Promise.withResolvers<void>();
  await consumer.consume(queue, (message) => {
    if (message === null) return;
    JSON.parse(message.content.toString());
    consumer.ack(message);
    if (--left === 0) done.resolve();
  });
  const publish = (id: number) =>
    new Promise<void>((resolve, reject) => {
      const content = Buffer.from(JSON.stringify({ id, item: "tea" }));
      channel.sendToQueue(
        queue,
        content,
        { persistent: durable },
        (error) => error ? reject(error) : resolve(),
      );
    });
  const publishAll = (count: number) =>
    Promise.all(Array.from({ length: publishers }, async () => {
      for (let id = 1; id <= count; id++) await publish(id);
    }));
  await publishAll(warmUp);
  const begin = performance.now();
  await publishAll(each);
  await done.promise;
  const rate = publishers * each * 1000 / (performance.now() - begin);
  await channel.deleteQueue(queue);
  await connection.close();
  return rate;
}

const figures = [
  { figure: "io.queue.memory", driver: "memory" },
  { figure: "io.queue.sqlite", driver: "sqlite" },
] as const;

const needed = figures.filter(({ figure }) => wanted(figure));
if (needed.length > 0) {
  if (withoutBroker !== undefined) console.error(`without RabbitMQ: ${withoutBroker}`);
  const broker = withoutBroker === undefined ? await Broker.start() : undefined;
  try {
    for (const { figure, driver } of needed) {
      await measure({
        figure,
        unit: "1/s",
        better: "higher",
        n: publishers * each,
        target: null,
        ours: () => ours(driver),
        peer: broker && { name: "RabbitMQ", run: () => theirs(broker, driver === "sqlite") },
      });
    }
  } finally {
    await broker?.stop();
  }
}
