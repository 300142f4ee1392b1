import type { Socket } from "node:net";
import { describe, expect, test } from "bun:test";
import { until } from "../../../until.ts";
import { certificate, key } from "../http_client/certificate.ts";
import { serve, serveRaw } from "../http_client/servers.ts";
import { evaluate, runUnit } from "../lua-unit.ts";
import { closeCode, frame, serveFrames, serveSockets } from "./servers.ts";

const echo = () => serveSockets({ message: (socket, data) => void socket.send(data) });

describe("messages", () => {
  test("text and bytes go and come as they are", async () => {
    const code = `
      local client = assert(websocket.connect(...))
      local messages, result = client:channel(), {}
      for i, sent in ipairs({ { "héllo" }, { "\\0\\255", websocket.BINARY }, { "" }, { "b", "binary" }, { "t", 1 } }) do
        assert(client:send(table.unpack(sent)))
        local got, ok = messages:receive()
        result[i] = { got.type, got.data == sent[1], ok }
      end
      client:close()
      local got, ok = messages:receive()
      return { result, got == nil, ok, client:channel() == messages, client:receive() == messages }`;
    const text = ["text", true, true];
    const binary = ["binary", true, true];
    expect(await evaluate(code, { args: [echo()] }))
      .toEqual([[text, binary, text, binary, text], true, false, true, true]);
  });

  test.each([125, 126, 65_535, 65_536, 3_000_000])("of %d bytes", async (size) => {
    const code = `
      local url, size = ...
      local client = assert(websocket.connect(url))
      local sent = ("x"):rep(size)
      assert(client:send(sent, websocket.BINARY))
      local got = client:channel():receive()
      client:close()
      return got.data == sent`;
    expect(await evaluate(code, { args: [echo(), size] })).toBe(true);
  });

  test("channel.select waits for messages and for others", async () => {
    const url = serveSockets({ open: (socket) => void socket.send("first") });
    const code = `
      local client = assert(websocket.connect(...))
      local messages, other, result = client:channel(), channel.new(1), {}
      other:send("other")
      for _ = 1, 2 do
        local got = channel.select({ messages:case_receive(), other:case_receive() })
        result[#result + 1] = got.channel == messages and got.value.data or got.value
      end
      client:close()
      return result`;
    expect(await evaluate(code, { args: [url] })).toEqual(["other", "first"]);
  });

  test("what comes before the channel is asked for, and in parts, is not lost", async () => {
    const { url } = await serveFrames((socket) => {
      socket.write(Buffer.concat([
        frame(1, "one"),
        frame(1, "tw", 0),
        frame(9, "are you there?"),
        frame(0, "o"),
        frame(2, "three"),
        frame(8, Buffer.from([3, 232])),
      ]));
    });
    const code = `
      local client = assert(websocket.connect(...))
      time.sleep("50ms")
      local result = {}
      while true do
        local got, ok = client:channel():receive()
        if not ok then break end
        result[#result + 1] = got.type .. " " .. got.data
      end
      local sent, err = client:send("late")
      return { result, sent == nil, err:kind(), err:retryable(), err:details().close_code }`;
    expect(await evaluate(code, { args: [url] })).toEqual([
      ["text one", "text two", "binary three"],
      true,
      "Internal",
      false,
      1000,
    ]);
  });

  test("a slow reader loses nothing, and the server waits for it", async () => {
    const total = 400;
    let sent = 0;
    let most = 0;
    const { url } = await serveFrames((socket) => {
      const go = () => {
        while (sent < total) {
          sent += 1;
          const payload = Buffer.alloc(50_000, 97);
          payload.writeUInt32BE(sent);
          if (!socket.write(frame(2, payload))) return void socket.once("drain", go);
        }
      };
      go();
    });
    const still = serve(async () => {
      let before = -1;
      let since = 0;
      await until(() => {
        if (sent !== before) since = performance.now();
        before = sent;
        return performance.now() - since > 200;
      });
      most = sent;
      return new Response();
    });
    const code = `
      local url, still, total = ...
      local client = assert(websocket.connect(url, { channel_capacity = 10 }))
      local messages = client:channel()
      local first = messages:receive()
      http_client.get(still)
      local inOrder, count = true, 1
      while count < total do
        local got = messages:receive()
        count = count + 1
        inOrder = inOrder and string.unpack(">I4", got.data) == count
      end
      return { inOrder, count, (string.unpack(">I4", first.data)) }`;
    expect(await evaluate(code, { args: [url, still, total] })).toEqual([true, total, 1]);
    expect(most).toBeLessThan(total * 0.9);
  });

  test("a send waits while the server does not read, and write_timeout ends it", async () => {
    const { url } = await serveFrames((socket) => socket.pause());
    const code = `
      local client = assert(websocket.connect(..., { write_timeout = 100 }))
      local part = ("x"):rep(1 << 20)
      for _ = 1, 100 do
        local ok, err = client:send(part, websocket.BINARY)
        if not ok then
          return { err:kind(), err:retryable(), err:details().code }
        end
      end`;
    expect(await evaluate(code, { args: [url] })).toEqual(["Internal", true, "TIMEOUT"]);
  });

  test("pings are answered, and sent", async () => {
    const seen: string[] = [];
    const url = serveSockets({
      open: (socket) => void socket.ping("p"),
      pong: (data) => void seen.push(`pong ${data}`),
      ping: () => void seen.push("ping"),
      message: (socket, data) => void socket.send(data),
    });
    const code = `
      local client = assert(websocket.connect(...))
      local ok, err = client:ping()
      client:send("x")
      client:channel():receive()
      client:close()
      return { ok, err == nil }`;
    expect(await evaluate(code, { args: [url] })).toEqual([true, true]);
    expect(seen.sort()).toEqual(["ping", "pong p"]);
  });
});

describe("the handshake", () => {
  test("headers, credentials and protocols", async () => {
    let seen: Record<string, string> = {};
    const url = serveSockets({
      refuse(request) {
        seen = Object.fromEntries(request.headers);
        return undefined;
      },
      headers: { "Sec-WebSocket-Protocol": "chat.v2" },
    });
    const code = `
      local url = (...):gsub("ws://", "ws://ada:pw@")
      local client = assert(websocket.connect(url .. "room?x=1",
        { headers = { ["X-Token"] = "t" }, protocols = { "chat.v1", "chat.v2" } }))
      client:close()
      return tostring(client):match("^websocket.Client") ~= nil`;
    expect(await evaluate(code, { args: [url] })).toBe(true);
    expect(seen).toMatchObject({
      "x-token": "t",
      "sec-websocket-protocol": "chat.v1, chat.v2",
      authorization: `Basic ${btoa("ada:pw")}`,
      host: new URL(url).host,
    });
  });

  test("TLS, with the authority that is given and no other", async () => {
    const port = new URL(
      serveSockets({ tls: { key, cert: certificate }, open: (socket) => void socket.send("safe") }),
    ).port;
    const code = `
      local url, ca = ...
      local client = assert(websocket.connect(url, { tls = { ca = ca, server_name = "shop.test" } }))
      local got = client:channel():receive().data
      client:close()
      return { got, select(2, websocket.connect(url)):details().code,
        select(2, websocket.connect(url, { tls = { ca = ca } })):details().code }`;
    expect(await evaluate(code, { args: [`wss://127.0.0.1:${port}/`, certificate] }))
      .toEqual(["safe", "DEPTH_ZERO_SELF_SIGNED_CERT", "ERR_TLS_CERT_ALTNAME_INVALID"]);
  });

  const verdict = `
    local client, err = websocket.connect(...)
    return { client == nil, err:kind(), err:retryable(), err:details().code, err:details().status or 0 }`;

  test.each([
    ["a refused connection", "ws://127.0.0.1:1/", "ECONNREFUSED", 0],
    ["an unknown host", "ws://nowhere.invalid/", "ENOTFOUND", 0],
  ])("%s is Internal and retryable", async (_, url, code, status) => {
    expect(await evaluate(verdict, { args: [url] })).toEqual([
      true,
      "Internal",
      true,
      code,
      status,
    ]);
  });

  test("so is a server that answers with a status", async () => {
    const url = serveSockets({ refuse: () => new Response("no", { status: 403 }) });
    expect(await evaluate(verdict, { args: [url] }))
      .toEqual([true, "Internal", true, "HTTP_STATUS", 403]);
  });

  test.each([
    ["no HTTP", "hello\r\n\r\n", "Malformed_HTTP_Response"],
    [
      "no accept",
      "HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
      "HANDSHAKE",
    ],
    ["half a head", "HTTP/1.1 101 Switch", "ECONNRESET"],
    [
      "an endless head",
      `HTTP/1.1 101 X\r\n${`X: ${"a".repeat(1000)}\r\n`.repeat(70)}`,
      "Malformed_HTTP_Response",
    ],
  ])("so is %s", async (_, bytes, code) => {
    const { url } = await serveRaw((socket) => socket.end(bytes));
    expect(await evaluate(verdict, { args: [url.replace("http", "ws")] }))
      .toEqual([true, "Internal", true, code, 0]);
  });

  test.each([
    ["sec-websocket-protocol: other"],
    ["sec-websocket-extensions: permessage-deflate"],
    ["sec-websocket-extensions: x-unknown"],
  ])("so is a server that chooses what was not offered: %s", async (header) => {
    const { url } = await serveFrames(() => {}, [header]);
    expect(await evaluate(verdict, { args: [url] })).toEqual([
      true,
      "Internal",
      true,
      "HANDSHAKE",
      0,
    ]);
  });

  test("dial_timeout covers a server that never answers", async () => {
    const silent = await serveRaw(() => {});
    const code = `
      local _, err = websocket.connect(..., { dial_timeout = 50 })
      return { err:kind(), err:retryable(), err:details().code, err:message():match("timed out after 50 ms") ~= nil }`;
    expect(await evaluate(code, { args: [silent.url.replace("http", "ws")] }))
      .toEqual(["Internal", true, "TIMEOUT", true]);
    await silent.closed;
  });
});

describe("bad arguments are Invalid, and nothing is sent", () => {
  test.each([
    ["connect('nonsense')", "is not a URL"],
    ["connect('http://h/')", "use ws:// or wss://"],
    ["connect(base, { headers = { A = 'x\\r\\ny' } })", "line break"],
    ["connect(base, { headers = { Upgrade = 'x' } })", "leave it out"],
    ["connect(base, { headers = { ['sec-websocket-key'] = 'x' } })", "leave it out"],
    ["connect(base, { protocols = { 'a b' } })", "is not a name"],
    ["connect(base, { protocols = { 'a', 'a' } })", "twice"],
    ["connect(base, { dial_timeout = -1 })", "dial_timeout: bad duration"],
    ["connect(base, { read_timeout = '7d' })", "read_timeout: bad duration"],
    ["connect(base, { write_timeout = true })", "write_timeout is a number of milliseconds"],
    ["connect(base, { compression = 3 })", "websocket.COMPRESSION"],
    ["connect(base, { compression = 'gzip' })", "websocket.COMPRESSION"],
    ["connect(base, { compression_threshold = 104857601 })", "from 0 to 104857600"],
    ["connect(base, { read_limit = -1 })", "from 0 to 134217728"],
    ["connect(base, { read_limit = 134217729 })", "from 0 to 134217728"],
    ["connect(base, { channel_capacity = 0 })", "from 1 to 10000"],
    ["connect(base, { channel_capacity = 10001 })", "from 1 to 10000"],
    ["connect(base, { tls = { cert = 'x' } })", "give both"],
    ["connect(base, { comression = 1 })", "unknown option comression"],
  ])("%s", async (call, message) => {
    let requests = 0;
    const url = serveSockets({
      refuse() {
        requests += 1;
        return new Response();
      },
    });
    const code = `local base = ... local client, err = websocket.${call}
      return { client == nil, err:kind(), err:retryable(), err:message() }`;
    const [none, kind, retryable, text] = await evaluate(code, { args: [url] }) as [
      boolean,
      string,
      boolean,
      string,
    ];
    expect([none, kind, retryable]).toEqual([true, "Invalid", false]);
    expect(text).toContain(message);
    expect(requests).toBe(0);
  });

  test("of send and close; wrong types raise", async () => {
    const code = `
      local client = assert(websocket.connect(...))
      local result = {}
      for i, call in ipairs({
        function() return client:send("x", 3) end,
        function() return client:send("\\255") end,
        function() return client:close(1005) end,
        function() return client:close(2999) end,
        function() return client:close(1000, ("x"):rep(124)) end,
      }) do
        result[i] = select(2, call()):kind()
      end
      return { result, pcall(client.send, client), (pcall(client.close, client, "x")), (pcall(websocket.connect)),
        (pcall(websocket.connect, "ws://x", 5)), client:send("still open") }`;
    const result = await evaluate(code, { args: [echo()] }) as unknown[];
    expect(result[0]).toEqual(["Invalid", "Invalid", "Invalid", "Invalid", "Invalid"]);
    expect(result.slice(1).filter((value) => typeof value === "boolean"))
      .toEqual([false, false, false, false, true]);
  });
});

describe("closing", () => {
  test("with a code and a reason", async () => {
    const closed = Promise.withResolvers<unknown>();
    const url = serveSockets({ close: (code, reason) => closed.resolve([code, reason]) });
    const code = `
      local client = assert(websocket.connect(...))
      local results = select("#", client:close(4001, "done"))
      client:close()
      local sent, err = client:send("x")
      return { results, err:details().close_code, err:details().reason, select(2, client:ping()):kind() }`;
    expect(await evaluate(code, { args: [url] })).toEqual([0, 4001, "done", "Internal"]);
    expect(await closed.promise).toEqual([4001, "done"]);
  });

  test("by the server: the channel closes after what was sent", async () => {
    const url = serveSockets({
      open(socket) {
        socket.send("last");
        socket.close(3000, "moved");
      },
    });
    const code = `
      local client = assert(websocket.connect(...))
      local messages = client:channel()
      local got = messages:receive().data
      local _, ok = messages:receive()
      local _, err = client:send("x")
      return { got, ok, err:details().close_code, err:details().reason }`;
    expect(await evaluate(code, { args: [url] })).toEqual(["last", false, 3000, "moved"]);
  });

  test("by the end of the connection", async () => {
    const { url } = await serveFrames((socket) => socket.end(frame(1, "a")));
    const code = `
      local client = assert(websocket.connect(...))
      local messages = client:channel()
      local got = messages:receive().data
      local _, ok = messages:receive()
      return { got, ok, select(2, client:ping()):details().close_code }`;
    expect(await evaluate(code, { args: [url] })).toEqual(["a", false, 1006]);
  });

  test("read_timeout closes a connection on which nothing comes", async () => {
    const closed = Promise.withResolvers<number>();
    const url = serveSockets({
      open: (socket) => void socket.send("a"),
      close: (code) => closed.resolve(code),
    });
    const code = `
      local client = assert(websocket.connect(..., { read_timeout = "50ms" }))
      local messages = client:channel()
      local got = messages:receive().data
      local _, ok = messages:receive()
      return { got, ok, select(2, client:ping()):details().reason }`;
    expect(await evaluate(code, { args: [url] })).toEqual(["a", false, "read timeout"]);
    expect(await closed.promise).toBe(1001);
  });

  test("when its unit ends", async () => {
    const closed = Promise.withResolvers<number>();
    const url = serveSockets({ close: (code) => closed.resolve(code) });
    const { open } = await runUnit("return function(url) assert(websocket.connect(url)) end", {
      args: [url],
    });
    expect(open).toBe(1);
    expect(await closed.promise).toBe(1001);
  });

  test("when its unit ends, also if the server does not read", async () => {
    let server!: Socket;
    const { url, closed } = await serveFrames((socket) => {
      server = socket.pause();
    });
    const progress = serve(() => new Response());
    const code = `return function(url, progress)
      local client = assert(websocket.connect(url))
      coroutine.spawn(function() while client:send(("x"):rep(1 << 20)) do end end)
      for _ = 1, 20 do http_client.get(progress) end
    end`;
    await runUnit(code, { args: [url, progress] });
    server.resume();
    await closed;
  });
});

describe("what the protocol forbids ends the connection with its code", () => {
  test.each([
    ["reserved bits", Buffer.from([0x91, 1, 97]), 1002],
    ["a compressed frame that was not agreed on", Buffer.from([0xc1, 1, 97]), 1002],
    ["a masked frame", Buffer.from([0x81, 0x81, 0, 0, 0, 0, 97]), 1002],
    ["an unknown opcode", frame(3, "a"), 1002],
    ["an unknown control opcode", frame(11, "a"), 1002],
    ["a ping in parts", frame(9, "a", 0), 1002],
    ["a long ping", frame(9, "a".repeat(126)), 1002],
    ["a part without a beginning", frame(0, "a"), 1002],
    ["a beginning inside of a message", Buffer.concat([frame(1, "a", 0), frame(1, "b")]), 1002],
    ["a close of one byte", frame(8, "a"), 1002],
    ["a close with a code that may not be sent", frame(8, Buffer.from([3, 238])), 1002],
    ["a close whose reason is not UTF-8", frame(8, Buffer.from([3, 232, 255])), 1007],
    ["text that is not UTF-8", frame(1, Buffer.from([255])), 1007],
    ["a message above read_limit", frame(1, "a".repeat(101)), 1009],
    [
      "parts above read_limit",
      Buffer.concat([frame(1, "a".repeat(60), 0), frame(0, "a".repeat(60))]),
      1009,
    ],
    [
      "a length of 64 bits that never comes",
      Buffer.from([0x82, 127, 0, 255, 255, 255, 255, 255, 255, 255]),
      1009,
    ],
  ])("%s", async (_, bytes, expected) => {
    const server = await serveFrames((socket) => void socket.write(bytes));
    const code = `
      local client = assert(websocket.connect(..., { read_limit = 100 }))
      local _, ok = client:channel():receive()
      return { ok, select(2, client:send("x")):details().close_code }`;
    expect(await evaluate(code, { args: [server.url] })).toEqual([false, expected]);
    await server.closed;
    expect(closeCode(server.received())).toBe(expected);
  });
});
