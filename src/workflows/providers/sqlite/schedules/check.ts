import type { Database } from "bun:sqlite";
import { unpackPlain } from "../../../history/history.ts";
import { checkDefinition } from "../../../schedules/check.ts";
import type { ScheduleDefinition } from "../../../schedules/schedules.ts";

interface Row {
  schedule: number;
  schedule_id: string;
  definition: Uint8Array;
  paused: number;
  remaining: number | null;
  next: number | null;
  due: number | null;
  last_action: number;
  last_buffered: number;
}

/** Reports what is wrong with the schedules of a journal, by their ids; "" for what belongs to none. */
export function checkSchedules(
  database: Database,
  add: (scheduleId: string, message: string) => void,
): number {
  const one = <Result>(sql: string) => database.query<Result, [number]>(sql);
  // Its chain has an open run, if that is what the action says.
  const unended = one<{ workflow_id: string }>(
    "SELECT workflow_id FROM schedule_actions WHERE schedule = ? AND open = 1 AND NOT EXISTS (" +
      "SELECT 1 FROM runs WHERE runs.workflow_id = schedule_actions.workflow_id AND " +
      "runs.first_run_id = schedule_actions.run_id AND runs.status = 'running')",
  );
  const highest = one<{ action: number | null; open: number | null }>(
    "SELECT max(action) AS action, sum(open) AS open FROM schedule_actions WHERE schedule = ?",
  );
  const waiting = one<{ n: number; position: number | null }>(
    "SELECT count(*) AS n, max(position) AS position FROM schedule_buffer WHERE schedule = ?",
  );
  let schedules = 0;
  for (
    const row of database.query<Row, []>("SELECT * FROM schedules ORDER BY schedule").iterate()
  ) {
    schedules++;
    const fault = (message: string) => add(row.schedule_id, message);
    try {
      checkDefinition(unpackPlain<ScheduleDefinition>(row.definition));
    } catch (error) {
      fault(`its definition is damaged: ${(error as Error).message}`);
    }
    if ((row.next === null) !== (row.due === null)) fault("its next match and its due time differ");
    else if (row.next !== null && row.due! < row.next) fault("it is due before its next match");
    if (row.due !== null && (row.paused !== 0 || row.remaining === 0)) {
      fault("it is due, but paused or at the end of its actions");
    }
    for (const { workflow_id: workflowId } of unended.all(row.schedule)) {
      fault(`its run ${workflowId} is open, but the journal has no such open run`);
    }
    const { action, open } = highest.get(row.schedule)!;
    if ((action ?? 0) > row.last_action) {
      fault(`it counts ${row.last_action} actions, but has number ${action}`);
    }
    const { n, position } = waiting.get(row.schedule)!;
    if (n > 0 && !open) fault(`${n} starts wait for the end of a run, but none is open`);
    if ((position ?? 0) > row.last_buffered) {
      fault(`it counts ${row.last_buffered} starts that have waited, but has number ${position}`);
    }
  }
  for (const table of ["schedule_actions", "schedule_buffer"]) {
    const found = database.query<{ n: number }, []>(
      `SELECT count(*) AS n FROM ${table} WHERE schedule NOT IN (SELECT schedule FROM schedules)`,
    ).get();
    if (found && found.n > 0) add("", `${found.n} rows of ${table} belong to no schedule`);
  }
  return schedules;
}
