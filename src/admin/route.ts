/**
 * What routes share: the context they get, their common answers and parameters.
 * @module
 */
import { OpenAPIHono, z } from "@hono/zod-openapi";
import type { Node } from "../node/node.ts";
import { WippyError } from "../vm/error.ts";
import { problem, problemSchema } from "./problem.ts";
import type { Role } from "./role.ts";
import type { LogMemory } from "../observe/log-memory.ts";

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
  /** Begins an orderly end of the runtime. */
  stop(): void;
}

/** Variables of a request. */
export interface Variables {
  role: Role;
}

export type AdminApp = OpenAPIHono<{ Variables: Variables }>;

/** An empty part of the API, whose errors are problems. */
export function routes(): AdminApp {
  return new OpenAPIHono<{ Variables: Variables }>({
    defaultHook: (result, context) => {
      if (result.success) return;
      const issues = result.error.issues.map(({ path, message }) => ({
        path: [result.target, ...path.map(String)].join("."),
        message,
      }));
      const text = issues.map(({ path, message }) => `${path}: ${message}`).join("; ");
      const error = new WippyError("Invalid", `the request is not valid: ${text}`, {
        retryable: false,
      });
      return problem(context, error, issues);
    },
  });
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
export const anyValue = z.unknown().openapi({ description: "Any JSON value" });

/** Arguments for Lua code; null is nil. */
export const valueList = z.array(anyValue).max(64).default([]);

/** Answer of an action that gives nothing back. */
export const done = z.object({ ok: z.literal(true) }).openapi("Done");

/** Size of a page. */
export const pageLimit = (most: number) =>
  z.coerce.number().int().min(1).max(most).default(100)
    .openapi({ description: `Items of a page, 1 to ${most}` });

/** A name of the last page's `next`. */
export const cursor = z.string().max(200).optional()
  .openapi({ description: "`next` of the page before" });
