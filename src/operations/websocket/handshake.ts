/**
 * The handshake of a WebSocket: an HTTP request that turns its connection into one of frames.
 * @module
 */
import { longestTimer } from "../../platform/platform.ts";
import { createHash } from "node:crypto";
import type { Socket } from "node:net";
import { literalAddress } from "../../network/address.ts";
import { explain } from "../../network/failure.ts";
import { type Granted, type Need, resolve } from "../../network/guard.ts";
import { type Head, readHead } from "../../network/head.ts";
import { dial } from "../../network/network.ts";
import type { Proxy } from "../../network/proxy.ts";
import { WippyError } from "../../vm/error.ts";
import { nameOf } from "../http_client/failure.ts";
import { agreed, type Agreement, offer } from "./compression.ts";
import type { Wanted } from "./options.ts";

/** A connection that speaks frames. */
export interface Opened {
  socket: Socket;
  /** What the server sent after its head. */
  rest: Uint8Array;
  /** The subprotocol that the server chose, "" for none. */
  protocol: string;
  compression: Agreement | undefined;
}

/** A reason that is the protocol's, not the network's. */
class Refusal extends Error {
  constructor(readonly code: string, message: string, readonly status?: number) {
    super(message);
  }
}

function requestHead(
  { url, headers, protocols, compression }: Wanted,
  key: string,
): Uint8Array {
  const { host, pathname, search } = new URL(url);
  const lines = [
    `GET ${pathname}${search} HTTP/1.1`,
    `Host: ${host}`,
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Version: 13",
    `Sec-WebSocket-Key: ${key}`,
    ...(protocols.length > 0 ? [`Sec-WebSocket-Protocol: ${protocols.join(", ")}`] : []),
    ...(compression === "disabled"
      ? []
      : [`Sec-WebSocket-Extensions: ${offer(compression === "no_context_takeover")}`]),
    ...headers.map(([name, value]) => `${name}: ${value}`),
  ];
  return Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1");
}

/** Checks the response. @throws Refusal when the server does not speak the protocol */
function accept(
  { status, headers, rest }: Head,
  key: string,
  wanted: Wanted,
): Omit<Opened, "socket"> {
  if (status !== 101) {
    const text = `the server answered with status ${status} instead of a WebSocket`;
    throw new Refusal("HTTP_STATUS", text, status);
  }
  const answer = createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
    .digest("base64");
  const upgrades = headers.get("upgrade")?.toLowerCase() === "websocket" &&
    /\bupgrade\b/i.test(headers.get("connection") ?? "");
  if (!upgrades || headers.get("sec-websocket-accept") !== answer) {
    throw new Refusal("HANDSHAKE", "the server's handshake is wrong");
  }
  const protocol = headers.get("sec-websocket-protocol") ?? "";
  if (protocol !== "" && !wanted.protocols.includes(protocol)) {
    throw new Refusal("HANDSHAKE", `the server chose the protocol "${protocol}", not offered`);
  }
  const extensions = headers.get("sec-websocket-extensions");
  if (extensions === undefined) return { protocol, rest, compression: undefined };
  if (wanted.compression === "disabled") {
    throw new Refusal("HANDSHAKE", `the server wants the extension "${extensions}", not offered`);
  }
  const forgetful = wanted.compression === "no_context_takeover";
  try {
    return { protocol, rest, compression: agreed(extensions, forgetful) };
  } catch (error) {
    throw new Refusal("HANDSHAKE", (error as Error).message);
  }
}

async function shake(
  wanted: Wanted,
  addresses: string[] | undefined,
  proxy: Proxy | undefined,
  key: string,
  signal: AbortSignal,
): Promise<Opened> {
  const url = new URL(wanted.url);
  const secure = url.protocol === "wss:";
  const socket = await dial({
    host: literalAddress(url) ?? url.hostname,
    port: Number(url.port) || (secure ? 443 : 80),
    addresses,
    proxy,
    ...(secure && { tls: wanted.tls ?? {} }),
  }, signal);
  try {
    socket.write(requestHead(wanted, key));
    return { socket, ...accept(await readHead(socket, signal), key, wanted) };
  } catch (error) {
    socket.on("error", () => {});
    socket.destroy();
    throw error;
  }
}

/**
 * Opens a connection, or returns the permissions that are lacking.
 *
 * @param proxy to connect through; it resolves the name
 * @param key sixteen random bytes
 * @throws WippyError Internal, retryable (details: code, and status of an HTTP response); Canceled
 */
export async function open(
  wanted: Wanted,
  granted: Granted,
  proxy: Proxy | undefined,
  key: Uint8Array,
  outer: AbortSignal,
): Promise<Opened | { needs: Need[] }> {
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(), Math.min(wanted.dialTimeout, longestTimer));
  const signal = AbortSignal.any([outer, late.signal]);
  const aborted = Promise.withResolvers<never>();
  aborted.promise.catch(() => {});
  signal.addEventListener("abort", () => aborted.reject(signal.reason), { once: true });
  try {
    // A resolver cannot be called off, but nobody waits for it any longer.
    const resolved = proxy !== undefined ? {} : await Promise.race([
      resolve("websocket", new URL(wanted.url), granted),
      aborted.promise,
    ]);
    if (resolved.needs !== undefined) return { needs: resolved.needs };
    const text = Buffer.from(key).toString("base64");
    return await shake(wanted, resolved.addresses, proxy, text, signal);
  } catch (error) {
    if (outer.aborted) throw new WippyError("Canceled", "operation canceled", { retryable: false });
    const what = nameOf("CONNECT", wanted.url);
    const { code, text, status } = late.signal.aborted
      ? { code: "TIMEOUT", text: `timed out after ${wanted.dialTimeout} ms`, status: undefined }
      : error instanceof Refusal
      ? { code: error.code, text: error.message, status: error.status }
      : { ...explain(error), status: undefined };
    throw new WippyError("Internal", `${what}: ${text}`, {
      retryable: true,
      details: { code, ...(status !== undefined && { status }) },
    });
  } finally {
    clearTimeout(timer);
  }
}
