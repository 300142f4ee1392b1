import { z } from "@hono/zod-openapi";
import { WippyError } from "../../vm/error.ts";
import type { RunQuery } from "../../workflows/provider.ts";
import { exportHistory, exportSchema, showEvent, type ShownEvent } from "../history.ts";
import { answer, cursor, failures, pageLimit, route, routes } from "../route.ts";
import { fields } from "../issues.ts";
import {
  chooseRun,
  endsOf,
  runDetailSchema,
  runSchema,
  type RunSource,
  runStatus,
  showDetail,
  showRun,
} from "../runs.ts";

const params = z.object({
  id: z.string().max(1000).openapi({
    description: "Workflow id, or PID where several hosts know the id",
  }),
});
const ofRun = {
  run: z.string().max(100).optional().openapi({
    description: "Run id; the newest run when absent",
  }),
};
const page = z.object({ runs: z.array(runSchema), next: z.string().optional() }).openapi("RunPage");
const event = z.object({
  id: z.number(),
  time: z.number().openapi({ description: "Milliseconds since 1970" }),
  type: z.string(),
  data: z.record(z.string(), z.unknown()),
}).openapi("HistoryEvent");
const eventPage = z.object({
  run: runSchema,
  events: z.array(event),
  next: z.string().optional(),
}).openapi("HistoryPage");

const time = z.coerce.number().int().min(0).optional()
  .openapi({ description: "Milliseconds since 1970" });
const attributeValues = z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]));

/** What a request asks for, in the words of the provider. @throws WippyError Invalid */
function runQuery(asked: {
  status?: RunQuery["status"] | undefined;
  workflow_id?: string | undefined;
  prefix?: string | undefined;
  entry?: string | undefined;
  started_from?: number | undefined;
  started_before?: number | undefined;
  closed_from?: number | undefined;
  closed_before?: number | undefined;
  attributes?: string | undefined;
  limit: number;
}): RunQuery {
  const query = {
    status: asked.status,
    workflowId: asked.workflow_id,
    workflowIdPrefix: asked.prefix,
    entry: asked.entry,
    startedFrom: asked.started_from,
    startedBefore: asked.started_before,
    closedFrom: asked.closed_from,
    closedBefore: asked.closed_before,
    attributes: asked.attributes === undefined ? undefined : readAttributes(asked.attributes),
    limit: asked.limit,
  };
  const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== "");
  return Object.fromEntries(given) as RunQuery;
}

function readAttributes(text: string): z.infer<typeof attributeValues> {
  const invalid = (why: string) =>
    new WippyError("Invalid", `attributes: ${why}; write {"key":"text"}`, { retryable: false });
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw invalid("not JSON");
  }
  const read = attributeValues.safeParse(json);
  if (!read.success) throw invalid("not an object of texts, numbers and booleans");
  return read.data;
}

/** Runs of workflows, to look at. */
export function workflowRoutes(workflows: RunSource) {
  return routes()
    .openapi(
      route({
        role: "viewer",
        method: "get",
        path: "/workflows",
        tags: ["Workflows"],
        summary:
          "Runs, most recently started first; with a range of closing times, most recently closed first",
        request: {
          query: fields({
            host: z.string().max(300).optional(),
            status: runStatus.optional(),
            workflow_id: z.string().max(1000).optional(),
            prefix: z.string().max(1000).optional()
              .openapi({ description: "Prefix of the workflow id" }),
            entry: z.string().max(300).optional(),
            started_from: time,
            started_before: time,
            closed_from: time,
            closed_before: time,
            attributes: z.string().max(4000).optional().openapi({
              description: "Search attributes, as a JSON object of texts, numbers and booleans",
            }),
            after: cursor,
            limit: pageLimit(1000),
          }),
        },
        responses: { 200: answer(page, "A page of runs"), ...failures },
      }),
      async (context) => {
        const asked = context.req.valid("query");
        const { host, after } = asked;
        const hosts = host === undefined ? workflows.hosts : [host];
        // A cursor is the host's place in the list, then the host's own cursor.
        const [, place = "0", inner = ""] = /^(\d{1,4})\/(.*)$/.exec(after ?? "0/") ?? [];
        if (after !== undefined && after !== `${place}/${inner}`) {
          throw new WippyError("Invalid", `after: "${after}" is not a cursor; use a page's next`, {
            retryable: false,
          });
        }
        const query = runQuery(asked);
        for (let index = Number(place); index < hosts.length; index++) {
          const current = hosts[index]!;
          const found = await workflows.list(current, {
            ...query,
            ...(index === Number(place) && inner && { cursor: inner }),
          });
          const next = found.cursor !== undefined
            ? `${index}/${found.cursor}`
            : index + 1 < hosts.length
            ? `${index + 1}/`
            : undefined;
          if (found.runs.length === 0 && next !== undefined) continue;
          return context.json(
            { runs: found.runs.map(showRun), ...(next !== undefined && { next }) },
            200,
          );
        }
        return context.json({ runs: [] }, 200);
      },
    )
    .openapi(
      route({
        role: "viewer",
        method: "get",
        path: "/workflows/{id}",
        tags: ["Workflows"],
        summary: "One run, with its input, its result and what it waits for",
        request: { params, query: fields(ofRun) },
        responses: { 200: answer(runDetailSchema, "The run"), ...failures },
      }),
      async (context) => {
        const run = await chooseRun(
          workflows,
          context.req.valid("param").id,
          context.req.valid("query").run,
        );
        const detail = await workflows.run(run.hostId, run.runId);
        return context.json(showDetail(detail, await endsOf(workflows, detail)), 200);
      },
    )
    .openapi(
      route({
        role: "viewer",
        method: "get",
        path: "/workflows/{id}/history",
        tags: ["Workflows"],
        summary: "Events of a run, from either end",
        request: {
          params,
          query: fields({
            ...ofRun,
            order: z.enum(["oldest", "newest"]).default("oldest")
              .openapi({ description: "Which events come first" }),
            after: z.coerce.number().int().min(0).optional().openapi({
              description: "`next` of the previous page: the id of its last event",
            }),
            limit: pageLimit(5000),
          }),
        },
        responses: { 200: answer(eventPage, "A page of events"), ...failures },
      }),
      async (context) => {
        const { run: runId, order, after, limit } = context.req.valid("query");
        const run = await chooseRun(workflows, context.req.valid("param").id, runId);
        const read = async (from: number, to: number) =>
          from > to
            ? []
            : (await workflows.history(run.hostId, run.runId, { from, to })).map(showEvent);
        let events: ShownEvent[];
        if (order === "oldest") {
          const from = (after ?? 0) + 1;
          events = await read(from, from + limit - 1);
        } else {
          const to = (after ?? run.historyLength + 1) - 1;
          events = (await read(Math.max(1, to - limit + 1), to)).reverse();
        }
        const last = events.at(-1)?.id;
        // The history may have grown since the run was described; ids count from 1 without gaps.
        const more = last !== undefined &&
          (order === "oldest" ? events.length === limit && last < run.historyLength : last > 1);
        return context.json(
          { run: showRun(run), events, ...(more && { next: String(last) }) },
          200,
        );
      },
    )
    .openapi(
      route({
        role: "viewer",
        method: "get",
        path: "/workflows/{id}/export",
        tags: ["Workflows"],
        summary: "The whole history of a run, for `wippy workflow replay`",
        request: { params, query: fields(ofRun) },
        responses: { 200: answer(exportSchema, "The history"), ...failures },
      }),
      async (context) => {
        const { run: runId } = context.req.valid("query");
        const run = await chooseRun(workflows, context.req.valid("param").id, runId);
        const events = await workflows.history(run.hostId, run.runId);
        return context.json(exportHistory(run, events), 200);
      },
    );
}
