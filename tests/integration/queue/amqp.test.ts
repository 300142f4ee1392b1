/** Queues of RabbitMQ. One broker serves all tests; each has queues of its own. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import amqp, { type ChannelModel } from "amqplib";
import { cleanAfterTest } from "../../cleanup.ts";
import { until } from "../../until.ts";
import { startApplication, type TestApplication } from "../application.ts";
import { Broker, Wire, withoutBroker } from "./broker.ts";
import { auto, notesOf, withQueue } from "./queues.ts";

let broker: Broker;
let other: ChannelModel;
let queues = 0;

beforeAll(async () => {
  if (withoutBroker !== undefined) return;
  broker = await Broker.start();
  other = await amqp.connect(`amqp://127.0.0.1:${broker.port}`);
}, 120_000);

afterAll(async () => {
  await other?.close();
  await broker?.stop();
});

const withBroker = withoutBroker === undefined
  ? test
  : (name: string, _run: () => Promise<void>, _timeout?: number) =>
    test.skip(`${name} (skipped: ${withoutBroker})`, () => {});

/** An application with a queue of its own; `port` is the broker's unless given. */
async function start(
  functions: Record<string, string>,
  { driver = {}, port = broker.port, ...options }: {
    port?: number;
    driver?: Record<string, unknown>;
    queue?: Record<string, unknown>;
    consumer?: Record<string, unknown>;
    entries?: Record<string, Record<string, unknown>>;
  } = {},
): Promise<{ application: TestApplication; name: string }> {
  queues += 1;
  const name = `work${queues}`;
  const application = await startApplication(withQueue(functions, {
    ...options,
    driver: {
      kind: "queue.driver.amqp",
      url: `amqp://guest:guest@127.0.0.1:${port}/`,
      reconnect_delay: "20ms",
      reconnect_max_delay: "50ms",
      ...driver,
    },
    queue: { queue_name: name, ...options.queue },
  }));
  return { application, name };
}

withBroker("data and headers go to the broker and come back", async () => {
  const { application, name } = await start({
    publish: `
      assert(queue.publish("app:work", { n = math.maxinteger, list = { 1, "x" }, f = 1.5 }, {
        correlation_id = "c", reply_to = "r", message_type = "t", encoding = "utf-8",
        ["amqp.priority"] = 3, ["amqp.delivery_mode"] = 1, ["amqp.x_delay"] = 5,
        kind = "order", number = 7, flag = true,
      }, { id = "m-1" }))`,
    handle: `
      local body = ...
      assert(body.n == math.maxinteger and body.list[2] == "x" and body.f == 1.5)
      local message = queue.message()
      local h = message:headers()
      note(table.concat({ message:id(), h.correlation_id, h.reply_to, h.message_type, h.content_type, h.encoding,
        h["amqp.priority"], h["amqp.delivery_mode"], h["amqp.x_delay"], h.kind, h.number, tostring(h.flag),
        math.type(h.timestamp) }, " "))`,
  }, { consumer: { lifecycle: { auto_start: false } } });
  await application.call("publish");
  const channel = await other.createChannel();
  const seen = await channel.get(name);
  if (seen === false) throw new Error("the broker has no message");
  expect(JSON.parse(seen.content.toString()).list).toEqual([1, "x"]);
  expect(seen.properties).toMatchObject({
    ...{ messageId: "m-1", correlationId: "c", replyTo: "r", type: "t", priority: 3 },
    ...{ contentType: "application/json", contentEncoding: "utf-8", deliveryMode: 1 },
    headers: { kind: "order", number: 7, flag: true, "x-delay": 5 },
  });
  channel.nack(seen);
  await channel.close();
  await application.node.control.startService("app:consumer");
  expect(await notesOf(application, 1)).toEqual([
    "m-1 c r t application/json utf-8 3 1 5 order 7 true integer",
  ]);
}, 20_000);

withBroker(
  "messages are persistent, in MessagePack where the queue says so, and expire",
  async () => {
    const { application, name } = await start({
      publish: `
      assert(queue.publish("app:work", { bytes = "\\255", n = 2 ^ 53 | 0 }))
      assert(queue.publish("app:work", "short", { ["amqp.expiration"] = "1" }))
      return queue.info("app:work").consumer_count`,
      handle:
        `local body = ... note(type(body) == "table" and #body.bytes .. " " .. body.n or tostring(body))`,
    }, {
      driver: { default_message_ttl: "1h" },
      queue: { codec: "application/msgpack" },
      consumer: { lifecycle: { auto_start: false } },
    });
    expect(await application.call("publish")).toBe(0);
    const channel = await other.createChannel();
    const seen = await channel.get(name);
    if (seen === false) throw new Error("the broker has no message");
    expect(seen.properties).toMatchObject({
      contentType: "application/msgpack",
      deliveryMode: 2,
      expiration: "3600000",
    });
    channel.nack(seen);
    await channel.close();
    await until(async () => {
      const look = await other.createChannel();
      const { messageCount } = await look.checkQueue(name);
      await look.close();
      return messageCount === 1;
    });
    await application.node.control.startService("app:consumer");
    expect(await notesOf(application, 1)).toEqual(["1 9007199254740992"]);
  },
  20_000,
);

withBroker("what fails is delivered again, and goes to the dead-letter queue", async () => {
  const { application } = await start({
    publish: `assert(queue.publish("app:work", "job", { kind = "order" }, { id = "m-2" }))`,
    handle: `note("try " .. queue.message():attempt()) error("no")`,
    bury: `
      local m = queue.message()
      note(table.concat({ ..., m:id(), m:header("kind"), m:header("x_dead_letter_queue"),
        m:header("x_dead_letter_attempts") }, " "))`,
  }, {
    queue: { dead_letter: { queue: "app:dead", max_attempts: 3 } },
    entries: {
      dead: { kind: "queue.queue", driver: "app:driver" },
      undertaker: { kind: "queue.consumer", queue: "app:dead", func: "app:bury", ...auto },
    },
  });
  await application.call("publish");
  expect(await notesOf(application, 4)).toEqual([
    ...["try 1", "try 2", "try 3"],
    "job m-2 order app:work 3",
  ]);
}, 20_000);

withBroker("a delayed message comes later", async () => {
  const { application } = await start({
    publish: `
      assert(queue.publish("app:work", "late", nil, { delay = "50ms" }))
      assert(queue.publish("app:work", "soon"))`,
    handle: `note(...)`,
  });
  await application.call("publish");
  expect(await notesOf(application, 2)).toEqual(["soon", "late"]);
}, 20_000);

withBroker(
  "after the connection broke, consumers have what they did not settle again",
  async () => {
    const wire = new Wire(broker.port);
    await wire.open();
    cleanAfterTest(() => wire.cut());
    const { application } = await start({
      publish: `return queue.publish("app:work", ...)`,
      handle: `
      local s = assert(store.get("app:notes"))
      note("begin " .. ...)
      while not s:get("go") do time.sleep("1ms") end
      note("end " .. ...)`,
      go: `assert(store.get("app:notes")):set("go", true)`,
    }, { port: wire.port });
    await application.call("publish", "first");
    await notesOf(application, 1);
    await wire.cut();
    const driver = async () =>
      await application.node.control.inspectService("app:driver") as { connected: boolean };
    await until(driver, ({ connected }) => !connected);
    // It waits for the connection.
    const second = application.call("publish", "second");
    await application.call("go");
    await wire.open();
    expect(await second).toBe(true);
    const notes = await notesOf(application, 6);
    expect(notes.filter((note) => note === "begin first")).toHaveLength(2);
    expect(notes).toContain("end second");
  },
  30_000,
);

withBroker("without a connection a publish is Unavailable in time, and retryable", async () => {
  const wire = new Wire(broker.port);
  await wire.open();
  cleanAfterTest(() => wire.cut());
  const { application } = await start({
    publish: `
      local ok, err = queue.publish("app:work", 1)
      return err and { err:kind(), err:retryable() } or ok`,
  }, { port: wire.port, driver: { connection_timeout: "200ms" } });
  expect(await application.call("publish")).toBe(true);
  await wire.cut();
  expect(await application.call("publish")).toEqual(["Unavailable", true]);
  expect(await application.node.control.inspectService("app:work")).toMatchObject({
    published: 1,
  });
}, 30_000);

withBroker("a message that no queue takes is not lost in silence", async () => {
  const { application, name } = await start({
    publish: `
      local ok, err = queue.publish("app:work", 1, ...)
      return err and { err:kind(), err:message() } or ok`,
  });
  const channel = await other.createChannel();
  await channel.deleteQueue(name);
  await channel.close();
  expect(await application.call("publish")).toEqual([
    "Unavailable",
    `the broker has no queue ${name}`,
  ]);
  expect(await application.call("publish", { "amqp.mandatory": false })).toBe(true);
}, 20_000);

withBroker("a consumer of a queue that was deleted has it declared again", async () => {
  const { application, name } = await start({
    publish: `assert(queue.publish("app:work", ...))`,
    handle: `note(...)`,
  });
  await application.call("publish", "one");
  await notesOf(application, 1);
  const channel = await other.createChannel();
  await channel.deleteQueue(name);
  await channel.close();
  await until(async () => {
    const shown = await application.node.control.inspectService("app:work");
    return (shown as { consumers?: number }).consumers === 1;
  });
  await application.call("publish", "two");
  expect(await notesOf(application, 2)).toEqual(["one", "two"]);
}, 20_000);

withBroker("a queue that is there with other properties, and wrong credentials", async () => {
  const { application, name } = await start({ main: `return 1` });
  const { node } = application;
  const settings = { kind: "queue.queue", driver: "app:driver", queue_name: name };
  const second = await start({ main: `return 1` }, {
    entries: { same: { ...settings, driver_options: { amqp: { max_length: 5 } } } },
  });
  const states = second.application.node.control.services;
  expect(states.find(({ id }) => id === "app:same")).toMatchObject({ status: "exited" });
  expect(node.control.services.find(({ id }) => id === "app:work")?.status).toBe("running");
  const refused = await start({ main: `return 1` }, {
    driver: { url: `amqp://guest:wrong@127.0.0.1:${broker.port}/` },
  });
  const driver = refused.application.node.control.services
    .find(({ id }) => id === "app:driver");
  expect(driver?.status).toBe("exited");
  expect(driver?.details).toContain("ACCESS-REFUSED");
}, 30_000);

withBroker("a stop leaves no connection and settles what is done", async () => {
  const { application, name } = await start({
    publish: `for i = 1, 20 do assert(queue.publish("app:work", i)) end`,
    handle: `note(tostring(...))`,
  }, { driver: { connection_name: "to be stopped" }, consumer: { concurrency: 3 } });
  await application.call("publish");
  await notesOf(application, 20);
  await application.stop();
  const channel = await other.createChannel();
  await until(async () => {
    const { messageCount, consumerCount } = await channel.checkQueue(name);
    return messageCount === 0 && consumerCount === 0;
  });
  await channel.close();
}, 20_000);

withBroker("a connection by TLS, to a broker whose certificate is trusted", async () => {
  const secure = { url: `amqps://guest:guest@localhost:${broker.securePort}/` };
  const functions = { publish: `return queue.publish("app:work", 1)` };
  const ca = broker.certificate;
  for (const tls of [{ ca }, { insecure_skip_verify: true }]) {
    const { application } = await start(functions, {
      driver: { ...secure, tls, auth_mechanism: "AMQPLAIN" },
    });
    expect(await application.call("publish")).toBe(true);
  }
  for (const tls of [{}, { ca, server_name: "elsewhere" }]) {
    const { application } = await start(functions, { driver: { ...secure, tls } });
    const driver = application.node.control.services.find(({ id }) => id === "app:driver");
    expect(driver?.details).toMatch(/certificate|altnames|self[- ]signed/i);
  }
}, 30_000);
