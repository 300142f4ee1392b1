/**
 * The probes of whatever watches the runtime, which are answered without a token.
 * @module
 */
import { allowsHost, allowsOrigin, type ReachOptions, secureHeaders } from "./guard.ts";
import type { AdminTarget } from "./route.ts";

/** What a probe says. */
export interface Probed {
  text: string;
  status: 200 | 503;
}

/** By path. */
export const probes: Readonly<Record<string, (target: AdminTarget) => Probed>> = {
  "/healthz": () => ({ text: "ok\n", status: 200 }),
  "/readyz": ({ node }) => {
    const failing = node.control.services
      .filter(({ status, desired }) => desired === "running" && status !== "running");
    return failing.length === 0
      ? { text: "ready\n", status: 200 }
      : { text: `not ready: ${failing.length} services are not running\n`, status: 503 };
  },
};

/**
 * Answers a probe as the whole site would, before that is loaded.
 *
 * @returns undefined for all that the site has to decide
 */
export function answerProbe(
  request: Request,
  target: AdminTarget,
  { names, tls }: ReachOptions,
): Response | undefined {
  if (request.method !== "GET") return undefined;
  const { pathname } = new URL(request.url);
  const probe = Object.hasOwn(probes, pathname) ? probes[pathname] : undefined;
  const host = request.headers.get("host");
  if (!probe || !allowsHost(host, names) || !allowsOrigin(request, host!)) return undefined;
  const { text, status } = probe(target);
  const answer = new Response(text, {
    status,
    headers: { "content-type": "text/plain; charset=UTF-8" },
  });
  secureHeaders(answer.headers, tls !== undefined);
  return answer;
}
