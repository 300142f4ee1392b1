import type { Database } from "bun:sqlite";
import {
  and,
  count,
  desc,
  eq,
  getTableColumns,
  gt,
  isNotNull,
  lte,
  max,
  min,
  sql,
} from "drizzle-orm";
import type { BunSQLiteDatabase } from "drizzle-orm/bun-sqlite";
import type { ScheduleQuery } from "../../../schedules/schedules.ts";
import { boundStatements } from "./bound-statements.ts";
import { onDemand } from "./on-demand.ts";
import { given, param, rowParams } from "./parameters.ts";
import { scheduleActions, scheduleBuffer, schedules } from "./schema.ts";

export type ScheduleRow = typeof schedules.$inferSelect;
export type ScheduleActionRow = typeof scheduleActions.$inferSelect;
export type BufferedRow = typeof scheduleBuffer.$inferSelect;

/** The journal's statements about schedules, each prepared once, when it is first used. */
export class ScheduleStore {
  readonly #statements: ReturnType<typeof prepare>;

  constructor(database: Database) {
    this.#statements = boundStatements(prepare, database);
  }

  byId(scheduleId: string): ScheduleRow | undefined {
    return this.#statements.byId.get({ scheduleId });
  }

  byNumber(schedule: number): ScheduleRow | undefined {
    return this.#statements.byNumber.get({ schedule });
  }

  /** Returns its number. */
  insert(row: Omit<ScheduleRow, "schedule">): number {
    const schedule = (this.#statements.last.get()?.schedule ?? 0) + 1;
    this.#statements.insert.run({ ...row, schedule });
    return schedule;
  }

  save(row: ScheduleRow): void {
    this.#statements.save.run(row);
  }

  delete(schedule: number): void {
    this.#statements.deleteBufferOf.run({ schedule });
    this.#statements.deleteActionsOf.run({ schedule });
    this.#statements.delete.run({ schedule });
  }

  /** A page, in the order of the ids. */
  list({ cursor = "" }: ScheduleQuery, limit: number): ScheduleRow[] {
    return this.#statements.list.all({ cursor, limit });
  }

  /** Ids of those that registry entries declare. */
  declared(): string[] {
    return this.#statements.declared.all().map(({ scheduleId }) => scheduleId);
  }

  nextDue(): number | undefined {
    return this.#statements.nextDue.get()?.due ?? undefined;
  }

  /** Schedules that are due at `now`, the oldest first. */
  dueAt(now: number, limit: number): ScheduleRow[] {
    return this.#statements.dueAt.all({ now, limit });
  }

  insertAction(row: ScheduleActionRow): void {
    this.#statements.insertAction.run(row);
  }

  action(schedule: number, action: number): ScheduleActionRow | undefined {
    return this.#statements.action.get({ schedule, action });
  }

  closeAction(schedule: number, action: number): void {
    this.#statements.closeAction.run({ schedule, action });
  }

  /** Forgets an action, unless its run is open. */
  deleteClosedAction(schedule: number, action: number): void {
    this.#statements.deleteClosedAction.run({ schedule, action });
  }

  /** Whether a run of the schedule is open. */
  hasOpen(schedule: number): boolean {
    return typeof this.#statements.firstOpen.get({ schedule })?.action === "number";
  }

  openActions(schedule: number, limit: number): ScheduleActionRow[] {
    return this.#statements.openActions.all({ schedule, limit });
  }

  countOpen(schedule: number): number {
    return this.#statements.countOpen.get({ schedule })?.n ?? 0;
  }

  /** The last ones, the newest first. */
  lastActions(schedule: number, limit: number): ScheduleActionRow[] {
    return this.#statements.lastActions.all({ schedule, limit });
  }

  insertBuffered(row: BufferedRow): void {
    this.#statements.insertBuffered.run(row);
  }

  deleteBuffered(schedule: number, position: number): void {
    this.#statements.deleteBuffered.run({ schedule, position });
  }

  /** The start that waits and is the first to go. */
  firstBuffered(schedule: number): BufferedRow | undefined {
    return this.#statements.firstBuffered.get({ schedule });
  }

  countBuffered(schedule: number): number {
    return this.#statements.countBuffered.get({ schedule })?.n ?? 0;
  }
}

function prepare(db: BunSQLiteDatabase) {
  const one = eq(schedules.schedule, param("schedule"));
  const actionsOf = eq(scheduleActions.schedule, param("schedule"));
  const oneAction = and(actionsOf, eq(scheduleActions.action, param("action")));
  const openOf = and(actionsOf, eq(scheduleActions.open, sql`1`));
  const bufferOf = eq(scheduleBuffer.schedule, param("schedule"));
  const limit = sql.placeholder("limit");
  const { schedule: _, scheduleId: __, createTime: ___, ...changing } = getTableColumns(schedules);
  return onDemand({
    byId: () =>
      db.select().from(schedules).where(eq(schedules.scheduleId, param("scheduleId")))
        .prepare(),
    byNumber: () => db.select().from(schedules).where(one).prepare(),
    list: () =>
      db.select().from(schedules).where(gt(schedules.scheduleId, given("cursor")))
        .orderBy(schedules.scheduleId).limit(limit).prepare(),
    declared: () =>
      db.select({ scheduleId: schedules.scheduleId }).from(schedules)
        .where(isNotNull(schedules.declaredBy)).prepare(),
    last: () => db.select({ schedule: max(schedules.schedule) }).from(schedules).prepare(),
    insert: () => db.insert(schedules).values(rowParams(getTableColumns(schedules))).prepare(),
    save: () => db.update(schedules).set(rowParams(changing)).where(one).prepare(),
    delete: () => db.delete(schedules).where(one).prepare(),
    nextDue: () =>
      db.select({ due: min(schedules.due) }).from(schedules)
        .where(isNotNull(schedules.due)).prepare(),
    dueAt: () =>
      db.select().from(schedules)
        .where(and(isNotNull(schedules.due), lte(schedules.due, given("now"))))
        .orderBy(schedules.due, schedules.schedule).limit(limit).prepare(),

    insertAction: () =>
      db.insert(scheduleActions).values(rowParams(getTableColumns(scheduleActions)))
        .prepare(),
    action: () => db.select().from(scheduleActions).where(oneAction).prepare(),
    closeAction: () => db.update(scheduleActions).set({ open: 0 }).where(oneAction).prepare(),
    deleteClosedAction: () =>
      db.delete(scheduleActions)
        .where(and(oneAction, eq(scheduleActions.open, sql`0`))).prepare(),
    firstOpen: () =>
      db.select({ action: min(scheduleActions.action) }).from(scheduleActions)
        .where(
          and(eq(scheduleActions.schedule, given("schedule")), eq(scheduleActions.open, sql`1`)),
        )
        .prepare(),
    openActions: () =>
      db.select().from(scheduleActions).where(openOf)
        .orderBy(scheduleActions.action).limit(limit).prepare(),
    countOpen: () => db.select({ n: count() }).from(scheduleActions).where(openOf).prepare(),
    lastActions: () =>
      db.select().from(scheduleActions).where(actionsOf)
        .orderBy(desc(scheduleActions.action)).limit(limit).prepare(),
    deleteActionsOf: () => db.delete(scheduleActions).where(actionsOf).prepare(),

    insertBuffered: () =>
      db.insert(scheduleBuffer).values(rowParams(getTableColumns(scheduleBuffer)))
        .prepare(),
    deleteBuffered: () =>
      db.delete(scheduleBuffer)
        .where(and(bufferOf, eq(scheduleBuffer.position, param("position")))).prepare(),
    // Not by an order and a limit; see `given`.
    firstBuffered: () =>
      db.select().from(scheduleBuffer).where(and(
        bufferOf,
        eq(
          scheduleBuffer.position,
          db.select({ position: min(scheduleBuffer.position) }).from(scheduleBuffer)
            .where(eq(scheduleBuffer.schedule, given("schedule"))),
        ),
      )).prepare(),
    countBuffered: () => db.select({ n: count() }).from(scheduleBuffer).where(bufferOf).prepare(),
    deleteBufferOf: () => db.delete(scheduleBuffer).where(bufferOf).prepare(),
  });
}
