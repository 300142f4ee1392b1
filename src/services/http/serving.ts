import type { RunningServices, ServedCall, ServiceContext, ServiceUnits } from "../context.ts";
import type { Exchange } from "./exchange.ts";
import type { Buckets, Limit } from "./middleware/buckets.ts";
import type { Relays } from "./relay/relay.ts";
import type { Served } from "./served.ts";

/** What a listener uses of the runtime, in whatever thread it is. */
export interface Serving extends
  Pick<
    ServiceContext,
    "entry" | "entries" | "variables" | "platform" | "volumes" | "log"
  > {
  readonly services: Pick<RunningServices, "ask">;
  readonly units: Pick<ServiceUnits, "frame">;
  /** Calls a function for a request. @throws WippyError Unavailable when it cannot be called */
  serve(functionId: string, exchange: Exchange, request: Served): ServedCall;
  /** What limits the rate of requests: one for the whole server. @param name of whom `limit` is */
  limiter(name: string, limit: Limit): Pick<Buckets, "take"> | RemoteBuckets;
  /** Only on the node's thread, where units can be opened. */
  readonly relaying?: { context: ServiceContext; relays: Relays };
}

/** Buckets of another thread. */
export interface RemoteBuckets {
  take(client: string): Promise<boolean>;
}
