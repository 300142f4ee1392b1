/**
 * Whether a journal is as its writer promises: every history whole, nothing decided twice, nothing pending that has
 * ended.
 * @module
 */
import type { Database } from "bun:sqlite";
import type { PayloadKeys } from "../../../cipher.ts";
import { checkKeys } from "../store/sealed.ts";
import { WippyError } from "../../../../vm/error.ts";
import { statSync } from "node:fs";
import { linkFault, lossOf, nothing } from "../store/ownership.ts";
import { attributeRows } from "../store/attributes.ts";
import { checkSchedules } from "../schedules/check.ts";
import {
  type CheckedEvent,
  type CheckedRun,
  historyFaults,
  type PendingRows,
} from "./history-check.ts";
import type { StorageCheck, StorageFault } from "../../../provider.ts";
import { type EventRow, eventsOf } from "../store/event-rows.ts";
import { schemaVersion } from "../migrations.ts";
import { checkHeader, openForReading, storageError } from "../store/open.ts";

/** Faults that are told; a damaged file may have very many. */
const mostFaults = 1000;

/**
 * Reads a whole journal, also one that a runtime writes to: it sees the state of one moment.
 *
 * @throws WippyError when it cannot be read at all
 */
export function checkJournal(path: string, keys?: PayloadKeys): StorageCheck {
  let database: Database | undefined;
  try {
    const loss = lossOf(path);
    // What SQLite would take for a journal that was never written to.
    if (loss !== undefined && statSync(path).size === 0) {
      return { runs: 0, events: 0, schedules: 0, faults: [{ message: loss }] };
    }
    database = openForReading(path, keys);
    const version = checkHeader(database, path);
    if (version !== schemaVersion) {
      throw new WippyError(
        "Invalid",
        `the journal ${path} has schema ${version}, this program's is ${schemaVersion}; ` +
          'bring it up to date with "wippy journal migrate"',
        { retryable: false },
      );
    }
    checkKeys(database, path);
    database.run("BEGIN");
    const found = check(database);
    const row = database.query<{ journal: string; commits: number }, []>(
      "SELECT journal, commits FROM owner",
    ).get();
    for (const message of [linkFault(path), lossOf(path, row ?? nothing)]) {
      if (message !== undefined) found.faults.unshift({ message });
    }
    return found;
  } catch (error) {
    throw error instanceof WippyError ? error : storageError(error, path);
  } finally {
    database?.close();
  }
}

function check(database: Database): StorageCheck {
  const faults: StorageFault[] = [];
  const add = (fault: StorageFault) => faults.length < mostFaults && faults.push(fault);
  for (
    const { integrity_check: message } of database.query<{ integrity_check: string }, []>(
      "PRAGMA integrity_check(100)",
    ).all()
  ) {
    if (message !== "ok") add({ message: `SQLite: ${message}` });
  }
  const { runs, events } = checkRuns(database, add);
  checkFamilies(database, add);
  checkAttributes(database, add);
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
  return { runs, events, schedules, faults };
}

type CheckedRow = Omit<EventRow, "run">;

type Add = (fault: StorageFault) => void;

/** Each run by itself. */
function checkRuns(database: Database, add: Add): { runs: number; events: number } {
  const rowsOf = database.query<CheckedRow, [number]>(
    "SELECT id, type, time, data FROM events WHERE run = ? ORDER BY id",
  );
  const activitiesOf = database.query<PendingRows["activities"][number], [number]>(
    "SELECT seq, event, attempt, running FROM activities WHERE run = ?",
  );
  const timersOf = database.query<PendingRows["timers"][number], [number]>(
    "SELECT kind, seq, due FROM timers WHERE run = ?",
  );
  const updatesOf = database.query<PendingRows["updates"][number], [number]>(
    "SELECT update_id, delivered, accepted, outcome FROM updates WHERE run = ?",
  );
  const openChild = database.query<{ run: number }, [number, number]>(
    "SELECT run FROM runs WHERE parent_run = ? AND parent_seq = ? AND status = 'running'",
  );
  let runs = 0;
  let events = 0;
  const all = database.query<CheckedRun, []>(
    "SELECT run, run_id, workflow_id, status, next_event, bytes, task_event, wake, held, " +
      "cancel_requested, pending_from, close_time FROM runs ORDER BY run",
  );
  for (const run of all.iterate()) {
    runs++;
    const rows = {
      activities: activitiesOf.all(run.run),
      timers: timersOf.all(run.run),
      updates: updatesOf.all(run.run),
    };
    const unread: string[] = [];
    const history = readEvents(rowsOf.iterate(run.run), unread);
    const { faults, children, count } = historyFaults(run, history, rows);
    faults.unshift(...unread);
    events += count;
    for (const seq of children) {
      if (openChild.get(run.run, seq)) continue;
      faults.push(`Child ${seq} does not run, and the run was not told how it ended`);
    }
    for (const message of faults) add({ workflowId: run.workflow_id, runId: run.run_id, message });
  }
  return { runs, events };
}

/** The events of a run's rows. What cannot be read goes into `faults`. */
function* readEvents(rows: Iterable<CheckedRow>, faults: string[]): Generator<CheckedEvent> {
  for (const row of rows) {
    try {
      yield* eventsOf(row);
    } catch {
      faults.push(`the data of the events from ${row.id} on is damaged`);
    }
  }
}

/** A child outlives its parent only by its policy. */
function checkFamilies(database: Database, add: Add): void {
  const outlived = database.query<{ workflow_id: string; run_id: string; parent: string }, []>(
    `SELECT c.workflow_id, c.run_id, p.workflow_id AS parent
     FROM runs c JOIN runs p ON p.run = c.parent_run
     WHERE c.status = 'running' AND c.parent_close_policy = 'terminate' AND p.status <> 'running'`,
  );
  for (const { workflow_id: workflowId, run_id: runId, parent } of outlived.iterate()) {
    add({ workflowId, runId, message: `it runs, but its parent ${parent} is closed` });
  }
}

/** Search attributes are found by rows of their own. */
function checkAttributes(database: Database, add: Add): void {
  const rowsOf = database.query<
    { key: string; position: number; text: string | null; number: number | null },
    [number]
  >(
    "SELECT key, position, text, number FROM attributes WHERE run = ?",
  );
  const all = database.query<
    { run: number; run_id: string; workflow_id: string; packed: Uint8Array | null },
    []
  >("SELECT run, run_id, workflow_id, search_attributes AS packed FROM runs ORDER BY run");
  const text = (rows: object[]) => rows.map((row) => JSON.stringify(row)).sort().join();
  for (const { run, run_id: runId, workflow_id: workflowId, packed } of all.iterate()) {
    const found = rowsOf.all(run);
    if (!packed && found.length === 0) continue;
    const due = (packed ? attributeRows(run, packed) : [])
      .map(({ key, position, text, number }) => ({ key, position, text, number }));
    if (text(found) !== text(due)) {
      add({
        workflowId,
        runId,
        message: "its search attributes are not those that it is found by",
      });
    }
  }
}
