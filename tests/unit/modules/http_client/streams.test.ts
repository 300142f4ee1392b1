import { expect, test } from "bun:test";
import { until } from "../../../until.ts";
import { evaluate, runUnit } from "../lua-unit.ts";
import { mirror, serve, serveRaw, verdict } from "./servers.ts";

const megabytes = 200;

test("a large download is read as it comes: what is not read stays with the sender", async () => {
  const part = Buffer.concat([
    Buffer.from("10000\r\n"),
    Buffer.alloc(65_536, 97),
    Buffer.from("\r\n"),
  ]);
  let sent = 0;
  const { url } = await serveRaw((socket) => {
    socket.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    const go = () => {
      while (sent < megabytes << 20) {
        sent += 65_536;
        if (!socket.write(part)) return void socket.once("drain", go);
      }
      socket.end("0\r\n\r\n");
    };
    go();
  });
  const code = `
      local res = assert(http_client.get(..., { stream = true }))
      local first = #res.stream:read(1000)
      http_client.get(select(2, ...))
      return { res.body == nil, res.body_size, first, res.stream:stat().position }`;
  // Answers when the sender has stopped.
  const still = serve(async () => {
    let before = -1;
    let since = 0;
    await until(() => {
      if (sent !== before) since = performance.now();
      before = sent;
      return performance.now() - since > 200;
    });
    return new Response();
  });
  const { value, open } = await runUnit(`return { main = function(...) ${code}\nend }`, {
    args: [url, still],
  });
  expect(value).toEqual([true, -1, 1000, 1000]);
  expect(sent).toBeLessThan(32 << 20);
  expect(open).toBe(1);
});

test("read returns nil at the end, and close twice is harmless", async () => {
  const code = `
      local stream = assert(http_client.get(..., { stream = true })).stream
      local lines, scanner = {}, stream:scanner()
      while scanner:scan() do lines[#lines + 1] = scanner:text() end
      local rest, err = stream:read()
      return { lines, rest == nil, err == nil, stream:close(), stream:close(), select(2, stream:read()):message() }`;
  const { value, open } = await runUnit(`return { main = function(...) ${code}\nend }`, {
    args: [serve(() => new Response("a\nb\nc"))],
  });
  expect(value).toEqual([["a", "b", "c"], true, true, true, true, "the stream is closed"]);
  expect(open).toBe(0);
});

test("a stream that stops in the middle fails after the timeout", async () => {
  const { url, closed } = await serveRaw((socket) =>
    socket.write("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc")
  );
  const code = `${verdict}
      local stream = assert(http_client.get(..., { stream = true, timeout = "50ms" })).stream
      return { stream:read(), verdict(stream:read()) }`;
  expect(await evaluate(code, { args: [url] })).toEqual(["abc", [
    "Internal",
    true,
    "TIMEOUT",
    "body",
  ]]);
  await closed;
});

test("an upload is read as it is sent, and a slow server holds it", async () => {
  const { url, received } = await serveRaw((socket) => socket.pause());
  const code = `
      local made, count = 0, 0
      local source = assert(http_client.get((...), { stream = true })).stream
      return select(2, http_client.post(select(2, ...), { body = source, timeout = "500ms" })):details().code`;
  let given = 0;
  const source = serve(() =>
    new Response(
      new ReadableStream({
        pull(controller) {
          given += 65_536;
          controller.enqueue(new Uint8Array(65_536));
        },
      }),
    )
  );
  expect(await evaluate(code, { args: [source, url] })).toBe("TIMEOUT");
  expect(given).toBeLessThan(32 << 20);
  expect(received()).toContain("Transfer-Encoding: chunked");
});

test("a body and files that are streams arrive whole", async () => {
  const code = `
      local base = ...
      local function source() return assert(http_client.get(base .. "/source", { stream = true })).stream end
      local body = json.decode(http_client.post(base, { body = source() }).body).body
      local form = json.decode(http_client.post(base, {
        files = { { name = "a", content = "first" }, { name = "b", reader = source() } } }).body).body
      return { #body, form:find("first", 1, true) ~= nil, form:find(("x"):rep(300000), 1, true) ~= nil }`;
  const url = serve((request, at) =>
    at.pathname === "/source" ? new Response("x".repeat(300_000)) : mirror(request, at)
  );
  expect(await evaluate(code, { args: [url] })).toEqual([300_000, true, true]);
});

test("a server that answers before it has all of a body", async () => {
  const { url } = await serveRaw((socket) =>
    socket.end("HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno")
  );
  const source = serve(() =>
    new Response(
      new ReadableStream({ pull: (controller) => controller.enqueue(new Uint8Array(65_536)) }),
    )
  );
  const code = `
      local source, url = ...
      local res, err = http_client.post(url, { body = http_client.get(source, { stream = true }).stream })
      return res and res.status_code or err:kind()`;
  const outcome = await evaluate(code, { args: [source, url] });
  // The reset of the connection may overtake the response.
  expect(outcome === 413 || outcome === "Internal").toBe(true);
});

test("a streamed body is not sent twice: 307 is an error that says where to", async () => {
  const url = serve((_, { pathname }) =>
    pathname === "/source"
      ? new Response("x")
      : new Response(null, { status: 307, headers: { Location: "/other" } })
  );
  const code = `
      local base = ...
      local body = http_client.get(base .. "/source", { stream = true }).stream
      local _, err = http_client.post(base .. "/a", { body = body })
      return { err:details().code, err:message():match("send it to .*/other$") ~= nil }`;
  expect(await evaluate(code, { args: [url] })).toEqual(["STREAMED_BODY", true]);
});
