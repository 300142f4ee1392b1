import { constants, type Database, type Statement } from "bun:sqlite";
import {
  and,
  desc,
  eq,
  getTableColumns,
  gt,
  gte,
  isNotNull,
  lt,
  lte,
  max,
  type SQL,
  sql,
} from "drizzle-orm";
import { type BunSQLiteDatabase, drizzle } from "drizzle-orm/bun-sqlite";
import type { StoredEvent } from "../../../history/history.ts";
import type { RunQuery } from "../../../provider.ts";
import { attributeRows } from "./attributes.ts";
import { given, param, rowParams } from "./parameters.ts";
import { type EventRow, eventsOf } from "./event-rows.ts";
import { ScheduleStore } from "./schedule-store.ts";
import { type RunPosition, selectRuns } from "./visibility.ts";
import { activities, attributes, events, outbox, runs, timers, updates } from "./schema.ts";
import type { Payload } from "../../../payload.ts";

export type RunRow = typeof runs.$inferSelect;
export type TimerRow = typeof timers.$inferSelect;
export type ActivityRow = typeof activities.$inferSelect;
export type UpdateRow = typeof updates.$inferSelect;
export type OutboxRow = typeof outbox.$inferSelect;

/**
 * The journal's statements, prepared once. A prepared drizzle insert costs about 2.4 µs where the
 * bare statement costs 1.5 µs (bench/workflows/statements.ts), so there is no need for a second
 * way.
 *
 * Statements see the transaction that is open on the connection; beginning and ending it is the
 * journal's business.
 */
export class Store {
  readonly #database: Database;
  readonly #drizzle: BunSQLiteDatabase;
  readonly #statements: ReturnType<typeof prepare>;

  /** What schedules have. */
  readonly schedules: ScheduleStore;

  readonly #begin: Statement;
  readonly #commit: Statement;
  #lastMessage: number;

  constructor(database: Database) {
    this.#database = database;
    this.#drizzle = drizzle({ client: database });
    this.#statements = prepare(this.#drizzle);
    this.schedules = new ScheduleStore(this.#drizzle);
    this.#begin = database.prepare("BEGIN IMMEDIATE");
    this.#commit = database.prepare("COMMIT");
    this.#lastMessage = this.messages().at(-1)?.id ?? 0;
  }

  begin(): void {
    this.#begin.run();
  }

  commit(): void {
    this.#commit.run();
  }

  rollback(): void {
    // SQLite ends the transaction by itself after some errors (full disk, I/O).
    if (this.#database.inTransaction) this.#database.run("ROLLBACK");
  }

  /** Moves everything into the one file, so that it can be copied alone, and closes it. */
  close(): void {
    try {
      this.#database.run("PRAGMA wal_checkpoint(TRUNCATE)");
    } catch {
      // What is committed stays in the write-ahead log; the next open moves it.
    }
    this.#database.close();
  }

  /**
   * Lets go of a journal that is another's by now, or gone, and leaves its files as they are: to close it
   * would remove a log of that name.
   */
  abandon(): void {
    this.#database.fileControl(constants.SQLITE_FCNTL_PERSIST_WAL, 1);
    abandoned.push(this.#database);
  }

  insertRun(row: RunRow): void {
    this.#statements.insertRun.run(row);
    if (row.searchAttributes) this.#insertAttributes(row.run, row.searchAttributes);
  }

  /** Makes a run found by these search attributes, packed, in place of those that it had. */
  saveAttributes(run: number, packed: Payload): void {
    this.#statements.deleteAttributesOf.run({ run });
    this.#insertAttributes(run, packed);
  }

  #insertAttributes(run: number, packed: Payload): void {
    for (const row of attributeRows(run, packed)) this.#statements.insertAttribute.run({ ...row });
  }

  lastRun(): number {
    return this.#statements.lastRun.get()?.run ?? 0;
  }

  runByNumber(run: number): RunRow | undefined {
    return this.#statements.runByNumber.get({ run });
  }

  runById(runId: string): RunRow | undefined {
    return this.#statements.runById.get({ runId });
  }

  /** The newest run of a workflow id. */
  newestRun(workflowId: string): RunRow | undefined {
    return this.#statements.newestRun.get({ workflowId });
  }

  /** The newest run of a chain. */
  newestOfChain(workflowId: string, firstRunId: string): RunRow | undefined {
    return this.#statements.newestOfChain.get({ workflowId, firstRunId });
  }

  /** The runs of a chain that began after one of its runs, in their order. */
  laterOfChain(
    { workflowId, firstRunId, run }: Pick<RunRow, "workflowId" | "firstRunId" | "run">,
  ): { run: number }[] {
    return this.#statements.laterOfChain.all({ workflowId, firstRunId, run });
  }

  /** Open runs that have a task without outcome. */
  runsWithTask(): { run: number }[] {
    return this.#statements.runsWithTask.all();
  }

  /** Ends the leases of all tasks that are out, and the waits of the blocked runs. */
  reclaimTasks(): void {
    this.#statements.reclaimTasks.run();
  }

  openChildren(parentRun: number): { run: number }[] {
    return this.#statements.openChildren.all({ parentRun });
  }

  openChild(parentRun: number, parentSeq: number): { run: number } | undefined {
    return this.#statements.openChild.get({ parentRun, parentSeq });
  }

  /** Writes the columns that every task changes. */
  saveCursor(
    row: Pick<RunRow, "run" | "nextEvent" | "bytes" | "lease" | "taskEvent" | "wake">,
  ): void {
    this.#statements.saveCursor.run(row);
  }

  /** Writes from where on a run's history says which activities are pending. */
  savePending(row: Pick<RunRow, "run" | "pendingFrom">): void {
    this.#statements.savePending.run(row);
  }

  /** Writes the columns that few tasks change. */
  saveStatus(
    row: Pick<
      RunRow,
      | "run"
      | "status"
      | "closeTime"
      | "held"
      | "cancelRequested"
      | "memo"
      | "searchAttributes"
      | "blocked"
    >,
  ): void {
    this.#statements.saveStatus.run(row);
  }

  /** Makes a run the child of another one, or of none. */
  saveParent(row: Pick<RunRow, "run" | "parentRun" | "parentSeq">): void {
    this.#statements.saveParent.run(row);
  }

  /** Closed runs that ended before a time, the oldest first. */
  closedBefore(time: number, limit: number): { run: number }[] {
    return this.#statements.closedBefore.all({ time, limit });
  }

  /** Removes a closed run with its history; nothing else is left of one. */
  deleteRun(run: number): void {
    this.#statements.deleteEventsOf.run({ run });
    this.#statements.deleteUpdatesOf.run({ run });
    this.#statements.deleteAttributesOf.run({ run });
    this.#statements.deleteRun.run({ run });
  }

  /** A page of runs; `visibility.ts` has what a query means. */
  listRuns(query: RunQuery, after: RunPosition | undefined, limit: number): RunRow[] {
    return selectRuns(this.#drizzle, query, after, limit).all();
  }

  /** Identifiers of the hosts that have runs. */
  hosts(): string[] {
    return this.#drizzle.selectDistinct({ id: runs.hostId }).from(runs).all().map(({ id }) => id);
  }

  insertEvent(row: EventRow): void {
    this.#statements.insertEvent.run(row);
  }

  event(run: number, id: number): StoredEvent | undefined {
    const row = this.#statements.rowOfEvent.get({ run, id });
    return row && eventsOf(row)[id - row.id];
  }

  /** Events from id `from` on, in order. */
  eventsFrom(run: number, from: number, to = Number.MAX_SAFE_INTEGER): StoredEvent[] {
    const first = from === 1
      ? from
      : this.#statements.rowOfEvent.get({ run, id: from })?.id ?? from;
    // As lists: to make drizzle's objects takes as long as to read the rows.
    const rows = this.#statements.eventsFrom.values({ run, from: first, to }) as EventValues[];
    const events: StoredEvent[] = [];
    for (const [, id, type, time, data] of rows) {
      for (const event of eventsOf({ id, type, time, data })) {
        if (event.id >= from && event.id <= to) events.push(event);
      }
    }
    return events;
  }

  insertTimer(row: TimerRow): void {
    this.#statements.insertTimer.run(row);
  }

  timersOf(run: number): TimerRow[] {
    return this.#statements.timersOf.all({ run });
  }

  /** Returns whether there was one. */
  deleteTimer(run: number, kind: TimerRow["kind"], seq: number): boolean {
    return this.#statements.deleteTimer.all({ run, kind, seq }).length > 0;
  }

  deleteTimersOf(run: number): void {
    this.#statements.deleteTimersOf.run({ run });
  }

  /** When the first timer or schedule is due. */
  nextDue(): number | undefined {
    const timer = this.#statements.nextDue.get()?.due;
    const schedule = this.schedules.nextDue();
    return timer === undefined || schedule === undefined
      ? timer ?? schedule
      : Math.min(timer, schedule);
  }

  /** Timers that are due at `now`, the oldest first. */
  dueTimers(now: number, limit: number): TimerRow[] {
    return this.#statements.dueTimers.all({ now, limit });
  }

  /** Writes an activity, whether it has a row or not. */
  saveActivity(row: ActivityRow): void {
    this.#statements.saveActivity.run(row);
  }

  deleteActivity(run: number, seq: number): void {
    this.#statements.deleteActivity.run({ run, seq });
  }

  deleteActivitiesOf(run: number): void {
    this.#statements.deleteActivitiesOf.run({ run });
  }

  activitiesOf(run: number): ActivityRow[] {
    return this.#statements.activitiesOf.all({ run });
  }

  /** Runs with an attempt that has been handed out, or waits for a slot, in their order; and some that had one. */
  runsWithAttempt(): number[] {
    const { runsWithAttempt, runsWithPending } = this.#statements;
    const found = new Set(
      [...runsWithAttempt.all(), ...runsWithPending.all()].map(({ run }) => run),
    );
    return [...found].sort((one, other) => one - other);
  }

  update(chain: string, updateId: string): UpdateRow | undefined {
    return this.#statements.update.get({ chain, updateId });
  }

  insertUpdate(row: UpdateRow): void {
    this.#statements.insertUpdate.run(row);
  }

  saveUpdate(row: UpdateRow): void {
    this.#statements.saveUpdate.run(row);
  }

  /** Updates of a run that have no outcome, in the order of delivery. */
  openUpdates(run: number): UpdateRow[] {
    return this.#statements.openUpdates.all({ run });
  }

  /** Returns the message's id; ids grow. */
  insertMessage(row: Omit<OutboxRow, "id">): number {
    this.#statements.insertMessage.run({ ...row, id: ++this.#lastMessage });
    return this.#lastMessage;
  }

  deleteMessagesUpTo(id: number): void {
    this.#statements.deleteMessagesUpTo.run({ id });
  }

  messages(): OutboxRow[] {
    return this.#statements.messages.all();
  }
}

/** Connections that must not be closed, as a collection would. */
const abandoned: Database[] = [];

const { position: _, ...eventColumns } = getTableColumns(events);

/** An event in the order of its columns. */
type EventValues = [
  run: number,
  id: number,
  type: EventRow["type"],
  time: number,
  data: Uint8Array,
];

function prepare(db: BunSQLiteDatabase) {
  const ofRun = (table: typeof timers | typeof activities) => eq(table.run, param("run"));
  const oneActivity = and(ofRun(activities), eq(activities.seq, param("seq")));
  const oneUpdate = and(
    eq(updates.chain, param("chain")),
    eq(updates.updateId, param("updateId")),
  );
  const open = eq(runs.status, sql`'running'`);
  // Not by an order and a limit: drizzle makes the limit a parameter, with the same effect.
  const newest = (...conditions: SQL[]) =>
    db.select().from(runs)
      .where(eq(runs.run, db.select({ run: max(runs.run) }).from(runs).where(and(...conditions))))
      .prepare();
  return {
    insertRun: db.insert(runs).values(rowParams(getTableColumns(runs))).prepare(),
    lastRun: db.select({ run: runs.run }).from(runs).orderBy(desc(runs.run)).limit(1).prepare(),
    runByNumber: db.select().from(runs).where(eq(runs.run, param("run"))).prepare(),
    runById: db.select().from(runs).where(eq(runs.runId, param("runId"))).prepare(),
    newestRun: newest(eq(runs.workflowId, given("workflowId"))),
    newestOfChain: newest(
      eq(runs.workflowId, given("workflowId")),
      eq(runs.firstRunId, given("firstRunId")),
    ),
    laterOfChain: db.select({ run: runs.run }).from(runs)
      .where(
        and(
          eq(runs.workflowId, param("workflowId")),
          eq(runs.firstRunId, param("firstRunId")),
          gt(runs.run, param("run")),
        ),
      ).orderBy(runs.run).prepare(),
    runsWithTask: db.select({ run: runs.run }).from(runs).where(gt(runs.taskEvent, sql`0`))
      .orderBy(runs.run).prepare(),
    reclaimTasks: db.update(runs).set({ lease: sql`${runs.lease} + 1`, blocked: null })
      .where(gt(runs.taskEvent, sql`0`)).prepare(),
    openChildren: db.select({ run: runs.run }).from(runs)
      .where(and(eq(runs.parentRun, given("parentRun")), open)).orderBy(runs.run).prepare(),
    openChild: db.select({ run: runs.run }).from(runs)
      .where(
        and(eq(runs.parentRun, param("parentRun")), eq(runs.parentSeq, param("parentSeq")), open),
      )
      .prepare(),
    saveCursor: db.update(runs).set({
      nextEvent: param("nextEvent"),
      bytes: param("bytes"),
      lease: param("lease"),
      taskEvent: param("taskEvent"),
      wake: param("wake"),
    }).where(eq(runs.run, param("run"))).prepare(),
    savePending: db.update(runs).set({ pendingFrom: param("pendingFrom") })
      .where(eq(runs.run, param("run"))).prepare(),
    saveStatus: db.update(runs).set({
      status: param("status"),
      closeTime: param("closeTime"),
      held: param("held"),
      cancelRequested: param("cancelRequested"),
      memo: param("memo"),
      searchAttributes: param("searchAttributes"),
      blocked: param("blocked"),
    }).where(eq(runs.run, param("run"))).prepare(),

    saveParent: db.update(runs).set({
      parentRun: param("parentRun"),
      parentSeq: param("parentSeq"),
    }).where(eq(runs.run, param("run"))).prepare(),

    closedBefore: db.select({ run: runs.run }).from(runs)
      .where(and(isNotNull(runs.closeTime), lt(runs.closeTime, given("time"))))
      .orderBy(runs.closeTime).limit(sql.placeholder("limit")).prepare(),
    insertAttribute: db.insert(attributes).values(rowParams(getTableColumns(attributes))).prepare(),
    deleteAttributesOf: db.delete(attributes).where(eq(attributes.run, param("run"))).prepare(),
    deleteRun: db.delete(runs).where(eq(runs.run, param("run"))).prepare(),
    deleteEventsOf: db.delete(events).where(eq(events.run, param("run"))).prepare(),

    insertEvent: db.insert(events).values(rowParams(eventColumns)).prepare(),
    // The row with the greatest id that is not greater than the event's.
    rowOfEvent: db.select(eventColumns).from(events)
      .where(
        and(
          eq(events.run, param("run")),
          eq(
            events.id,
            db.select({ id: max(events.id) }).from(events)
              .where(and(eq(events.run, given("run")), lte(events.id, given("id")))),
          ),
        ),
      ).prepare(),
    eventsFrom: db.select(eventColumns).from(events)
      .where(
        and(
          eq(events.run, given("run")),
          gte(events.id, given("from")),
          lte(events.id, given("to")),
        ),
      )
      .orderBy(events.id)
      .prepare(),

    insertTimer: db.insert(timers).values(rowParams(getTableColumns(timers))).prepare(),
    deleteTimer: db.delete(timers)
      .where(and(ofRun(timers), eq(timers.kind, param("kind")), eq(timers.seq, param("seq"))))
      .returning({ run: timers.run }).prepare(),
    timersOf: db.select().from(timers).where(eq(timers.run, given("run"))).orderBy(timers.due)
      .prepare(),
    deleteTimersOf: db.delete(timers).where(ofRun(timers)).prepare(),
    nextDue: db.select({ due: timers.due }).from(timers).orderBy(timers.due).limit(1).prepare(),
    dueTimers: db.select().from(timers).where(lte(timers.due, param("now")))
      .orderBy(timers.due).limit(sql.placeholder("limit")).prepare(),

    saveActivity: db.insert(activities).values(rowParams(getTableColumns(activities)))
      .onConflictDoUpdate({
        target: [activities.run, activities.seq],
        set: {
          attempt: sql`excluded.attempt`,
          running: sql`excluded.running`,
          canceling: sql`excluded.canceling`,
          heartbeat: sql`excluded.heartbeat`,
          lastFailure: sql`excluded.last_failure`,
        },
      }).prepare(),
    deleteActivity: db.delete(activities).where(oneActivity).prepare(),
    deleteActivitiesOf: db.delete(activities).where(ofRun(activities)).prepare(),
    activitiesOf: db.select().from(activities).where(ofRun(activities)).prepare(),
    runsWithAttempt: db.selectDistinct({ run: activities.run }).from(activities)
      .where(gt(activities.running, sql`0`)).prepare(),
    runsWithPending: db.select({ run: runs.run }).from(runs).where(gt(runs.pendingFrom, sql`0`))
      .prepare(),

    update: db.select().from(updates).where(oneUpdate).prepare(),
    insertUpdate: db.insert(updates).values(rowParams(getTableColumns(updates))).prepare(),
    saveUpdate: db.update(updates).set({
      run: param("run"),
      delivered: param("delivered"),
      accepted: param("accepted"),
      outcome: param("outcome"),
    }).where(oneUpdate).prepare(),
    openUpdates: db.select().from(updates)
      .where(and(eq(updates.run, given("run")), eq(updates.outcome, sql`0`)))
      .orderBy(updates.delivered).prepare(),
    deleteUpdatesOf: db.delete(updates).where(eq(updates.run, param("run"))).prepare(),

    insertMessage: db.insert(outbox).values(rowParams(getTableColumns(outbox))).prepare(),
    deleteMessagesUpTo: db.delete(outbox).where(lte(outbox.id, param("id"))).prepare(),
    messages: db.select().from(outbox).orderBy(outbox.id).prepare(),
  };
}
