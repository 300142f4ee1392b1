import { WippyError } from "../../../vm/error.ts";
import { markStreamed, plain } from "../exchange.ts";
import { EventConnection } from "../relay/events.ts";
import { allowsEvents, allowsSocket, originPatterns } from "../relay/origins.ts";
import { headerSettings, type RelaySettings } from "../relay/settings.ts";
import { SocketConnection } from "../relay/websocket.ts";
import type { Serving } from "../serving.ts";
import type { Middleware, Use } from "./use.ts";

/** Takes a header off a response. */
function take(response: Response, name: string): string | null {
  const value = response.headers.get(name);
  if (value !== null) response.headers.delete(name);
  return value;
}

/** A server that relays is on the node's thread (`placement.ts`). */
function relayingOf({ context }: Use): NonNullable<Serving["relaying"]> {
  if (context.relaying) return context.relaying;
  throw new WippyError("Internal", "connections cannot be relayed here", { retryable: false });
}

/** Gives the client a WebSocket to the process that the function names in the header `X-WS-Relay`. */
export function websocketRelay(use: Use): Middleware {
  const { options } = use;
  const { context, relays } = relayingOf(use);
  const patterns = originPatterns(options, "wsrelay");
  return async (exchange, next) => {
    const response = await next(exchange);
    const text = take(response, "x-ws-relay");
    // A response of its own is not to be upgraded.
    if (text === null || response.body !== null || response.status !== 200) return response;
    let settings: RelaySettings;
    try {
      settings = headerSettings(text, false);
      if (!settings.target) return plain(400, "target_pid is missing");
    } catch (error) {
      const { message } = WippyError.from(error);
      if (message.startsWith("target_pid")) return plain(400, message);
      context.log("error", `websocket_relay: X-WS-Relay: ${message}`);
      return response;
    }
    const { request, remote } = exchange;
    if (!allowsSocket(patterns, request)) return plain(403, "origin not allowed");
    if (request.headers.get("upgrade")?.toLowerCase() !== "websocket") {
      return plain(426, "Upgrade Required", { connection: "Upgrade", upgrade: "websocket" });
    }
    exchange.upgrade = (upgrade) => {
      const connection = new SocketConnection(context, relays, settings, remote);
      if (upgrade(connection)) return true;
      connection.closed();
      return false;
    };
    const headers = new Headers(response.headers);
    for (const name of ["content-type", "content-length"]) headers.delete(name);
    return new Response(null, { status: 101, headers });
  };
}

/** Gives the client a stream of the messages that its connection gets, as the header `X-SSE-Relay` says. */
export function sseRelay(use: Use): Middleware {
  const { options } = use;
  const { context, relays } = relayingOf(use);
  const patterns = originPatterns(options, "sserelay");
  return async (exchange, next) => {
    const response = await next(exchange);
    const text = take(response, "x-sse-relay");
    if (text === null || response.body !== null || response.status !== 200) return response;
    const { request, secure } = exchange;
    if (!allowsEvents(patterns, request, secure)) return plain(403, "origin not allowed");
    let settings: RelaySettings;
    try {
      settings = headerSettings(text, true);
    } catch (error) {
      return plain(400, `X-SSE-Relay: ${WippyError.from(error).message}`);
    }
    const headers = new Headers(response.headers);
    headers.set("content-type", "text/event-stream");
    headers.set("cache-control", "no-cache");
    headers.set("connection", "keep-alive");
    headers.set("x-accel-buffering", "no");
    if (request.method === "HEAD") return new Response(null, { headers });
    const connection = new EventConnection(context, relays, settings, exchange);
    const leave = () => connection.closed();
    request.signal.addEventListener("abort", leave, { once: true });
    if (request.signal.aborted) leave();
    return markStreamed(new Response(connection.body, { headers }));
  };
}
