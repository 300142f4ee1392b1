import { constants, type Database, type Statement } from "bun:sqlite";
import { type BunSQLiteDatabase, drizzle } from "drizzle-orm/bun-sqlite";
import type { StoredEvent } from "../../../history/history.ts";
import type { RunQuery } from "../../../provider.ts";
import { attributeRows } from "./attributes.ts";
import { boundStatements } from "./bound-statements.ts";
import { type EventRow, eventsOf } from "./event-rows.ts";
import { PublicationStore } from "./publication-store.ts";
import { ScheduleStore } from "./schedule-store.ts";
import { type RunPosition, selectRuns } from "./visibility.ts";
import { type activities, type outbox, runs, type timers, type updates } from "./schema.ts";
import { statementsOf } from "./statements.ts";
import type { Payload } from "../../../payload.ts";

export type RunRow = typeof runs.$inferSelect;
export type TimerRow = typeof timers.$inferSelect;
export type ActivityRow = typeof activities.$inferSelect;
export type UpdateRow = typeof updates.$inferSelect;
export type OutboxRow = typeof outbox.$inferSelect;

/**
 * The journal's statements, each prepared once, when it is first used. A prepared drizzle insert
 * costs about 2.4 µs where the bare statement costs 1.5 µs (bench/workflows/statements.ts), so
 * there is no need for a second way.
 *
 * Statements see the transaction that is open on the connection; beginning and ending it is the
 * journal's business.
 */
export class Store {
  readonly #database: Database;
  readonly #drizzle: BunSQLiteDatabase;
  readonly #statements: ReturnType<typeof statementsOf>;

  /** What schedules have. */
  readonly schedules: ScheduleStore;

  /** The outbox to queues. */
  readonly publications: PublicationStore;

  readonly #begin: Statement;
  readonly #commit: Statement;
  #changes: Statement<{ n: number }, []> | undefined;
  /** Rows written when `hasWritten` was last asked. */
  #written = 0;
  #lastMessage: number;

  constructor(database: Database) {
    this.#database = database;
    this.#drizzle = drizzle({ client: database });
    this.#statements = boundStatements(statementsOf, database);
    this.schedules = new ScheduleStore(database);
    this.publications = new PublicationStore(database);
    this.#begin = database.query("BEGIN IMMEDIATE");
    this.#commit = database.query("COMMIT");
    this.#lastMessage = this.messages().at(-1)?.id ?? 0;
  }

  begin(): void {
    this.#begin.run();
  }

  commit(): void {
    this.#commit.run();
  }

  /** Whether anything was written since this was last asked: some commits are of questions. */
  hasWritten(): boolean {
    this.#changes ??= this.#database.query<{ n: number }, []>("SELECT total_changes() AS n");
    const before = this.#written;
    this.#written = this.#changes.get()?.n ?? 0;
    return this.#written !== before;
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

  /** Writes the columns of `saveCursor` and `saveStatus` together. */
  saveClosed(row: Omit<RunRow, "terms">): void {
    this.#statements.saveClosed.run(row);
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

/** An event in the order of its columns. */
type EventValues = [
  run: number,
  id: number,
  type: EventRow["type"],
  time: number,
  data: Uint8Array,
];
