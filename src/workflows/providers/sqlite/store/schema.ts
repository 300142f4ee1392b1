import { sql } from "drizzle-orm";
import {
  customType,
  index,
  integer,
  primaryKey,
  real,
  sqliteTable,
  text,
  uniqueIndex,
} from "drizzle-orm/sqlite-core";
import type { EventType } from "../../../history/history.ts";
import type { ParentClosePolicy } from "../../../options/options.ts";
import type { RunStatus } from "../../../provider.ts";

// drizzle-kit does not know WITHOUT ROWID: it is written by hand into the migrations of the tables
// whose rows are reached by their primary key only (timers, activities, updates,
// attributes, schedule_actions, schedule_buffer).
//
// Times are milliseconds since the epoch. Blobs are packed with `packPlain` or with the codec of
// Lua values.

const bytes = customType<{ data: Uint8Array; driverData: Uint8Array }>({ dataType: () => "blob" });

/** One row a run, open or closed. The newest run of a workflow id has the greatest `run`. */
export const runs = sqliteTable("runs", {
  run: integer().primaryKey(),
  runId: text("run_id").notNull(),
  workflowId: text("workflow_id").notNull(),
  firstRunId: text("first_run_id").notNull(),
  entry: text().notNull(),
  hostId: text("host_id").notNull(),
  status: text().$type<RunStatus>().notNull(),
  attempt: integer().notNull(),
  startTime: integer("start_time").notNull(),
  closeTime: integer("close_time"),
  nextEvent: integer("next_event").notNull(),
  bytes: integer().notNull(),
  /** Counts the hand-outs of tasks; a completion must carry the newest. */
  lease: integer().notNull(),
  /** Id of the TaskStarted event that has no outcome yet, else 0. */
  taskEvent: integer("task_event").notNull(),
  /** 1: events have come that no task has shown. */
  wake: integer().notNull(),
  /** 1: no task before the timer of kind `start` fires. */
  held: integer().notNull(),
  cancelRequested: integer("cancel_requested").notNull(),
  parentRun: integer("parent_run"),
  parentSeq: integer("parent_seq"),
  parentClosePolicy: text("parent_close_policy").$type<ParentClosePolicy>(),
  /** Packed `RunTerms`. */
  terms: bytes(),
  memo: bytes(),
  searchAttributes: bytes("search_attributes"),
  /** Packed `TaskFailure` while the run waits for corrected code. */
  blocked: bytes(),
  /**
   * No ActivityScheduled event before this one has an activity without outcome that is not in `activities`; 0: there is
   * none at all.
   */
  pendingFrom: integer("pending_from").notNull().default(0),
}, (table) => [
  uniqueIndex("runs_run_id").on(table.runId),
  index("runs_workflow").on(table.workflowId, table.run),
  uniqueIndex("runs_open").on(table.workflowId).where(sql`status = 'running'`),
  index("runs_closed").on(table.closeTime).where(sql`close_time IS NOT NULL`),
  index("runs_status").on(table.status, table.run),
  index("runs_entry").on(table.entry, table.run),
  index("runs_start").on(table.startTime, table.run),
  // Two filters together: one index for both, or the runs of one would be looked through for the other.
  index("runs_entry_status").on(table.entry, table.status, table.run),
  index("runs_status_start").on(table.status, table.startTime, table.run),
  index("runs_entry_start").on(table.entry, table.startTime, table.run),
  index("runs_task").on(table.run).where(sql`task_event > 0`),
  index("runs_pending").on(table.run).where(sql`pending_from > 0`),
  index("runs_parent").on(table.parentRun).where(
    sql`parent_run IS NOT NULL AND status = 'running'`,
  ),
]);

/**
 * Histories: append only, ids dense from 1 in each run. A row holds one event, or those that a transaction appended
 * to a run (`event-rows.ts`). Rows lie in the order of writing and not by
 * run, because a commit that touches many runs then writes a few full pages instead of one page a
 * run; the index finds them by run.
 */
export const events = sqliteTable("events", {
  position: integer().primaryKey(),
  run: integer().notNull(),
  id: integer().notNull(),
  type: text().$type<EventType | "packed">().notNull(),
  time: integer().notNull(),
  data: bytes().notNull(),
}, (table) => [uniqueIndex("events_run").on(table.run, table.id)]);

/**
 * What is due at a time: `timer` (of workflow code), `start` (delay or back-off of a run), `run`
 * and `execution` (timeouts), `retry` and `schedule_to_close` (of the activity with that sequence
 * number).
 */
export const timers = sqliteTable("timers", {
  run: integer().notNull(),
  kind: text().$type<TimerKind>().notNull(),
  seq: integer().notNull(),
  due: integer().notNull(),
}, (table) => [
  primaryKey({ columns: [table.run, table.kind, table.seq] }),
  index("timers_due").on(table.due),
]);

export type TimerKind = "timer" | "start" | "run" | "execution" | "retry" | "schedule_to_close";

/**
 * What an activity without outcome waits for, as its row's `running` has it. It begins with `slot` or
 * `running`; a failure that is retried leads to `retry`, whose timer leads to the beginning.
 */
export const activityState = {
  /** Its `retry` timer. */
  retry: 0,
  /** The attempt that was handed out. */
  running: 1,
  /** Its turn on the host. */
  slot: 2,
} as const;

export type ActivityState = (typeof activityState)[keyof typeof activityState];

/**
 * Activities without outcome. What they are is in their ActivityScheduled event. One has no row here while its first
 * attempt runs and nothing has become of it: the event, found from `runs.pending_from` on, says as much.
 */
export const activities = sqliteTable("activities", {
  run: integer().notNull(),
  seq: integer().notNull(),
  /** Id of the ActivityScheduled event. */
  event: integer().notNull(),
  /** Of the attempt that runs, or ran last. */
  attempt: integer().notNull(),
  running: integer().$type<ActivityState>().notNull(),
  /** 1: cancellation was asked for and its outcome is awaited. */
  canceling: integer().notNull(),
  /** Packed details of the last heartbeat, of whichever attempt. */
  heartbeat: bytes(),
  /** Packed `Failure` of the attempt before. */
  lastFailure: bytes("last_failure"),
}, (table) => [primaryKey({ columns: [table.run, table.seq] })]);

/**
 * Updates of open and closed runs; what they are and how they ended is in their events. An id is known
 * by the whole chain of runs, `chain` being the id of its first run.
 */
export const updates = sqliteTable("updates", {
  chain: text().notNull(),
  updateId: text("update_id").notNull(),
  /** The run that has it. */
  run: integer().notNull(),
  /** Id of the UpdateDelivered event. */
  delivered: integer().notNull(),
  /** 1: the code has accepted it. */
  accepted: integer().notNull(),
  /** Id of the event with its outcome, 0 while there is none. */
  outcome: integer().notNull(),
}, (table) => [
  primaryKey({ columns: [table.chain, table.updateId] }),
  index("updates_run").on(table.run, table.outcome),
]);

/**
 * Search attributes of runs, for queries; what a run says of itself is in its row. One row a value: lists have
 * several. Numbers are in `number`, all else in `text`: the value as JSON.
 */
export const attributes = sqliteTable("attributes", {
  run: integer().notNull(),
  key: text().notNull(),
  position: integer().notNull(),
  text: text(),
  number: real(),
}, (table) => [
  primaryKey({ columns: [table.run, table.key, table.position] }),
  index("attributes_text").on(table.key, table.text, table.run),
  index("attributes_number").on(table.key, table.number, table.run),
]);

/** Schedules, one row each; what they are to do next is found by `due`. */
export const schedules = sqliteTable("schedules", {
  schedule: integer().primaryKey(),
  scheduleId: text("schedule_id").notNull(),
  /** Id of the registry entry that declares it. */
  declaredBy: text("declared_by"),
  /** Of its creation: the same request again is no conflict. */
  requestId: text("request_id"),
  /** Packed `ScheduleDefinition`. */
  definition: bytes().notNull(),
  /** 1: matches are left out. */
  paused: integer().notNull(),
  note: text().notNull(),
  /** Runs that it may still start by itself. */
  remaining: integer(),
  /** The next match; null when there is none. */
  next: integer(),
  /** When that is acted on: the match with its jitter. */
  due: integer(),
  /** Number of the last row of `schedule_actions`. */
  lastAction: integer("last_action").notNull(),
  /** Number of the last row of `schedule_buffer`. */
  lastBuffered: integer("last_buffered").notNull(),
  createTime: integer("create_time").notNull(),
  updateTime: integer("update_time").notNull(),
  actions: integer().notNull(),
  missedCatchup: integer("missed_catchup").notNull(),
  overlapSkipped: integer("overlap_skipped").notNull(),
  bufferDropped: integer("buffer_dropped").notNull(),
}, (table) => [
  uniqueIndex("schedules_id").on(table.scheduleId),
  index("schedules_due").on(table.due).where(sql`due IS NOT NULL`),
  index("schedules_declared").on(table.declaredBy).where(sql`declared_by IS NOT NULL`),
]);

/** Runs that schedules have started: the open ones, and the last few of each schedule. */
export const scheduleActions = sqliteTable("schedule_actions", {
  schedule: integer().notNull(),
  action: integer().notNull(),
  /** The match, or when it was asked for. */
  scheduledTime: integer("scheduled_time").notNull(),
  startTime: integer("start_time").notNull(),
  workflowId: text("workflow_id").notNull(),
  /** The first run of its chain. */
  runId: text("run_id").notNull(),
  /** 1: its chain has not ended. */
  open: integer().notNull(),
}, (table) => [
  primaryKey({ columns: [table.schedule, table.action] }),
  index("schedule_actions_open").on(table.schedule, table.action).where(sql`open = 1`),
]);

/**
 * Starts of schedules that wait for the end of a run, in the order of their positions. At position 0 is
 * the one that is to replace the run that is open.
 */
export const scheduleBuffer = sqliteTable("schedule_buffer", {
  schedule: integer().notNull(),
  position: integer().notNull(),
  scheduledTime: integer("scheduled_time").notNull(),
  /** 1: asked for, also when the schedule is paused. */
  manual: integer().notNull(),
}, (table) => [primaryKey({ columns: [table.schedule, table.position] })]);

/** Whose journal it is: one row. */
export const owner = sqliteTable("owner", {
  id: integer().primaryKey(),
  /** The journal's own id. */
  journal: text().notNull(),
  /** Counts the runtimes that have opened it; each compares it at every commit. */
  epoch: integer().notNull(),
  /** How many commits there were, at least. */
  commits: integer().notNull(),
});

/** Messages to queues that their queue does not have yet, as far as this journal knows. Ids grow. */
export const publications = sqliteTable("publications", {
  id: integer().primaryKey(),
  queue: text().notNull(),
  workflowId: text("workflow_id").notNull(),
  messageId: text("message_id").notNull(),
  time: integer().notNull(),
  due: integer().notNull(),
  body: bytes().notNull(),
  headers: bytes(),
}, (table) => [index("publications_queue").on(table.queue)]);

/** Messages to plain processes that have not been handed over. */
export const outbox = sqliteTable("outbox", {
  id: integer().primaryKey(),
  recipient: text().notNull(),
  sender: text().notNull(),
  topic: text().notNull(),
  payloads: bytes().notNull(),
});
