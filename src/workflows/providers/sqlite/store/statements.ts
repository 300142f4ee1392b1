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
import type { BunSQLiteDatabase } from "drizzle-orm/bun-sqlite";
import { onDemand } from "./on-demand.ts";
import { given, param, rowParams } from "./parameters.ts";
import { activities, attributes, events, outbox, runs, timers, updates } from "./schema.ts";

const { position: _, ...eventColumns } = getTableColumns(events);

/** Columns of a run that every task changes. */
const cursor = {
  nextEvent: param("nextEvent"),
  bytes: param("bytes"),
  lease: param("lease"),
  taskEvent: param("taskEvent"),
  wake: param("wake"),
};

/** Columns of a run that few tasks change. */
const status = {
  status: param("status"),
  closeTime: param("closeTime"),
  held: param("held"),
  cancelRequested: param("cancelRequested"),
  memo: param("memo"),
  searchAttributes: param("searchAttributes"),
  blocked: param("blocked"),
};

/** The statements of a journal about runs. Each is prepared when it is first used. */
export function statementsOf(db: BunSQLiteDatabase) {
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
  return onDemand({
    insertRun: () => db.insert(runs).values(rowParams(getTableColumns(runs))).prepare(),
    lastRun: () =>
      db.select({ run: runs.run }).from(runs).orderBy(desc(runs.run)).limit(1).prepare(),
    runByNumber: () => db.select().from(runs).where(eq(runs.run, param("run"))).prepare(),
    runById: () => db.select().from(runs).where(eq(runs.runId, param("runId"))).prepare(),
    newestRun: () => newest(eq(runs.workflowId, given("workflowId"))),
    newestOfChain: () =>
      newest(
        eq(runs.workflowId, given("workflowId")),
        eq(runs.firstRunId, given("firstRunId")),
      ),
    laterOfChain: () =>
      db.select({ run: runs.run }).from(runs)
        .where(
          and(
            eq(runs.workflowId, param("workflowId")),
            eq(runs.firstRunId, param("firstRunId")),
            gt(runs.run, param("run")),
          ),
        ).orderBy(runs.run).prepare(),
    runsWithTask: () =>
      db.select({ run: runs.run }).from(runs).where(gt(runs.taskEvent, sql`0`))
        .orderBy(runs.run).prepare(),
    reclaimTasks: () =>
      db.update(runs).set({ lease: sql`${runs.lease} + 1`, blocked: null })
        .where(gt(runs.taskEvent, sql`0`)).prepare(),
    openChildren: () =>
      db.select({ run: runs.run }).from(runs)
        .where(and(eq(runs.parentRun, given("parentRun")), open)).orderBy(runs.run).prepare(),
    openChild: () =>
      db.select({ run: runs.run }).from(runs)
        .where(
          and(eq(runs.parentRun, param("parentRun")), eq(runs.parentSeq, param("parentSeq")), open),
        )
        .prepare(),
    saveCursor: () => db.update(runs).set(cursor).where(eq(runs.run, param("run"))).prepare(),
    savePending: () =>
      db.update(runs).set({ pendingFrom: param("pendingFrom") })
        .where(eq(runs.run, param("run"))).prepare(),
    saveStatus: () => db.update(runs).set(status).where(eq(runs.run, param("run"))).prepare(),
    saveClosed: () =>
      db.update(runs).set({ ...cursor, ...status }).where(eq(runs.run, param("run"))).prepare(),

    saveParent: () =>
      db.update(runs).set({
        parentRun: param("parentRun"),
        parentSeq: param("parentSeq"),
      }).where(eq(runs.run, param("run"))).prepare(),

    closedBefore: () =>
      db.select({ run: runs.run }).from(runs)
        .where(and(isNotNull(runs.closeTime), lt(runs.closeTime, given("time"))))
        .orderBy(runs.closeTime).limit(sql.placeholder("limit")).prepare(),
    insertAttribute: () =>
      db.insert(attributes).values(rowParams(getTableColumns(attributes))).prepare(),
    deleteAttributesOf: () =>
      db.delete(attributes).where(eq(attributes.run, param("run"))).prepare(),
    deleteRun: () => db.delete(runs).where(eq(runs.run, param("run"))).prepare(),
    deleteEventsOf: () => db.delete(events).where(eq(events.run, param("run"))).prepare(),

    insertEvent: () => db.insert(events).values(rowParams(eventColumns)).prepare(),
    // The row with the greatest id that is not greater than the event's.
    rowOfEvent: () =>
      db.select(eventColumns).from(events)
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
    eventsFrom: () =>
      db.select(eventColumns).from(events)
        .where(
          and(
            eq(events.run, given("run")),
            gte(events.id, given("from")),
            lte(events.id, given("to")),
          ),
        )
        .orderBy(events.id)
        .prepare(),

    insertTimer: () => db.insert(timers).values(rowParams(getTableColumns(timers))).prepare(),
    deleteTimer: () =>
      db.delete(timers)
        .where(and(ofRun(timers), eq(timers.kind, param("kind")), eq(timers.seq, param("seq"))))
        .returning({ run: timers.run }).prepare(),
    timersOf: () =>
      db.select().from(timers).where(eq(timers.run, given("run"))).orderBy(timers.due)
        .prepare(),
    deleteTimersOf: () => db.delete(timers).where(ofRun(timers)).prepare(),
    nextDue: () =>
      db.select({ due: timers.due }).from(timers).orderBy(timers.due).limit(1).prepare(),
    dueTimers: () =>
      db.select().from(timers).where(lte(timers.due, param("now")))
        .orderBy(timers.due).limit(sql.placeholder("limit")).prepare(),

    saveActivity: () =>
      db.insert(activities).values(rowParams(getTableColumns(activities)))
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
    deleteActivity: () => db.delete(activities).where(oneActivity).prepare(),
    deleteActivitiesOf: () => db.delete(activities).where(ofRun(activities)).prepare(),
    activitiesOf: () => db.select().from(activities).where(ofRun(activities)).prepare(),
    runsWithAttempt: () =>
      db.selectDistinct({ run: activities.run }).from(activities)
        .where(gt(activities.running, sql`0`)).prepare(),
    runsWithPending: () =>
      db.select({ run: runs.run }).from(runs).where(gt(runs.pendingFrom, sql`0`))
        .prepare(),

    update: () => db.select().from(updates).where(oneUpdate).prepare(),
    insertUpdate: () => db.insert(updates).values(rowParams(getTableColumns(updates))).prepare(),
    saveUpdate: () =>
      db.update(updates).set({
        run: param("run"),
        delivered: param("delivered"),
        accepted: param("accepted"),
        outcome: param("outcome"),
      }).where(oneUpdate).prepare(),
    openUpdates: () =>
      db.select().from(updates)
        .where(and(eq(updates.run, given("run")), eq(updates.outcome, sql`0`)))
        .orderBy(updates.delivered).prepare(),
    deleteUpdatesOf: () => db.delete(updates).where(eq(updates.run, param("run"))).prepare(),

    insertMessage: () => db.insert(outbox).values(rowParams(getTableColumns(outbox))).prepare(),
    deleteMessagesUpTo: () => db.delete(outbox).where(lte(outbox.id, param("id"))).prepare(),
    messages: () => db.select().from(outbox).orderBy(outbox.id).prepare(),
  });
}
