/**
 * Connections for protocols that are not HTTP requests: a socket to a host, with TLS if asked for.
 * @module
 */
import net, { isIP } from "node:net";
import tls from "node:tls";
import { connectionClosed } from "./head.ts";
import { type Proxy, tunnel } from "./proxy.ts";

/** What TLS checks and shows; PEM texts. */
export interface TlsSettings {
  cert?: string | undefined;
  key?: string | undefined;
  /** Takes the place of the system's authorities. */
  ca?: string | undefined;
  /** The name that the certificate must have. @default the host */
  serverName?: string | undefined;
}

/** Where a connection leads. */
export interface Target {
  /** A name or an address, without brackets. */
  host: string;
  port: number;
  /** The addresses to connect to instead of resolving the host, tried in their order. */
  addresses?: readonly string[] | undefined;
  /** Speak TLS. */
  tls?: TlsSettings | undefined;
  /** Connect through it; it resolves the host. */
  proxy?: Proxy | undefined;
}

/** Failures to connect, after which another address of the host may answer. */
export const unreachable: ReadonlySet<string> = new Set([
  "ECONNREFUSED",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ETIMEDOUT",
]);

/** Waits for an event of a socket, which is destroyed when it fails or the signal aborts. */
async function established(
  socket: net.Socket,
  event: "connect" | "secureConnect",
  signal: AbortSignal,
): Promise<void> {
  const done = Promise.withResolvers<void>();
  const failed = (error: unknown) => done.reject(error);
  const closed = () => done.reject(connectionClosed());
  const abort = () => done.reject(signal.reason);
  socket.once(event, done.resolve).once("error", failed).once("close", closed);
  signal.addEventListener("abort", abort, { once: true });
  if (signal.aborted) abort();
  try {
    await done.promise;
  } catch (error) {
    socket.on("error", () => {});
    socket.destroy();
    throw error;
  } finally {
    socket.off(event, done.resolve).off("error", failed).off("close", closed);
    signal.removeEventListener("abort", abort);
  }
}

async function connect(host: string, port: number, signal: AbortSignal): Promise<net.Socket> {
  const socket = net.connect({ host, port, noDelay: true });
  await established(socket, "connect", signal);
  return socket;
}

async function reach(
  { host, port, addresses, proxy }: Target,
  signal: AbortSignal,
): Promise<net.Socket> {
  if (proxy !== undefined) {
    const socket = await connect(proxy.host, proxy.port, signal);
    try {
      await tunnel(socket, proxy, host, port, signal);
      return socket;
    } catch (error) {
      socket.on("error", () => {});
      socket.destroy();
      throw error;
    }
  }
  if (addresses === undefined) return await connect(host, port, signal);
  let failure: unknown = Object.assign(new Error("the host has no address"), { code: "ENOTFOUND" });
  for (const address of addresses) {
    try {
      return await connect(address, port, signal);
    } catch (error) {
      failure = error;
      if (!unreachable.has(String((error as { code?: unknown }).code))) break;
    }
  }
  throw failure;
}

/**
 * Connects, and ends what was begun when the signal aborts first.
 *
 * @throws Error with the `code` of the system or of TLS; the signal's reason
 */
export async function dial(target: Target, signal: AbortSignal): Promise<net.Socket> {
  const socket = await reach(target, signal);
  if (target.tls === undefined) return socket;
  const { serverName = target.host, ...credentials } = target.tls;
  const secured = tls.connect({
    socket,
    ...credentials,
    ...(isIP(serverName) === 0 && { servername: serverName }),
    host: serverName,
  });
  // A failed handshake is reported by the secured socket.
  socket.on("error", () => {});
  try {
    await established(secured, "secureConnect", signal);
  } catch (error) {
    socket.destroy();
    throw error;
  }
  return secured;
}
