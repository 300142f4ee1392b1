import type { Server } from "bun";
import { WippyError } from "../../vm/error.ts";
import { asLua, type LuaValue, numberOf } from "../../vm/value.ts";
import type { ServedCall, ServiceContext } from "../context.ts";
import { type Service, untilStopped } from "../service.ts";
import { type Exchange, type Handler, plain } from "./exchange.ts";
import { httpEndpoint, httpRouter, httpStatic } from "./endpoints.ts";
import { Meters } from "./meters.ts";
import type { RouteTable } from "./route-table.ts";
import { routesOf, type Target } from "./routes.ts";
import { Relays } from "./relay/relay.ts";
import { largestMessage, type SocketConnection, type SocketData } from "./relay/websocket.ts";
import { addressOf, type HttpService } from "./schema.ts";
import { answerOf, Served } from "./served.ts";
import { tlsFault } from "./tls.ts";
import { Traffic } from "./traffic.ts";

/** Milliseconds that a stop waits for requests that are being served. */
const drainTime = 30_000;
/** Seconds of silence that Bun allows at most. */
const longestIdle = 255;

/** A server that calls functions. */
export function runServer(context: ServiceContext, data: HttpService): Service {
  const { platform, units } = context;
  const meters = new Meters();
  const served = new Map<number, Served>();
  let last = 0;
  let table: RouteTable<Target> | undefined;
  let server: Server<SocketData> | undefined;
  const relays = new Relays(data.host.buffer_size);
  const traffic = new Traffic(platform.now);
  let inFlight = 0;
  let total = 0;
  let stopping = false;

  /** Serves requests of an endpoint by a function. */
  const call = (endpoint: string, func: string): Handler => (exchange) =>
    new Promise((respond, reject) => {
      const { request, frame, checks } = exchange;
      const { signal } = request;
      let begun = false;
      let serving: ServedCall | undefined;
      let left = signal.aborted;
      const abort = () => {
        left = true;
        serving?.cancel();
      };
      last += 1;
      const handlers = {
        begun: (response: Response) => {
          // It is in flight for as long as its function writes it.
          begun = true;
          inFlight += 1;
          respond(response);
        },
        gone: abort,
      };
      const own = new Served(last, exchange, handlers, data.timeouts.read);
      served.set(own.id, own);
      signal.addEventListener("abort", abort, { once: true });
      const work = async () => {
        try {
          const coming = own.smallBody()?.catch((error: Error) => error);
          const body = coming && await coming;
          if (body instanceof Error) return plain(408, body.message, { connection: "close" });
          const described = own.describe(context.entry.id, body);
          if (left) throw new WippyError("Canceled", "operation canceled", { retryable: false });
          serving = units.serve(func, frame, checks, described, data.timeouts.write);
          const answer = answerOf(await serving.answer);
          if (answer.failure !== undefined) {
            const { message } = WippyError.from(answer.failure);
            const what = `${request.method} ${exchange.url.pathname} failed: ${message}`;
            context.log("error", what, { endpoint });
          }
          return await own.finish(answer);
        } catch (error) {
          const failure = WippyError.from(error);
          own.fail(failure);
          if (failure.kind === "Timeout") return plain(503, "the request took too long");
          if (!left) {
            context.log("error", `${endpoint} failed: ${failure.message}`, { endpoint });
          }
          return plain(failure.kind === "Unavailable" ? 503 : 500, failure.message);
        } finally {
          signal.removeEventListener("abort", abort);
          served.delete(own.id);
          if (begun) inFlight -= 1;
          await own.close();
        }
      };
      work().then(respond, reject);
    });

  /** The trace that a caller is in, or one that begins here: 32 hexadecimal digits. */
  const traceOf = (request: Request): string => {
    const given = request.headers.get("traceparent");
    const [, known] = given === null
      ? []
      : /^00-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}$/.exec(given) ?? [];
    return known ?? Buffer.from(platform.random.bytes(16)).toString("hex");
  };

  /** Whom a request goes to, or the response where that is nobody. */
  const find = (request: Request, remote: string): Response | [Handler, Exchange] => {
    // What is no host would be taken for a path, and two hosts for either.
    const host = request.headers.get("host") ?? "";
    const url = URL.parse(request.url);
    if (url === null || /[,\s/\\@?#]/.test(host)) return plain(400, "malformed host");
    const found = table?.match(request.method, url.pathname) ?? "none";
    if (found === "none") return plain(404, "404 page not found");
    if (found === "malformed") return plain(400, "malformed path");
    if ("redirect" in found) {
      const safe = request.method === "GET" || request.method === "HEAD";
      return plain(safe ? 301 : 308, "", { location: found.redirect + url.search });
    }
    if ("allow" in found) {
      return plain(405, "Method Not Allowed", { allow: found.allow.join(", ") });
    }
    const frame = units.frame(data.lifecycle.security);
    const exchange: Exchange = {
      request,
      url,
      remote,
      secure: data.tls.mode !== "",
      frame: { ...frame, values: { trace_id: traceOf(request) } },
      endpoint: undefined,
      params: found.params,
      checks: [],
      limitSilence: (seconds) => server?.timeout(request, seconds),
    };
    return [found.route.target.handler, exchange];
  };

  const handle = async (request: Request): Promise<Response | undefined> => {
    if (stopping) return plain(503, "the server is stopping", { connection: "close" });
    const at = server?.requestIP(request);
    // A socket for both families shows IPv4 inside IPv6.
    const bare = at?.address.replace(/^::ffff:(?=\d+\.)/, "") ?? "";
    const address = bare.includes(":") ? `[${bare}]` : bare;
    // However long the function takes, its connection is not silent by fault of the client.
    server?.timeout(request, 0);
    inFlight += 1;
    total += 1;
    const since = platform.precise();
    try {
      const found = find(request, `${address}:${at?.port ?? 0}`);
      if (found instanceof Response) return found;
      const [handler, exchange] = found;
      const response = await handler(exchange);
      if (exchange.upgrade === undefined || response.status !== 101) return response;
      const upgrade = (connection: SocketConnection) =>
        server?.upgrade(request, { headers: response.headers, data: { connection } }) === true;
      if (exchange.upgrade(upgrade)) return undefined;
      return plain(400, "this is no handshake of a WebSocket");
    } catch (error) {
      context.log("error", `${request.method} failed: ${WippyError.from(error).message}`);
      return plain(500, "internal error");
    } finally {
      inFlight -= 1;
      traffic.record(platform.precise() - since);
    }
  };

  const rebuild = () => {
    table = routesOf(context, meters, relays, call);
  };

  const listen = () => {
    const address = addressOf(data.addr)!;
    const { mode, cert, key, client_ca, client_auth } = data.tls;
    try {
      server = Bun.serve({
        port: address.port,
        ...(address.hostname !== undefined && { hostname: address.hostname }),
        idleTimeout: Math.min(
          longestIdle,
          Math.ceil((data.timeouts.idle ?? data.timeouts.read ?? 0) / 1000),
        ),
        // The module `http` limits what it keeps of a body; a stream is as long as it is.
        maxRequestBodySize: Number.MAX_SAFE_INTEGER,
        development: false,
        fetch: handle,
        websocket: {
          maxPayloadLength: largestMessage,
          open: (socket) => socket.data.connection.opened(socket),
          message: (socket, message) => socket.data.connection.received(message),
          drain: (socket) => socket.data.connection.pump(),
          close: (socket) => socket.data.connection.closed(),
        },
        error: () => plain(500, "internal error"),
        // Clients that offer h2 get it; Bun calls it experimental.
        ...(mode === "manual" && {
          http2: true,
          tls: {
            cert,
            key,
            ...(client_ca !== undefined && { ca: client_ca }),
            ...(client_auth !== undefined && {
              requestCert: true,
              rejectUnauthorized: client_auth === "require_and_verify",
            }),
          },
        }),
      });
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      if (code === "EADDRINUSE") {
        throw new WippyError("Unavailable", `the address ${data.addr} is in use`, {
          retryable: true,
          cause: error,
        });
      }
      const text = mode === "manual" ? `tls: ${tlsFault(data.tls) ?? message}` : message;
      throw new WippyError(mode === "manual" ? "Invalid" : "Unavailable", text, {
        retryable: false,
        cause: error,
      });
    }
    context.log("info", `listening on ${server.url.origin}`);
  };

  const unwatch = context.watch([httpRouter.name, httpEndpoint.name, httpStatic.name], () => {
    if (server !== undefined) rebuild();
  });
  void unwatch;

  const end = async () => {
    await server?.stop(true);
    server = undefined;
  };

  const service = untilStopped({
    open: () => {
      stopping = false;
      rebuild();
      listen();
    },
    close: async () => {
      stopping = true;
      const late = Promise.withResolvers<void>();
      const cancel = platform.setTimer(drainTime, late.resolve);
      await Promise.race([Promise.all([server?.stop(), relays.stop()]), late.promise]);
      cancel();
      await end();
    },
    kill: end,
    inspect: () =>
      asLua({
        address: server?.url.origin ?? data.addr,
        routes: table?.size ?? 0,
        in_flight: inFlight,
        requests: total,
        requests_per_second: traffic.rate,
        latency_ms: { p50: traffic.quantile(0.5), p99: traffic.quantile(0.99) },
        connections: relays.inspect(),
      }),
    summary: () => {
      const latency = (part: number) =>
        `p${part * 100} ${traffic.quantile(part).toPrecision(2)} ms`;
      const open = relays.count;
      return `${inFlight} in flight, ${traffic.rate.toFixed(1)}/s, ` +
        `${latency(0.5)}, ${latency(0.99)}${open > 0 ? `, ${open} connections` : ""}`;
    },
    figures: () => [
      ...meters.figures(),
      ...relays.figures(),
      {
        name: "wippy_http_server_requests_total",
        help: "Requests that a server has taken.",
        value: total,
      },
      {
        name: "wippy_http_server_in_flight",
        help: "Requests that a server has in hand.",
        value: inFlight,
      },
      {
        name: "wippy_http_server_requests_per_second",
        help: "Requests that a server answered in the last minute, a second.",
        value: traffic.rate,
      },
      ...[0.5, 0.9, 0.99].map((part) => ({
        name: "wippy_http_server_latency_seconds",
        help: "Time until the response, as of the last minute.",
        labels: { quantile: String(part) },
        value: traffic.quantile(part) / 1_000,
      })),
    ],
  });
  return {
    ...service,
    answer: (operation, input) => answer(served, operation, input),
  };
}

/** What the module `http` asks for the request that its function has. @throws WippyError */
async function answer(
  served: ReadonlyMap<number, Served>,
  operation: string,
  input: LuaValue,
): Promise<LuaValue> {
  const given = (input ?? {}) as Record<string, LuaValue>;
  const own = served.get(numberOf(given["id"]));
  if (own === undefined) {
    throw new WippyError("Internal", "the request has ended", { retryable: false });
  }
  const { timeout: time, rest } = given;
  const timeout = time === undefined || time === null ? undefined : numberOf(time);
  if (operation === "read") return await own.read(numberOf(given["size"]), timeout);
  if (operation === "form") {
    const body = numberOf(given["max_body"]);
    const first = typeof rest === "string" || rest instanceof Uint8Array
      ? Buffer.from(rest as string)
      : undefined;
    return await own.form(first, { memory: numberOf(given["max_memory"]), body, timeout });
  }
  if (operation === "form_read") {
    const { file, from, size } = given;
    return await own.formRead(numberOf(file), numberOf(from), numberOf(size));
  }
  if (operation === "write") {
    const data = given["data"];
    const part = data instanceof Uint8Array
      ? data
      : Buffer.from(typeof data === "string" ? data : "");
    await own.write((given["head"] ?? {}) as object, part);
    return true;
  }
  throw new WippyError("Invalid", `a server answers no ${operation}`, { retryable: false });
}
