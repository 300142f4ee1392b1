import type { Entry } from "../../registry/entry.ts";
import { pack } from "../../vm/codec.ts";
import { WippyError } from "../../vm/error.ts";
import type { LuaValue } from "../../vm/value.ts";
import { recordValues } from "../history/limits.ts";
import { parseStartOptions } from "../options/option-table.ts";
import type { ScheduleAction } from "./schedules.ts";
import type { ActionTable } from "./table.ts";

/** Where the workflows are that a schedule may start, and their hosts. */
export interface ActionTargets {
  entries: ReadonlyMap<string, Entry>;
  /** The host that a workflow runs on unless one is named. @throws WippyError Invalid */
  hostOf(entry: Entry): string;
}

/**
 * What a schedule does at its times, from the table that describes it.
 *
 * @param id of the schedule, and of its runs unless the table names another
 * @param frame in whose name the runs work
 * @throws WippyError NotFound for an entry that is not a workflow; Invalid
 */
export function scheduleAction(
  table: ActionTable,
  id: string,
  frame: LuaValue,
  { entries, hostOf }: ActionTargets,
): ScheduleAction {
  const entry = entries.get(table.workflow);
  if (entry?.kind !== "workflow.lua") {
    throw new WippyError("NotFound", `action.workflow: there is no workflow ${table.workflow}`, {
      retryable: false,
    });
  }
  const { options, memo, searchAttributes } = parseStartOptions(table.options as LuaValue);
  return {
    entry: entry.id,
    hostId: table.host ?? hostOf(entry),
    workflowId: table.workflow_id ?? id,
    args: recordValues(table.args as LuaValue[], `the input of ${entry.id}`),
    frame: pack(frame),
    options,
    ...memo && { memo: pack(memo) },
    ...searchAttributes && { searchAttributes: pack(searchAttributes) },
  };
}
