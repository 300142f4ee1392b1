import { type Entry, parseId, qualify } from "../../registry/entry.ts";
import type { EntryConflict } from "../../registry/kind.ts";
import { type Route, routeConflicts, shapeOf } from "./route-table.ts";

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/**
 * Endpoints of a server that fit the same paths with one method, neither more specific; as every path answers OPTIONS,
 * that may be the method. Paths with variables are left to the server, which knows their values.
 */
export function overlaps(entries: ReadonlyMap<string, Entry>): EntryConflict[] {
  const servers = new Map<string, Route<null>[]>();
  const paths = new Map<string, Route<null> & { server: string }>();
  for (const { id, kind, meta, data } of entries.values()) {
    if (kind !== "http.endpoint") continue;
    const router = entries.get(qualify(text(meta["router"]), parseId(id).namespace));
    if (router?.kind !== "http.router") continue;
    const server = qualify(text(router.meta["server"]), parseId(router.id).namespace);
    const path = text(router.data["prefix"]).replace(/\/$/, "") + text(data["path"]);
    const method = text(data["method"]);
    if (method === "" || !path.startsWith("/") || path.includes("${")) continue;
    const route = { method, path, id, target: null };
    const routes = servers.get(server) ?? [];
    servers.set(server, routes);
    routes.push(route);
    const key = `${router.id} ${shapeOf(path)}`;
    const known = paths.get(key);
    if (known === undefined || method === "OPTIONS") paths.set(key, { ...route, server });
  }
  for (const { server, ...route } of paths.values()) {
    if (route.method !== "OPTIONS") servers.get(server)!.push({ ...route, method: "OPTIONS" });
  }
  const found = new Map<string, string>();
  for (const { id, message } of [...servers.values()].flatMap(routeConflicts)) {
    if (!found.has(id)) found.set(id, message);
  }
  const fix = "give one of them another path or method, or remove it";
  return [...found].map(([entry, message]) => ({ entry, path: ["data", "path"], message, fix }));
}
