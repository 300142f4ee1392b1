import type { RunningServices, ServedCall, ServiceContext, ServiceUnits } from "../context.ts";
import type { Exchange } from "./exchange.ts";
import type { Buckets, Limit } from "./middleware/buckets.ts";
import type { Relays } from "./relay/relay.ts";
import type { Served } from "./served.ts";

/** What a listener uses of the runtime, on the node's or a worker's thread. */
export interface Serving extends
  Pick<
    ServiceContext,
    "entry" | "entries" | "variables" | "platform" | "volumes" | "log"
  > {
  readonly services: Pick<RunningServices, "ask">;
  readonly units: Pick<ServiceUnits, "frame">;
  /** Calls a function for a request. @throws WippyError Unavailable when it cannot be called */
  serve(functionId: string, exchange: Exchange, request: Served): ServedCall;
  /** The rate limiter, shared by the whole server. @param name of the middleware that `limit` belongs to */
  limiter(name: string, limit: Limit): Pick<Buckets, "take"> | RemoteBuckets;
  /** Only on the node's thread, where units can be opened. */
  readonly relaying?: { context: ServiceContext; relays: Relays };
}

/** Buckets of another thread. */
export interface RemoteBuckets {
  take(client: string): Promise<boolean>;
}
