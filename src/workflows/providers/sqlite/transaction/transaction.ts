import type { EventData, EventType } from "../../../history/history.ts";
import { packTaskStarted } from "../../../history/task-events.ts";
import { workflowPid } from "../../../pid.ts";
import type { ProviderPlatform, RunStatus } from "../../../provider.ts";
import { packIdentity } from "../../../tasks/wire.ts";
import type { Deadlines } from "./deadlines.ts";
import type { EarlyTasks } from "./early-tasks.ts";
import type { JournalEvent, JournalSettings } from "../protocol.ts";
import type { HeldMessages } from "./held-messages.ts";
import type { PendingQueries } from "./pending-queries.ts";
import type { Publications } from "./publications.ts";
import type { Runs, RunState } from "../store/run-states.ts";
import type { TimerKind } from "../store/schema.ts";
import { ScheduleRows } from "./schedule-rows.ts";
import type { Slots } from "./slots.ts";
import type { Store } from "../store/store.ts";
import type { UpdateWaits } from "./update-waits.ts";
import type { Watches } from "./watches.ts";
import type { Workers } from "./workers.ts";

/** What all transactions of a journal share. */
export interface TransactionParts {
  store: Store;
  runs: Runs;
  deadlines: Deadlines;
  watches: Watches;
  updateWaits: UpdateWaits;
  queries: PendingQueries;
  heldMessages: HeldMessages;
  publications: Publications;
  slots: Slots;
  early: EarlyTasks;
  workers: Workers;
  settings: JournalSettings;
  random: ProviderPlatform["random"];
}

/** The end of a chain of runs that a schedule has started, as one of its actions. */
interface ScheduledEnd {
  schedule: number;
  action: number;
  firstRunId: string;
  workflowId: string;
  status: RunStatus;
}

/**
 * One transaction in the making. What is written goes to the store and to the run states, and is
 * gone when the transaction is rolled back; everything else that is to happen waits in `out`,
 * `ready` and `after` until the commit.
 */
export class Transaction {
  /** Messages that leave after the commit. */
  readonly out: JournalEvent[] = [];
  /** Runs whose task is to be handed out after the commit. */
  readonly ready: number[] = [];
  /** Changes in memory to be made after the commit. */
  readonly after: (() => void)[] = [];
  /** Takes back changes in memory when the transaction is rolled back. */
  readonly undo: (() => void)[] = [];
  /** The schedules that this transaction works with. */
  readonly schedules: ScheduleRows;
  /** Chains of runs that schedules have started and that have ended; `endScheduled` takes them up. */
  readonly scheduledEnds: ScheduledEnd[] = [];
  readonly #woken = new Set<RunState>();
  /** Time of the events that are appended; that of the transaction unless it is set. */
  #time: number | undefined;
  #due = Infinity;
  /** True when durable timers were fired: the first due time has to be looked up again. */
  firedTimers = false;

  readonly store: Store;
  readonly runs: Runs;
  readonly deadlines: Deadlines;
  readonly watches: Watches;
  readonly updateWaits: UpdateWaits;
  readonly queries: PendingQueries;
  readonly heldMessages: HeldMessages;
  readonly publications: Publications;
  readonly slots: Slots;
  readonly early: EarlyTasks;
  readonly workers: Workers;
  readonly settings: JournalSettings;
  readonly random: ProviderPlatform["random"];

  constructor(
    parts: TransactionParts,
    /** Milliseconds since the epoch, the same for the whole transaction. */
    readonly now: number,
  ) {
    this.store = parts.store;
    this.runs = parts.runs;
    this.deadlines = parts.deadlines;
    this.watches = parts.watches;
    this.updateWaits = parts.updateWaits;
    this.queries = parts.queries;
    this.heldMessages = parts.heldMessages;
    this.publications = parts.publications;
    this.slots = parts.slots;
    this.early = parts.early;
    this.workers = parts.workers;
    this.settings = parts.settings;
    this.random = parts.random;
    this.schedules = new ScheduleRows(parts.store.schedules);
  }

  pidOf(state: RunState): string {
    return workflowPid(this.settings.node, state.hostId, state.workflowId);
  }

  identityOf(state: RunState): Uint8Array {
    const { runId, workflowId, hostId } = state;
    return state.identity ??= packIdentity({ runId, workflowId, hostId, pid: this.pidOf(state) });
  }

  append<Type extends EventType>(state: RunState, type: Type, data: EventData[Type]): number {
    return this.runs.append(state, type, data, this.#time ?? this.now);
  }

  /** Appends an event whose data is packed already. */
  appendPacked(state: RunState, type: EventType, data: Uint8Array): number {
    return this.runs.appendPacked(state, type, data, this.#time ?? this.now);
  }

  /**
   * Takes an outcome that the code of a run has been shown already, as of a time in milliseconds since the epoch: no
   * task is due for it.
   */
  shown(state: RunState, time: number, take: () => void): void {
    this.#time = time;
    take();
    this.#time = undefined;
    state.wake = 0;
    this.#woken.delete(state);
  }

  /**
   * Events have come that the code of the run has to see: by a task that begins with this
   * transaction, or by the one after the present one.
   */
  wake(state: RunState): void {
    if (state.heldOpen && state.taskEvent > 0 && !state.wake) this.expedite(state);
    state.wake = 1;
    this.#woken.add(state);
    this.runs.progressed(state);
  }

  /** The task of a run that is held open for local activities is to be completed. @returns whether it is out */
  expedite({ run, runId }: RunState): boolean {
    const worker = this.workers.ofTask(run);
    if (worker !== undefined) this.out.push({ type: "expedite", runId, worker });
    return worker !== undefined;
  }

  /** The runs that were woken, and whose task is to begin. */
  get woken(): RunState[] {
    return [...this.#woken].filter(({ status, held, taskEvent, wake }) =>
      status === "running" && !held && taskEvent === 0 && wake
    );
  }

  /** Begins the tasks of the runs that were woken. */
  beginTasks(): void {
    for (const state of this.woken) {
      if (this.#waitsForQueues(state)) continue;
      state.wake = 0;
      state.taskEvent = this.appendPacked(state, "TaskStarted", packTaskStarted(state.bytes));
      this.dispatch(state);
    }
    this.#woken.clear();
  }

  /**
   * Ends the transaction's work: begins the tasks of the runs that were woken, and writes the
   * changed rows.
   */
  finish(): void {
    this.beginTasks();
    this.runs.flush();
    this.schedules.flush();
  }

  /** Whether a run must not go on to publish, because too many of its messages wait for their queues. */
  #waitsForQueues({ workflowId, cancelRequested, heldOpen }: RunState): boolean {
    if (cancelRequested || heldOpen || !this.publications.isFull(workflowId)) return false;
    this.publications.hold(workflowId);
    return true;
  }

  /** Hands out the present task of a run, under a new lease. */
  dispatch(state: RunState): void {
    state.lease = this.early.nextLease(state);
    this.runs.progressed(state);
    this.ready.push(state.run);
  }

  /** The present task of a run is no longer out: answered, lost or void. */
  takeBack(state: RunState): void {
    const { run } = state;
    this.after.push(() => {
      this.workers.taskBack(run);
      this.deadlines.delete(run);
    });
  }

  /** The worker that holds the run drops it from memory; its next task carries the whole history. */
  evict(state: RunState): void {
    const worker = state.worker ?? this.workers.ofTask(state.run);
    if (worker !== undefined) this.out.push({ type: "evict", runId: state.runId, worker });
    this.forgetWorker(state);
  }

  /** The next task of the run carries its whole history, to any worker. */
  forgetWorker(state: RunState): void {
    state.worker = undefined;
    state.unshown = undefined;
    state.since = 0;
  }

  /**
   * Sets a durable timer. `due` in milliseconds since the epoch. Returns its due time as stored.
   */
  setTimer(state: RunState, kind: TimerKind, seq: number, due: number): number {
    const whole = Math.ceil(due);
    this.store.insertTimer({ run: state.run, kind, seq, due: whole });
    if (state.timers !== undefined) state.timers++;
    this.dueAt(whole);
    return whole;
  }

  /** Something is due then that is on disk. */
  dueAt(time: number): void {
    this.#due = Math.min(this.#due, time);
  }

  /** The chain of a run has ended, for the schedule that has started it. */
  chainEnded({ terms, firstRunId, workflowId }: RunState, status: RunStatus): void {
    if (!terms.schedule) return;
    this.scheduledEnds.push({ ...terms.schedule, firstRunId, workflowId, status });
  }

  /** The first due time that this transaction set. */
  get due(): number {
    return this.#due;
  }
}
