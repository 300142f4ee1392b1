/**
 * Everything that the admin server answers. Loaded with its first request that is not a probe.
 * @module
 */
import { type Context, Hono } from "hono";
import { deleteCookie, getCookie, setCookie } from "hono/cookie";
import { lazy } from "../registry/lazy.ts";
import { WippyError } from "../vm/error.ts";
import { apiBase, createApi } from "./admin.ts";
import { allowsHost, allowsOrigin, type ReachOptions, secureHeaders } from "./guard.ts";
import { page } from "./page.ts";
import { probes } from "./probes.ts";
import { problem } from "./problem.ts";
import type { Caller } from "./right.ts";
import { includesRole, type Role } from "./role.ts";
import type { AdminTarget } from "./route.ts";
import { cookieName, FailedSignIns, sessionAge, sessionHeader, Sessions } from "./sessions.ts";
import type { Tokens } from "./tokens.ts";

function denied(kind: string, message: string): WippyError {
  return new WippyError(kind, message, { retryable: false });
}

/** What a request brings along from the server that took it. */
interface Connection {
  Bindings: {
    /** Address of who sent it. */
    address?: string;
    /** Keeps its connection open however long the answer takes. */
    wait?(): void;
  };
}

/**
 * Everything that the server answers.
 *
 * @param portOf where it listens
 * @param clock milliseconds since 1970
 */
export function createSite(
  target: AdminTarget,
  tokens: Tokens,
  options: ReachOptions,
  portOf: () => number,
  clock: () => number = Date.now,
): Hono<Connection> {
  const sessions = new Sessions();
  const failed = new FailedSignIns();
  // Read with the first scrape: its library takes a tenth of the start of a server.
  const metrics = lazy(() =>
    import("./metrics.ts").then(({ createMetrics }) => createMetrics(target))
  );
  const secure = options.tls !== undefined;

  const cookieOf = (context: Context) => getCookie(context, cookieName(portOf()));

  /** The token that a request carries, at this moment: sessions end. */
  const tokenOf = (context: Context): string | undefined => {
    const bearer = /^Bearer +(\S+)$/i.exec(context.req.header("authorization") ?? "")?.[1];
    if (bearer !== undefined) return bearer;
    const cookie = cookieOf(context);
    const secret = context.req.header(sessionHeader);
    return cookie === undefined || secret === undefined
      ? undefined
      : sessions.tokenOf(cookie, secret, clock());
  };
  const callerOf = (context: Context): Caller | undefined => {
    const token = tokenOf(context);
    const name = token === undefined ? undefined : tokens.nameOf(token);
    if (name === undefined) return undefined;
    const { wait } = (context.env ?? {}) as Connection["Bindings"];
    return {
      name,
      role: () => {
        const now = tokenOf(context);
        return now === undefined ? undefined : tokens.roleOf(now);
      },
      ...(wait && { wait }),
    };
  };
  const roleOf = (context: Context): Role | undefined => callerOf(context)?.role();

  const site = new Hono<Connection>();
  site.onError((error, context) => problem(context, error));
  site.use(async (context, next) => {
    await next();
    secureHeaders(context.res.headers, secure);
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
  // Who guesses tokens waits, whichever way they are sent. A good token passes, whatever others do from its address.
  site.use(async (context, next) => {
    const guesses = context.req.header("authorization") !== undefined ||
      context.req.path === "/sign-in";
    await next();
    if (!guesses || context.res.status !== 401) return;
    const address = context.env?.address ?? "?";
    const wait = failed.wait(address, clock());
    if (wait === 0) return failed.add(address, clock());
    const message = `too many failed sign-ins; try again in ${wait} s`;
    // The refusal takes the place of the answer.
    context.res = undefined;
    context.res = problem(context, denied("RateLimited", message));
    context.res.headers.set("retry-after", String(wait));
  });

  for (const [path, probe] of Object.entries(probes)) {
    site.get(path, (context) => {
      const { text, status } = probe(target);
      return context.text(text, status);
    });
  }
  site.get("/metrics", async (context) => {
    const role = roleOf(context);
    if (role === undefined || !includesRole(role, "viewer")) {
      return problem(
        context,
        denied("Unauthenticated", "send a token: Authorization: Bearer TOKEN"),
      );
    }
    const { metrics: scrape, contentType } = await metrics();
    return context.body(await scrape(), 200, { "content-type": contentType });
  });

  site.on(["GET", "POST"], "/sign-in", async (context) => {
    const given = context.req.method === "POST"
      ? (await context.req.parseBody())["token"]
      : context.req.query("token");
    const token = typeof given === "string" ? given.trim() : undefined;
    if (token === undefined && context.req.method === "GET") {
      return context.html(page.signIn());
    }
    if (token === undefined || tokens.roleOf(token) === undefined) {
      return context.html(page.signIn("This token is not known."), 401);
    }
    const session = sessions.begin(token, clock());
    setCookie(context, cookieName(portOf()), session.cookie, {
      httpOnly: true,
      sameSite: "Strict",
      path: "/",
      maxAge: sessionAge / 1000,
      secure,
    });
    // Not a redirect: the cookie would not be sent with one that began on another site.
    return context.html(page.signedIn(session.page), 200, { "cache-control": "no-store" });
  });
  site.post("/sign-out", (context) => {
    const cookie = cookieOf(context);
    // Only the page of this server has both secrets.
    if (cookie === undefined || tokenOf(context) === undefined) {
      return problem(context, denied("Unauthenticated", "no session to end"));
    }
    sessions.end(cookie);
    deleteCookie(context, cookieName(portOf()), { path: "/", secure });
    return context.body(null, 204);
  });

  site.route("/", createApi(target, callerOf));
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
    const cookie = cookieOf(context);
    const known = cookie !== undefined && sessions.knows(cookie, clock());
    if (!known && roleOf(context) === undefined) return context.redirect("/sign-in", 303);
    return context.html(page.html(), 200, { "cache-control": "no-store" });
  });
  return site;
}
