import type { LogLevel } from "../observe/log.ts";
import { createMetrics } from "./metrics.ts";
import type { AdminTarget } from "./route.ts";

/** The metrics server, where it listens. */
export interface MetricsServer {
  url: string;
  close(): Promise<void>;
}

/** What does not run as it should, each in a line. */
function failedChecks({ control }: AdminTarget["node"]): string[] {
  const services = control.services
    .filter(({ status, desired }) => desired === "running" && status !== "running")
    .map(({ id, status }) => `service ${id}: ${status}`);
  const workers = control.workers.flatMap(({ index, standing }) =>
    standing ? [`worker ${index}: stands still`] : []
  );
  return [...services, ...workers];
}

/**
 * Serves the metrics without a token, if `prometheus.enabled` and `prometheus.address` (`host:port` or `:port`) say
 * so: `/metrics`, and `/livez` for who restarts what does not run. An address where it cannot listen is an error in
 * the log.
 */
export function servePrometheus(target: AdminTarget): MetricsServer | undefined {
  const { enabled, address } = prometheusOf(target.config);
  if (!enabled || address === undefined) return undefined;
  const say = (level: LogLevel, message: string) =>
    target.logs.log({
      level,
      time: Date.now(),
      logger: "prometheus",
      message,
      fields: { address },
    });
  const colon = address.lastIndexOf(":");
  const host = address.slice(0, Math.max(colon, 0)).replace(/^\[(.*)\]$/, "$1");
  const port = Number(address.slice(colon + 1) || NaN);
  if (colon < 0 || !Number.isInteger(port) || port < 0 || port > 65_535) {
    say("error", `prometheus.address is not an address; write host:port or :port`);
    return undefined;
  }
  const metrics = createMetrics(target);
  try {
    const server = Bun.serve({
      hostname: host === "" ? "0.0.0.0" : host,
      port,
      async fetch(request) {
        const { pathname } = new URL(request.url);
        if (request.method !== "GET" && request.method !== "HEAD") {
          return new Response("method not allowed\n", { status: 405, headers: { allow: "GET" } });
        }
        if (pathname === "/metrics") {
          const headers = { "content-type": metrics.contentType };
          return new Response(await metrics.metrics(), { headers });
        }
        if (pathname !== "/livez") return new Response("not found\n", { status: 404 });
        const failed = failedChecks(target.node);
        return failed.length === 0
          ? new Response("ok\n")
          : new Response(`${failed.join("\n")}\n`, { status: 503 });
      },
    });
    say("info", `metrics are served at ${server.url.origin}/metrics`);
    return { url: server.url.origin, close: () => server.stop(true) };
  } catch (error) {
    say("error", `the metrics server cannot listen: ${(error as Error).message}`);
    return undefined;
  }
}

function prometheusOf(config: AdminTarget["config"]): { enabled: boolean; address?: string } {
  const { enabled, address } = (config["prometheus"] ?? {}) as Record<string, unknown>;
  return {
    enabled: enabled === true,
    ...(typeof address === "string" && address !== "" && { address }),
  };
}
