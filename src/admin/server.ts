/**
 * The admin server: the API, the page and the metrics over HTTP, for browsers and programs with a token.
 * @module
 */
import { lazy } from "../registry/lazy.ts";
import { WippyError } from "../vm/error.ts";
import type { ReachOptions } from "./guard.ts";
import { answerProbe } from "./probes.ts";
import type { AdminTarget } from "./route.ts";
import { largestBody } from "./socket.ts";
import type { Tokens } from "./tokens.ts";

export interface ServerOptions extends ReachOptions {
  host: string;
  /** 0: one that is free. */
  port: number;
  /** Seconds after which a silent connection ends. @default 60 */
  idleTimeout?: number;
}

/** A server that listens. */
export interface AdminServer {
  /** Where it listens, without a path. */
  url: string;
  close(): Promise<void>;
}

/** Listens. @throws WippyError Unavailable when the port is taken; PermissionDenied */
export function serveAdmin(
  target: AdminTarget,
  tokens: Tokens,
  options: ServerOptions,
): AdminServer {
  let port = options.port;
  // Its libraries and schemas take as long as the rest of the start, and a server that is only probed needs none.
  const site = lazy(() =>
    import("./site.ts").then(({ createSite }) => createSite(target, tokens, options, () => port))
  );
  try {
    const server = Bun.serve({
      hostname: options.host,
      port,
      maxRequestBodySize: largestBody,
      // For those who send nothing; a request that is known and waits for its answer is exempt.
      idleTimeout: options.idleTimeout ?? 60,
      ...(options.tls && { tls: options.tls }),
      fetch: async (request, server) => {
        const probe = answerProbe(request, target, options);
        if (probe !== undefined) return probe;
        const address = server.requestIP(request)?.address ?? "?";
        const { fetch } = await site();
        return await fetch(request, { address, wait: () => server.timeout(request, 0) });
      },
    });
    port = server.port ?? port;
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
