import { z } from "@hono/zod-openapi";
import { schedulePage, type Schedules, type ScheduleSource } from "../../node/schedules.ts";
import type { LuaValue } from "../../vm/value.ts";
import {
  showBackfill,
  showSchedule,
  showSummary,
  showTrigger,
} from "../../workflows/schedules/view.ts";
import { overlapPolicies } from "../../workflows/schedules/schedules.ts";
import { plain } from "../plain.ts";
import { answer, body, done, failures, pageLimit, route, routes } from "../route.ts";
import { fields } from "../issues.ts";

const params = z.object({ id: z.string().min(1).max(1000) });
const hostField = {
  host: z.string().max(300).optional()
    .openapi({ description: "Where several hosts have a schedule of the id" }),
};
const onHost = fields(hostField);
const time = z.number().openapi({ description: "Milliseconds since 1970" });
const record = z.record(z.string(), z.unknown());
const named = (what: string) =>
  record.openapi({ description: `${what}, with the names of the Lua module schedule` });

const summary = z.object({
  id: z.string(),
  host: z.string(),
  workflow: z.string(),
  spec: named("When it matches"),
  paused: z.boolean(),
  note: z.string(),
  next: time.optional(),
  declared_by: z.string().optional().openapi({ description: "The entry that declares it" }),
}).openapi("ScheduleSummary");
const action = z.object({
  scheduled: time,
  started: time,
  workflow_id: z.string(),
  run_id: z.string(),
  pid: z.string(),
}).openapi("ScheduledAction");
const schedule = summary.extend({
  action: named("What it starts"),
  policies: named("Its policies"),
  remaining_actions: z.number().optional(),
  created: time,
  updated: time,
  next_times: z.array(time),
  recent: z.array(action),
  running: z.array(action),
  running_count: z.number(),
  buffered: z.number(),
  counts: z.object({
    actions: z.number(),
    missed_catchup_window: z.number(),
    overlap_skipped: z.number(),
    buffer_dropped: z.number(),
  }),
}).openapi("Schedule");
export type ShownSummary = z.infer<typeof summary>;
export type ShownSchedule = z.infer<typeof schedule>;

const page = z.object({ schedules: z.array(summary), next: z.string().optional() })
  .openapi("SchedulePage");
const overlap = z.enum(overlapPolicies).optional();

/** Schedules, to look at. */
export function scheduleRoutes(schedules: ScheduleSource) {
  return routes()
    .openapi(
      route({
        role: "viewer",
        method: "get",
        path: "/schedules",
        tags: ["Schedules"],
        summary: "Schedules, in the order of their ids",
        request: {
          query: fields({
            ...hostField,
            // A cursor holds the id of a schedule.
            after: z.string().max(2000).optional()
              .openapi({ description: "`next` of the page before" }),
            limit: pageLimit(1000),
          }),
        },
        responses: { 200: answer(page, "A page of schedules"), ...failures },
      }),
      async (context) => {
        const { host, after, limit } = context.req.valid("query");
        const found = await schedulePage(schedules, {
          limit,
          ...host !== undefined && { host },
          ...after !== undefined && { after },
        });
        return context.json({
          ...found,
          schedules: found.schedules.map((each) => plain(showSummary(each)) as ShownSummary),
        }, 200);
      },
    )
    .openapi(
      route({
        role: "viewer",
        method: "get",
        path: "/schedules/{id}",
        tags: ["Schedules"],
        summary: "One schedule, with what it has done and is going to do",
        request: { params, query: onHost },
        responses: { 200: answer(schedule, "The schedule"), ...failures },
      }),
      async (context) => {
        const { id } = context.req.valid("param");
        const info = await schedules.describe(id, context.req.valid("query").host);
        return context.json(plain(showSchedule(info)) as ShownSchedule, 200);
      },
    );
}

const triggered = z.object({
  status: z.enum(["started", "buffered", "skipped"]),
  workflow_id: z.string().optional(),
  run_id: z.string().optional(),
  pid: z.string().optional(),
}).openapi("Triggered");
const instant = z.union([z.string().max(100), z.number()], {
  error: "must be a time such as 2026-11-25T10:00:00Z, or milliseconds since 1970",
}).openapi({ description: "2026-11-25T10:00:00Z, or milliseconds since 1970" });
const range = fields({ from: instant, to: instant.optional(), overlap });
const backfilled = z.object({
  started: z.number(),
  buffered: z.number(),
  skipped: z.number(),
}).openapi("Backfilled");
const ok = { ok: true as const };

function verb<Name extends string, Request extends z.ZodType, Response extends z.ZodType>(
  name: Name,
  summary: string,
  request: Request,
  response: Response,
) {
  return route({
    role: "operator",
    method: "post",
    path: `/schedules/{id}/${name}` as const,
    tags: ["Schedules"],
    summary,
    request: { params, query: onHost, body: body(request) },
    responses: { 200: answer(response, "Done"), ...failures },
  });
}

/** What a caller does to schedules. */
export function scheduleActionRoutes(schedules: Schedules) {
  const note = fields({ note: z.string().max(10_000).optional() });
  return routes().openapi(
    route({
      role: "operator",
      method: "post",
      path: "/schedules",
      tags: ["Schedules"],
      summary: "Create a schedule",
      request: {
        body: body(record.openapi({
          description: "id, spec, action, policies, paused, note, remaining_actions, as the Lua " +
            "module schedule takes them",
        })),
      },
      responses: { 201: answer(done, "The schedule is on disk"), ...failures },
    }),
    async (context) => {
      const given = context.req.valid("json") as LuaValue;
      await schedules.create({ schedule: given, frame: {} });
      return context.json(ok, 201);
    },
  ).openapi(
    verb("update", "Change the given fields", named("The changes"), done),
    async (context) => {
      const { id } = context.req.valid("param");
      const change = context.req.valid("json") as LuaValue;
      await schedules.update(id, change, {}, context.req.valid("query").host);
      return context.json(ok, 200);
    },
  ).openapi(
    verb("pause", "Skip scheduled times from now on", note, done),
    async (context) => {
      const { id } = context.req.valid("param");
      const { note } = context.req.valid("json");
      await schedules.pause(id, true, note, context.req.valid("query").host);
      return context.json(ok, 200);
    },
  ).openapi(
    verb("unpause", "Act on scheduled times again", note, done),
    async (context) => {
      const { id } = context.req.valid("param");
      const { note } = context.req.valid("json");
      await schedules.pause(id, false, note, context.req.valid("query").host);
      return context.json(ok, 200);
    },
  ).openapi(
    verb("trigger", "Start a run now, even if paused", fields({ overlap }), triggered),
    async (context) => {
      const { id } = context.req.valid("param");
      const asked = context.req.valid("json").overlap;
      const result = await schedules.trigger(id, asked, context.req.valid("query").host);
      return context.json(plain(showTrigger(result)) as z.infer<typeof triggered>, 200);
    },
  ).openapi(
    verb(
      "backfill",
      "Act on scheduled times of the past, even if paused",
      fields({ ranges: z.array(range).max(1000) }),
      backfilled,
    ),
    async (context) => {
      const { id } = context.req.valid("param");
      const ranges = context.req.valid("json").ranges as LuaValue;
      const result = await schedules.backfill(id, ranges, context.req.valid("query").host);
      return context.json(plain(showBackfill(result)) as z.infer<typeof backfilled>, 200);
    },
  ).openapi(
    route({
      role: "operator",
      method: "delete",
      path: "/schedules/{id}",
      tags: ["Schedules"],
      summary: "Delete a schedule; its runs continue",
      request: { params, query: onHost },
      responses: { 200: answer(done, "Done"), ...failures },
    }),
    async (context) => {
      await schedules.delete(context.req.valid("param").id, context.req.valid("query").host);
      return context.json(ok, 200);
    },
  );
}
