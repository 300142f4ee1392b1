/**
 * The admin server: the API, the page and the metrics over HTTP, for browsers and programs with a token.
 * @module
 */
import { Hono } from "hono";
import { getCookie, setCookie } from "hono/cookie";
import { WippyError } from "../vm/error.ts";
import { apiBase, createApi } from "./api.ts";
import { allowsHost, allowsOrigin, securityHeaders } from "./guard.ts";
import { createMetrics } from "./metrics.ts";
import { page } from "./page.ts";
import { problem } from "./problem.ts";
import { includesRole, type Role } from "./role.ts";
import type { AdminTarget } from "./route.ts";
import { cookieName, FailedSignIns, sessionAge, Sessions } from "./sessions.ts";
import { largestBody } from "./socket.ts";
import type { Tokens } from "./tokens.ts";

export interface ServerOptions {
  host: string;
  /** 0: one that is free. */
  port: number;
  /** Further names of this server in requests. */
  names: readonly string[];
  tls?: { cert: string; key: string };
}

/** A server that listens. */
export interface AdminServer {
  /** Where it listens, without a path. */
  url: string;
  close(): Promise<void>;
}

function denied(kind: string, message: string): WippyError {
  return new WippyError(kind, message, { retryable: false });
}

/**
 * Everything that the server answers.
 *
 * @param addressOf who sent a request
 * @param clock milliseconds since 1970
 */
export function createSite(
  target: AdminTarget,
  tokens: Tokens,
  options: Pick<ServerOptions, "names" | "tls">,
  addressOf: (request: Request) => string,
  clock: () => number = Date.now,
): Hono {
  const sessions = new Sessions();
  const failed = new FailedSignIns();
  const metrics = createMetrics(target);
  const secure = options.tls !== undefined;

  /** The token that a request carries. */
  const tokenOf = (request: Request): string | undefined => {
    const bearer = /^Bearer +(\S+)$/i.exec(request.headers.get("authorization") ?? "")?.[1];
    if (bearer !== undefined) return bearer;
    const cookie = new RegExp(`(?:^|; *)${cookieName}=([\\w-]+)`)
      .exec(request.headers.get("cookie") ?? "")?.[1];
    return cookie === undefined ? undefined : sessions.tokenOf(cookie, clock());
  };
  const roleOf = (request: Request): Role | undefined => {
    const token = tokenOf(request);
    return token === undefined ? undefined : tokens.roleOf(token);
  };

  const site = new Hono();
  site.onError((error, context) => problem(context, error));
  site.use(async (context, next) => {
    await next();
    for (const [name, value] of Object.entries(securityHeaders)) {
      context.res.headers.set(name, value);
    }
    if (secure) context.res.headers.set("strict-transport-security", "max-age=31536000");
  });
  site.use(async (context, next) => {
    const host = context.req.header("host") ?? null;
    if (!allowsHost(host, options.names)) {
      const message = "this server is not known by that name; use its address, or --allow-host";
      return problem(context, denied("PermissionDenied", message));
    }
    if (!allowsOrigin(context.req.raw, host!)) {
      return problem(context, denied("PermissionDenied", "the request comes from another site"));
    }
    return await next();
  });
  // Who guesses tokens waits, whichever way they are sent.
  site.use(async (context, next) => {
    const guesses = context.req.header("authorization") !== undefined ||
      context.req.path === "/sign-in";
    if (!guesses) return await next();
    const address = addressOf(context.req.raw);
    const wait = failed.wait(address, clock());
    if (wait > 0) {
      context.header("retry-after", String(wait));
      const message = `too many failed sign-ins; try again in ${wait} s`;
      return problem(context, denied("RateLimited", message));
    }
    await next();
    if (context.res.status === 401) failed.add(address, clock());
  });

  site.get("/healthz", (context) => context.text("ok\n"));
  site.get("/readyz", (context) => {
    const failing = target.node.control.services
      .filter(({ status, desired }) => desired === "running" && status !== "running");
    if (failing.length === 0) return context.text("ready\n");
    return context.text(`not ready: ${failing.length} services do not run\n`, 503);
  });
  site.get("/metrics", async (context) => {
    const role = roleOf(context.req.raw);
    if (role === undefined || !includesRole(role, "viewer")) {
      return problem(
        context,
        denied("Unauthenticated", "send a token: Authorization: Bearer TOKEN"),
      );
    }
    return context.body(await metrics.metrics(), 200, { "content-type": metrics.contentType });
  });

  const signIn = (token: string | undefined): string | undefined =>
    token !== undefined && tokens.roleOf(token) !== undefined
      ? sessions.begin(token, clock())
      : undefined;
  site.on(["GET", "POST"], "/sign-in", async (context) => {
    const given = context.req.method === "POST"
      ? (await context.req.parseBody())["token"]
      : context.req.query("token");
    const token = typeof given === "string" ? given.trim() : undefined;
    if (token === undefined && context.req.method === "GET") {
      return context.html(page.signIn());
    }
    const session = signIn(token);
    if (session === undefined) return context.html(page.signIn("This token is not known."), 401);
    setCookie(context, cookieName, session, {
      httpOnly: true,
      sameSite: "Strict",
      path: "/",
      maxAge: sessionAge / 1000,
      secure,
    });
    // Not a redirect: the cookie would not be sent with one that began on another site.
    return context.html(page.signedIn());
  });
  site.post("/sign-out", (context) => {
    const session = getCookie(context, cookieName);
    if (session !== undefined) sessions.end(session);
    setCookie(context, cookieName, "", { path: "/", maxAge: 0, httpOnly: true });
    return context.redirect("/sign-in", 303);
  });

  site.route("/", createApi(target, roleOf));
  site.get("/assets/:name", (context) => {
    const file = page.asset(context.req.param("name"));
    if (!file) return context.text("not found\n", 404);
    return context.body(file.body, 200, {
      "content-type": file.type,
      // The name changes with the content.
      "cache-control": "public, max-age=31536000, immutable",
    });
  });
  site.get("*", (context) => {
    if (context.req.path.startsWith(apiBase)) {
      return problem(context, denied("NotFound", `no route GET ${context.req.path}`));
    }
    if (roleOf(context.req.raw) === undefined) return context.redirect("/sign-in", 303);
    return context.html(page.html(), 200, { "cache-control": "no-store" });
  });
  return site;
}

/** Listens. @throws WippyError Unavailable when the port is taken; PermissionDenied */
export function serveAdmin(
  target: AdminTarget,
  tokens: Tokens,
  options: ServerOptions,
): AdminServer {
  const addresses = new WeakMap<Request, string>();
  const site = createSite(target, tokens, options, (request) => addresses.get(request) ?? "?");
  try {
    const server = Bun.serve({
      hostname: options.host,
      port: options.port,
      maxRequestBodySize: largestBody,
      // A stream of events is silent for longer than the default.
      idleTimeout: 60,
      ...(options.tls && { tls: options.tls }),
      fetch(request, server) {
        addresses.set(request, server.requestIP(request)?.address ?? "?");
        return site.fetch(request);
      },
    });
    const shown = options.host.includes(":") ? `[${options.host}]` : options.host;
    return {
      url: `${options.tls ? "https" : "http"}://${shown}:${server.port}`,
      close: () => server.stop(true),
    };
  } catch (error) {
    const { code, message } = error as { code?: string; message: string };
    if (code === "EADDRINUSE") {
      throw new WippyError("Unavailable", `port ${options.port} of ${options.host} is taken`, {
        retryable: true,
        cause: error,
      });
    }
    throw new WippyError("Unavailable", `cannot listen on ${options.host}: ${message}`, {
      cause: error,
    });
  }
}
