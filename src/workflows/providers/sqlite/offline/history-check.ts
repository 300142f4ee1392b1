/**
 * Whether one history is as the journal promises: whole, in order, nothing decided twice, and what its run's rows say
 * of it true.
 * @module
 */
import { eventOverhead, type EventType, inbound, unpackPlain } from "../../../history/history.ts";
import { activityState } from "../store/schema.ts";

/** Columns of a run that its history must bear out. */
export interface CheckedRun {
  run: number;
  run_id: string;
  workflow_id: string;
  status: string;
  next_event: number;
  bytes: number;
  task_event: number;
  wake: number;
  held: number;
  cancel_requested: number;
  pending_from: number;
  close_time: number | null;
}

export interface CheckedEvent {
  id: number;
  type: EventType;
  time: number;
  data: Uint8Array;
}

/** Rows of a run beside its history. */
export interface PendingRows {
  activities: { seq: number; event: number; attempt: number; running: number }[];
  timers: { kind: string; seq: number; due: number }[];
  updates: { update_id: string; delivered: number; accepted: number; outcome: number }[];
}

interface Data {
  seq?: number;
  due?: number;
  attempt?: number;
  updateId?: string;
  baseRunId?: string;
  backoff?: number;
}

const closing = /^Execution(?:Completed|Failed|TimedOut|Canceled|Terminated|ContinuedAsNew)$/;
/** What an event with a `seq` begins, and what ends it. */
const begins =
  /^(Activity|LocalActivity|Timer|Child|ExternalSignal|ExternalCancel)(?:Scheduled|Started|Initiated)$/;
const ends = new RegExp(
  "^(Activity|Timer|Child)(?:Completed|Failed|TimedOut|Canceled|Fired|Terminated|StartFailed)$|" +
    "^(External(?:Signal(?=ed|Failed)|Cancel(?=Requested|Failed)))",
);

/** The history of one run, followed event by event. */
class Follower {
  readonly faults: string[] = [];
  /** What has begun and not ended, and by which event it began. */
  readonly open = new Map<string, number>();
  /** What has ended, and by which event. */
  readonly ended = new Map<string, { id: number; type: EventType }>();
  readonly dues = new Map<number, number>();
  /** By update id: the newest delivery, acceptance and outcome. */
  readonly updates = new Map<string, { delivered: number; accepted: boolean; outcome: number }>();
  last: CheckedEvent | undefined;
  bytes = 0;
  /** TaskStarted without outcome; 0: none. */
  task = 0;
  lastTask = 0;
  /** TaskStarted of the last completed task, and of the one before it. */
  completed = 0;
  before = 0;
  /** The newest event that a task has to show. */
  toShow = 0;
  cancelRequests = 0;

  take(event: CheckedEvent): void {
    const { id, type, time } = event;
    const { last } = this;
    this.last = event;
    this.bytes += event.data.length + eventOverhead;
    const expected = (last?.id ?? 0) + 1;
    if (id !== expected) this.#fault(`event ${expected} is missing before event ${id}`);
    if (id === 1 && type !== "ExecutionStarted") {
      this.#fault(`it begins with ${type}, not ExecutionStarted`);
    }
    if (last && closing.test(last.type)) {
      this.#fault(`event ${id}, ${type}, comes after its end, ${last.type}`);
    }
    if (last && time < last.time) {
      this.#fault(`event ${id}, ${type}, is ${last.time - time} ms older than the one before it`);
    }
    let data: Data;
    try {
      data = unpackPlain<Data>(event.data);
      if (Object(data).constructor !== Object) throw new TypeError("no object");
    } catch {
      this.#fault(`the data of event ${id}, ${type}, is damaged`);
      return;
    }
    this.#followTask(event, data);
    this.#followCommand(event, data);
    if (type === "LocalActivityRecorded") this.#followLocal(event, data);
    this.#followUpdate(event, data);
    if (type === "ExecutionCancelRequested" && ++this.cancelRequests > 1) {
      this.#fault(`event ${id} asks for cancellation again`);
    }
  }

  #fault(fault: string): void {
    this.faults.push(fault);
  }

  #followTask({ id, type }: CheckedEvent, { baseRunId }: Data): void {
    if (type === "TaskStarted") {
      if (this.task > 0) this.#fault(`event ${id} begins a task before that of event ${this.task}`);
      this.task = this.lastTask = id;
    } else if (type === "TaskCompleted" || type === "TaskFailed") {
      if (this.task === 0) this.#fault(`event ${id}, ${type}, ends a task that has not begun`);
      if (type === "TaskCompleted") [this.before, this.completed] = [this.completed, this.task];
      this.task = 0;
      // What a failed task showed is shown again; a reset shows nothing of its own.
      if (type === "TaskFailed") this.toShow = baseRunId === undefined ? id : this.toShow;
    } else if (inbound.has(type)) this.toShow = id;
  }

  #followCommand({ id, type, time }: CheckedEvent, { seq, due }: Data): void {
    // A child has two events at its beginning: that it was asked for, and that it runs.
    const begun = type === "ChildStarted" ? null : begins.exec(type);
    const over = ends.exec(type);
    const key = `${begun?.[1] ?? over?.[1] ?? over?.[2]} ${seq}`;
    if (begun) {
      if (this.open.has(key) || this.ended.has(key)) {
        this.#fault(`event ${id}, ${type}, begins ${key} again`);
      }
      this.open.set(key, id);
      if (type === "TimerStarted" && seq !== undefined) this.dues.set(seq, due ?? 0);
    }
    if (!over) return;
    const before = this.ended.get(key);
    // The code calls a timer off that has fired: the task that shows it does other things first, or shows it not yet.
    const unseen = type === "TimerCanceled" && before?.type === "TimerFired" &&
      before.id > this.before;
    if (before && !unseen) this.#fault(`event ${id}, ${type}, decides ${key} again`);
    else if (!before && !this.open.delete(key)) {
      this.#fault(`event ${id}, ${type}, ends ${key}, which has not begun`);
    }
    this.ended.set(key, { id, type });
    const set = type === "TimerFired" && seq !== undefined ? this.dues.get(seq) : undefined;
    if (set !== undefined && time < set) {
      this.#fault(`event ${id} fires ${key} ${set - time} ms before it is due`);
    }
  }

  #followLocal({ id, type }: CheckedEvent, { seq, backoff }: Data): void {
    const key = `LocalActivity ${seq}`;
    if (this.ended.has(key)) this.#fault(`event ${id}, ${type}, decides ${key} again`);
    // One that ends in its first task has no beginning; one that waits begins again.
    this.open.delete(key);
    if (backoff === undefined) this.ended.set(key, { id, type });
  }

  #followUpdate({ id, type }: CheckedEvent, { updateId }: Data): void {
    if (updateId === undefined) return;
    const update = this.updates.get(updateId);
    if (type === "UpdateDelivered") {
      if (update) this.#fault(`event ${id} delivers the update ${updateId} again`);
      this.updates.set(updateId, { delivered: id, accepted: false, outcome: 0 });
    } else if (!update) {
      this.#fault(`event ${id}, ${type}, is of the update ${updateId}, which was not delivered`);
    } else if (update.outcome > 0) {
      this.#fault(`event ${id}, ${type}, decides the update ${updateId} again`);
    } else if (type === "UpdateAccepted") update.accepted = true;
    else update.outcome = id;
  }
}

/**
 * Follows one history.
 *
 * @returns what is wrong with it and with the rows of its run; and the numbers of the children that an open
 *   run awaits, and how many events there are.
 */
export function historyFaults(
  run: CheckedRun,
  events: Iterable<CheckedEvent>,
  rows: PendingRows,
): { faults: string[]; children: number[]; count: number } {
  const seen = new Follower();
  let read = 0;
  for (const event of events) {
    seen.take(event);
    read++;
  }
  const { faults, last } = seen;
  const check = (holds: boolean, fault: () => string) => {
    if (!holds) faults.push(fault());
  };
  const count = last?.id ?? 0;
  check(
    count === run.next_event - 1,
    () => `its row counts ${run.next_event - 1} events, its history has ${count}`,
  );
  check(
    seen.bytes === run.bytes,
    () => `its row counts ${run.bytes} bytes, its history has ${seen.bytes}`,
  );
  const canceled = run.cancel_requested === 1;
  check(
    canceled === seen.cancelRequests > 0,
    () => `its row says that cancellation was ${canceled ? "" : "not "}asked for`,
  );
  const closed = last !== undefined && closing.test(last.type);
  if (closed) checkClosed(run, last, rows, check);
  else checkOpen(run, seen, rows, check);
  checkUpdates(closed, seen, rows, check);
  const children = closed ? [] : [...seen.open.keys()].filter((key) => key.startsWith("Child "));
  return {
    faults,
    children: children.map((key) => Number(key.slice("Child ".length))),
    count: read,
  };
}

type Check = (holds: boolean, fault: () => string) => void;

function checkClosed(run: CheckedRun, last: CheckedEvent, rows: PendingRows, check: Check): void {
  check(run.status !== "running", () => `it is running, but ended by ${last.type}`);
  check(run.close_time === last.time, () => "its closing time is not that of its last event");
  check(run.task_event === 0 && run.wake === 0, () => "it is closed, but its row has a task");
  check(run.pending_from === 0, () => "it is closed, but its row says that activities are pending");
  for (const { seq } of rows.activities) {
    check(false, () => `Activity ${seq} is pending, but the run is closed`);
  }
  for (const { kind, seq } of rows.timers) {
    const name = kind === "timer" ? `Timer ${seq}` : `the timer ${kind} ${seq}`;
    check(false, () => `${name} is pending, but the run is closed`);
  }
}

function checkOpen(run: CheckedRun, seen: Follower, rows: PendingRows, check: Check): void {
  check(run.status === "running", () => `it is ${run.status}, but its history has no end`);
  check(
    run.task_event === seen.task,
    () => `its row has the task of event ${run.task_event}, its history that of ${seen.task}`,
  );
  // Whatever came has its task, or there will never be one.
  if (seen.task === 0 && !run.held) {
    check(seen.toShow <= seen.lastTask, () => `no task is to show event ${seen.toShow}`);
  }
  const start = rows.timers.some(({ kind }) => kind === "start");
  check((run.held === 1) === start, () => "it waits for its start, but no timer does");

  const pending = new Set<string>();
  for (const { seq, event, attempt, running } of rows.activities) {
    const key = `Activity ${seq}`;
    pending.add(key);
    check(seen.open.has(key), () => `${key} is pending, but its history says otherwise`);
    check(event < run.next_event, () => `${key} is of event ${event}, which is not there`);
    check(attempt > 0, () => `${key} is at attempt ${attempt}`);
    const retry = rows.timers.some((timer) => timer.kind === "retry" && timer.seq === seq);
    check(
      (running === activityState.retry) === retry,
      () =>
        retry ? `${key} runs, and a timer waits to try it again` : `nothing will try ${key} again`,
    );
  }
  for (const { kind, seq, due } of rows.timers) {
    if (kind === "timer") {
      const key = `Timer ${seq}`;
      pending.add(key);
      check(seen.open.has(key), () => `${key} is pending, but its history says otherwise`);
      const set = seen.dues.get(seq);
      check(set === undefined || set === due, () => `${key} is due at ${due}, not at ${set}`);
    } else if (kind === "retry" || kind === "schedule_to_close") {
      check(
        seen.open.has(`Activity ${seq}`),
        () => `the timer ${kind} ${seq} has no activity`,
      );
    }
  }
  let unwritten = false;
  for (const [key, event] of seen.open) {
    if (key.startsWith("LocalActivity")) {
      check(run.task_event > 0, () => `${key} has not ended, and no task is open for it`);
      continue;
    }
    // A child is pending in its own row, an activity whose first attempt runs in that of the run.
    const first = key.startsWith("Activity ") && !pending.has(key);
    unwritten ||= first;
    check(
      key.startsWith("Child") || pending.has(key) ||
        first && run.pending_from > 0 && run.pending_from <= event,
      () => `${key} has neither ended nor is it pending`,
    );
  }
  check(
    unwritten || run.pending_from === 0,
    () => `its row says that activities are pending from event ${run.pending_from} on, but none is`,
  );
}

function checkUpdates(closed: boolean, seen: Follower, rows: PendingRows, check: Check): void {
  for (const { update_id: id, delivered, accepted, outcome } of rows.updates) {
    const update = seen.updates.get(id);
    check(update?.delivered === delivered, () => `the update ${id} is not of event ${delivered}`);
    if (update?.delivered !== delivered) continue;
    check(
      update.outcome === outcome,
      () => `the update ${id} has the outcome ${outcome}, in its history ${update.outcome}`,
    );
    if (outcome === 0) {
      check(
        (accepted === 1) === update.accepted,
        () => `its row says that the update ${id} was ${accepted ? "" : "not "}accepted`,
      );
      check(!closed, () => `the update ${id} has no outcome, but the run is closed`);
    }
  }
  if (closed) return;
  const known = new Set(rows.updates.map(({ update_id: id }) => id));
  for (const [id, { outcome }] of seen.updates) {
    check(outcome > 0 || known.has(id), () => `the update ${id} has neither ended nor a row`);
  }
}
