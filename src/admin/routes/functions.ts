import { z } from "@hono/zod-openapi";
import { functionLua } from "../../registry/kinds/lua.ts";
import { compareIds } from "../../registry/entry.ts";
import { WippyError } from "../../vm/error.ts";
import type { LuaValue } from "../../vm/value.ts";
import { plain } from "../plain.ts";
import {
  type AdminTarget,
  answer,
  anyValue,
  body,
  cursor,
  failures,
  pageLimit,
  route,
  routes,
  valueList,
} from "../route.ts";
import { fields } from "../issues.ts";

const info = z.object({
  id: z.string(),
  type: z.string().openapi({ description: "Kind of its pool" }),
  calls: z.number().openapi({ description: "Since the start, or since its code changed" }),
  failed: z.number(),
  running: z.number(),
  queued: z.number(),
  instances: z.number(),
  limit: z.number(),
  p50: z.number().optional().openapi({
    description: "Milliseconds, of calls while somebody looked",
  }),
  p95: z.number().optional(),
  p99: z.number().optional(),
}).openapi("Function");

const called = z.object({
  value: anyValue,
  milliseconds: z.number().openapi({ description: "How long it took" }),
}).openapi("Called");

/** Functions. */
export function functionRoutes({ node }: AdminTarget) {
  return routes().openapi(
    route({
      role: "viewer",
      method: "get",
      path: "/functions",
      tags: ["Functions"],
      summary: "Every function with what its pools have done, sorted by identifier",
      request: { query: fields({ after: cursor, limit: pageLimit(1000) }) },
      responses: {
        200: answer(
          z.object({ functions: z.array(info), next: z.string().optional() })
            .openapi("FunctionPage"),
          "A page of functions",
        ),
        ...failures,
      },
    }),
    async (context) => {
      const { after = "", limit } = context.req.valid("query");
      const known = new Map((await node.control.functions()).map((found) => [found.id, found]));
      const ids = [...node.registry.versions.entries.values()]
        .filter(({ kind, id }) => kind === functionLua.name && id > after).map(({ id }) => id)
        .sort(compareIds);
      const idle = { calls: 0, failed: 0, running: 0, queued: 0, instances: 0, limit: 0 };
      const functions = ids.slice(0, limit)
        .map((id) => known.get(id) ?? { id, type: "", ...idle });
      const next = ids.length > limit ? functions.at(-1)!.id : undefined;
      return context.json({ functions, ...(next !== undefined && { next }) }, 200);
    },
  ).openapi(
    route({
      role: "operator",
      method: "post",
      path: "/functions/{id}/call",
      tags: ["Functions"],
      summary: "Call a function and wait for its result",
      request: {
        params: z.object({ id: z.string().max(300) }),
        body: body(fields({ args: valueList })),
      },
      responses: { 200: answer(called, "Its result"), ...failures },
    }),
    async (context) => {
      const { id } = context.req.valid("param");
      if (node.registry.versions.entries.get(id)?.kind !== functionLua.name) {
        throw new WippyError("NotFound", `no function ${id}`, { retryable: false });
      }
      const began = performance.now();
      const value = await node.call(id, context.req.valid("json").args as LuaValue[]);
      return context.json({ value: plain(value), milliseconds: performance.now() - began }, 200);
    },
  );
}
