import { connect, createServer, type Socket } from "node:net";
import { cleanAfterTest } from "../../cleanup.ts";
import type { Entry } from "../../../src/registry/entry.ts";
import { entryOf } from "../operations/services.ts";

/** What a proxy asks for, and where its names lead. */
export interface ProxyOptions {
  username?: string;
  password?: string;
  /** Names that it knows, each the port of a server on this machine. */
  names?: Record<string, number>;
  /** It takes connections and says nothing. */
  silent?: boolean;
}

/** A proxy that runs until the end of the test. */
export interface TestProxy {
  port: number;
  /** `host:port` of what it was asked for. */
  asked: string[];
  /** Connections of clients that are open. */
  open(): number;
  /** The network entry of it, under an id. */
  entry(id: string): Entry;
}

const certain = (options: ProxyOptions) =>
  options.username === undefined ? undefined : `${options.username}:${options.password}`;

/** Reads so many bytes, with what `more` says they need. */
async function take(socket: Socket, count: number): Promise<Buffer> {
  while (true) {
    const found = socket.read(count) as Buffer | null;
    if (found !== null) return found;
    if (socket.destroyed || socket.readableEnded) throw new Error("closed");
    await new Promise<void>((resolve) => {
      socket.once("readable", resolve).once("close", () => resolve());
    });
  }
}

async function serveSocks(socket: Socket, options: ProxyOptions, target: Target) {
  const [, methods] = await take(socket, 2) as unknown as [number, number];
  const offered = await take(socket, methods);
  const wanted = certain(options);
  if (!offered.includes(wanted === undefined ? 0 : 2)) {
    return void socket.end(Buffer.from([5, 255]));
  }
  socket.write(Buffer.from([5, wanted === undefined ? 0 : 2]));
  if (wanted !== undefined) {
    const username = await take(socket, (await take(socket, 2))[1]!);
    const password = await take(socket, (await take(socket, 1))[0]!);
    const right = `${username}:${password}` === wanted;
    socket.write(Buffer.from([1, right ? 0 : 1]));
    if (!right) return void socket.end();
  }
  const type = (await take(socket, 4))[3]!;
  const host = type === 1
    ? [...await take(socket, 4)].join(".")
    : type === 3
    ? String(await take(socket, (await take(socket, 1))[0]!))
    : "an IPv6 address";
  const port = (await take(socket, 2)).readUInt16BE();
  const far = await target(host, port);
  socket.write(Buffer.from([5, far === undefined ? 4 : 0, 0, 1, 0, 0, 0, 0, 0, 0]));
  join(socket, far);
}

async function serveConnect(socket: Socket, options: ProxyOptions, target: Target) {
  let head = "";
  while (!head.endsWith("\r\n\r\n")) head += (await take(socket, 1)).toString("latin1");
  const [, host, port] = /^CONNECT (.*):(\d+) HTTP\/1\.1\r\n/.exec(head) ?? [];
  const given = /^Proxy-Authorization: Basic (.*)\r$/m.exec(head)?.[1] ?? "";
  const wanted = certain(options);
  if (wanted !== undefined && Buffer.from(given, "base64").toString() !== wanted) {
    return void socket.end("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n");
  }
  const far = host === undefined ? undefined : await target(host, Number(port));
  socket.write(far === undefined ? "HTTP/1.1 502 Bad Gateway\r\n\r\n" : "HTTP/1.1 200 OK\r\n\r\n");
  join(socket, far);
}

type Target = (host: string, port: number) => Promise<Socket | undefined>;

function join(near: Socket, far: Socket | undefined) {
  if (far === undefined) return void near.end();
  near.pipe(far).pipe(near);
  near.on("close", () => far.destroy());
  far.on("close", () => near.destroy());
}

const servers = { "network.socks5": serveSocks, "network.http": serveConnect } as const;

/** The kinds of networks. */
export const networkKinds = Object.keys(servers) as (keyof typeof servers)[];

/** Starts the proxy of a network kind. */
export async function serveProxy(
  kind: keyof typeof servers,
  options: ProxyOptions = {},
): Promise<TestProxy> {
  const sockets = new Set<Socket>();
  const asked: string[] = [];
  const target: Target = async (host, port) => {
    asked.push(`${host}:${port}`);
    const far = connect(options.names?.[host] ?? port, "127.0.0.1");
    far.on("error", () => {});
    return await new Promise((resolve) => {
      far.once("connect", () => resolve(far)).once("close", () => resolve(undefined));
    });
  };
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => sockets.delete(socket));
    if (!options.silent) servers[kind](socket, options, target).catch(() => socket.destroy());
    else socket.resume();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  cleanAfterTest(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const { port } = server.address() as { port: number };
  const { username, password } = options;
  const credentials = username === undefined ? {} : { username, password };
  return {
    port,
    asked,
    open: () => sockets.size,
    entry: (id) => entryOf(id, kind, { addr: `127.0.0.1:${port}`, ...credentials }),
  };
}
