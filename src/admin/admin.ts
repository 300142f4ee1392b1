/**
 * The admin API of a runtime. Routes, their validation, the types of their clients and the OpenAPI document come from
 * one source; each group of routes is a file of `routes`.
 * @module
 */
import { z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { etag } from "hono/etag";
import { WippyError } from "../vm/error.ts";
import { type Plain, plain } from "./plain.ts";
import { exactBody } from "./body.ts";
import { problem } from "./problem.ts";
import { type Caller, Rights } from "./right.ts";
import {
  type AdminApp,
  type AdminTarget,
  answer,
  failures,
  refuse,
  roleField,
  route,
  routes,
} from "./route.ts";
import { LiveEvents } from "./events.ts";
import { configRoutes } from "./routes/config.ts";
import { debugRoutes } from "./routes/debug.ts";
import { eventRoutes } from "./routes/events.ts";
import { functionRoutes } from "./routes/functions.ts";
import { logRoutes } from "./routes/logs.ts";
import { registryRoutes } from "./routes/registry.ts";
import { scheduleActionRoutes, scheduleRoutes } from "./routes/schedules.ts";
import { serviceRoutes } from "./routes/services.ts";
import { statusRoutes } from "./routes/status.ts";
import { unitRoutes } from "./routes/units.ts";
import { workflowActionRoutes } from "./routes/workflow-actions.ts";
import { workflowRoutes } from "./routes/workflows.ts";

/** Where the API begins. */
export const apiBase = "/api/v1";

/**
 * Makes the API.
 *
 * @param callerOf who asks; undefined for nobody known
 */
export function createApi(
  target: AdminTarget,
  callerOf: (context: Context) => Caller | undefined,
) {
  const app = routes();
  const rights = new Rights();
  app.onError((error, context) => problem(context, error));
  app.notFound((context) =>
    problem(
      context,
      new WippyError("NotFound", `no route ${context.req.method} ${context.req.path}`, {
        retryable: false,
      }),
    )
  );
  app.use(`${apiBase}/*`, async (context, next) => {
    const caller = callerOf(context);
    if (caller?.role() === undefined) return refuse(context, undefined, "viewer");
    context.set("caller", caller);
    context.set("rights", rights);
    return await next();
  });
  app.use(`${apiBase}/*`, exactBody);
  // A stream has no end to compute one from.
  const tagged = etag();
  app.use(
    `${apiBase}/*`,
    (context, next) => context.req.path.endsWith("/events") ? next() : tagged(context, next),
  );
  const document = routes();
  const api = app
    .route(apiBase, statusRoutes(target))
    .route(apiBase, unitRoutes(target))
    .route(apiBase, serviceRoutes(target))
    .route(apiBase, functionRoutes(target))
    .route(apiBase, workflowRoutes(target.node.workflows))
    .route(apiBase, workflowActionRoutes(target))
    .route(apiBase, scheduleRoutes(target.node.workflows.schedules))
    .route(apiBase, scheduleActionRoutes(target.node.workflows.schedules))
    .route(apiBase, registryRoutes(target))
    .route(apiBase, logRoutes(target))
    .route(apiBase, configRoutes(target))
    .route(apiBase, debugRoutes(target))
    .route(apiBase, eventRoutes(new LiveEvents(target)));
  document.openapi(
    route({
      role: "viewer",
      method: "get",
      path: "/openapi.json",
      tags: ["Runtime"],
      summary: "This document",
      responses: {
        200: answer(z.record(z.string(), z.unknown()), "OpenAPI 3.1"),
        ...failures,
      },
    }),
    (context) => {
      const info = {
        title: "wippy",
        version: target.version,
        description: "Inspects and controls a running wippy.",
      };
      const made = plain(api.getOpenAPI31Document({ openapi: "3.1.0", info }));
      return context.json(made as Record<string, Plain>, 200);
    },
  );
  api.route(apiBase, document);
  checkRoles(api);
  return api;
}

/** Refuses an API with a route that `route` did not make, which everybody with a token could use. */
export function checkRoles(api: AdminApp): void {
  const guarded = new Set(
    api.openAPIRegistry.definitions.flatMap((definition) =>
      definition.type === "route" && roleField in definition.route
        ? [`${definition.route.method.toUpperCase()} ${definition.route.path}`]
        : []
    ),
  );
  for (const { method, path } of api.routes) {
    const name = `${method} ${path.replaceAll(/:(\w+)/g, "{$1}")}`;
    if (method === "ALL" || guarded.has(name)) continue;
    throw new Error(`the route ${name} has no role: make it with route() of src/admin/route.ts`);
  }
}

/** The type that clients take the types of requests and answers from. */
export type Api = ReturnType<typeof createApi>;
