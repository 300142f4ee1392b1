import { z } from "@hono/zod-openapi";
import type { Entry } from "../../registry/entry.ts";
import { compareIds, parseId } from "../../registry/entry.ts";
import { WippyError } from "../../vm/error.ts";
import { plain } from "../plain.ts";
import { type AdminTarget, answer, cursor, failures, pageLimit, route, routes } from "../route.ts";
import { fields } from "../issues.ts";

const summary = z.object({
  id: z.string(),
  namespace: z.string(),
  name: z.string(),
  kind: z.string(),
  comment: z.string().optional(),
}).openapi("EntrySummary");
const full = summary.extend({
  meta: z.record(z.string(), z.unknown()),
  data: z.record(z.string(), z.unknown()).openapi({
    description: "Placeholders of secrets stay as they are written",
  }),
  origin: z.object({ file: z.string(), line: z.number(), column: z.number() }).optional(),
}).openapi("Entry");

function summarise({ id, kind, meta }: Entry): z.infer<typeof summary> {
  const { namespace, name } = parseId(id);
  const comment = meta["comment"];
  return { id, namespace, name, kind, ...(typeof comment === "string" && { comment }) };
}

/** Entries of the application. */
export function registryRoutes({ node }: AdminTarget) {
  return routes()
    .openapi(
      route({
        role: "viewer",
        method: "get",
        path: "/registry/entries",
        tags: ["Registry"],
        summary: "Entries, sorted by identifier",
        request: {
          query: fields({
            kind: z.string().max(200).optional(),
            namespace: z.string().max(200).optional(),
            text: z.string().max(200).optional().openapi({ description: "Part of the identifier" }),
            after: cursor,
            limit: pageLimit(1000),
          }),
        },
        responses: {
          200: answer(
            z.object({
              entries: z.array(summary),
              version: z.number(),
              next: z.string().optional(),
            }).openapi("EntryPage"),
            "A page of entries",
          ),
          ...failures,
        },
      }),
      (context) => {
        const { kind, namespace, text, after = "", limit } = context.req.valid("query");
        const { versions } = node.registry;
        const found = [...versions.entries.values()].filter((entry) =>
          (kind === undefined || entry.kind === kind) &&
          (namespace === undefined || parseId(entry.id).namespace === namespace) &&
          (text === undefined || entry.id.includes(text)) && entry.id > after
        ).sort((left, right) => compareIds(left.id, right.id));
        const entries = found.slice(0, limit).map(summarise);
        const next = found.length > limit ? entries.at(-1)!.id : undefined;
        return context.json(
          { entries, version: versions.current.id, ...(next !== undefined && { next }) },
          200,
        );
      },
    )
    .openapi(
      route({
        role: "viewer",
        method: "get",
        path: "/registry/entries/{id}",
        tags: ["Registry"],
        summary: "One entry with its source",
        request: { params: z.object({ id: z.string().max(300) }) },
        responses: { 200: answer(full, "The entry"), ...failures },
      }),
      (context) => {
        const { id } = context.req.valid("param");
        const entry = node.registry.versions.entries.get(id);
        if (!entry) throw new WippyError("NotFound", `no entry ${id}`, { retryable: false });
        const { meta, data, origin } = entry;
        return context.json({
          ...summarise(entry),
          meta: plain(meta) as Record<string, unknown>,
          data: plain(data) as Record<string, unknown>,
          ...(origin && {
            origin: { file: origin.file, line: origin.line, column: origin.column },
          }),
        }, 200);
      },
    );
}
