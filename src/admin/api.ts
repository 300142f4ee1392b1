/**
 * The admin API of a runtime. Routes, their validation, the types of their clients and the OpenAPI document come from
 * one source; each group of routes is a file of `routes`.
 * @module
 */
import { etag } from "hono/etag";
import { WippyError } from "../vm/error.ts";
import { problem } from "./problem.ts";
import { includesRole, type Role } from "./role.ts";
import { type AdminTarget, routes } from "./route.ts";
import { LiveEvents } from "./events.ts";
import { configRoutes } from "./routes/config.ts";
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

/** What a request needs: looking is for viewers, acting for operators, ending the runtime for admins. */
export function neededRole(method: string, path: string): Role {
  if (path === `${apiBase}/stop` || path.startsWith(`${apiBase}/tokens`)) return "admin";
  // A query of a workflow changes nothing.
  const looks = method === "GET" || method === "HEAD" || /\/workflows\/[^/]+\/query$/.test(path);
  return looks ? "viewer" : "operator";
}

/**
 * Makes the API.
 *
 * @param roleOf who asks; undefined for nobody known
 */
export function createApi(
  target: AdminTarget,
  roleOf: (request: Request) => Role | undefined,
) {
  const app = routes();
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
    const role = roleOf(context.req.raw);
    const needed = neededRole(context.req.method, context.req.path);
    if (role === undefined) {
      return problem(
        context,
        new WippyError("Unauthenticated", "sign in, or send a token: Authorization: Bearer TOKEN", {
          retryable: false,
        }),
      );
    }
    if (!includesRole(role, needed)) {
      return problem(
        context,
        new WippyError("PermissionDenied", `this needs the role ${needed}; yours is ${role}`, {
          retryable: false,
        }),
      );
    }
    context.set("role", role);
    return await next();
  });
  // A stream has no end to compute one from.
  const tagged = etag();
  app.use(
    `${apiBase}/*`,
    (context, next) => context.req.path.endsWith("/events") ? next() : tagged(context, next),
  );
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
    .route(apiBase, eventRoutes(new LiveEvents(target)));
  app.doc31(`${apiBase}/openapi.json`, {
    openapi: "3.1.0",
    info: {
      title: "wippy",
      version: target.version,
      description: "Looks into a running wippy and acts on it.",
    },
  });
  return api;
}

/** The type that `hc` of `hono/client` makes a client of. */
export type Api = ReturnType<typeof createApi>;
