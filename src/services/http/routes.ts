/**
 * The routes of a server, from the entries that name it.
 * @module
 */
import { decodeEntry } from "../../registry/decode.ts";
import { type Entry, parseId, qualify } from "../../registry/entry.ts";
import { WippyError } from "../../vm/error.ts";
import type { Handler } from "./exchange.ts";
import { httpEndpoint, httpRouter, httpStatic } from "./endpoints.ts";
import { staticHandler } from "./files/files.ts";
import type { Meters } from "./meters.ts";
import { chained, makeMiddleware } from "./middleware/middleware.ts";
import type { Chain, Middleware } from "./middleware/use.ts";
import { staticOptions } from "./schema.ts";
import { type Route, RouteTable, shapeOf } from "./route-table.ts";
import type { Serving } from "./serving.ts";

/** What a route leads to. */
export interface Target {
  handler: Handler;
}

function invalid(kind: "Invalid" | "AlreadyExists", message: string): WippyError {
  return new WippyError(kind, message, { retryable: false });
}

function metaId(entry: Entry, field: string): string | undefined {
  const value = entry.meta[field];
  return typeof value === "string" ? qualify(value, parseId(entry.id).namespace) : undefined;
}

/**
 * Makes the table of a server.
 *
 * @param call serves a request by a function
 * @throws WippyError Invalid, AlreadyExists or Conflict
 */
export function routesOf(
  context: Serving,
  meters: Meters,
  call: (endpoint: string, func: string) => Handler,
): RouteTable<Target> {
  const entries = [...context.entries.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
  const routes: Route<Target>[] = [];
  const chainOf = (
    { id }: Entry,
    names: string[],
    options: Record<string, string>,
    chain: Chain,
  ): Middleware[] =>
    names.map((name, index) => {
      try {
        return makeMiddleware(name, {
          options,
          chain,
          place: `${id} ${chain} ${index}`,
          context,
          meters,
        });
      } catch (error) {
        throw invalid("Invalid", `${id}: ${WippyError.from(error).message}`);
      }
    });
  const mounts = new Map<string, string>();
  for (const entry of entries) {
    if (entry.kind !== httpStatic.name || metaId(entry, "server") !== context.entry.id) continue;
    const data = decodeEntry(httpStatic, entry, context.variables);
    const mount = data.path.replace(/\/+$/, "");
    const other = mounts.get(mount);
    if (other !== undefined) {
      throw invalid("AlreadyExists", `${entry.id} and ${other} have the same path: ${data.path}`);
    }
    mounts.set(mount, entry.id);
    const { spa, index = "", cache } = staticOptions(data);
    const files = staticHandler({
      source: context.volumes,
      volume: qualify(data.fs, parseId(entry.id).namespace),
      mount: `${mount}/`,
      spa,
      index,
      cache,
      failed: (message) => context.log("error", `${entry.id}: ${message}`),
    });
    const handler = chained(chainOf(entry, data.middleware, data.options, "pre"), files);
    routes.push({ method: undefined, path: `${mount}/`, id: entry.id, target: { handler } });
  }
  const prefixes = new Map<string, string>();
  for (const entry of entries) {
    if (entry.kind !== httpRouter.name || metaId(entry, "server") !== context.entry.id) continue;
    const router = decodeEntry(httpRouter, entry, context.variables);
    const prefix = router.prefix.replace(/\/$/, "");
    const other = prefixes.get(prefix);
    if (other !== undefined) {
      throw invalid(
        "AlreadyExists",
        `${entry.id} and ${other} have the same prefix: "${router.prefix}"`,
      );
    }
    prefixes.set(prefix, entry.id);
    const pre = chainOf(entry, router.middleware, router.options, "pre");
    const post = chainOf(entry, router.post_middleware, router.post_options, "post");
    const paths = new Map<string, { explicit: boolean; id: string }>();
    for (const own of entries) {
      if (own.kind !== httpEndpoint.name || metaId(own, "router") !== entry.id) continue;
      const endpoint = decodeEntry(httpEndpoint, own, context.variables);
      const path = prefix + endpoint.path;
      const func = qualify(endpoint.func, parseId(own.id).namespace);
      // What stands before the match does not know the endpoint.
      const known = chained(post, call(own.id, func));
      const handler = chained(
        pre,
        (exchange) => known(Object.assign(exchange, { endpoint: own.id })),
      );
      routes.push({
        method: endpoint.method,
        path,
        id: own.id,
        target: { handler },
      });
      const shape = shapeOf(path);
      const seen = paths.get(shape);
      paths.set(shape, {
        explicit: seen?.explicit === true || endpoint.method === "OPTIONS",
        id: path,
      });
    }
    for (const { explicit, id: path } of paths.values()) {
      if (explicit) continue;
      const handler = chained(pre, () => new Response(null, { status: 204 }));
      routes.push({
        method: "OPTIONS",
        path,
        id: `${entry.id} (OPTIONS)`,
        target: { handler },
      });
    }
  }
  return new RouteTable(routes);
}
