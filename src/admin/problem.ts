/**
 * Errors as the API reports them: problem details of RFC 9457.
 * @module
 */
import type { Context } from "hono";
import { HTTPException } from "hono/http-exception";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { z } from "@hono/zod-openapi";
import { type ErrorKind, WippyError } from "../vm/error.ts";
import { plain } from "./plain.ts";

/** Body of every answer that is an error. */
export const problemSchema = z.object({
  type: z.string().openapi({ example: "about:blank" }),
  title: z.string().openapi({ description: "The kind of the error", example: "NotFound" }),
  status: z.number().int(),
  detail: z.string().openapi({ example: "process not found: {app:processes|0x1}" }),
  retryable: z.boolean().optional(),
  position: z.string().optional().openapi({ description: "Where in Lua", example: "app:order:12" }),
  details: z.unknown().optional(),
  issues: z.array(z.object({ path: z.string(), message: z.string() })).optional()
    .openapi({ description: "What is wrong with the request, field by field" }),
}).openapi("Problem");

const statuses: Readonly<Record<string, ContentfulStatusCode>> = {
  NotFound: 404,
  AlreadyExists: 409,
  Conflict: 409,
  Canceled: 409,
  Invalid: 400,
  Unauthenticated: 401,
  PermissionDenied: 403,
  TooLarge: 413,
  RateLimited: 429,
  Unavailable: 503,
  Timeout: 504,
};

/** The HTTP status that stands for a kind of error. */
export function statusOf(kind: ErrorKind): ContentfulStatusCode {
  return statuses[kind] ?? 500;
}

/** The answer to a request that failed. */
export function problem(
  context: Context,
  error: unknown,
  issues?: { path: string; message: string }[],
): Response {
  // What the framework refuses by itself, such as a body that is not JSON.
  const told = error instanceof HTTPException && error.status < 500
    ? new WippyError(error.status === 413 ? "TooLarge" : "Invalid", error.message, {
      retryable: false,
    })
    : error;
  const { kind, message, retryable, position, details } = WippyError.from(told);
  const status = statusOf(kind);
  const body = {
    type: "about:blank",
    title: kind === "" ? "Error" : kind,
    status,
    detail: message,
    ...(retryable !== undefined && { retryable }),
    ...(position !== undefined && { position }),
    ...(details !== undefined && { details: plain(details) }),
    ...(issues && { issues }),
  };
  return context.json(body, status, { "content-type": "application/problem+json" });
}
