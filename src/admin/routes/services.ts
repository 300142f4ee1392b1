import { z } from "@hono/zod-openapi";
import type { ServiceInfo } from "../../node/service-info.ts";
import { type AdminTarget, answer, done, failures, route, routes } from "../route.ts";

const service = z.object({
  id: z.string(),
  kind: z.string(),
  status: z.enum([
    "unknown",
    "starting",
    "running",
    "stopping",
    "stopped",
    "exited",
    "failed",
  ]),
  desired: z.enum(["running", "stopped"]),
  restarts: z.number().openapi({ description: "Restarts since it last ran stably" }),
  changed: z.number().optional().openapi({ description: "Milliseconds since 1970" }),
  started: z.number().optional().openapi({ description: "Milliseconds since 1970" }),
  details: z.string().optional(),
  inspection: z.unknown().optional().openapi({
    description: "What the service shows of itself; only of one service that runs",
  }),
}).openapi("Service");

const params = z.object({ id: z.string().max(300) });
const milliseconds = (ns: number) => ns === 0 ? undefined : ns / 1e6;

/** Hosts, services and supervisors. */
export function serviceRoutes({ node }: AdminTarget) {
  const shown = (info: ServiceInfo): z.infer<typeof service> => {
    const changed = milliseconds(info.last_update);
    const started = milliseconds(info.started_at);
    return {
      id: info.id,
      kind: node.registry.versions.entries.get(info.id)?.kind ?? "",
      status: info.status,
      desired: info.desired,
      restarts: info.retry_count,
      ...(changed !== undefined && { changed }),
      ...(started !== undefined && { started }),
      ...(info.details !== undefined && { details: info.details }),
    };
  };
  return routes()
    .openapi(
      route({
        role: "viewer",
        method: "get",
        path: "/services",
        tags: ["Services"],
        summary: "Every service, sorted by identifier",
        responses: {
          200: answer(z.object({ services: z.array(service) }), "All services"),
          ...failures,
        },
      }),
      (context) => context.json({ services: node.control.services.map(shown) }, 200),
    )
    .openapi(
      route({
        role: "viewer",
        method: "get",
        path: "/services/{id}",
        tags: ["Services"],
        summary: "One service",
        request: { params },
        responses: { 200: answer(service, "The service"), ...failures },
      }),
      async (context) => {
        const { id } = context.req.valid("param");
        const info = node.control.service(id);
        const inspection = info.status === "running" && await node.control.inspectService(id);
        return context.json({ ...shown(info), ...(inspection && { inspection }) }, 200);
      },
    )
    .openapi(
      route({
        role: "operator",
        method: "post",
        path: "/services/{id}/start",
        tags: ["Services"],
        summary: "Start it and what it requires",
        request: { params },
        responses: { 200: answer(done, "It was started, or runs"), ...failures },
      }),
      async (context) => {
        await node.control.startService(context.req.valid("param").id);
        return context.json({ ok: true as const }, 200);
      },
    )
    .openapi(
      route({
        role: "operator",
        method: "post",
        path: "/services/{id}/stop",
        tags: ["Services"],
        summary: "Stop it, those that require it first",
        request: { params },
        responses: { 200: answer(done, "It is stopped"), ...failures },
      }),
      async (context) => {
        await node.control.stopService(context.req.valid("param").id);
        return context.json({ ok: true as const }, 200);
      },
    );
}
