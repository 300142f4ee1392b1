import { z } from "@hono/zod-openapi";
import type { LuaValue } from "../../vm/value.ts";
import {
  type AdminTarget,
  answer,
  body,
  cursor,
  done,
  failures,
  pageLimit,
  route,
  routes,
  valueList,
} from "../route.ts";
import { fields } from "../issues.ts";

const unit = z.object({
  pid: z.string(),
  entry: z.string(),
  kind: z.enum(["function", "process", "workflow"]),
  state: z.enum(["ready", "blocked", "waiting"]),
  parent: z.string().optional(),
  supervisor: z.string().optional(),
  supervises: z.boolean().optional(),
  mailbox: z.number(),
  links: z.array(z.string()).openapi({ description: "The first 20" }),
  link_count: z.number(),
  monitored_by: z.number(),
  monitoring: z.number(),
  trap_links: z.boolean(),
  steps: z.number(),
  fuel: z.number().openapi({ description: "Loops, jumps and calls; about 60 per microsecond" }),
  memory: z.number().optional().openapi({ description: "Bytes, estimated; only of one unit" }),
  memory_partial: z.boolean().optional(),
  started: z.number().optional().openapi({ description: "Milliseconds since 1970" }),
  actor: z.string().optional(),
  names: z.array(z.string()),
}).openapi("Unit");

const page = z.object({
  units: z.array(unit),
  unlisted: z.array(z.object({
    worker: z.number(),
    units: z.number().openapi({ description: "How many were on it at its last turn" }),
    unit: z.string().optional().openapi({ description: "Who holds it, where that is known" }),
    for: z.number().openapi({ description: "Milliseconds for which it has stood still" }),
  })).openapi({
    description: "Workers that stand still, whose units are missing; on the first page",
  }),
  next: z.string().optional(),
}).openapi("UnitPage");
const params = z.object({ pid: z.string().max(500) });

/** Running units: functions, processes and workflows in memory that have a PID. */
export function unitRoutes({ node }: AdminTarget) {
  return routes()
    .openapi(
      route({
        role: "viewer",
        method: "get",
        path: "/units",
        tags: ["Units"],
        summary: "Running units, worker by worker",
        request: {
          query: fields({
            host: z.string().max(300).optional(),
            entry: z.string().max(300).optional(),
            after: cursor,
            limit: pageLimit(1000),
          }),
        },
        responses: { 200: answer(page, "A page of units"), ...failures },
      }),
      async (context) => context.json(await node.control.units(context.req.valid("query")), 200),
    )
    .openapi(
      route({
        role: "viewer",
        method: "get",
        path: "/units/{pid}",
        tags: ["Units"],
        summary: "One running unit, with an estimate of its memory",
        request: { params },
        responses: { 200: answer(unit, "The unit"), ...failures },
      }),
      async (context) => context.json(await node.control.unit(context.req.valid("param").pid), 200),
    )
    .openapi(
      route({
        role: "operator",
        method: "post",
        path: "/units/{pid}/send",
        tags: ["Units"],
        summary: "Send a message",
        request: {
          params,
          body: body(fields({ topic: z.string().min(1).max(200), payloads: valueList })),
        },
        responses: { 200: answer(done, "It is in the mailbox"), ...failures },
      }),
      async (context) => {
        const { topic, payloads } = context.req.valid("json");
        await node.control.send(context.req.valid("param").pid, topic, payloads as LuaValue[]);
        return context.json({ ok: true as const }, 200);
      },
    )
    .openapi(
      route({
        role: "operator",
        method: "post",
        path: "/units/{pid}/cancel",
        tags: ["Units"],
        summary: "Request cancellation",
        request: {
          params,
          body: body(fields({
            reason: z.string().max(1000).default("canceled by an operator"),
            deadline: z.number().min(0).max(86_400_000).optional()
              .openapi({ description: "Milliseconds after which it is terminated" }),
          })),
        },
        responses: { 200: answer(done, "The request was delivered"), ...failures },
      }),
      async (context) => {
        const { reason, deadline } = context.req.valid("json");
        await node.control.cancel(context.req.valid("param").pid, reason, deadline);
        return context.json({ ok: true as const }, 200);
      },
    )
    .openapi(
      route({
        role: "operator",
        method: "post",
        path: "/units/{pid}/terminate",
        tags: ["Units"],
        summary: "Terminate a unit",
        request: { params },
        responses: { 200: answer(done, "It has ended"), ...failures },
      }),
      async (context) => {
        await node.control.terminate(context.req.valid("param").pid);
        return context.json({ ok: true as const }, 200);
      },
    );
}
