import { expect, test } from "bun:test";
import { deflateRawSync } from "node:zlib";
import { evaluate } from "../lua-unit.ts";
import { closeCode, frame, serveFrames, serveSockets } from "./servers.ts";

const agreed = ["Sec-WebSocket-Extensions: permessage-deflate"];

/** What a server sends for a text when it compresses each message by itself. */
const compressed = (text: string | Buffer) =>
  frame(1, Buffer.concat([deflateRawSync(text), Buffer.from([0])]), 0xc0);

test.each(["CONTEXT_TAKEOVER", "NO_CONTEXT"])(
  "%s: messages are as they were, also one after the other",
  async (name) => {
    let offered = "";
    const url = serveSockets({
      compress: true,
      refuse(request) {
        offered = request.headers.get("sec-websocket-extensions") ?? "";
        return undefined;
      },
      message: (socket, data) => void socket.send(data, true),
    });
    const code = `
      local client = assert(websocket.connect(..., { compression = websocket.COMPRESSION.${name} }))
      local result = true
      for i = 1, 20 do
        local sent = ("message " .. i):rep(i * 100)
        assert(client:send(sent))
        result = result and client:channel():receive().data == sent
      end
      client:close()
      return result`;
    expect(await evaluate(code, { args: [url] })).toBe(true);
    expect(offered).toContain("permessage-deflate");
    expect(offered.includes("client_no_context_takeover")).toBe(name === "NO_CONTEXT");
  },
);

test("only messages from compression_threshold on are compressed", async () => {
  const { url, received } = await serveFrames((socket) => {
    socket.on("data", () => void socket.write(frame(1, "got it")));
  }, agreed);
  const code = `
    local client = assert(websocket.connect(..., { compression = "context_takeover", compression_threshold = 100 }))
    for _, size in ipairs({ 99, 100 }) do
      client:send(("a"):rep(size))
      client:channel():receive()
    end`;
  await evaluate(code, { args: [url] });
  const bytes = received();
  expect(bytes[0]).toBe(0x81);
  expect(bytes[6 + 99]).toBe(0xc1);
  expect(bytes[6 + 99 + 1]! & 127).toBeLessThan(30);
});

test("without a server that compresses, nothing is compressed", async () => {
  const url = serveSockets({ message: (socket, data) => void socket.send(data) });
  const code = `
    local client = assert(websocket.connect(..., { compression = 1, compression_threshold = 0 }))
    client:send("plain")
    local got = client:channel():receive().data
    client:close()
    return got`;
  expect(await evaluate(code, { args: [url] })).toBe("plain");
});

test.each([
  ["a bomb", compressed(Buffer.alloc(20 << 20)), 1009],
  ["damaged data", frame(1, "no deflate at all", 0xc0), 1007],
])("%s ends the connection with a code", async (_, bytes, expected) => {
  const server = await serveFrames(
    (socket) => void socket.write(Buffer.concat([compressed("before"), bytes])),
    agreed,
  );
  const code = `
    local client = assert(websocket.connect(..., { compression = "context_takeover", read_limit = 100000 }))
    local messages = client:channel()
    local got = messages:receive().data
    local _, ok = messages:receive()
    return { got, ok, select(2, client:ping()):details().close_code }`;
  expect(await evaluate(code, { args: [server.url] })).toEqual(["before", false, expected]);
  await server.closed;
  expect(closeCode(server.received())).toBe(expected);
});

test.each([
  "permessage-deflate; client_max_window_bits=10",
  "permessage-deflate; server_max_window_bits=16",
  "permessage-deflate; server_no_context_takeover; server_no_context_takeover",
  "x-webkit-deflate-frame",
])("a server that answers the offer with %s is refused", async (header) => {
  const { url } = await serveFrames(() => {}, [`Sec-WebSocket-Extensions: ${header}`]);
  const code = `return select(2, websocket.connect(..., { compression = 1 })):details().code`;
  expect(await evaluate(code, { args: [url] })).toBe("HANDSHAKE");
});
