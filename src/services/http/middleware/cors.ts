import type { Middleware, Use } from "./use.ts";

const listOf = (text: string) =>
  text.split(",").map((item) => item.trim()).filter((item) => item !== "");

/** Whether an origin is that of a pattern: exact, `*`, `*.example.com`, `localhost` with any port. */
function allows(pattern: string, origin: string): boolean {
  if (pattern === "*" || pattern === origin) return true;
  if (pattern === "localhost") return /^https?:\/\/localhost(?::\d+)?$/.test(origin);
  if (!pattern.startsWith("*.")) return false;
  const suffix = pattern.slice(1);
  const host = origin.replace(/^https?:\/\//, "");
  return host.endsWith(suffix) && host.length > suffix.length;
}

/** Lets pages of other origins call the endpoints; who is not allowed gets no headers, and is not refused. */
export function cors({ options }: Use): Middleware {
  const option = (name: string, fallback: string) =>
    options[`cors.${name}`] ?? options[name.replaceAll(".", "_")] ?? fallback;
  const origins = listOf(option("allow.origins", "*"));
  const methods = option("allow.methods", "GET,POST,PUT,DELETE,OPTIONS,PATCH");
  const headers = option(
    "allow.headers",
    "Origin,Content-Type,Accept,Authorization,X-Requested-With",
  );
  const exposed = option("expose.headers", "");
  const credentials = option("allow.credentials", "false") === "true";
  const age = option("max.age", "86400");
  const privateNetwork = option("allow.private.network", "false") === "true";
  return async (exchange, next) => {
    const { request } = exchange;
    const origin = request.headers.get("origin");
    const allowed = origin !== null && origins.some((pattern) => allows(pattern, origin));
    const preflight = request.method === "OPTIONS" &&
      request.headers.has("access-control-request-method");
    if (allowed && preflight) {
      return new Response(null, {
        status: 204,
        headers: {
          "access-control-allow-origin": origin,
          "access-control-allow-methods": methods,
          "access-control-allow-headers": headers,
          "access-control-max-age": age,
          ...(credentials && { "access-control-allow-credentials": "true" }),
          ...(privateNetwork && { "access-control-allow-private-network": "true" }),
          vary: "Origin, Access-Control-Request-Method, Access-Control-Request-Headers",
        },
      });
    }
    const response = await next(exchange);
    if (!allowed) return response;
    response.headers.set("access-control-allow-origin", origin);
    if (exposed !== "") response.headers.set("access-control-expose-headers", exposed);
    if (credentials) response.headers.set("access-control-allow-credentials", "true");
    response.headers.append("vary", "Origin");
    return response;
  };
}
