import { decodeEntry } from "../../registry/decode.ts";
import { type Entry, parseId, qualify } from "../../registry/entry.ts";
import { scheduleAction } from "../../workflows/schedules/action.ts";
import type { NewSchedule } from "../../workflows/schedules/schedules.ts";
import type { ServiceContext } from "../context.ts";
import { durableFrame } from "../identity.ts";
import { workflowSchedule } from "./workflow-schedule.ts";

/** The schedules that entries declare for a workflow host. @throws WippyError Invalid, NotFound */
export function declaredSchedules(context: ServiceContext): NewSchedule[] {
  return [...context.entries.values()].filter(({ kind }) => kind === workflowSchedule.name)
    .map((entry) => declaredSchedule(entry, context))
    .filter(({ action }) => action.hostId === context.entry.id);
}

function declaredSchedule(
  entry: Entry,
  { entries, variables, units, workflows }: ServiceContext,
): NewSchedule {
  const data = decodeEntry(workflowSchedule, entry, variables);
  const { namespace } = parseId(entry.id);
  const { host } = data.action;
  const table = {
    ...data.action,
    workflow: qualify(data.action.workflow, namespace),
    ...host !== undefined && { host: qualify(host, namespace) },
  };
  const frame = durableFrame(units.frame(data.security, entry.id));
  const targets = { entries, hostOf: (workflow: Entry) => workflows.hostOf(workflow) };
  return {
    scheduleId: entry.id,
    declaredBy: entry.id,
    spec: data.spec,
    action: scheduleAction(table, entry.id, frame, targets),
    ...data.policies && { policies: data.policies },
    ...data.paused !== undefined && { paused: data.paused },
    ...data.note !== undefined && { note: data.note },
    ...data.remaining_actions !== undefined && { remainingActions: data.remaining_actions },
  };
}
