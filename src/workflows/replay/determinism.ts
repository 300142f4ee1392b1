import type { Command } from "../engine/command.ts";
import { type EventType, type HistoryEvent, scheduledActivity } from "../history/history.ts";
import type { TaskFailure } from "../tasks/tasks.ts";

/** The event that each kind of command leaves in history. */
const eventOf = {
  start_timer: "TimerStarted",
  cancel_timer: "TimerCanceled",
  schedule_activity: "ActivityScheduled",
  cancel_activity: "ActivityCancelRequested",
  schedule_local_activity: "LocalActivityScheduled",
  cancel_local_activity: "LocalActivityCancelRequested",
  start_child: "ChildInitiated",
  cancel_child: "ChildCancelRequested",
  signal_external: "ExternalSignalInitiated",
  cancel_external: "ExternalCancelInitiated",
  record: "SideEffectRecorded",
  record_patch: "VersionRecorded",
  send_message: "MessageSent",
  publish: "MessagePublished",
  upsert_attributes: "AttributesUpserted",
  accept_update: "UpdateAccepted",
  reject_update: "UpdateRejected",
  complete_update: "UpdateCompleted",
  complete_workflow: "ExecutionCompleted",
  fail_workflow: "ExecutionFailed",
  cancel_workflow_execution: "ExecutionCanceled",
  continue_as_new: "ExecutionContinuedAsNew",
} as const satisfies Record<Command["type"], EventType>;

const commandEvents: ReadonlySet<EventType> = new Set<EventType>([
  ...Object.values(eventOf),
  "LocalActivityRecorded",
]);

const closing = [
  "complete_workflow",
  "fail_workflow",
  "cancel_workflow_execution",
  "continue_as_new",
] as const satisfies readonly Command["type"][];

/** Types of the commands after which a run is closed. */
export const closingCommands: ReadonlySet<string> = new Set(closing);

/** Events of these commands. */
export const closingEvents: ReadonlySet<EventType> = new Set(closing.map((type) => eventOf[type]));

/** Whether an event records a command of the code, or what its task did beside it. */
export function isCommandEvent(event: HistoryEvent): boolean {
  return commandEvents.has(event.type);
}

/**
 * Compares what the code did in a task with what history says of it: kind and order of the
 * commands, sequence numbers, names of activities, types and ids of children, change ids, targets.
 * Not compared: input, options, durations, values.
 *
 * @param task id of the TaskStarted event.
 * @param where tells where the code waits after the task; "" when that is not known.
 * @param ended outcomes of local activities in the task, by sequence number: they stand for the commands that
 * asked for them.
 * @returns the first difference, undefined when there is none.
 */
export function compare(
  task: number,
  events: readonly HistoryEvent[],
  commands: readonly Command[],
  where: () => string = () => "",
  ended?: ReadonlyMap<number, HistoryEvent>,
): TaskFailure | undefined {
  let left = commands;
  if (ended) {
    const isEnded = (command: Command) =>
      command.type === "schedule_local_activity" ? ended.get(command.seq) : undefined;
    for (const command of commands) {
      const marker = isEnded(command);
      if (marker && !haveSameFields(marker, command)) {
        return difference(task, marker, command, where);
      }
    }
    left = commands.filter((command) => !isEnded(command));
  }
  for (let i = 0; i < Math.max(events.length, left.length); i++) {
    const event = events[i];
    const command = left[i];
    if (event && command && matches(event, command)) continue;
    return difference(task, event, command, where);
  }
  return undefined;
}

/** The difference when history has the outcome of a local activity that the code has not asked for. */
export function notAskedFor(task: number, marker: HistoryEvent, where: () => string): TaskFailure {
  return difference(task, marker, undefined, where);
}

function difference(
  task: number,
  event: HistoryEvent | undefined,
  command: Command | undefined,
  where: () => string,
): TaskFailure {
  const expected = event && `event ${event.id}, ${describeEvent(event)}`;
  const actual = command && `${describeCommand(command)} at ${command.at}`;
  const place = command ? "" : where();
  const waits = place && `: it waits at ${place}`;
  const message = expected && actual
    ? `history has ${expected}, but the code made ${actual}`
    : expected
    ? `history has ${expected}, but the code made no further command in that task${waits}`
    : `history has nothing more in the task of event ${task}, but the code made ${actual}`;
  return {
    cause: "nondeterminism",
    message: `${message}. Correct the code, or guard the change with workflow.version`,
    ...event ? { expected: { eventId: event.id, event: describeEvent(event) } } : {},
    ...command
      ? { actual: { command: describeCommand(command), at: command.at } }
      : place
      ? { actual: { command: "nothing", at: place } }
      : {},
  };
}

function matches(event: HistoryEvent, command: Command): boolean {
  if (eventOf[command.type] !== event.type) return false;
  if (event.type === "ActivityScheduled" && command.type === "schedule_activity") {
    // Most of a history is such.
    const { seq, entry, activityId } = event.data;
    return seq === command.seq && entry === command.entry &&
      (activityId === command.activityId ||
        (activityId ?? String(seq)) === (command.activityId ?? String(seq)));
  }
  return haveSameFields(event, command);
}

function haveSameFields(event: HistoryEvent, command: Command): boolean {
  const data: Record<string, unknown> = { ...event.data };
  return fieldsOf(command).every(([field, value]) => data[field] === value);
}

/** Fields that identify a command beyond its kind, where that is not its number alone. */
const identifying: Partial<Record<Command["type"], readonly string[]>> = {
  signal_external: ["seq", "pid", "name"],
  cancel_external: ["seq", "pid"],
  send_message: ["seq", "topic"],
  publish: ["seq", "queue"],
  record_patch: ["changeId"],
  accept_update: ["updateId"],
  reject_update: ["updateId"],
  complete_update: ["updateId"],
  continue_as_new: ["entry"],
  upsert_attributes: [],
  complete_workflow: [],
  fail_workflow: [],
  cancel_workflow_execution: [],
};

/** What identifies a command beyond its kind, by the names that its event has for it. */
function fieldsOf(command: Command): [string, unknown][] {
  switch (command.type) {
    case "schedule_activity":
    case "schedule_local_activity":
      return [
        ["seq", command.seq],
        ["entry", command.entry],
        ["activityId", command.activityId ?? String(command.seq)],
      ];
    case "start_child":
      return [
        ["seq", command.seq],
        ["entry", command.entry],
        // A generated id holds the run id, which the engine need not know.
        ...(command.workflowId === undefined
          ? []
          : [["workflowId", command.workflowId] as [string, unknown]]),
      ];
    default: {
      const data: Record<string, unknown> = { ...command };
      return (identifying[command.type] ?? ["seq"]).map((field) => [field, data[field]]);
    }
  }
}

function describeCommand(command: Command): string {
  const named = [command.type, ...namesIn(fieldsOf(command))].join(" ");
  return command.type === "fail_workflow"
    ? `${named} (${command.failure.kind}: ${command.failure.message})`
    : named;
}

function describeEvent(event: HistoryEvent): string {
  const data: Record<string, unknown> = event.type === "ActivityScheduled"
    ? { ...scheduledActivity(event.data) }
    : { ...event.data };
  const names = [
    "entry",
    "workflowId",
    "activityId",
    "pid",
    "name",
    "topic",
    "queue",
    "changeId",
    "updateId",
    "seq",
  ];
  return [event.type, ...namesIn(names.map((name) => [name, data[name]]))].join(" ");
}

function namesIn(fields: [string, unknown][]): string[] {
  return fields.filter(([, value]) => value !== undefined).map(([field, value]) =>
    field === "seq" ? `#${value}` : String(value)
  );
}
