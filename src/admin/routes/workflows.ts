import { createRoute, z } from "@hono/zod-openapi";
import { exportHistory, exportSchema, showEvent } from "../history.ts";
import { answer, cursor, failures, pageLimit, routes } from "../route.ts";
import {
  chooseRun,
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
const ofRun = z.object({
  run: z.string().max(100).optional().openapi({
    description: "Run id; the newest run when absent",
  }),
});
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

/** Runs of workflows, to look at. */
export function workflowRoutes(workflows: RunSource) {
  return routes()
    .openapi(
      createRoute({
        method: "get",
        path: "/workflows",
        tags: ["Workflows"],
        summary: "Runs, the newest first",
        request: {
          query: z.object({
            host: z.string().max(300).optional(),
            status: runStatus.optional(),
            workflow_id: z.string().max(1000).optional(),
            after: cursor,
            limit: pageLimit(1000),
          }),
        },
        responses: { 200: answer(page, "A page of runs"), ...failures },
      }),
      async (context) => {
        const { host, status, workflow_id: workflowId, after, limit } = context.req.valid("query");
        const hosts = host === undefined ? workflows.hosts : [host];
        // A cursor is the host's place in the list, then the host's own cursor.
        const [place, inner] = after?.split("/") ?? ["0", ""];
        const query = { ...(status && { status }), ...(workflowId && { workflowId }), limit };
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
      createRoute({
        method: "get",
        path: "/workflows/{id}",
        tags: ["Workflows"],
        summary: "One run, with what it waits for",
        request: { params, query: ofRun },
        responses: { 200: answer(runDetailSchema, "The run"), ...failures },
      }),
      async (context) => {
        const run = await chooseRun(
          workflows,
          context.req.valid("param").id,
          context.req.valid("query").run,
        );
        return context.json(showDetail(await workflows.run(run.hostId, run.runId)), 200);
      },
    )
    .openapi(
      createRoute({
        method: "get",
        path: "/workflows/{id}/history",
        tags: ["Workflows"],
        summary: "Events of a run",
        request: {
          params,
          query: ofRun.extend({ after: cursor, limit: pageLimit(5000) }),
        },
        responses: { 200: answer(eventPage, "A page of events"), ...failures },
      }),
      async (context) => {
        const { run: runId, after, limit } = context.req.valid("query");
        const run = await chooseRun(workflows, context.req.valid("param").id, runId);
        const events = await workflows.history(run.hostId, run.runId);
        const from = Number(after ?? 0);
        const shown = events.filter(({ id }) => id > from).slice(0, limit).map(showEvent);
        const last = shown.at(-1)?.id;
        const more = last !== undefined && last < events.length;
        return context.json(
          { run: showRun(run), events: shown, ...(more && { next: String(last) }) },
          200,
        );
      },
    )
    .openapi(
      createRoute({
        method: "get",
        path: "/workflows/{id}/export",
        tags: ["Workflows"],
        summary: "The whole history of a run, for `wippy workflow replay`",
        request: { params, query: ofRun },
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
