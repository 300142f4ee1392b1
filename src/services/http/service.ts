import { asLua, type LuaValue, ofKernel } from "../../vm/value.ts";
import type { ServiceContext } from "../context.ts";
import { type Service, untilStopped } from "../service.ts";
import { ListenersApart } from "./apart.ts";
import { httpEndpoint, httpRouter, httpStatic } from "./endpoints.ts";
import { type Address, Listener } from "./listener.ts";
import { Meters } from "./meters.ts";
import { Buckets, type Limit } from "./middleware/buckets.ts";
import { canListenApart } from "./placement.ts";
import { Relays } from "./relay/relay.ts";
import { addressOf, type HttpService } from "./schema.ts";
import { requested } from "./requested.ts";
import type { Serving } from "./serving.ts";
import { Counts, Traffic } from "./traffic.ts";

/** Milliseconds that a stop waits for requests that are being served. */
const drainTime = 30_000;
/** Bytes of the id of a trace. */
const traceBytes = 16;

/** Finds out whether an address is free, which several listeners could share. @throws WippyError Unavailable */
async function checkFree(listener: Listener, address: Address): Promise<void> {
  if (address.port === 0) return;
  await listener.listen({ ...address, shared: false });
  await listener.end();
}

/** A server that calls functions: where it can, in the threads that run them. */
export function runServer(context: ServiceContext, data: HttpService): Service {
  const { platform, units } = context;
  const relays = new Relays(data.host.buffer_size);
  const meters = new Meters();
  const counts = new Counts();
  const traffic = new Traffic(platform.now);
  traffic.add(counts);
  /** The metrics of all threads; created again with the routes. */
  const buckets = new Map<string, Buckets>();
  const limiter = (name: string, limit: Limit): Buckets => {
    const known = buckets.get(name) ?? new Buckets(limit, platform.now);
    buckets.set(name, known);
    return known;
  };
  const newTrace = () => Buffer.from(platform.random.bytes(traceBytes)).toString("hex");
  const serving: Serving = {
    ...context,
    serve: (func, { frame, trace, checks }, own) => {
      const traced = { ...frame, values: { trace_id: trace ?? newTrace() } };
      return units.serve(func, traced, checks, own.describe(context.entry.id));
    },
    limiter,
    relaying: { context, relays },
  };
  const here = new Listener(serving, data, counts, meters);
  const apart = new ListenersApart(context, data, traffic);
  let running: "here" | "apart" | undefined;

  const address = (): Address => ({ ...addressOf(data.addr)!, shared: running === "apart" });
  const originNow = () => (running === "apart" ? apart.origin : here.origin);

  /** Rebuilds the routes, which the service has wherever requests are accepted. @throws WippyError */
  const rebuild = () => {
    buckets.clear();
    here.rebuild();
  };

  const open = async () => {
    rebuild();
    if (context.portless) {
      running = "here";
      here.open();
      return;
    }
    running = canListenApart(context, data) ? "apart" : "here";
    if (running === "here") {
      await here.listen(address());
    } else {
      await checkFree(here, address());
      await apart.open(address());
    }
    context.log("info", `listening on ${originNow()}`);
  };

  const end = async () => {
    apart.end();
    await here.end();
    running = undefined;
  };

  const drain = async () => {
    const late = Promise.withResolvers<void>();
    const cancel = platform.setTimer(drainTime, late.resolve);
    await Promise.race([Promise.all([apart.drain(), here.drain(), relays.stop()]), late.promise]);
    cancel();
    await end();
  };

  /** Follows a change of the entries. Where relays come or go, the server goes to another thread. */
  const follow = async () => {
    if (running === undefined) return;
    rebuild();
    const wanted = canListenApart(context, data) ? "apart" : "here";
    if (wanted === running) {
      if (running === "apart") await apart.rebuild();
      return;
    }
    const at = new URL(originNow()!);
    await drain();
    rebuild();
    running = wanted;
    const same = { ...address(), ...(at.port !== "" && { port: Number(at.port) }) };
    if (running === "here") await here.listen(same);
    else await apart.open(same);
  };

  const unwatch = context.watch([httpRouter.name, httpEndpoint.name, httpStatic.name], follow);
  void unwatch;

  const service = untilStopped({
    open,
    close: drain,
    kill: end,
    inspect: () =>
      asLua({
        address: originNow() ?? data.addr,
        routes: here.routes,
        in_flight: traffic.inFlight,
        requests: traffic.total,
        requests_per_second: traffic.rate,
        latency_ms: { p50: traffic.quantile(0.5), p99: traffic.quantile(0.99) },
        connections: relays.inspect(),
      }),
    summary: () => {
      const latency = (part: number) =>
        `p${part * 100} ${traffic.quantile(part).toPrecision(2)} ms`;
      const open = relays.count;
      return `${traffic.inFlight} in flight, ${traffic.rate.toFixed(1)}/s, ` +
        `${latency(0.5)}, ${latency(0.99)}${open > 0 ? `, ${open} connections` : ""}`;
    },
    figures: () => [
      ...both(meters, apart.meters).figures(),
      ...relays.figures(),
      {
        name: "wippy_http_server_requests_total",
        help: "Requests that a server has taken.",
        value: traffic.total,
      },
      {
        name: "wippy_http_server_in_flight",
        help: "Requests that a server has in hand.",
        value: traffic.inFlight,
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
    answer: (operation, input) => {
      if (operation === "take") return take(limiter, input);
      if (operation === "request" && context.portless) return requested(here, input);
      return here.answer(operation, input);
    },
  };
}

/** What two have counted. */
function both(left: Meters, right: Meters): Meters {
  const sum = new Meters();
  sum.add(left.counted);
  sum.add(right.counted);
  return sum;
}

/** A listener in another thread asks whether a client may send one more request. */
function take(limiter: (name: string, limit: Limit) => Buckets, input: LuaValue): boolean {
  const { name, client, limit } = ofKernel<{ name: string; client: string; limit: Limit }>(input);
  return limiter(name, limit).take(client);
}
