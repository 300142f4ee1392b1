import type { HistoryEvent } from "../history/history.ts";
import type { RunOptions, StartOptions } from "../options/options.ts";
import type { RunInfo, Signal, StartRequest } from "../provider.ts";

/** A run as it is stored, with what another one like it is started with. */
export interface StoredRun {
  info: RunInfo;
  events: HistoryEvent[];
  options: RunOptions;
  /** Milliseconds since the epoch; of the whole chain. */
  executionDeadline?: number;
  /** When its first task may run, while that is to come. */
  heldUntil?: number;
  /** Whether a run waits for its outcome. */
  parentIsOpen: boolean;
}

/**
 * Why a run cannot begin anew without doing something twice, or undefined: then its code has done nothing yet that
 * leaves the run, or that a second try would do otherwise. Messages that it has been shown are given to the new run.
 *
 * @param restartTimers whether a timer that runs may begin anew
 */
export function obstacle(run: StoredRun, restartTimers: boolean, now: number): string | undefined {
  const { info, events, executionDeadline, parentIsOpen } = run;
  if (parentIsOpen) return `its parent ${info.parentWorkflowId} waits for it`;
  if (info.attempt > 1) {
    return `it is attempt ${info.attempt} of its retry policy, which would begin anew`;
  }
  if (info.cancelRequested) return "it was asked to cancel";
  if (executionDeadline !== undefined && executionDeadline <= now) return "its timeout is due";
  if ((runDeadline(run) ?? Infinity) <= now) return "its timeout is due";
  const timers = new Map<number, number>();
  for (const event of events) {
    if (event.type === "TimerStarted") timers.set(event.data.seq, event.id);
    else if (event.type === "TimerCanceled") timers.delete(event.data.seq);
    else {
      const done = step(event);
      if (done !== undefined) return `${done} (event ${event.id})`;
    }
  }
  const [timer] = timers.values();
  if (timer === undefined || restartTimers) return undefined;
  return `it waits for a timer (event ${timer}), which would begin anew; allow that with --restart-timers`;
}

/** What an event says that the run has done, unless that can be done again. */
function step(event: HistoryEvent): string | undefined {
  switch (event.type) {
    case "ExecutionStarted":
    case "ExecutionSignaled":
    case "TaskStarted":
    case "TaskCompleted":
    case "TaskFailed":
    // The code says the same of itself again.
    case "AttributesUpserted":
    case "VersionRecorded":
    // The last one of a run that a move has closed.
    case "ExecutionTerminated":
      return undefined;
    case "ActivityScheduled":
    case "LocalActivityScheduled":
    case "LocalActivityRecorded":
      return `it has called ${event.data.entry}`;
    case "ChildInitiated":
      return `it has started ${event.data.workflowId}`;
    case "MessageSent":
    case "ExternalSignalInitiated":
      return `it has sent a message to ${event.data.pid}`;
    case "MessagePublished":
      return `it has published a message to ${event.data.queue}`;
    case "ExternalCancelInitiated":
      return `it has asked ${event.data.pid} to cancel`;
    case "TimerFired":
      return "it has waited for a timer";
    case "SideEffectRecorded":
      return "it has recorded a value that would be another one";
    case "UpdateDelivered":
      return `it has received the update ${event.data.name}`;
    default:
      return "it has gone on";
  }
}

function runDeadline({ info, options, heldUntil }: StoredRun): number | undefined {
  if (options.runTimeout === undefined) return undefined;
  return (heldUntil ?? info.startTime) + options.runTimeout;
}

/** The start of a run like this one, with the time that is left to it. */
export function startLike(
  run: StoredRun,
  hostId: string,
  now: number,
): StartRequest & { workflowId: string } {
  const { info, events, options, executionDeadline, heldUntil } = run;
  const [first] = events;
  if (first?.type !== "ExecutionStarted") {
    throw new Error(`run ${info.runId} has no first event`);
  }
  const { args, frame } = first.data;
  const runEnd = runDeadline(run);
  const waits = heldUntil !== undefined && heldUntil > now;
  const left: StartOptions = {
    ...options,
    ...executionDeadline !== undefined &&
      { executionTimeout: Math.max(1, executionDeadline - now) },
    ...runEnd !== undefined && !waits && { runTimeout: Math.max(1, runEnd - now) },
    // A cron expression says by itself when.
    ...waits && options.cronSchedule === undefined && { startDelay: heldUntil - now },
  };
  const messages = events.flatMap((event): Signal[] =>
    event.type === "ExecutionSignaled" ? [event.data] : []
  );
  return {
    entry: info.entry,
    hostId,
    workflowId: info.workflowId,
    args,
    options: left,
    ...frame && { frame },
    ...info.memo && { memo: info.memo },
    ...info.searchAttributes && { searchAttributes: info.searchAttributes },
    ...messages.length > 0 && { messages },
  };
}
