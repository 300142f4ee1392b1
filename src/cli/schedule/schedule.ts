/**
 * `wippy schedule …`: what starts workflows at certain times.
 * @module
 */
import type { ApiRequest, Got } from "../../admin/client.ts";
import { moment, span } from "../../observe/measure.ts";
import { rulesOf } from "../../observe/schedule-rules.ts";
import { connect, type ConnectOptions, readArgument } from "../connection.ts";
import type { Console } from "../terminal/terminal.ts";
import { brief, fields, table } from "../terminal/table.ts";
import { connectRuns, instant } from "../workflow/workflow.ts";
import { startOptions } from "../workflow/actions.ts";

/** Which schedule is meant. */
export interface ScheduleChoice extends ConnectOptions {
  host?: string;
}

export interface ListSchedulesOptions extends ScheduleChoice {
  limit: number;
  after?: string;
}

/** When a schedule matches, and by which policies. */
export interface ScheduleTerms extends ScheduleChoice {
  cron?: string[];
  every?: string[];
  timeZone?: string;
  start?: string;
  end?: string;
  jitter?: string;
  overlap?: Overlap;
  catchupWindow?: string;
  pauseOnFailure?: boolean;
  note?: string;
  remaining?: number;
}

export interface CreateScheduleOptions extends ScheduleTerms {
  workflowId?: string;
  option?: string[];
  paused?: boolean;
}

export interface BackfillOptions extends ScheduleChoice {
  from: string;
  to?: string;
  overlap?: Overlap;
}

type Range = ApiRequest<"post", "/schedules/:id/backfill">["body"]["ranges"][number];
type Overlap = NonNullable<Range["overlap"]>;

/** The fields that are given. */
function given(pairs: Record<string, unknown>): Record<string, unknown> | undefined {
  const found = Object.entries(pairs).filter(([, value]) => value !== undefined);
  return found.length === 0 ? undefined : Object.fromEntries(found);
}

function termsOf(options: ScheduleTerms): Record<string, unknown> {
  return given({
    spec: given({
      cron: options.cron,
      intervals: options.every?.map((text) => {
        const [every, offset] = text.split("/");
        return given({ every, offset });
      }),
      time_zone: options.timeZone,
      start_at: options.start,
      end_at: options.end,
      jitter: options.jitter,
    }),
    policies: given({
      overlap: options.overlap,
      catchup_window: options.catchupWindow,
      pause_on_failure: options.pauseOnFailure,
    }),
    note: options.note,
    remaining_actions: options.remaining,
  }) ?? {};
}

/** `wippy schedule list` */
export async function listSchedules(
  console: Console,
  options: ListSchedulesOptions,
): Promise<number> {
  const connection = connectRuns(console, options);
  const schedules: Got<"/schedules">["schedules"] = [];
  let after = options.after;
  do {
    const page: Got<"/schedules"> = await connection.get("/schedules", {
      query: {
        host: options.host,
        after,
        limit: Math.max(1, Math.min(1000, options.limit - schedules.length)),
      },
    });
    schedules.push(...page.schedules);
    after = page.next;
  } while (after !== undefined && schedules.length < options.limit);
  if (options.json) {
    const next = after !== undefined && { next: after };
    console.out(`${JSON.stringify({ schedules, ...next })}\n`);
    return 0;
  }
  if (schedules.length === 0) {
    console.out("No schedules found\n");
    return 0;
  }
  console.out(table(
    ["ID", "WORKFLOW", "WHEN", "STATE", "NEXT"],
    schedules.map(({ id, workflow, spec, paused, next }) => [
      id,
      workflow,
      brief(rulesOf(spec), 50),
      paused ? "paused" : "active",
      next === undefined ? "" : moment(next),
    ]),
  ));
  if (after !== undefined) console.out(`\nMore: --after ${after}\n`);
  return 0;
}

/** `wippy schedule show` */
export async function showSchedule(
  console: Console,
  id: string,
  options: ScheduleChoice,
): Promise<number> {
  const connection = connectRuns(console, options);
  const found = await connection.get("/schedules/:id", {
    params: { id },
    query: { host: options.host },
  });
  if (options.json) {
    console.out(`${JSON.stringify(found)}\n`);
    return 0;
  }
  const { spec, policies, action, counts } = found;
  const time = (value: unknown) => typeof value === "number" ? moment(value) : undefined;
  const length = (value: unknown) => typeof value === "number" ? span(value) : undefined;
  const table_ = (value: unknown) =>
    JSON.stringify(value) === "{}" || value === undefined ? undefined : brief(value, 200);
  console.out(fields([
    ["id", found.id],
    ["host", found.host],
    ["workflow", found.workflow],
    ["when", rulesOf(spec)],
    ["from", time(spec["start_at"])],
    ["until", time(spec["end_at"])],
    ["jitter", length(spec["jitter"])],
    ["workflow ids", `${action["workflow_id"]}-TIME`],
    ["arguments", table_(action["args"])],
    ["options", table_(action["options"])],
    ["overlap", String(policies["overlap"])],
    ["catch-up window", length(policies["catchup_window"])],
    ["pause on failure", policies["pause_on_failure"] ? "yes" : undefined],
    ["state", found.paused ? "paused" : "active"],
    ["note", found.note === "" ? undefined : found.note],
    ["remaining", found.remaining_actions?.toString()],
    ["declared by", found.declared_by],
    ["created", moment(found.created)],
    ["updated", moment(found.updated)],
    ["started", String(counts.actions)],
    ["skipped", String(counts.overlap_skipped)],
    ["missed", String(counts.missed_catchup_window)],
    ["dropped", String(counts.buffer_dropped)],
    ["waiting", String(found.buffered)],
    ["running", String(found.running_count)],
  ]));
  if (found.next_times.length > 0) {
    console.out("\nNext\n");
    console.out(found.next_times.map((next) => `${moment(next)}\n`).join(""));
  }
  for (const [title, runs] of [["Running", found.running], ["Recent", found.recent]] as const) {
    if (runs.length === 0) continue;
    console.out(`\n${title}\n`);
    console.out(table(
      ["WORKFLOW ID", "SCHEDULED", "STARTED"],
      runs.map(({ workflow_id: run, scheduled, started }) => [
        run,
        moment(scheduled),
        moment(started),
      ]),
    ));
  }
  return 0;
}

function tell(console: Console, options: ConnectOptions, json: unknown, text: string): number {
  console.out(options.json ? `${JSON.stringify(json)}\n` : text);
  return 0;
}

/** `wippy schedule create` */
export async function createSchedule(
  console: Console,
  id: string,
  workflow: string,
  args: string[],
  options: CreateScheduleOptions,
): Promise<number> {
  const answer = await connect(console, options).post("/schedules", {
    body: {
      id,
      spec: {},
      ...termsOf(options),
      action: given({
        workflow,
        host: options.host,
        workflow_id: options.workflowId,
        args: args.map(readArgument),
        options: startOptions(options.option ?? []),
      }),
      ...options.paused && { paused: true },
    },
  });
  return tell(console, options, answer, `created ${id}\n`);
}

/** `wippy schedule update` */
export async function updateSchedule(
  console: Console,
  id: string,
  options: ScheduleTerms,
): Promise<number> {
  const { host } = options;
  const answer = await connect(console, options)
    .post("/schedules/:id/update", { params: { id }, query: { host }, body: termsOf(options) });
  return tell(console, options, answer, `updated ${id}\n`);
}

/** `wippy schedule pause | unpause` */
export async function pauseSchedule(
  console: Console,
  verb: "pause" | "unpause",
  id: string,
  options: ScheduleChoice & { note?: string },
): Promise<number> {
  const { host, note } = options;
  const path = verb === "pause" ? "/schedules/:id/pause" : "/schedules/:id/unpause";
  const answer = await connect(console, options).post(path, {
    params: { id },
    query: { host },
    body: note === undefined ? {} : { note },
  });
  return tell(console, options, answer, `${verb}d ${id}\n`);
}

/** `wippy schedule trigger` */
export async function triggerSchedule(
  console: Console,
  id: string,
  options: ScheduleChoice & { overlap?: Overlap },
): Promise<number> {
  const { host, overlap } = options;
  const answer = await connect(console, options)
    .post("/schedules/:id/trigger", {
      params: { id },
      query: { host },
      body: overlap === undefined ? {} : { overlap },
    });
  const run = answer.pid === undefined ? "" : ` ${answer.pid} run ${answer.run_id}`;
  return tell(console, options, answer, `${answer.status}${run}\n`);
}

/** `wippy schedule backfill` */
export async function backfillSchedule(
  console: Console,
  id: string,
  options: BackfillOptions,
): Promise<number> {
  const { host, overlap } = options;
  const to = instant(options.to);
  const range: Range = {
    from: instant(options.from),
    ...to !== undefined && { to },
    ...overlap !== undefined && { overlap },
  };
  const answer = await connect(console, options).post("/schedules/:id/backfill", {
    params: { id },
    query: { host },
    body: { ranges: [range] },
  });
  const { started, buffered, skipped } = answer;
  const text = `${started} started, ${buffered} buffered, ${skipped} skipped\n`;
  return tell(console, options, answer, text);
}

/** `wippy schedule delete` */
export async function deleteSchedule(
  console: Console,
  id: string,
  options: ScheduleChoice,
): Promise<number> {
  const answer = await connect(console, options)
    .delete("/schedules/:id", { params: { id }, query: { host: options.host } });
  return tell(console, options, answer, `deleted ${id}\n`);
}
