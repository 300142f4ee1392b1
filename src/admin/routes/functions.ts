import { createRoute, z } from "@hono/zod-openapi";
import { functionLua } from "../../registry/kinds/lua.ts";
import { WippyError } from "../../vm/error.ts";
import type { LuaValue } from "../../vm/value.ts";
import { plain } from "../plain.ts";
import { type AdminTarget, answer, anyValue, body, failures, routes, valueList } from "../route.ts";

const called = z.object({
  value: anyValue,
  milliseconds: z.number().openapi({ description: "How long it took" }),
}).openapi("Called");

/** Functions. */
export function functionRoutes({ node }: AdminTarget) {
  return routes().openapi(
    createRoute({
      method: "post",
      path: "/functions/{id}/call",
      tags: ["Functions"],
      summary: "Call a function and wait for its result",
      request: {
        params: z.object({ id: z.string().max(300) }),
        body: body(z.object({ args: valueList })),
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
