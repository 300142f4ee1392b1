import type { Server } from "bun";
import { WippyError } from "../../vm/error.ts";
import type { LuaValue } from "../../vm/value.ts";
import type { Frame } from "../context.ts";
import { Calls } from "./calls.ts";
import type { Client, Door } from "./door.ts";
import { type Check, type Exchange, type Handler, plain } from "./exchange.ts";
import type { Meters } from "./meters.ts";
import { dotRoutes } from "./dot-paths.ts";
import { cleanPath, type RouteTable } from "./route-table.ts";
import { routesOf, type Target } from "./routes.ts";
import { largestMessage, type SocketConnection, type SocketData } from "./relay/websocket.ts";
import { addressOf, type HttpService } from "./schema.ts";
import type { Serving } from "./serving.ts";
import { faultOf, needsDoor } from "./tls.ts";
import type { Counts } from "./traffic.ts";

/** Longest idle timeout that Bun allows, in seconds. */
const longestIdle = 255;

/** Hosts and paths that a URL does not normalize. */
const plainHost = /^[\w.-]+(?::\d+)?$/;
const plainPath = /^\/[\w\-.~!$&'()*+,;=:@/]*$/;

const tracePattern = /^00-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}$/;

/** Where a server listens. */
export interface Address {
  port: number;
  hostname?: string | undefined;
  /** Whether other threads listen there too, and the system gives each new connection to one of them. */
  shared: boolean;
}

/** A received request; its parts are created on demand. */
class Arrival implements Exchange {
  readonly checks: Check[] = [];
  endpoint: string | undefined;
  upgrade?: Exchange["upgrade"] & object;
  #url: URL | undefined;
  #remote: string | undefined;

  constructor(
    readonly server: Server<SocketData> | undefined,
    readonly request: Request,
    readonly secure: boolean,
    public frame: Frame,
    readonly trace: string | undefined,
    readonly params: Record<string, string>,
    /** Who has sent it, where the server's connection is another's. */
    readonly client: Client | undefined,
  ) {}

  get url(): URL {
    return this.#url ??= new URL(this.request.url);
  }

  get remote(): string {
    if (this.#remote === undefined) {
      const at = this.client ?? this.server?.requestIP(this.request);
      // A socket for both families shows IPv4 inside IPv6.
      const address = at?.address ?? (this.server === undefined ? "127.0.0.1" : undefined);
      const bare = address?.replace(/^::ffff:(?=\d+\.)/, "") ?? "";
      this.#remote = `${bare.includes(":") ? `[${bare}]` : bare}:${at?.port ?? 0}`;
    }
    return this.#remote;
  }

  set remote(remote: string) {
    this.#remote = remote;
  }

  limitSilence(seconds: number): void {
    this.server?.timeout(this.request, seconds);
  }

  /** The response will be created later: reads what may be unavailable by then. */
  wait(): void {
    void this.remote;
    // While the function runs, an idle connection is not the client's fault.
    this.limitSilence(0);
  }
}

/** The id of the caller's trace, if there is a sound one: 32 hexadecimal digits. */
function traceOf({ headers }: Request): string | undefined {
  const given = headers.get("traceparent");
  return given === null ? undefined : tracePattern.exec(given)?.[1];
}

/** Serves the requests of one server in one thread. */
export class Listener {
  readonly #serving: Serving;
  readonly #data: HttpService;
  readonly #counts: Counts;
  readonly #meters: Meters;
  readonly #calls: Calls;
  #table: RouteTable<Target> | undefined;
  #server: Server<SocketData> | undefined;
  #door: Door | undefined;
  /** The last host that a URL does not normalize. */
  #host = "";
  #stopping = false;

  constructor(serving: Serving, data: HttpService, counts: Counts, meters: Meters) {
    this.#serving = serving;
    this.#data = data;
    this.#counts = counts;
    this.#meters = meters;
    this.#calls = new Calls(serving, data.timeouts, counts);
  }

  /** Number of routes. */
  get routes(): number {
    return this.#table?.size ?? 0;
  }

  /** The address as a URL, while it listens. */
  get origin(): string | undefined {
    const origin = this.#server?.url.origin;
    if (origin === undefined || this.#door === undefined) return origin;
    const { hostname = "localhost" } = addressOf(this.#data.addr)!;
    return `https://${hostname.includes(":") ? `[${hostname}]` : hostname}:${this.#door.port}`;
  }

  get port(): number | undefined {
    return this.#door?.port ?? this.#server?.port;
  }

  /** Applies the current entries. @throws WippyError Invalid, AlreadyExists or Conflict */
  rebuild(): void {
    this.#table = routesOf(
      this.#serving,
      this.#meters,
      (endpoint, func) => this.#calls.handler(endpoint, func),
    );
  }

  /** See `Calls.answer`. @throws WippyError */
  answer(operation: string, input: LuaValue): LuaValue | Promise<LuaValue> {
    return this.#calls.answer(operation, input);
  }

  /** The handler of a request, or the response if there is none. */
  #find(request: Request, dotted: boolean): Response | [Handler, Arrival] {
    const client = this.#door?.clientAt(this.#server?.requestIP(request)?.port);
    if (this.#door && client === undefined) return plain(403, "this port is the server's own");
    // A malformed host would be parsed as a path, and two hosts as either.
    const host = request.headers.get("host") ?? "";
    const { url: text } = request;
    const begin = text.indexOf("/", text.indexOf("://") + 3);
    const end = text.indexOf("?", begin);
    let path = text.slice(begin, end < 0 ? undefined : end);
    const asWritten = host === this.#host || plainHost.test(host);
    if (asWritten) this.#host = host;
    let found = asWritten ? this.#table?.known(request.method, path) : undefined;
    if (found === undefined) {
      if (!asWritten || !plainPath.test(path) || path.includes("/.")) {
        const url = URL.parse(text);
        if (url === null || /[,\s/\\@?#]/.test(host)) return plain(400, "malformed host");
        path = url.pathname;
      }
      found = this.#table?.match(request.method, path) ?? "none";
    }
    if (dotted && found !== "malformed") found = { redirect: cleanPath(path) };
    if (found === "none") return plain(404, "404 page not found");
    if (found === "malformed") return plain(400, "malformed path");
    if ("redirect" in found) {
      const safe = request.method === "GET" || request.method === "HEAD";
      return plain(safe ? 301 : 308, "", { location: found.redirect + new URL(text).search });
    }
    if ("allow" in found) {
      return plain(405, "Method Not Allowed", { allow: found.allow.join(", ") });
    }
    const frame = this.#serving.units.frame(this.#data.lifecycle.security);
    const secure = this.#data.tls.mode !== "";
    const trace = traceOf(request);
    return [
      found.route.target.handler,
      new Arrival(this.#server, request, secure, frame, trace, found.params, client),
    ];
  }

  #fault(request: Request, error: unknown): Response {
    const { message } = WippyError.from(error);
    this.#serving.log("error", `${request.method} failed: ${message}`);
    return plain(500, "internal error");
  }

  /**
   * Makes the response to a request; undefined where its connection became a WebSocket.
   *
   * @param dotted whether its path had a segment `.` or `..`, which its URL no longer has
   */
  handle(request: Request, dotted = false): Response | Promise<Response | undefined> {
    if (this.#stopping) return plain(503, "the server is stopping", { connection: "close" });
    const { platform } = this.#serving;
    this.#counts.take();
    const since = platform.precise();
    let response: Response | Promise<Response>;
    let arrival: Arrival | undefined;
    try {
      const found = this.#find(request, dotted);
      if (found instanceof Response) {
        response = found;
      } else {
        arrival = found[1];
        response = found[0](arrival);
      }
    } catch (error) {
      response = this.#fault(request, error);
    }
    if (response instanceof Promise) return this.#later(request, arrival!, response, since);
    this.#done(since);
    return response;
  }

  #done(since: number): void {
    const now = this.#serving.platform.precise();
    this.#counts.release();
    this.#counts.record(now - since, now);
  }

  async #later(
    request: Request,
    arrival: Arrival,
    coming: Promise<Response>,
    since: number,
  ): Promise<Response | undefined> {
    arrival.wait();
    try {
      const response = await coming;
      if (arrival.upgrade === undefined || response.status !== 101) return response;
      const upgrade = (connection: SocketConnection) =>
        this.#server?.upgrade(request, { headers: response.headers, data: { connection } }) ===
          true;
      if (arrival.upgrade(upgrade)) return undefined;
      return plain(400, "this is not a WebSocket handshake");
    } catch (error) {
      return this.#fault(request, error);
    } finally {
      this.#done(since);
    }
  }

  /** Begins to take the requests that `handle` gets. */
  open(): void {
    this.#stopping = false;
  }

  /** Starts listening. @throws WippyError Unavailable when the address is in use, Invalid for certificates */
  async listen(address: Address): Promise<void> {
    this.open();
    const { tls } = this.#data;
    const { mode } = tls;
    try {
      if (!needsDoor(tls)) {
        this.#server = this.#serve(address, tls);
        return;
      }
      const fault = faultOf(tls);
      if (fault !== undefined) throw new Error(fault);
      const server = this.#serve({ port: 0, hostname: "127.0.0.1", shared: false }, undefined);
      this.#server = server;
      const { Door } = await import("./door.ts");
      const door = await Door.open(tls, address, server.port!);
      // The server may have been killed meanwhile.
      if (this.#server === server) this.#door = door;
      else door.end();
    } catch (error) {
      await this.end();
      const { code, message } = error as NodeJS.ErrnoException;
      if (code === "EADDRINUSE") {
        throw new WippyError("Unavailable", `the address ${this.#data.addr} is in use`, {
          retryable: true,
          cause: error,
        });
      }
      const text = mode === "manual" ? `tls: ${faultOf(tls) ?? message}` : message;
      throw new WippyError(mode === "manual" ? "Invalid" : "Unavailable", text, {
        retryable: false,
        cause: error,
      });
    }
  }

  /** Has Bun listen, with TLS where that is said. */
  #serve(
    { port, hostname, shared }: Address,
    tls: HttpService["tls"] | undefined,
  ): Server<SocketData> {
    const { timeouts } = this.#data;
    const { mode, cert, key, client_ca, client_auth } = tls ?? {};
    return Bun.serve({
      port,
      ...(hostname !== undefined && { hostname }),
      reusePort: shared,
      idleTimeout: Math.min(
        longestIdle,
        Math.ceil((timeouts.idle ?? timeouts.read ?? 0) / 1000),
      ),
      // The module `http` limits bodies that it keeps in memory; streams are not limited.
      maxRequestBodySize: Number.MAX_SAFE_INTEGER,
      development: false,
      fetch: (request) => this.handle(request),
      routes: dotRoutes((request: Request) => this.handle(request, true) as Promise<Response>),
      websocket: {
        maxPayloadLength: largestMessage,
        open: (socket) => socket.data.connection.opened(socket),
        message: (socket, message) => socket.data.connection.received(message),
        drain: (socket) => socket.data.connection.pump(),
        close: (socket) => socket.data.connection.closed(),
      },
      error: () => plain(500, "internal error"),
      // For clients that offer h2; experimental in Bun.
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
  }

  /** Stops accepting requests; fulfilled when those in flight have a response. */
  async drain(): Promise<void> {
    this.#stopping = true;
    this.#door?.close();
    await this.#server?.stop();
    await this.#door?.drain();
  }

  /** Ends all connections. */
  async end(): Promise<void> {
    const server = this.#server;
    this.#door?.end();
    this.#server = this.#door = undefined;
    await server?.stop(true);
  }
}
