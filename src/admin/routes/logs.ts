import { z } from "@hono/zod-openapi";
import { plain } from "../plain.ts";
import type { KeptRecord } from "../../observe/log-memory.ts";
import { type AdminTarget, answer, failures, pageLimit, route, routes } from "../route.ts";
import { fields } from "../issues.ts";

const record = z.object({
  id: z.number(),
  time: z.number().openapi({ description: "Milliseconds since 1970" }),
  level: z.enum(["debug", "info", "warn", "error"]),
  logger: z.string(),
  message: z.string(),
  fields: z.record(z.string(), z.unknown()),
}).openapi("LogRecord");

/** A record as the API shows it. */
export function showRecord(kept: KeptRecord): z.infer<typeof record> {
  const { id, time, level, logger, message, fields } = kept;
  return { id, time, level, logger, message, fields: plain(fields) as Record<string, unknown> };
}

/** The last lines of the log. */
export function logRoutes({ logs }: AdminTarget) {
  return routes().openapi(
    route({
      role: "viewer",
      method: "get",
      path: "/logs",
      tags: ["Logs"],
      summary: "The newest records, oldest first",
      request: {
        query: fields({
          level: z.enum(["debug", "info", "warn", "error"]).optional()
            .openapi({ description: "This level and above" }),
          text: z.string().max(200).optional(),
          unit: z.string().max(500).optional().openapi({ description: "PID, entry or logger" }),
          after: z.coerce.number().int().min(0).optional(),
          before: z.coerce.number().int().min(0).optional(),
          limit: pageLimit(1000),
        }),
      },
      responses: {
        200: answer(
          z.object({ records: z.array(record), last: z.number() }).openapi("LogPage"),
          "Records; `last` is the number of the newest of all",
        ),
        ...failures,
      },
    }),
    (context) => {
      const { level, text, unit, after, before, limit } = context.req.valid("query");
      const records = logs.find({
        limit,
        ...(level && { level }),
        ...(text !== undefined && { text }),
        ...(unit !== undefined && { unit }),
        ...(after !== undefined && { after }),
        ...(before !== undefined && { before }),
      });
      return context.json({ records: records.map(showRecord), last: logs.last }, 200);
    },
  );
}
