/**
 * What routes share: how one is made, its common answers and parameters.
 * @module
 */
import { createRoute, OpenAPIHono, type RouteConfig, z } from "@hono/zod-openapi";
import type { Context, MiddlewareHandler } from "hono";
import type { Node } from "../node/node.ts";
import { WippyError } from "../vm/error.ts";
import type { Caller, Right, Rights } from "./right.ts";
import { checkValue } from "../vm/limits.ts";
import type { LuaValue } from "../vm/value.ts";
import { problem, problemSchema } from "./problem.ts";
import { includesRole, type Role } from "./role.ts";
import type { LogMemory } from "../observe/log-memory.ts";
import { issuesOf } from "./issues.ts";

/** What the API serves. */
export interface AdminTarget {
  node: Node;
  /** The last lines of the log. */
  logs: LogMemory;
  version: string;
  /** Absolute path of the application. */
  directory: string;
  /** Milliseconds since 1970. */
  startedAt: number;
  /** The configuration in force. */
  config: Readonly<Record<string, unknown>>;
  /** A debugger may attach; with the time between its signs of life, in milliseconds. */
  debuggable?: { pulse?: number };
  /** Begins an orderly end of the runtime. */
  stop(): void;
}

/** Variables of a request. */
export interface Variables {
  caller: Caller;
  rights: Rights;
  right: Right;
}

type Env = { Variables: Variables };

export type AdminApp = OpenAPIHono<Env>;

/** An empty part of the API, whose errors are problems. */
export function routes(): AdminApp {
  return new OpenAPIHono<Env>({
    defaultHook: (result, context) => {
      if (result.success) return;
      const issues = issuesOf(result.target, result.error);
      const text = issues.map(({ path, message }) => `${path}: ${message}`).join("; ");
      const error = new WippyError("Invalid", `the request is not valid: ${text}`, {
        retryable: false,
      });
      return problem(context, error, issues);
    },
  });
}

/** Field of the API's document that names the role that a route needs. */
export const roleField = "x-role";

/**
 * Makes a route. Every route of the API is made here, so that none is without a role.
 *
 * @example
 * ```ts
 * export function versionRoutes({ version }: AdminTarget) {
 *   return routes().openapi(
 *     route({
 *       role: "viewer",
 *       method: "get",
 *       path: "/version",
 *       tags: ["Runtime"],
 *       summary: "The version of wippy",
 *       responses: { 200: answer(z.object({ version: z.string() }), "The version"), ...failures },
 *     }),
 *     (context) => context.json({ version }, 200),
 *   );
 * }
 * ```
 */
export function route<
  Path extends string,
  Config extends Omit<RouteConfig, "path" | "middleware"> & { path: Path; role: Role },
>({ role, ...config }: Config) {
  const guarded = { ...config, [roleField]: role, middleware: requires(role) };
  // The middleware changes nothing about what a handler gets, so the route keeps the type of its configuration.
  return createRoute<Path, Config>(guarded as typeof guarded & Config);
}

/**
 * Lets a request through to its handler if its caller has the role, and answers in the handler's place when the caller
 * loses it meanwhile.
 */
function requires(needed: Role): MiddlewareHandler<Env> {
  return async (context, next) => {
    const caller = context.get("caller");
    const role = caller.role();
    if (role === undefined || !includesRole(role, needed)) return refuse(context, role, needed);
    // A stream shows that it is alive by itself.
    if (!context.req.path.endsWith("/events")) caller.wait?.();
    const right = context.get("rights").begin(caller, needed);
    context.set("right", right);
    const lost = new Promise<"lost">((resolve) => {
      right.signal.addEventListener("abort", () => resolve("lost"), { once: true });
    });
    const first = await Promise.race([next(), lost]);
    if (!right.kept) right.end();
    return first === "lost" ? refuse(context, caller.role(), needed) : undefined;
  };
}

/** The answer to a caller without the role. */
export function refuse(context: Context, role: Role | undefined, needed: Role): Response {
  const error = role === undefined
    ? new WippyError("Unauthenticated", "sign in, or send a token: Authorization: Bearer TOKEN", {
      retryable: false,
    })
    : new WippyError("PermissionDenied", `this needs the role ${needed}; yours is ${role}`, {
      retryable: false,
    });
  return problem(context, error);
}

/** A JSON answer of a route. */
export function answer<Schema extends z.ZodType>(schema: Schema, description: string) {
  return { content: { "application/json": { schema } }, description };
}

/** The errors that any route may answer. */
export const failures = {
  default: {
    content: { "application/problem+json": { schema: problemSchema } },
    description: "An error, as problem details",
  },
};

/** A JSON body that has to be there. */
export function body<Schema extends z.ZodType>(schema: Schema) {
  return { content: { "application/json": { schema } }, required: true };
}

/** Any JSON value: an argument or a result of Lua code. */
export const anyValue = z.unknown().superRefine((value, context) => {
  try {
    checkValue(value as LuaValue, "the value");
  } catch (error) {
    context.addIssue({ code: "custom", message: WippyError.from(error).message });
  }
}).openapi({ description: "Any JSON value" });

/** Arguments for Lua code; null is nil. */
export const valueList = z.array(anyValue).max(64).default([]);

/** Answer of an action without a result. */
export const done = z.object({ ok: z.literal(true) }).openapi("Done");

/** Size of a page. */
export const pageLimit = (most: number) =>
  z.coerce.number().int().min(1).max(most).default(100)
    .openapi({ description: `Items per page, 1 to ${most}` });

/** A name of the last page's `next`. */
export const cursor = z.string().max(200).optional()
  .openapi({ description: "`next` of the previous page" });
