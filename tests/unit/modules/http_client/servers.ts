import { createServer, type Socket } from "node:net";
import { cleanAfterTest } from "../../../cleanup.ts";

/** A server that answers with Bun's own HTTP; it ends after the test. Returns its address. */
export function serve(
  handler: (request: Request, url: URL) => Response | Promise<Response>,
  options: Record<string, unknown> = {},
): string {
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    idleTimeout: 0,
    ...options,
    fetch: (request) => handler(request, new URL(request.url)),
  });
  cleanAfterTest(() => server.stop(true));
  return server.url.href.replace(/\/$/, "");
}

/** What a raw server saw of its connections. */
export interface Raw {
  url: string;
  /** Everything that was received. */
  received(): string;
  /** Fulfilled when a connection has closed. */
  closed: Promise<void>;
}

/** A server that writes bytes: `answer` is called with the first bytes of each connection. */
export async function serveRaw(answer: (socket: Socket, first: string) => void): Promise<Raw> {
  const closed = Promise.withResolvers<void>();
  const sockets = new Set<Socket>();
  let received = "";
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => closed.resolve());
    socket.on("data", (data) => {
      received += data.toString("latin1");
    });
    socket.once("data", (data) => answer(socket, data.toString("latin1")));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  cleanAfterTest(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const { port } = server.address() as { port: number };
  return {
    url: `http://127.0.0.1:${port}`,
    received: () => received,
    closed: closed.promise,
  };
}

/** What the server received, as JSON. */
export async function mirror(request: Request, url: URL): Promise<Response> {
  return Response.json({
    method: request.method,
    path: url.pathname + url.search,
    headers: Object.fromEntries(request.headers),
    body: Buffer.from(await request.arrayBuffer()).toString("latin1"),
  });
}

/** What an error says: kind, retryable, code and phase. */
export const verdict = `
  local function verdict(res, err)
    if res then return "a response" end
    local details = err:details() or {}
    return { err:kind(), err:retryable(), details.code, details.phase }
  end `;
