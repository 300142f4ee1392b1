import { WippyError } from "../../vm/error.ts";
import type { Command } from "../engine/command.ts";
import {
  type LocalActivityMarker,
  packCommands,
  type PackedCommand,
  toPackedCommands,
} from "../history/history.ts";
import type { TaskCompletion, TaskFailure, WorkflowTask } from "../tasks/tasks.ts";
import { closingCommands } from "./determinism.ts";

// What comes of a task.

/** A task that was completed. */
export type Completed = Extract<TaskCompletion["outcome"], { type: "completed" }>;

/** Why a task may not be early. */
export const usesLocalActivities: TaskFailure = {
  cause: "early",
  message: "the code uses local activities",
};

/** Returns what a task is answered with. */
export function completionOf(token: string, result: Completed | TaskFailure): TaskCompletion {
  const outcome = "cause" in result ? { type: "failed", failure: result } as const : result;
  return { token, outcome };
}

/** Returns what comes of an early task. @param commands undefined when its code begins local activities */
export function earlyResult(
  task: Pick<WorkflowTask, "history">,
  commands: Command[] | undefined,
  logs: boolean,
): Completed | TaskFailure {
  if (!commands) return usesLocalActivities;
  return { type: "completed", commands: recordedAs(task, commands), ...logs && { logs } };
}

/** Commands in the form in which the provider of a task takes them: packed, as its history is. */
export function recordedAs(
  { history }: Pick<WorkflowTask, "history">,
  commands: Performed,
): Uint8Array | PackedCommand[] {
  return Array.isArray(history) ? toPackedCommands(commands) : packCommands(commands);
}

/** Commands of a task, with the outcomes of local activities that ended in it. */
export type Performed = (Command | LocalActivityMarker)[];

/** What code would do after closing its run is left out. */
export function untilClosed(commands: Command[]): Command[] {
  const closing = commands.findIndex(({ type }) => closingCommands.has(type));
  return closing < 0 ? commands : commands.slice(0, closing + 1);
}

export function isClosed(commands: Performed): boolean {
  return closingCommands.has(commands.at(-1)?.type ?? "");
}

/** Commands as they are recorded: an outcome stands for the command that asked for it. */
export function withoutEnded(commands: Performed): Performed {
  const ended = new Set<number>();
  for (const command of commands) {
    if (command.type === "record_local_activity") ended.add(command.seq);
  }
  if (ended.size === 0) return commands;
  return commands.filter((command) =>
    command.type !== "schedule_local_activity" || !ended.has(command.seq)
  );
}

/**
 * An engine says by `details.nondeterminism` that the code does not fit the history; all else may
 * pass.
 */
export function engineFailure(error: unknown): TaskFailure {
  const { message, details } = WippyError.from(error);
  if (details?.nondeterminism !== true) return { cause: "lost", message };
  const { event_id: eventId, event, command, at } = details;
  return {
    cause: "nondeterminism",
    message,
    ...typeof eventId === "number" && { expected: { eventId, event: String(event) } },
    ...typeof at === "string" && { actual: { command: String(command), at } },
  };
}
