import { z } from "@hono/zod-openapi";
import { attention, findAttention } from "../attention.ts";
import { type AdminTarget, answer, done, failures, route, routes } from "../route.ts";

const status = z.object({
  version: z.string(),
  process_id: z.number(),
  directory: z.string(),
  started: z.number().openapi({ description: "Milliseconds since 1970" }),
  now: z.number(),
  workers: z.array(z.object({
    index: z.number(),
    units: z.number(),
    standing: z.object({ unit: z.string().optional(), for: z.number() }).optional().openapi({
      description: "Set while it stands still: who holds it, and for how many milliseconds so far",
    }),
    compiled: z.object({
      functions: z.number(),
      bytes: z.number(),
      milliseconds: z.number().openapi({ description: "That compiling has taken in all" }),
      drops: z.number().openapi({
        description: "How often all compiled code was dropped because it had become too much",
      }),
    }).optional().openapi({
      description: "Lua functions that are compiled to WebAssembly; absent with --jit off",
    }),
  })),
  units: z.number().openapi({ description: "Alive, as of each worker's last turn" }),
  memory: z.object({
    resident: z.number().openapi({ description: "Bytes of the whole program" }),
    heap: z.number(),
    lua_limit: z.number().openapi({ description: "Bytes of Lua memory that a worker may use" }),
  }),
  services: z.record(z.string(), z.number()).openapi({ description: "How many in each state" }),
  workflow_hosts: z.array(z.string()),
  journals: z.array(z.object({
    host: z.string(),
    bytes: z.number(),
    log: z.number().openapi({ description: "Bytes of its write-ahead log" }),
  })),
  entries: z.number(),
  registry_version: z.number(),
}).openapi("Status");

/** How long what needs attention is not looked for again, in milliseconds. */
const attentionAge = 1000;

/** The runtime as a whole. */
export function statusRoutes(target: AdminTarget) {
  const { node, version, directory, startedAt } = target;
  let found = { at: -Infinity, items: Promise.resolve<z.infer<typeof attention>[]>([]) };
  return routes()
    .openapi(
      route({
        role: "viewer",
        method: "get",
        path: "/status",
        tags: ["Runtime"],
        summary: "A summary of the runtime",
        responses: { 200: answer(status, "Its state"), ...failures },
      }),
      (context) => {
        const { rss, heapUsed } = process.memoryUsage();
        const { control, registry, workflows } = node;
        const services: Record<string, number> = {};
        for (const { status } of control.services) services[status] = (services[status] ?? 0) + 1;
        return context.json({
          version,
          process_id: process.pid,
          directory,
          started: startedAt,
          now: Date.now(),
          workers: control.workers,
          units: control.workers.reduce((sum, { units }) => sum + units, 0),
          memory: { resident: rss, heap: heapUsed, lua_limit: control.memoryLimit },
          services,
          workflow_hosts: workflows.hosts,
          journals: workflows.journals,
          entries: registry.versions.entries.size,
          registry_version: registry.versions.current.id,
        }, 200);
      },
    )
    .openapi(
      route({
        role: "viewer",
        method: "get",
        path: "/attention",
        tags: ["Runtime"],
        summary: "What needs attention, most severe first",
        responses: {
          200: answer(z.object({ items: z.array(attention) }).openapi("AttentionList"), "Items"),
          ...failures,
        },
      }),
      async (context) => {
        const now = performance.now();
        // Several pages that are open look at the same.
        if (now - found.at > attentionAge) {
          found = { at: now, items: findAttention(node, target.logs) };
        }
        return context.json({ items: await found.items }, 200);
      },
    )
    .openapi(
      route({
        role: "admin",
        method: "post",
        path: "/stop",
        tags: ["Runtime"],
        summary: "Stop the runtime",
        responses: { 200: answer(done, "It is stopping"), ...failures },
      }),
      (context) => {
        target.stop();
        return context.json({ ok: true as const }, 200);
      },
    );
}
