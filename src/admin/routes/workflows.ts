import { createRoute, z } from "@hono/zod-openapi";
import { controlPid } from "../../node/control.ts";
import { WippyError } from "../../vm/error.ts";
import type { LuaValue } from "../../vm/value.ts";
import { showEvent } from "../history.ts";
import { plain } from "../plain.ts";
import {
  type AdminTarget,
  answer,
  anyValue,
  body,
  cursor,
  failures,
  pageLimit,
  routes,
  valueList,
} from "../route.ts";
import { findRun, runDetailSchema, runSchema, runStatus, showDetail, showRun } from "../runs.ts";

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
const started = z.object({ pid: z.string(), run_id: z.string() }).openapi("Started");

/** Runs of workflows: what there is, and where their starts begin. */
export function workflowRoutes({ node }: AdminTarget) {
  const { workflows } = node;
  /** The run that a request means. */
  const chosen = async (id: string, runId: string | undefined) => {
    const run = await findRun(workflows, id);
    if (runId === undefined || runId === run.runId) return run;
    const other = await workflows.run(run.hostId, runId);
    if (other.workflowId === run.workflowId) return other;
    throw new WippyError("NotFound", `no run ${runId} of the workflow ${run.workflowId}`, {
      retryable: false,
    });
  };
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
        method: "post",
        path: "/workflows",
        tags: ["Workflows"],
        summary: "Start a workflow",
        request: {
          body: body(z.object({
            entry: z.string().min(3).max(300),
            host: z.string().max(300).optional(),
            args: valueList,
            options: z.record(z.string(), z.unknown()).default({}).openapi({
              description: "Start options with the names of Lua's, such as `workflow.id`",
            }),
          })),
        },
        responses: { 201: answer(started, "The run is on disk"), ...failures },
      }),
      async (context) => {
        const { entry, host, args, options } = context.req.valid("json");
        const { pid, runId } = await workflows.start({
          entry,
          frame: {},
          options: options as LuaValue,
          messages: [],
          sender: controlPid,
          args: args as LuaValue[],
          ...(host !== undefined && { hostId: host }),
        });
        return context.json({ pid, run_id: runId }, 201);
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
        const run = await chosen(context.req.valid("param").id, context.req.valid("query").run);
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
        const run = await chosen(context.req.valid("param").id, runId);
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
        path: "/workflows/{id}/result",
        tags: ["Workflows"],
        summary: "Wait for the end of a workflow, at most so long",
        request: {
          params,
          query: z.object({ timeout: z.coerce.number().min(0).max(60_000).default(30_000) }),
        },
        responses: {
          200: answer(
            z.object({
              closed: z.boolean(),
              value: anyValue.optional(),
              error: anyValue.optional(),
            })
              .openapi("Result"),
            "Its result; `closed` is false when it still runs",
          ),
          ...failures,
        },
      }),
      async (context) => {
        const { pid } = await findRun(workflows, context.req.valid("param").id);
        const { timeout } = context.req.valid("query");
        const result = Promise.withResolvers<
          { closed: boolean; value?: unknown; error?: unknown }
        >();
        const end = workflows.watch(pid, (value, error) =>
          result.resolve({
            closed: true,
            ...(error === undefined ? { value: plain(value) } : { error: plain(error) }),
          }));
        const timer = setTimeout(() => result.resolve({ closed: false }), timeout);
        try {
          return context.json(await result.promise, 200);
        } finally {
          clearTimeout(timer);
          end();
        }
      },
    );
}
