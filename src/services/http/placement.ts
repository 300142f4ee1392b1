import { decodeEntry } from "../../registry/decode.ts";
import { parseId, qualify } from "../../registry/entry.ts";
import type { ServiceContext } from "../context.ts";
import { httpRouter, httpStatic } from "./endpoints.ts";
import type { HttpService } from "./schema.ts";
import { needsDoor } from "./tls.ts";

/** Kinds of middleware whose connections are units of the node. */
const relays: ReadonlySet<string> = new Set(["sse_relay", "websocket_relay"]);

/**
 * Whether the requests of a server can be taken in the threads of the workers, each of which listens at the same
 * address. Only Linux distributes connections among all listeners, and a server that relays connections to processes
 * needs them on the node's thread, where a `Door` is as well.
 */
export function canListenApart(
  { entry, entries, variables, workers }: ServiceContext,
  { tls }: HttpService,
): boolean {
  if (process.platform !== "linux" || !workers.apart || needsDoor(tls)) return false;
  const lists = (middleware: string[]) => middleware.some((name) => relays.has(name));
  for (const other of entries.values()) {
    const { server } = other.meta;
    if (typeof server !== "string") continue;
    if (qualify(server, parseId(other.id).namespace) !== entry.id) continue;
    if (other.kind === httpStatic.name) {
      if (lists(decodeEntry(httpStatic, other, variables).middleware)) return false;
    } else if (other.kind === httpRouter.name) {
      const { middleware, post_middleware } = decodeEntry(httpRouter, other, variables);
      if (lists(middleware) || lists(post_middleware)) return false;
    }
  }
  return true;
}
