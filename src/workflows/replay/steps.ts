/**
 * Histories cut into activations.
 * @module
 */
import type { Activation, Job } from "../engine/activation.ts";
import type { HistoryEvent } from "../history/history.ts";
import { isCommandEvent } from "./determinism.ts";
import { jobOf, recordOf } from "./jobs.ts";

type TaskStarted = Extract<HistoryEvent, { type: "TaskStarted" }>;

export type Marker = Extract<HistoryEvent, { type: "LocalActivityRecorded" }>;

/** One activation of a history: a task begins, or a local activity ends in it. */
export interface Step {
  started: TaskStarted;
  /** Events that it shows to the code: inbound ones, or the outcome of a local activity. */
  shown: HistoryEvent[];
  /** Events of its commands; undefined for the task that has yet to be run. */
  commands?: HistoryEvent[];
  /** Outcomes of local activities in the whole task, by sequence number; undefined for none. */
  ended?: Map<number, Marker>;
}

/** The activation of a task in which a local activity ends. */
export function markerStep({ started }: Step, marker: Marker): Step {
  return { started, shown: [marker] };
}

/** Cuts a history, or the part of it that came in since a task, into activations. */
export function stepsOf(events: HistoryEvent[]): Step[] {
  const steps: Step[] = [];
  let arrived: HistoryEvent[] = [];
  for (const event of events) {
    if (event.type === "TaskStarted") {
      steps.push({ started: event, shown: arrived });
      arrived = [];
    } else if (event.type === "TaskCompleted") {
      const step = steps.at(-1);
      if (step) step.commands = [];
    } else if (event.type === "TaskFailed") {
      // Its commands were refused: what it showed is shown again by the next task.
      arrived = [...steps.pop()?.shown ?? [], ...arrived];
    } else if (event.type === "LocalActivityRecorded") {
      const step = steps.at(-1);
      if (!step) continue;
      step.ended ??= new Map<number, Marker>();
      step.ended.set(event.data.seq, event);
      steps.push({ ...markerStep(step, event), commands: [], ended: step.ended });
    } else if (isCommandEvent(event)) {
      steps.at(-1)?.commands?.push(event);
    } else {
      arrived.push(event);
    }
  }
  return steps;
}

/** Returns the activation of a step. */
export function activationOf(runId: string, { started, shown, commands }: Step): Activation {
  const jobs: Job[] = [];
  for (const event of commands ?? []) {
    const job = recordOf(event);
    if (job) jobs.push(job);
  }
  for (const event of shown) {
    const job = jobOf(event);
    if (job) jobs.push(job);
  }
  const [first] = shown;
  return {
    runId,
    timestamp: first?.type === "LocalActivityRecorded" ? first.data.time : started.time,
    replaying: commands !== undefined,
    historyLength: started.id,
    historySize: started.data.size,
    jobs,
  };
}
