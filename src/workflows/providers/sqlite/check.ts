/**
 * Whether a journal is as its writer promises: every history whole, nothing decided twice, nothing pending that has ended.
 * @module
 */
import { Database } from "bun:sqlite";
import { WippyError } from "../../../vm/error.ts";
import { type EventType, unpackPlain } from "../../history.ts";
import { checkSchedules } from "./check-schedules.ts";
import { schemaVersion } from "./migrations.ts";
import { checkHeader, storageError } from "./open.ts";

/** Something that must not be. */
export interface JournalFault {
  /** Absent: of the file as a whole. */
  workflowId?: string;
  runId?: string;
  /** Of a schedule. */
  scheduleId?: string;
  message: string;
}

export interface JournalCheck {
  runs: number;
  events: number;
  schedules: number;
  /** The first ones, `mostFaults` at most. */
  faults: JournalFault[];
}

/** Faults that are told; a damaged file may have very many. */
const mostFaults = 1000;

interface RunRow {
  run: number;
  run_id: string;
  workflow_id: string;
  status: string;
  next_event: number;
  task_event: number;
}

interface EventRow {
  id: number;
  type: EventType;
  data: Uint8Array;
}

const closing = /^Execution(?:Completed|Failed|TimedOut|Canceled|Terminated|ContinuedAsNew)$/;
/** What an event with a `seq` begins, and what ends it. */
const begins = /^(Activity|LocalActivity|Timer|Child)(?:Scheduled|Started|Initiated)$/;
const ends =
  /^(Activity|Timer|Child)(?:Completed|Failed|TimedOut|Canceled|Fired|Terminated|StartFailed)$/;

/** Follows one history. @returns what is wrong with it */
function faultsOf(run: RunRow, events: Iterable<EventRow>, pending: Set<string>): string[] {
  const faults: string[] = [];
  const open = new Set<string>();
  const ended = new Set<string>();
  let last: EventRow | undefined;
  for (const event of events) {
    const expected = (last?.id ?? 0) + 1;
    if (event.id !== expected) faults.push(`event ${expected} is missing before event ${event.id}`);
    if (event.id === 1 && event.type !== "ExecutionStarted") {
      faults.push(`it begins with ${event.type}, not ExecutionStarted`);
    }
    if (last && closing.test(last.type)) {
      faults.push(`event ${event.id}, ${event.type}, comes after its end, ${last.type}`);
    }
    let data: { seq?: number; backoff?: number };
    try {
      data = unpackPlain<typeof data>(event.data);
      if (Object(data).constructor !== Object) throw new TypeError("no object");
    } catch {
      faults.push(`the data of event ${event.id}, ${event.type}, is damaged`);
      last = event;
      continue;
    }
    // A child has two events at its beginning: that it was asked for, and that it runs.
    const begun = event.type === "ChildStarted" ? null : begins.exec(event.type);
    const over = ends.exec(event.type);
    const key = `${(begun ?? over)?.[1]} ${data.seq}`;
    if (begun) open.add(key);
    if (over) {
      if (ended.has(key)) faults.push(`event ${event.id}, ${event.type}, decides ${key} again`);
      else if (!open.delete(key)) {
        faults.push(`event ${event.id}, ${event.type}, ends ${key}, which has not begun`);
      }
      ended.add(key);
    }
    if (event.type === "LocalActivityRecorded") {
      const local = `LocalActivity ${data.seq}`;
      if (ended.has(local)) faults.push(`event ${event.id}, ${event.type}, decides ${local} again`);
      // One that ends in its first task has no beginning; one that waits begins again.
      open.delete(local);
      if (data.backoff === undefined) ended.add(local);
    }
    last = event;
  }
  if ((last?.id ?? 0) !== run.next_event - 1) {
    faults.push(`its row counts ${run.next_event - 1} events, its history has ${last?.id ?? 0}`);
  }
  const closed = last !== undefined && closing.test(last.type);
  if (closed && run.status === "running") faults.push(`it is running, but ended by ${last!.type}`);
  if (!closed && run.status !== "running") {
    faults.push(`it is ${run.status}, but its history has no end`);
  }
  for (const key of pending) {
    if (closed) faults.push(`${key} is pending, but the run is closed`);
    else if (!open.has(key)) faults.push(`${key} is pending, but its history says otherwise`);
  }
  if (!closed) {
    for (const key of open) {
      // A child is pending in its own row; timers and activities have theirs here.
      if (key.startsWith("LocalActivity")) {
        if (run.task_event === 0) faults.push(`${key} has not ended, and no task is open for it`);
      } else if (!key.startsWith("Child") && !pending.has(key)) {
        faults.push(`${key} has neither ended nor is it pending`);
      }
    }
  }
  return faults;
}

/**
 * Reads a whole journal, also one that a runtime writes to: it sees the state of one moment.
 *
 * @throws WippyError when it cannot be read at all
 */
export function checkJournal(path: string): JournalCheck {
  let database: Database | undefined;
  try {
    database = new Database(path, { readonly: true });
    const version = checkHeader(database, path);
    if (version !== schemaVersion) {
      throw new WippyError(
        "Invalid",
        `the journal ${path} has schema ${version}, this program's is ${schemaVersion}; ` +
          'bring it up to date with "wippy journal migrate"',
        { retryable: false },
      );
    }
    database.run("BEGIN");
    return check(database);
  } catch (error) {
    throw error instanceof WippyError ? error : storageError(error, path);
  } finally {
    database?.close();
  }
}

function check(database: Database): JournalCheck {
  const faults: JournalFault[] = [];
  const add = (fault: JournalFault) => faults.length < mostFaults && faults.push(fault);
  for (
    const { integrity_check: message } of database.query<{ integrity_check: string }, []>(
      "PRAGMA integrity_check(100)",
    ).all()
  ) {
    if (message !== "ok") add({ message: `SQLite: ${message}` });
  }
  const eventsOf = database.query<EventRow, [number]>(
    "SELECT id, type, data FROM events WHERE run = ? ORDER BY id",
  );
  const activitiesOf = database.query<{ seq: number }, [number]>(
    "SELECT seq FROM activities WHERE run = ?",
  );
  const timersOf = database.query<{ seq: number }, [number]>(
    "SELECT seq FROM timers WHERE run = ? AND kind = 'timer'",
  );
  let runs = 0;
  const all = database.query<RunRow, []>(
    "SELECT run, run_id, workflow_id, status, next_event, task_event FROM runs ORDER BY run",
  );
  for (const run of all.iterate()) {
    runs++;
    const pending = new Set([
      ...activitiesOf.all(run.run).map(({ seq }) => `Activity ${seq}`),
      ...timersOf.all(run.run).map(({ seq }) => `Timer ${seq}`),
    ]);
    for (const message of faultsOf(run, eventsOf.iterate(run.run), pending)) {
      add({ workflowId: run.workflow_id, runId: run.run_id, message });
    }
  }
  const orphans = (table: string, what: string) => {
    const found = database.query<{ n: number }, []>(
      `SELECT count(*) AS n FROM ${table} WHERE run NOT IN (SELECT run FROM runs)`,
    ).get();
    if (found && found.n > 0) add({ message: `${found.n} ${what} belong to no run` });
  };
  for (const table of ["events", "timers", "activities", "updates", "attributes"]) {
    orphans(table, `rows of ${table}`);
  }
  const schedules = checkSchedules(
    database,
    (scheduleId, message) => add({ ...scheduleId === "" ? {} : { scheduleId }, message }),
  );
  const events = database.query<{ n: number }, []>("SELECT count(*) AS n FROM events").get()?.n;
  return { runs, events: events ?? 0, schedules, faults };
}
