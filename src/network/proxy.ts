/**
 * Tunnels through proxies: a connection to a host that the proxy makes, and whose name the proxy resolves.
 * @module
 */
import { longestTimer } from "../platform/platform.ts";
import type { Socket } from "node:net";
import { readHead } from "./head.ts";

/** A proxy, with what it wants to know of its user. */
export interface Proxy {
  type: "socks5" | "http";
  host: string;
  port: number;
  username?: string | undefined;
  password?: string | undefined;
}

/** The code of a connection that the proxy does not make. */
const refusedCode = "PROXY_REFUSED";

function refused(text: string): Error {
  return Object.assign(new Error(`the proxy refused: ${text}`), { code: refusedCode });
}

async function socks(socket: Socket, proxy: Proxy, host: string, port: number): Promise<void> {
  const { SocksClient } = await import("socks");
  try {
    await SocksClient.createConnection({
      proxy: {
        host: proxy.host,
        port: proxy.port,
        type: 5,
        ...(proxy.username !== undefined && { userId: proxy.username }),
        ...(proxy.password !== undefined && { password: proxy.password }),
      },
      command: "connect",
      destination: { host, port },
      existing_socket: socket,
      // The caller's signal ends it.
      timeout: longestTimer,
    });
  } catch (error) {
    // Its error holds the options too, and so the password.
    throw refused((error as Error).message);
  }
}

async function connect(
  socket: Socket,
  { username, password = "" }: Proxy,
  host: string,
  port: number,
  signal: AbortSignal,
): Promise<void> {
  const authority = `${host.includes(":") ? `[${host}]` : host}:${port}`;
  const credentials = username === undefined
    ? ""
    : `Proxy-Authorization: Basic ${Buffer.from(`${username}:${password}`).toString("base64")}\r\n`;
  socket.write(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n${credentials}\r\n`);
  const { status, rest } = await readHead(socket, signal);
  if (status < 200 || status > 299) throw refused(`status ${status}`);
  if (rest.length > 0) socket.unshift(rest);
}

/**
 * Asks the proxy at the other end of a socket for a connection to a host. The socket is then that connection.
 *
 * @throws Error with a code, never with credentials; the signal's reason
 */
export async function tunnel(
  socket: Socket,
  proxy: Proxy,
  host: string,
  port: number,
  signal: AbortSignal,
): Promise<void> {
  const aborted = Promise.withResolvers<never>();
  aborted.promise.catch(() => {});
  const abort = () => aborted.reject(signal.reason);
  signal.addEventListener("abort", abort, { once: true });
  if (signal.aborted) abort();
  const asked = proxy.type === "socks5"
    ? socks(socket, proxy, host, port)
    : connect(socket, proxy, host, port, signal);
  asked.catch(() => {});
  try {
    await Promise.race([asked, aborted.promise]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}
