import { WippyError } from "../../../../vm/error.ts";
import {
  activityOutcomes,
  type EventData,
  eventOverhead,
  type EventType,
  inbound,
  packPlain,
  type ScheduledActivity,
  scheduledActivity,
  type StoredEvent,
  unpackPlain,
} from "../../../history/history.ts";
import type { RunOptions } from "../../../options/options.ts";
import { rowsOf } from "./event-rows.ts";
import { activityState } from "./schema.ts";
import type { ActivityRow, RunRow, Store } from "./store.ts";
import type { Payload } from "../../../payload.ts";

/** What a run was promised at its start and hands on to the runs that follow it. */
export interface RunTerms {
  options: RunOptions;
  /** Milliseconds since the epoch; of the whole chain. */
  executionDeadline?: number;
  /** The schedule that started the chain, and as which of its actions. */
  schedule?: { schedule: number; action: number };
}

/** An activity without outcome, with what its ActivityScheduled event says. */
export interface PendingActivity {
  row: ActivityRow;
  scheduled: ScheduledActivity;
  /** Milliseconds since the epoch. */
  scheduledTime: number;
  /** Whether it has a row in the store. */
  stored: boolean;
  /** When its details of a heartbeat were last written. */
  beatWritten?: number;
}

/**
 * A run as the journal works with it: its row, and what it remembers to spare reads. Everything
 * here can be read again from disk, so states are forgotten freely, and all of them after a failed
 * commit.
 */
export interface RunState extends Omit<RunRow, "terms"> {
  /**
   * Time of the newest event: time does not run backwards within a run, even if the machine's clock
   * does.
   */
  lastTime?: number;
  terms: RunTerms;
  /** By sequence number, in the order of their events; undefined until they are asked for. */
  pending?: Map<number, PendingActivity>;
  /** Frame of the run as ExecutionStarted holds it; undefined until it is asked for. */
  frame?: { value: Payload | undefined };
  /** Worker that completed the run's last task and may hold it in memory. */
  worker?: number | undefined;
  /** Packed `RunIdentity`, once it was needed. */
  identity?: Uint8Array;
  /** Task that `worker` completed last; 0 when `unshown` begins at the first event. */
  since: number;
  /** Inbound events that the worker lacks; undefined when they are not known. */
  unshown?: StoredEvent[] | undefined;
  /** The worker has local activities under way: it holds the present task open for them. */
  heldOpen: boolean;
  /** Its end was refused because messages had come: the present task shows them, and those that come now wait. */
  closing: boolean;
  /** The most timers that it has in the store; undefined when that is not known. */
  timers?: number;
  /** What its whole history says that it may have in the store: what is not among it need not be looked for. */
  has?: { children: boolean; updates: boolean };
  /** How often in a row the present task was lost. */
  losses: number;
  /** The log has warned of the size of its history. */
  warned?: boolean;
  changed: { cursor: boolean; status: boolean };
  /** Events of this transaction that are not in the store yet. */
  unwritten: StoredEvent[];
}

/** Events that may lie between `pendingFrom` and what it is to find: less often, it is written. */
const pendingLag = 256;

/** The runs that the journal works with, read from the store when they are needed. */
export class Runs {
  readonly #store: Store;
  readonly #limit: number;
  readonly #states = new Map<number, RunState>();
  /** Newest run of a workflow id, for ids whose run is in `#states`. */
  readonly #newest = new Map<string, RunState>();
  readonly #changed = new Set<RunState>();
  #lastRun: number;

  /** @param limit states kept in memory between transactions. */
  constructor(store: Store, limit: number) {
    this.#store = store;
    this.#limit = limit;
    this.#lastRun = store.lastRun();
  }

  get(run: number): RunState | undefined {
    const known = this.#states.get(run);
    if (!known) return this.#load(this.#store.runByNumber(run));
    // Last in the order of the map: `trim` takes from the front.
    this.#states.delete(run);
    this.#states.set(run, known);
    return known;
  }

  byId(runId: string): RunState | undefined {
    return this.#load(this.#store.runById(runId));
  }

  /** A run that is mostly the newest of its workflow id. */
  ofWorkflow(workflowId: string, runId: string): RunState | undefined {
    const newest = this.#newest.get(workflowId);
    return newest?.runId === runId ? newest : this.byId(runId);
  }

  /** The newest run of a workflow id. */
  newest(workflowId: string): RunState | undefined {
    const known = this.#newest.get(workflowId);
    if (known) return known;
    const state = this.#load(this.#store.newestRun(workflowId));
    if (state) this.#newest.set(workflowId, state);
    return state;
  }

  /** The newest run of the chain that a run belongs to. */
  newestOfChain(chain: Pick<RunState, "workflowId" | "firstRunId">): RunState | undefined {
    const newest = this.#newest.get(chain.workflowId);
    if (newest?.firstRunId === chain.firstRunId) return newest;
    return this.#load(this.#store.newestOfChain(chain.workflowId, chain.firstRunId));
  }

  /** Inserts a run without events. */
  create(
    row: Omit<RunRow, "run" | "nextEvent" | "bytes" | "lease" | "taskEvent" | "pendingFrom">,
  ): RunState {
    const inserted = {
      ...row,
      run: ++this.#lastRun,
      nextEvent: 1,
      bytes: 0,
      lease: 0,
      taskEvent: 0,
      pendingFrom: 0,
    };
    this.#store.insertRun(inserted);
    const state = this.#state(inserted);
    state.pending = new Map();
    state.unshown = [];
    state.lastTime = 0;
    state.timers = 0;
    state.has = { children: false, updates: false };
    this.#states.set(state.run, state);
    this.#newest.set(state.workflowId, state);
    return state;
  }

  /** Appends an event to the history of a run and answers its id. */
  append<Type extends EventType>(
    state: RunState,
    type: Type,
    data: EventData[Type],
    now: number,
  ): number {
    return this.appendPacked(state, type, packPlain(data), now);
  }

  /** Appends an event whose data is packed already, and answers its id. */
  appendPacked(state: RunState, type: EventType, packed: Uint8Array, now: number): number {
    const id = state.nextEvent++;
    state.lastTime ??= this.event(state.run, state.nextEvent - 2)?.time ?? 0;
    const time = state.lastTime = Math.max(now, state.lastTime);
    state.bytes += packed.length + eventOverhead;
    state.unwritten.push({ id, time, type, data: packed });
    noteOwn(state, type);
    if (inbound.has(type)) state.unshown?.push({ id, time, type, data: packed });
    // A history that is handed out whole has to have it too.
    else if (state.worker === undefined) state.unshown = undefined;
    this.progressed(state);
    return id;
  }

  /**
   * Reads the history of a run that no worker holds and that is about to have a task, which needs all of it:
   * in one go, before anything is appended.
   */
  loadHistory(state: RunState): void {
    if (state.worker !== undefined || state.unshown) return;
    state.unshown = this.eventsFrom(state.run, 1);
    state.since = 0;
    state.lastTime = state.unshown.at(-1)?.time ?? 0;
  }

  /** Copies an event of another run to the end of this one's history, as it is. */
  copy(state: RunState, { type, time, data }: StoredEvent): void {
    const id = state.nextEvent++;
    state.lastTime = time;
    state.bytes += data.length + eventOverhead;
    state.unwritten.push({ id, time, type, data });
    noteOwn(state, type);
    this.progressed(state);
  }

  /** One event of a run. */
  event(run: number, id: number): StoredEvent | undefined {
    this.#writeEventsOf(run);
    return this.#store.event(run, id);
  }

  /** Events of a run from id `from` to id `to`, in order. */
  eventsFrom(run: number, from: number, to?: number): StoredEvent[] {
    this.#writeEventsOf(run);
    return this.#store.eventsFrom(run, from, to);
  }

  #writeEventsOf(run: number): void {
    const state = this.#states.get(run);
    if (state) this.#writeEvents(state);
  }

  #writeEvents(state: RunState): void {
    if (state.unwritten.length === 0) return;
    for (const row of rowsOf(state.run, state.unwritten)) this.#store.insertEvent(row);
    state.unwritten = [];
  }

  #writePending(state: RunState): void {
    let first = 0;
    for (const { row, stored } of state.pending?.values() ?? []) {
      if (stored) continue;
      first = row.event;
      break;
    }
    const { pendingFrom } = state;
    const holds = first === 0
      ? pendingFrom === 0
      : pendingFrom > 0 && pendingFrom <= first && first - pendingFrom < pendingLag;
    if (holds) return;
    state.pendingFrom = first;
    this.#store.savePending(state);
  }

  /** Writes the row of a run that has just been closed, at once. */
  saveClosed(state: RunState): void {
    this.#store.saveClosed(state);
    state.changed.cursor = state.changed.status = false;
  }

  /** The row's `saveCursor` columns are to be written. */
  progressed(state: RunState): void {
    state.changed.cursor = true;
    this.#changed.add(state);
  }

  /** What the store has of a run's activities has changed: so may what `pendingFrom` is to find. */
  pendingChanged(run: number): void {
    const state = this.#states.get(run);
    if (state) this.#changed.add(state);
  }

  /** The row's `saveStatus` columns are to be written. */
  standingChanged(state: RunState): void {
    state.changed.status = true;
    this.#changed.add(state);
  }

  /** Runs whose history has grown in this transaction; those that grow meanwhile are among them. */
  changed(): Iterable<RunState> {
    return this.#changed;
  }

  /** Writes the changed rows; called at the end of a transaction. */
  flush(): void {
    for (const state of this.#changed) {
      this.#writeEvents(state);
      if (state.pending) this.#writePending(state);
      if (state.changed.cursor) this.#store.saveCursor(state);
      if (state.changed.status) this.#store.saveStatus(state);
      state.changed.cursor = state.changed.status = false;
    }
    this.#changed.clear();
  }

  /** Forgets the states that were not used for longest; called between transactions. */
  trim(): void {
    for (const [run, state] of this.#states) {
      if (this.#states.size <= this.#limit) return;
      this.#states.delete(run);
      if (this.#newest.get(state.workflowId) === state) this.#newest.delete(state.workflowId);
    }
  }

  /** Forgets everything, because a transaction was rolled back. */
  forgetAll(): void {
    this.#states.clear();
    this.#newest.clear();
    this.#changed.clear();
  }

  /** Removes a closed run for good. */
  delete(run: number): void {
    const state = this.#states.get(run);
    this.#states.delete(run);
    if (state && this.#newest.get(state.workflowId) === state) {
      this.#newest.delete(state.workflowId);
    }
    this.#store.deleteRun(run);
  }

  /** Activities of a run that have no outcome. */
  pending(state: RunState): Map<number, PendingActivity> {
    if (state.pending) return state.pending;
    const found = this.#firstAttempts(state);
    for (const row of this.#store.activitiesOf(state.run)) {
      const event = this.event(state.run, row.event);
      if (!event) {
        throw new Error(`run ${state.runId}: event ${row.event} of its activity is missing`);
      }
      found.set(row.seq, pendingOf(row, event, true));
    }
    const inOrder = [...found].sort(([, one], [, other]) => one.row.event - other.row.event);
    return state.pending = new Map(inOrder);
  }

  /** Activities of a run of which the store knows no more than that they were asked for. */
  #firstAttempts({ run, pendingFrom }: RunState): Map<number, PendingActivity> {
    const found = new Map<number, PendingActivity>();
    if (pendingFrom === 0) return found;
    for (const event of this.eventsFrom(run, pendingFrom)) {
      if (event.type === "ActivityScheduled") {
        const { seq } = unpackPlain<EventData["ActivityScheduled"]>(event.data);
        found.set(seq, pendingOf(firstAttempt(run, seq, event.id), event, false));
      } else if (activityOutcomes.has(event.type)) {
        found.delete(unpackPlain<EventData["ActivityCompleted"]>(event.data).seq);
      }
    }
    return found;
  }

  started(state: RunState): EventData["ExecutionStarted"] {
    const event = this.event(state.run, 1);
    if (!event) throw new Error(`run ${state.runId} has no first event`);
    return unpackPlain(event.data);
  }

  frame(state: RunState): Payload | undefined {
    state.frame ??= { value: this.started(state).frame };
    return state.frame.value;
  }

  #load(row: RunRow | undefined): RunState | undefined {
    if (!row) return undefined;
    const known = this.#states.get(row.run);
    if (known) return known;
    const state = this.#state(row);
    this.#states.set(row.run, state);
    return state;
  }

  #state(row: RunRow): RunState {
    return {
      ...row,
      terms: row.terms ? unpackPlain<RunTerms>(row.terms) : { options: {} },
      since: 0,
      heldOpen: false,
      closing: false,
      losses: 0,
      changed: { cursor: false, status: false },
      unwritten: [],
    };
  }
}

/** Returns the row of an activity that has just been asked for. */
export function firstAttempt(run: number, seq: number, event: number): ActivityRow {
  return {
    run,
    seq,
    event,
    attempt: 1,
    running: activityState.running,
    canceling: 0,
    heartbeat: null,
    lastFailure: null,
  };
}

/** Children and updates of a run come with an event of its own. */
function noteOwn({ has }: RunState, type: EventType): void {
  if (!has) return;
  if (type === "ChildInitiated") has.children = true;
  else if (type === "UpdateDelivered") has.updates = true;
}

function pendingOf(row: ActivityRow, event: StoredEvent, stored: boolean): PendingActivity {
  const scheduled = scheduledActivity(unpackPlain(event.data));
  return { row, scheduled, scheduledTime: event.time, stored };
}

/** Returns the error for a workflow that is unknown or, when `closed` is given, closed. */
export function notFound(workflowId: string, closed?: RunState): WippyError {
  return new WippyError(
    "NotFound",
    closed
      ? `workflow ${workflowId} is closed (${closed.status})`
      : `there is no workflow ${workflowId}`,
    { retryable: false, details: { workflow_id: workflowId } },
  );
}
