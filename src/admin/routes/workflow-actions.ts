import { z } from "@hono/zod-openapi";
import { controlPid } from "../../node/control.ts";
import type { StartWorkflow, UpdateWorkflow } from "../../workflows/requests.ts";
import type { LuaValue } from "../../vm/value.ts";
import { plain } from "../plain.ts";
import {
  type AdminTarget,
  answer,
  anyValue,
  body,
  done,
  failures,
  route,
  routes,
  valueList,
} from "../route.ts";
import { fields } from "../issues.ts";
import type { Role } from "../role.ts";
import { findRun } from "../runs.ts";

const params = z.object({ id: z.string().max(1000) });
const name = z.string().min(1).max(200);
const value = z.object({ value: anyValue });
const started = z.object({
  pid: z.string(),
  run_id: z.string(),
  existed: z.boolean().optional().openapi({
    description: "Nothing was started: the workflow id has this run already",
  }),
  value: anyValue.optional().openapi({ description: "Of the update, when one was sent" }),
}).openapi("Started");
const update = fields({
  name,
  args: valueList,
  id: z.string().min(1).max(200).optional(),
  wait: z.enum(["accepted", "completed"]).default("completed"),
});

function updateOf({ name, args, id, wait }: z.infer<typeof update>): UpdateWorkflow {
  return {
    name,
    sender: controlPid,
    stage: wait,
    args: args as LuaValue[],
    ...(id !== undefined && { updateId: id }),
  };
}

/** What a caller does to a run. */
export function workflowActionRoutes({ node }: AdminTarget) {
  const { workflows } = node;
  const action = <Verb extends string, Request extends z.ZodType, Response extends z.ZodType>(
    verb: Verb,
    summary: string,
    request: Request,
    response: Response,
    role: Role = "operator",
  ) =>
    route({
      role,
      method: "post",
      path: `/workflows/{id}/${verb}` as const,
      tags: ["Workflows"],
      summary,
      request: { params, body: body(request) },
      responses: { 200: answer(response, "Done"), ...failures },
    });
  return routes().openapi(
    action("signal", "Send a signal", fields({ name, payloads: valueList }), done),
    async (context) => {
      const { name, payloads } = context.req.valid("json");
      const { pid } = await findRun(workflows, context.req.valid("param").id);
      await workflows.signal(pid, name, controlPid, payloads as LuaValue[]);
      return context.json({ ok: true as const }, 200);
    },
  ).openapi(
    action(
      "query",
      "Query a run; nothing is recorded",
      fields({ name, args: valueList, run: z.string().max(100).optional() }),
      value,
      // It changes nothing.
      "viewer",
    ),
    async (context) => {
      const { name, args, run } = context.req.valid("json");
      const { pid } = await findRun(workflows, context.req.valid("param").id);
      const answer = await workflows.query(pid, name, args as LuaValue[], run);
      return context.json({ value: plain(answer) }, 200);
    },
  ).openapi(
    action(
      "update",
      "Send an update and wait for its outcome, or for its acceptance",
      update,
      value,
    ),
    async (context) => {
      const { pid } = await findRun(workflows, context.req.valid("param").id);
      const outcome = await workflows.update(pid, updateOf(context.req.valid("json")));
      return context.json({ value: plain(outcome) }, 200);
    },
  ).openapi(
    action(
      "cancel",
      "Request cancellation",
      fields({ reason: z.string().max(1000).default("") }),
      done,
    ),
    async (context) => {
      const { pid } = await findRun(workflows, context.req.valid("param").id);
      await workflows.cancel(pid, controlPid, context.req.valid("json").reason);
      return context.json({ ok: true as const }, 200);
    },
  ).openapi(
    action(
      "terminate",
      "Terminate at once; its code gets no chance to clean up",
      fields({ reason: z.string().max(1000).default("") }),
      done,
    ),
    async (context) => {
      const { pid } = await findRun(workflows, context.req.valid("param").id);
      await workflows.terminate(pid, context.req.valid("json").reason);
      return context.json({ ok: true as const }, 200);
    },
  ).openapi(
    action(
      "reset",
      "Reset to an earlier event",
      fields({
        event: z.number().int().min(1),
        run: z.string().max(100).optional(),
        reason: z.string().max(1000).optional(),
      }),
      z.object({ run_id: z.string() }),
    ),
    async (context) => {
      const { event, run, reason } = context.req.valid("json");
      const { pid } = await findRun(workflows, context.req.valid("param").id);
      const runId = await workflows.reset(pid, {
        eventId: event,
        ...(run !== undefined && { runId: run }),
        ...(reason !== undefined && { reason }),
      });
      return context.json({ run_id: runId }, 200);
    },
  ).openapi(
    action("retry", "Retry a blocked run now", fields({}), done),
    async (context) => {
      const run = await findRun(workflows, context.req.valid("param").id);
      await workflows.unblock(run.hostId, run.runId);
      return context.json({ ok: true as const }, 200);
    },
  ).openapi(
    route({
      role: "operator",
      method: "post",
      path: "/workflows",
      tags: ["Workflows"],
      summary: "Start a workflow",
      request: {
        body: body(fields({
          entry: z.string().min(3).max(300),
          host: z.string().max(300).optional(),
          args: valueList,
          options: z.record(z.string(), z.unknown()).default({}).openapi({
            description: "Start options with the names of Lua's, such as `workflow.id`",
          }),
          update: update.optional().openapi({
            description:
              "Sent to the run, or to the open one of the workflow id, in one transaction",
          }),
        })),
      },
      responses: { 201: answer(started, "The run is on disk"), ...failures },
    }),
    async (context) => {
      const { entry, host, args, options, update } = context.req.valid("json");
      const start: StartWorkflow = {
        entry,
        frame: {},
        options: options as LuaValue,
        messages: [],
        sender: controlPid,
        args: args as LuaValue[],
        ...(host !== undefined && { hostId: host }),
      };
      if (!update) {
        const { pid, runId, existed } = await workflows.start(start);
        return context.json({ pid, run_id: runId, existed }, 201);
      }
      const { pid, runId, value } = await workflows.updateWithStart(start, updateOf(update));
      return context.json({ pid, run_id: runId, value: plain(value) }, 201);
    },
  ).openapi(
    route({
      role: "viewer",
      method: "get",
      path: "/workflows/{id}/result",
      tags: ["Workflows"],
      summary: "Wait for a workflow to close, at most for the timeout",
      request: {
        params,
        query: fields({ timeout: z.coerce.number().min(0).max(60_000).default(30_000) }),
      },
      responses: {
        200: answer(
          z.object({
            closed: z.boolean(),
            value: anyValue.optional(),
            error: anyValue.optional(),
          })
            .openapi("Result"),
          "Its result; `closed` is false if it is still running",
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
