import { expect, test } from "bun:test";
import { connect } from "node:net";
import { workerOf } from "../../../src/node/pid.ts";
import { until } from "../../until.ts";
import { openPath, type RelayWeb, startRelay } from "./relay.ts";

/** A client that reads events. */
class Reader {
  text = "";
  ended = false;
  readonly #controller = new AbortController();

  private constructor(readonly response: Response) {}

  static async open(web: RelayWeb, settings: unknown, headers: Record<string, string> = {}) {
    const controller = new AbortController();
    const { signal } = controller;
    const reader = new Reader(await fetch(web.url + openPath(settings), { signal, headers }));
    reader.leave = () => controller.abort();
    void reader.#read();
    return reader;
  }

  async #read(): Promise<void> {
    try {
      const decoder = new TextDecoder();
      for await (const part of this.response.body!) this.text += decoder.decode(part as Uint8Array);
    } catch {
      // It has left.
    }
    this.ended = true;
  }

  leave: () => void = () => this.#controller.abort();

  /** What has come without the comment at the beginning, with which the head is sent. */
  get events(): string {
    return this.text.replace(/^:\n\n/, "");
  }

  /** Waits until this has come. */
  async until(text: string): Promise<void> {
    await until(() => this.text.includes(text));
  }

  /** All that came, when it has ended. */
  async rest(): Promise<string> {
    await until(() => this.ended);
    return this.events;
  }
}

/** The PID of the client that has joined as the nth. */
async function joined(web: RelayWeb, nth = 0): Promise<string> {
  const join = await until(() => web.logged().filter(({ topic }) => topic === "sse.join")[nth]);
  return (join.data as { client_pid: string }).client_pid;
}

test("a target sends events, and hears of join and leave", async () => {
  const web = await startRelay("X-SSE-Relay");
  const reader = await Reader.open(web, { target_pid: web.pid, metadata: { user: 7 } });
  const { headers } = reader.response;
  expect(
    ["content-type", "cache-control", "x-accel-buffering", "x-sse-relay"].map((name) =>
      headers.get(name)
    ),
  ).toEqual(["text/event-stream", "no-cache", "no", null]);
  const pid = await joined(web);
  expect(web.logged()[0]).toEqual({
    topic: "sse.join",
    from: pid,
    data: { client_pid: pid, metadata: { user: 7 } },
  });
  for (const value of ["one\ntwo\r\nthree", { a: [1] }, '{"raw":true}', 7]) {
    await web.act("send", pid, "sse.message", value);
  }
  // Other topics are not for the client.
  await web.act("send", pid, "other", "unseen");
  await web.act("send", pid, "sse.heartbeat", "unseen");
  await web.act("send", pid, "sse.message", "last");
  await reader.until("data: last\n\n");
  expect(reader.events).toBe(
    "event: sse.message\ndata: one\ndata: two\ndata: three\n\n" +
      'event: sse.message\ndata: {"a":[1]}\n\n' +
      'event: sse.message\ndata: {"raw":true}\n\n' +
      "event: sse.message\ndata: 7\n\n" +
      "event: sse.message\ndata: last\n\n",
  );
  expect((await web.inspect()).connections).toMatchObject({
    sse: 1,
    open: [{ pid, type: "sse", target: web.pid }],
  });
  reader.leave();
  await until(() => web.logged().at(-1)?.topic === "sse.leave");
  expect((await web.inspect()).connections.sse).toBe(0);
  await web.act("send", pid, "sse.message", "late");
  await until(() => web.logged().at(-1)?.kind === "NotFound");
});

test("bytes that are no text arrive as base64, and every topic with *", async () => {
  const web = await startRelay("X-SSE-Relay", {
    functions: {
      bytes: {
        modules: [],
        source: `return { main = function(pid)
          process.send(pid, "a\\nb", "\\0\\255")
          process.send(pid, "events", "unseen")
          return process.send(pid, "c", 1.5)
        end }`,
      },
    },
  });
  const reader = await Reader.open(web, { target_pid: web.pid, message_topic: "*" });
  expect(await web.application.call("bytes", await joined(web))).toBe(true);
  await reader.until("1.5");
  expect(reader.events).toBe("event: a b\ndata: AP8=\n\nevent: c\ndata: 1.5\n\n");
  reader.leave();
});

test("a stream without a target tells the client its PID", async () => {
  const web = await startRelay("X-SSE-Relay");
  const reader = await Reader.open(web, { message_topic: "tick", metadata: "m" });
  await reader.until("\n\n");
  const [, data] = /^event: ready\ndata: (.*)\n\n$/.exec(reader.text)!;
  const ready = JSON.parse(data!) as { stream_pid: string };
  expect(ready).toEqual({
    stream_pid: expect.stringContaining("{app:web|") as never,
    message_topic: "tick",
    metadata: "m",
  } as never);
  await web.act("send", ready.stream_pid, "tick", "x");
  await reader.until("event: tick\ndata: x\n\n");
  // It gets a target later, and loses it again.
  await web.act("send", ready.stream_pid, "sse.control", { target_pid: web.pid });
  await joined(web);
  await web.act("send", ready.stream_pid, "sse.control", { target_pid: "", message_topic: "" });
  await until(() => web.logged().some(({ topic }) => topic === "sse.leave"));
  await web.tell("end", null);
  const { control } = web.application.node;
  await control.send(ready.stream_pid, "sse.message", ["default"]);
  await reader.until("event: sse.message\ndata: default\n\n");
  await control.send(ready.stream_pid, "sse.close", ["enough"]);
  expect(await reader.rest()).toEndWith('event: done\ndata: {"reason":"enough"}\n\n');
});

test("heartbeats go to the target, and as comments to the client", async () => {
  const web = await startRelay("X-SSE-Relay");
  const reader = await Reader.open(web, { target_pid: web.pid, heartbeat_interval: "20ms" });
  await reader.until(": ping\n\n");
  const pid = await joined(web);
  await web.act("send", pid, "sse.message", "x");
  const beat = await until(() =>
    web.logged().find(({ topic, data }) =>
      topic === "sse.heartbeat" && (data as { message_count: number }).message_count === 1
    )
  );
  expect(beat.data).toEqual({
    client_pid: pid,
    uptime: expect.stringMatching(/^\d+(\.\d+)?m?s$/) as never,
    message_count: 1,
  });
  await web.act("send", pid, "sse.control", { heartbeat_interval: "0s" });
  await web.act("send", pid, "sse.message", "y");
  await reader.until("data: y\n\n");
  await web.act("send", pid, "sse.message", "z");
  await reader.until("data: z\n\n");
  expect(reader.text.split("data: y\n\n")[1]).toBe("event: sse.message\ndata: z\n\n");
  reader.leave();
});

const done = (reason: string) => `event: done\ndata: {"reason":"${reason}"}\n\n`;

test("each end has its reason", async () => {
  const web = await startRelay("X-SSE-Relay");
  const managed = { target_pid: web.pid };
  const closed = await Reader.open(web, managed);
  const other = await Reader.open(web, managed);
  await web.act("send", await joined(web), "sse.close");
  expect(await closed.rest()).toBe(done("closed by server"));
  await web.act("terminate", await joined(web, 1));
  expect(await other.rest()).toBe(done("closed by server"));
  const idle = await Reader.open(web, { ...managed, idle_timeout: "30ms" });
  expect(await idle.rest()).toBe(done("idle timeout"));
  const hard = await Reader.open(web, { ...managed, hard_timeout: "30ms" });
  expect(await hard.rest()).toBe(done("hard timeout"));
  const gone = await Reader.open(web, managed);
  await joined(web, 4);
  await web.tell("end", null);
  expect(await gone.rest()).toBe(done("target process exited"));
  const late = await Reader.open(web, managed);
  expect(await late.rest()).toBe(done("target process exited"));
  await until(async () => (await web.inspect()).connections.sse === 0);
});

test("a monitor of a stream hears of its end", async () => {
  const web = await startRelay("X-SSE-Relay");
  const reader = await Reader.open(web, { target_pid: web.pid });
  const pid = await joined(web);
  await web.act("monitor", pid);
  await until(() => web.logged().some(({ did, ok }) => did === "monitor" && ok));
  reader.leave();
  const event = await until(() => web.logged().find((entry) => entry.event === "pid.exit"));
  expect(event).toMatchObject({ from: pid, value: "sse connection closed" });
});

test("a client that does not read holds 32 messages, and the sender hears of it", async () => {
  const web = await startRelay("X-SSE-Relay", {
    functions: {
      flood: {
        modules: [],
        source: `
local function main(pid)
  local text = ("x"):rep(100000)
  for i = 1, 10000 do
    local ok, err = process.send(pid, "sse.message", text)
    if not ok then return { i, err:kind(), err:message() } end
  end
end
return { main = main }`,
      },
    },
  });
  const socket = connect(web.port, "127.0.0.1");
  socket.on("error", () => {});
  socket.pause();
  socket.write(`GET ${openPath({ target_pid: web.pid })} HTTP/1.1\r\nHost: x\r\n\r\n`);
  const pid = await joined(web);
  const [sent, kind, message] = await web.application.call("flood", pid) as [
    number,
    string,
    string,
  ];
  expect([kind, message]).toEqual(["Unavailable", `mailbox full: ${pid} (limit 32)`]);
  expect(sent).toBeLessThan(500);
  // A stop does not wait for it.
  await web.application.node.control.stopService("app:web");
  socket.destroy();
});

test("requests that get no stream", async () => {
  const web = await startRelay("X-SSE-Relay", {
    router: {
      post_middleware: ["sse_relay"],
      post_options: { allow_origins: "https://*.shop.example" },
    },
  });
  const ask = async (path: string, headers: Record<string, string> = {}) => {
    const response = await fetch(web.url + path, { headers });
    const { status } = response;
    const type = response.headers.get("content-type");
    await response.body?.cancel();
    return type === "text/event-stream" ? "stream" : status;
  };
  const good = openPath({ target_pid: web.pid });
  expect(await ask(openPath("{"))).toBe(400);
  expect(await ask(openPath("[]"))).toBe(400);
  expect(await ask(openPath({ target_pid: "nobody" }))).toBe(400);
  expect(await ask(openPath({ idle_timeout: "7d" }))).toBe(400);
  expect(await ask(openPath({ heartbeat_interval: "-1s" }))).toBe(400);
  expect(await ask(openPath({ message_topic: 1 }))).toBe(400);
  expect(await ask(`${good}&status=201`)).toBe(201);
  expect(await ask(`${good}&body=1`)).toBe(200);
  expect(await ask(good, { Origin: "https://evil.example" })).toBe(403);
  expect(await ask(good, { Origin: web.url })).toBe(403);
  expect(web.logged()).toEqual([]);
  expect(await ask(good, { Origin: "https://a.shop.example" })).toBe("stream");
  expect(await ask(good)).toBe("stream");
});

test("a stop of the server ends the streams", async () => {
  const web = await startRelay("X-SSE-Relay");
  const reader = await Reader.open(web, { target_pid: web.pid });
  await joined(web);
  await web.application.node.control.stopService("app:web");
  expect(await reader.rest()).toBe(done("closed by server"));
  await until(() => web.logged().some(({ topic }) => topic === "sse.leave"));
});

test("figures count connections", async () => {
  const web = await startRelay("X-SSE-Relay");
  const reader = await Reader.open(web, {});
  await reader.until("ready");
  const figures = () =>
    web.application.node.control.figures
      .filter(({ name, labels }) =>
        name.startsWith("wippy_http_connections") && labels?.["type"] === "sse"
      )
      .map(({ value }) => value);
  expect(figures()).toEqual([1, 1]);
  reader.leave();
  await until(() => figures()[0] === 0);
  expect(figures()).toEqual([0, 1]);
});

test("the worker of a target dies: its connections end", async () => {
  const web = await startRelay("X-SSE-Relay", {}, { workers: 2, threads: true });
  const reader = await Reader.open(web, { target_pid: web.pid });
  await joined(web);
  web.application.node.killWorker(workerOf(web.pid)!);
  expect(await reader.rest()).toBe(done("target process exited"));
});
