import { createHash } from "node:crypto";
import { createServer, type Socket } from "node:net";
import type { ServerWebSocket } from "bun";
import { cleanAfterTest } from "../../../cleanup.ts";

/** What a server does with its connections. */
export interface Handlers {
  open?(socket: ServerWebSocket<undefined>): void;
  message?(socket: ServerWebSocket<undefined>, data: string | Buffer): void;
  close?(code: number, reason: string): void;
  ping?(data: Buffer): void;
  pong?(data: Buffer): void;
  /** The response to the handshake, instead of a connection. */
  refuse?(request: Request): Response | undefined;
  headers?: Record<string, string>;
  compress?: boolean;
  tls?: { key: string; cert: string };
}

/** A WebSocket server, Bun's own; it ends after the test. Returns its address. */
export function serveSockets(handlers: Handlers): string {
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    ...(handlers.tls && { tls: handlers.tls }),
    fetch(request, self) {
      const refused = handlers.refuse?.(request);
      if (refused !== undefined) return refused;
      self.upgrade(request, { headers: handlers.headers ?? {} });
      return undefined;
    },
    websocket: {
      maxPayloadLength: 64 << 20,
      idleTimeout: 0,
      sendPings: false,
      perMessageDeflate: handlers.compress ?? false,
      open: (socket) => handlers.open?.(socket),
      message: (socket, data) => handlers.message?.(socket, data),
      close: (_, code, reason) => handlers.close?.(code, reason),
      ping: (_, data) => handlers.ping?.(data),
      pong: (_, data) => handlers.pong?.(data),
    },
  });
  cleanAfterTest(() => server.stop(true));
  return server.url.href.replace(/^http/, "ws");
}

/** A server of raw bytes: `answer` gets each connection after its handshake. */
export async function serveFrames(
  answer: (socket: Socket) => void,
  headers: string[] = [],
): Promise<{ url: string; received(): Buffer; closed: Promise<void>; open(): number }> {
  const sockets = new Set<Socket>();
  const closed = Promise.withResolvers<void>();
  let received = Buffer.alloc(0);
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => {
      sockets.delete(socket);
      closed.resolve();
    });
    socket.once("data", (data) => {
      const key = /Sec-WebSocket-Key: (.*)\r\n/.exec(data.toString())![1]!;
      const accept = createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
        .digest("base64");
      const head = [
        "HTTP/1.1 101 Switching Protocols",
        "upgrade: WebSocket",
        "connection: keep-alive, Upgrade",
        `sec-websocket-accept: ${accept}`,
        ...headers,
      ];
      socket.on("data", (more: Buffer) => {
        received = Buffer.concat([received, more]);
      });
      socket.write(`${head.join("\r\n")}\r\n\r\n`);
      answer(socket);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  cleanAfterTest(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return {
    url: `ws://127.0.0.1:${(server.address() as { port: number }).port}/`,
    received: () => received,
    closed: closed.promise,
    open: () => sockets.size,
  };
}

/** A frame of a server. */
export function frame(opcode: number, payload: string | Buffer, first = 0x80): Buffer {
  const data = Buffer.from(payload);
  const head = data.length < 126
    ? Buffer.from([first | opcode, data.length])
    : Buffer.from([first | opcode, 126, data.length >> 8, data.length & 255]);
  return Buffer.concat([head, data]);
}

/** The close frame of a client, unmasked: its code. */
export function closeCode(bytes: Buffer): number | undefined {
  const at = bytes.lastIndexOf(0x88);
  if (at < 0 || bytes.length < at + 8) return undefined;
  const key = bytes.subarray(at + 2, at + 6);
  return (bytes[at + 6]! ^ key[0]!) * 256 + (bytes[at + 7]! ^ key[1]!);
}
