/** Queues of SQS: on the server of the Python package `moto[server]`, and on one that fails. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { createServer } from "node:net";
import { cleanAfterTest } from "../../cleanup.ts";
import { until } from "../../until.ts";
import { startApplication, type TestApplication } from "../application.ts";
import { endpointOf } from "../../../src/services/queue/sqs/service.ts";
import { auto, notesOf, withQueue } from "./queues.ts";

const found = Bun.which("moto_server");
// A manager of Python versions leaves a command of the name, also where the chosen version has no such package.
const program = found !== null && Bun.spawnSync([found, "--help"]).success ? found : null;
let moto: { url: string; server: Bun.Subprocess } | undefined;
let queues = 0;

beforeAll(async () => {
  if (program === null) return;
  const probe = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => probe.once("listening", resolve));
  const { port } = probe.address() as { port: number };
  await new Promise((resolve) => probe.close(resolve));
  const server = Bun.spawn([program, "-H", "127.0.0.1", "-p", String(port)], {
    stdout: "ignore",
    stderr: "ignore",
  });
  moto = { url: `http://127.0.0.1:${port}`, server };
  await until(() => fetch(moto!.url).then(() => true, () => false));
}, 60_000);

afterAll(async () => {
  moto?.server.kill();
  await moto?.server.exited;
});

const withMoto = program !== null
  ? test
  : (name: string, _run: () => Promise<void>, _timeout?: number) =>
    test.skip(`${name} (skipped: moto[server] is not installed)`, () => {});

function start(
  functions: Record<string, string>,
  { driver = {}, queue = {}, entries = {}, ...options }: {
    driver?: Record<string, unknown>;
    queue?: Record<string, unknown>;
    consumer?: Record<string, unknown>;
    entries?: Record<string, Record<string, unknown>>;
  } = {},
): Promise<TestApplication> {
  queues += 1;
  return startApplication(withQueue(functions, {
    ...options,
    driver: {
      kind: "queue.driver.sqs",
      config: "app:aws",
      endpoint: moto?.url ?? "http://127.0.0.1:9",
      ...driver,
    },
    queue: { queue_name: `work${queues}`, ...queue },
    entries: {
      aws: {
        kind: "config.aws",
        region: "eu-west-1",
        access_key_id: "key",
        secret_access_key: "secret",
      },
      ...entries,
    },
  }));
}

withMoto("data and headers go through SQS and come back", async () => {
  const application = await start({
    publish: `
      assert(queue.publish("app:work", { n = math.maxinteger, list = { 1, "<ü>" } }, {
        kind = "order", number = 7, big = 2 ^ 53 | 1, ratio = 0.5, whole = 2.0, flag = false, empty = "",
      }, { id = "m-1" }))
      return queue.info("app:work")`,
    handle: `
      local body = ...
      assert(body.n == math.maxinteger and body.list[2] == "<ü>")
      local m = queue.message()
      local h = m:headers()
      assert(math.type(h.timestamp) == "integer" and h.big == 2 ^ 53 | 1 and math.type(h.whole) == "float")
      note(table.concat({ m:id(), m:attempt(), h.kind, h.number, h.ratio, tostring(h.flag), "'" .. h.empty .. "'" }, " "))`,
  }, { consumer: { lifecycle: { auto_start: false } } });
  expect(await application.call("publish")).toEqual({
    message_count: 1,
    ready: 1,
    consumer_count: 0,
  });
  await application.node.control.startService("app:consumer");
  expect(await notesOf(application, 1)).toEqual(["m-1 1 order 7 0.5 false ''"]);
  await until(async () => {
    const shown = await application.node.control.inspectService("app:work");
    return (shown as { messages: number }).messages === 0;
  });
}, 30_000);

withMoto(
  "what fails is delivered again, in MessagePack, and goes to the dead-letter queue",
  async () => {
    const application = await start({
      publish: `assert(queue.publish("app:work", { bytes = "\\255" }))`,
      handle: `note("try " .. queue.message():attempt()) error("no")`,
      bury: `note(#(...).bytes .. " " .. queue.message():header("x_dead_letter_attempts"))`,
    }, {
      queue: {
        codec: "application/msgpack",
        dead_letter: { queue: "app:dead", max_attempts: 2 },
      },
      entries: {
        dead: {
          kind: "queue.queue",
          driver: "app:driver",
          codec: "application/msgpack",
          queue_name: `dead${queues}`,
        },
        undertaker: { kind: "queue.consumer", queue: "app:dead", func: "app:bury", ...auto },
      },
    });
    await application.call("publish");
    expect(await notesOf(application, 3)).toEqual(["try 1", "try 2", "1 2"]);
  },
  30_000,
);

withMoto(
  "a queue whose name ends with .fifo keeps the order and drops what came before",
  async () => {
    const application = await start({
      publish: `
      for _, id in ipairs({ "a", "b", "a" }) do assert(queue.publish("app:work", id, nil, { id = id })) end
      assert(queue.publish("app:work", "c", {
        ["sqs.message_group_id"] = "default", ["sqs.message_deduplication_id"] = "b",
      }))
      return queue.info("app:work").message_count`,
      handle: `note(... .. " " .. queue.message():header("sqs.message_group_id"))`,
    }, {
      queue: { queue_name: "ordered.fifo" },
      consumer: { lifecycle: { auto_start: false } },
    });
    expect(await application.call("publish")).toBe(2);
    await application.node.control.startService("app:consumer");
    expect(await notesOf(application, 2)).toEqual(["a default", "b default"]);
  },
  30_000,
);

withMoto("what SQS does not take is refused", async () => {
  const application = await start({
    main: `
      local many = {}
      for i = 1, 9 do many["h" .. i] = i end
      local seen = {}
      local function add(_, err) seen[#seen + 1] = err:kind() .. " " .. err:message() end
      add(queue.publish("app:work", 1, many))
      add(queue.publish("app:work", 1, nil, { delay = "16m" }))
      return seen`,
  });
  expect(await application.call("main")).toEqual([
    "Invalid SQS takes 10 attributes, and the id is one; got 11",
    "Invalid SQS delays a message for 15 minutes at most",
  ]);
}, 30_000);

test(
  "requests are signed and repeated after failures that may pass, and others are reported",
  async () => {
    const asked: string[] = [];
    let sends = 0;
    const failures: Record<string, [status: number, body: string]> = {
      denied: [403, '{"__type":"com.amazon.coral.service#AccessDeniedException","message":"no"}'],
      broken: [500, '{"__type":"com.amazonaws.sqs#InternalError","message":"oops"}'],
      proxy: [200, "<html>"],
      damaged: [200, '{"MD5OfMessageBody":"0"}'],
    };
    const server = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      async fetch(request) {
        const action = request.headers.get("x-amz-target")!;
        const authorization = request.headers.get("authorization") ?? "";
        const signed =
          /^AWS4-HMAC-SHA256 Credential=key\/\d{8}\/eu-west-1\/sqs\/aws4_request, SignedHeaders=\S+, Signature=[0-9a-f]{64}$/;
        if (!signed.test(authorization)) return new Response("unsigned", { status: 400 });
        asked.push(action.replace("AmazonSQS.", ""));
        if (action === "AmazonSQS.GetQueueUrl") {
          const type = "com.amazonaws.sqs#QueueDoesNotExist";
          return Response.json({ __type: type, message: "no queue" }, { status: 400 });
        }
        const body = await request.json() as {
          MessageBody: string;
          Attributes: Record<string, string>;
        };
        if (action === "AmazonSQS.CreateQueue") {
          expect(body.Attributes).toEqual({ MessageRetentionPeriod: "60", DelaySeconds: "5" });
          return Response.json({ QueueUrl: "http://queue/work" });
        }
        sends += 1;
        const name = JSON.parse(body.MessageBody) as string;
        const failure = failures[name];
        if (failure) return new Response(failure[1], { status: failure[0] });
        if (name === "later" && sends < 3) {
          return new Response('{"__type":"ThrottlingException"}', { status: 400 });
        }
        const MD5OfMessageBody = new Bun.CryptoHasher("md5").update(body.MessageBody).digest("hex");
        return Response.json({ MessageId: "1", MD5OfMessageBody });
      },
    });
    cleanAfterTest(() => server.stop(true));
    const application = await start({
      publish: `
      local ok, err = queue.publish("app:work", ...)
      return err and err:kind() .. " " .. tostring(err:retryable()) or ok`,
    }, {
      driver: {
        endpoint: server.url.origin,
        message_retention_period: 60,
        default_delay_seconds: 5,
      },
    });
    expect(asked).toEqual(["GetQueueUrl", "CreateQueue"]);
    expect(await application.call("publish", "later")).toBe(true);
    expect(sends).toBe(3);
    expect(await application.call("publish", "denied")).toBe("Internal false");
    expect(sends).toBe(4);
    expect(await application.call("publish", "broken")).toBe("Unavailable true");
    expect(sends).toBe(7);
    expect(await application.call("publish", "proxy")).toBe("Unavailable true");
    expect(await application.call("publish", "damaged")).toBe("Internal false");
  },
  30_000,
);

test.each([
  ["eu-west-1", false, false, "https://sqs.eu-west-1.amazonaws.com"],
  ["us-east-1", true, false, "https://sqs-fips.us-east-1.amazonaws.com"],
  ["us-east-1", false, true, "https://sqs.us-east-1.api.aws"],
  ["us-east-1", true, true, "https://sqs-fips.us-east-1.api.aws"],
  ["cn-north-1", false, false, "https://sqs.cn-north-1.amazonaws.com.cn"],
])("SQS in %s, FIPS %s, dual stack %s", (region, use_fips, use_dual_stack, url) => {
  expect(endpointOf(region, { use_fips, use_dual_stack })).toBe(url);
});
