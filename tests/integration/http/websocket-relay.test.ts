import { expect, test } from "bun:test";
import { connect } from "node:net";
import { until } from "../../until.ts";
import { openPath, type RelayWeb, startRelay } from "./relay.ts";

/** A client that notes what it gets. */
class Client {
  readonly received: string[] = [];
  readonly closed = Promise.withResolvers<[number, string]>();
  readonly opened = Promise.withResolvers<void>();
  readonly socket: WebSocket;

  constructor(web: RelayWeb, settings: unknown, headers: Record<string, string> = {}) {
    const url = web.url.replace("http", "ws") + openPath(settings);
    this.socket = new WebSocket(url, { headers } as never);
    this.socket.onopen = () => this.opened.resolve();
    this.socket.onmessage = ({ data }) => this.received.push(String(data));
    this.socket.onclose = ({ code, reason }) => {
      this.opened.reject(new Error(`closed with ${code}`));
      this.closed.resolve([code, reason]);
    };
    this.opened.promise.catch(() => {});
  }

  static async open(web: RelayWeb, settings: Record<string, unknown> = {}) {
    const client = new Client(web, { target_pid: web.pid, ...settings });
    await client.opened.promise;
    return client;
  }
}

/** The PID of the client that has joined as the nth. */
async function joined(web: RelayWeb, nth = 0): Promise<string> {
  const join = await until(() => web.logged().filter(({ topic }) => topic === "ws.join")[nth]);
  return (join.data as { client_pid: string }).client_pid;
}

test("messages go both ways, and the target hears of join and leave", async () => {
  const web = await startRelay("X-WS-Relay");
  const client = await Client.open(web, { metadata: { user: 7 } });
  const pid = await joined(web);
  expect(pid).toStartWith("{app:web|");
  client.socket.send("hello");
  client.socket.send(new Uint8Array([0, 255]));
  await until(() => web.logged().length === 3);
  expect(web.logged().slice(0, 2)).toEqual([
    { topic: "ws.join", from: pid, data: { client_pid: pid, metadata: { user: 7 } } },
    { topic: "ws.message", from: pid, data: "hello" },
  ]);
  expect(web.logged()[2]).toMatchObject({ topic: "ws.message", from: pid });
  for (const value of ["text", '{"a":1}', { b: [1, 2.5] }, true]) {
    await web.act("send", pid, "ws.send", value);
  }
  await web.act("send", pid, "own", "one", "two");
  await until(() => client.received.length === 5);
  expect(client.received).toEqual([
    '{"data":"text","topic":"ws.send"}',
    '{"data":"{\\"a\\":1}","topic":"ws.send"}',
    '{"data":{"b":[1,2.5]},"topic":"ws.send"}',
    '{"data":true,"topic":"ws.send"}',
    '{"data":["one","two"],"topic":"own"}',
  ]);
  expect((await web.inspect()).connections).toMatchObject({
    websocket: 1,
    sse: 0,
    open: [{ pid, type: "websocket", target: web.pid }],
  });
  client.socket.close();
  await until(() => web.logged().at(-1)?.topic === "ws.leave");
  expect(web.logged().at(-1)).toMatchObject({ data: { client_pid: pid, metadata: { user: 7 } } });
  expect((await web.inspect()).connections.websocket).toBe(0);
  await web.act("send", pid, "ws.send", "late");
  await until(() => web.logged().at(-1)?.kind === "NotFound");
});

test("bytes that are no text arrive as base64", async () => {
  const web = await startRelay("X-WS-Relay", {
    functions: {
      bytes: {
        modules: [],
        source: `return { main = function(pid) return process.send(pid, "b", "\\0\\255") end }`,
      },
    },
  });
  const client = await Client.open(web);
  expect(await web.application.call("bytes", await joined(web))).toBe(true);
  await until(() => client.received.length === 1);
  expect(client.received).toEqual(['{"data":"AP8=","topic":"b"}']);
});

test("own topic and heartbeats", async () => {
  const web = await startRelay("X-WS-Relay");
  const settings = { message_topic: "chat", heartbeat_interval: "20ms", metadata: "m" };
  const client = await Client.open(web, settings);
  client.socket.send("a");
  const beat = await until(() =>
    web.logged().find(({ topic, data }) =>
      topic === "ws.heartbeat" && (data as { message_count: number }).message_count === 1
    )
  );
  const pid = await joined(web);
  expect(beat.data).toEqual({
    client_pid: pid,
    uptime: expect.stringMatching(/^\d+(\.\d+)?m?s$/),
    message_count: 1,
    metadata: "m",
  });
  expect(web.logged().find(({ topic }) => topic === "chat")?.data).toBe("a");
  client.socket.close();
});

test("ws.close with a reason, and without", async () => {
  const web = await startRelay("X-WS-Relay");
  const first = await Client.open(web);
  await web.act("send", await joined(web), "last", 1);
  await web.act("send", await joined(web), "ws.close", "see you");
  expect(await first.closed.promise).toEqual([1000, "see you"]);
  expect(first.received).toEqual(['{"data":1,"topic":"last"}']);
  const second = await Client.open(web);
  await web.act("send", await joined(web, 1), "ws.close");
  expect(await second.closed.promise).toEqual([1000, "Connection closed by server"]);
  const third = await Client.open(web);
  await web.act("send", await joined(web, 2), "ws.close", "é".repeat(100));
  expect(await third.closed.promise).toEqual([1000, "é".repeat(61)]);
  await until(() => web.logged().filter(({ topic }) => topic === "ws.leave").length === 3);
});

test("ws.control moves a connection to another target", async () => {
  const web = await startRelay("X-WS-Relay");
  const other = String(await web.application.call("spawn"));
  const client = await Client.open(web, { metadata: "old" });
  const pid = await joined(web);
  const settings = { target_pid: other, message_topic: "moved", metadata: "new" };
  await web.act("send", pid, "ws.control", settings);
  await until(() => web.logged().filter(({ topic }) => topic === "ws.join").length === 2);
  expect(
    web.logged().filter(({ topic }) => topic?.startsWith("ws.")).map(({ topic, data }) => [
      topic,
      (data as { metadata: string }).metadata,
    ]),
  ).toEqual([["ws.join", "old"], ["ws.leave", "old"], ["ws.join", "new"]]);
  client.socket.send("x");
  await until(() => web.logged().some(({ topic }) => topic === "moved"));
  // The end of the target before is not this connection's.
  await web.tell("end", null);
  await web.tell("end", null, other);
  expect(await client.closed.promise).toEqual([1000, "target process exited"]);
});

test.each(["end", "fail"])("a target that ends by %s closes the connection", async (topic) => {
  const web = await startRelay("X-WS-Relay");
  const client = await Client.open(web);
  await joined(web);
  await web.tell(topic, null);
  expect(await client.closed.promise).toEqual([1000, "target process exited"]);
  const late = new Client(web, { target_pid: web.pid });
  expect(await late.closed.promise).toEqual([1000, "target process exited"]);
  await until(async () => (await web.inspect()).connections.websocket === 0);
});

test("a connection is monitored, linked, cancelled and terminated as a process is", async () => {
  const web = await startRelay("X-WS-Relay");
  const open = async (nth: number) => {
    const client = await Client.open(web);
    return { client, pid: await joined(web, nth) };
  };
  const did = async (name: string, count: number) =>
    (await until(() => {
      const found = web.logged().filter((entry) => entry.did === name);
      return found.length === count ? found : undefined;
    })).at(-1);
  const event = (kind: string, from: string) =>
    until(() => web.logged().find((entry) => entry.event === kind && entry.from === from));

  const monitored = await open(0);
  await web.act("monitor", monitored.pid);
  expect(await did("monitor", 1)).toEqual({ did: "monitor", ok: true });
  monitored.client.socket.close();
  expect(await event("pid.exit", monitored.pid)).toMatchObject({
    value: "websocket connection closed",
  });
  await web.act("monitor", monitored.pid);
  expect(await did("monitor", 2)).toMatchObject({ ok: false, kind: "Internal" });

  const terminated = await open(1);
  await web.act("link", terminated.pid);
  expect(await did("link", 1)).toEqual({ did: "link", ok: true });
  await web.act("terminate", terminated.pid);
  expect(await event("pid.link.down", terminated.pid)).toMatchObject({
    error: "process terminated",
  });
  expect(await terminated.client.closed.promise).toEqual([1000, "Connection closed by server"]);

  const cancelled = await open(2);
  await web.act("cancel", cancelled.pid);
  expect(await cancelled.client.closed.promise).toEqual([1000, "Connection closed by server"]);
  await web.act("cancel", cancelled.pid);
  expect(await did("cancel", 2)).toMatchObject({ ok: false, kind: "Internal" });

  const tools = await open(3);
  const { control } = web.application.node;
  await control.send(tools.pid, "note", ["from a tool"]);
  await until(() => tools.client.received.length === 1);
  await control.terminate(tools.pid);
  await tools.client.closed.promise;
  const failure = await control.terminate(tools.pid).then(() => "done", (error) => error.kind);
  expect(failure).toBe("NotFound");
});

test("a name is that of a connection until it ends", async () => {
  const web = await startRelay("X-WS-Relay", {
    functions: {
      name: {
        modules: [],
        source: `return { main = function(pid)
          local ok, err = process.registry.register("client", pid)
          return ok or err:kind()
        end }`,
      },
      named: {
        modules: [],
        source: `return { main = function()
          local pid, err = process.registry.lookup("client")
          return pid or err:kind()
        end }`,
      },
    },
  });
  const client = await Client.open(web);
  const pid = await joined(web);
  expect(await web.application.call("name", pid)).toBe(true);
  expect(await web.application.call("named")).toBe(pid);
  client.socket.close();
  await until(async () => await web.application.call("named") === "NotFound");
});

test("what is too large ends the connection with 1009", async () => {
  const web = await startRelay("X-WS-Relay");
  const fits = await Client.open(web);
  fits.socket.send("x".repeat(32 * 1024));
  await until(() => web.logged().some(({ topic }) => topic === "ws.message"));
  fits.socket.send("x".repeat(32 * 1024 + 1));
  expect((await fits.closed.promise)[0]).toBe(1009);
  await until(() => web.logged().at(-1)?.topic === "ws.leave");
});

test("a client that does not read fills its mailbox, and the sender hears of it", async () => {
  const web = await startRelay("X-WS-Relay", {
    server: { host: { buffer_size: 10 } },
    functions: {
      flood: {
        modules: [],
        source: `
local function main(pid)
  local text = ("x"):rep(100000)
  for i = 1, 10000 do
    local ok, err = process.send(pid, "big", text)
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
  socket.write(
    `GET ${openPath({ target_pid: web.pid })} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\n` +
      "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" +
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
  );
  const pid = await joined(web);
  const [sent, kind, message] = await web.application.call("flood", pid) as [
    number,
    string,
    string,
  ];
  expect([kind, message]).toEqual(["Unavailable", `mailbox full: ${pid} (limit 10)`]);
  // What sockets of the system hold, and what waits here: far less than all.
  expect(sent).toBeLessThan(500);
  socket.destroy();
  await until(() => web.logged().at(-1)?.topic === "ws.leave");
});

test("a client that sends faster than its target takes is closed", async () => {
  const web = await startRelay("X-WS-Relay", {
    server: { host: { buffer_size: 5 } },
    entries: {
      small: {
        kind: "process.host",
        host: { max_mailbox: 2 },
        lifecycle: { auto_start: true },
      },
    },
    processes: {
      deaf: {
        modules: [],
        source: `return { main = function() process.events():receive() end }`,
      },
    },
    functions: {
      start_deaf: {
        modules: [],
        source: `return { main = function() return process.spawn("app:deaf", "app:small") end }`,
      },
    },
  });
  const pid = String(await web.application.call("start_deaf"));
  const client = new Client(web, { target_pid: pid });
  await client.opened.promise;
  for (let i = 0; i < 20; i++) client.socket.send(String(i));
  expect(await client.closed.promise).toEqual([1013, "too many messages"]);
  await until(async () => (await web.inspect()).connections.websocket === 0);
});

test("handshakes that are refused", async () => {
  const web = await startRelay("X-WS-Relay", {
    router: {
      post_middleware: ["websocket_relay"],
      post_options: { "wsrelay.allowed.origins": "*.shop.example, https://admin.example" },
    },
  });
  const { host } = new URL(web.url);
  const ask = async (path: string, headers: Record<string, string>) => {
    const all = {
      Connection: "Upgrade",
      Upgrade: "websocket",
      "Sec-WebSocket-Version": "13",
      "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
      ...headers,
    };
    const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
    const { promise, resolve } = Promise.withResolvers<string>();
    const request = `GET ${path} HTTP/1.1\r\nHost: ${host}\r\n${lines.join("")}\r\n`;
    const socket = connect(web.port, "127.0.0.1", () => socket.write(request));
    socket.on("data", (data) => {
      resolve(String(data).slice(9, 12));
      socket.destroy();
    });
    return await promise;
  };
  const good = openPath({ target_pid: web.pid });
  expect(await ask(openPath({ target_pid: "nobody" }), {})).toBe("400");
  expect(await ask(openPath({}), {})).toBe("400");
  // Malformed settings are logged, and the response is that of the function.
  expect(await ask(openPath("{"), {})).toBe("200");
  expect(web.application.logs.some(({ message }) => message.includes("X-WS-Relay"))).toBe(true);
  expect(await ask(good, { Origin: "https://evil.example" })).toBe("403");
  expect(await ask(good, { Origin: "http://admin.example" })).toBe("403");
  expect(await ask(good, { Upgrade: "h2c" })).toBe("426");
  expect(await ask(`${good}&status=201`, {})).toBe("201");
  expect(await ask(`${good}&body=1`, {})).toBe("200");
  expect(web.logged()).toEqual([]);
  for (const Origin of ["https://a.shop.example", "https://ADMIN.example", `http://${host}`]) {
    expect(await ask(good, { Origin })).toBe("101");
  }
  const response = await fetch(`${web.url}${good}&body=1`);
  expect([response.headers.has("x-ws-relay"), await response.text()]).toEqual([false, "own"]);
});

test("a stop of the runtime closes the connections", async () => {
  const web = await startRelay("X-WS-Relay");
  const client = await Client.open(web);
  await joined(web);
  await web.application.node.control.stopService("app:web");
  expect(await client.closed.promise).toEqual([1001, "server is stopping"]);
});
