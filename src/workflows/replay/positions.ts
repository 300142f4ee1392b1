import type { HistoryEvent } from "../history/history.ts";
import { stepsOf } from "./steps.ts";

/** Something that a run waits for. */
export interface Awaited {
  /** The event that began it. */
  event: number;
  kind: "activity" | "local activity" | "timer" | "child" | "signal" | "cancellation";
  seq: number;
  /** Which one: an entry, a target, when it is due. */
  what: string;
}

/** Where the code of a run waits: after one activation of its history. */
export interface Position {
  /** How many activations led there. */
  activations: number;
  /** The last event that the code was shown, or its task's start where it was shown none. */
  event: HistoryEvent;
  /** What the run waits for there, in the order in which it began. */
  awaited: Awaited[];
}

/** What an event begins that another one ends. */
function begun({ id, type, data }: HistoryEvent): Awaited | undefined {
  switch (type) {
    case "ActivityScheduled":
      return { event: id, kind: "activity", seq: data.seq, what: data.entry };
    case "LocalActivityScheduled":
      return { event: id, kind: "local activity", seq: data.seq, what: data.entry };
    case "TimerStarted":
      return { event: id, kind: "timer", seq: data.seq, what: new Date(data.due).toISOString() };
    case "ChildInitiated":
      return { event: id, kind: "child", seq: data.seq, what: data.entry };
    case "ExternalSignalInitiated":
      return { event: id, kind: "signal", seq: data.seq, what: data.pid };
    case "ExternalCancelInitiated":
      return { event: id, kind: "cancellation", seq: data.seq, what: data.pid };
    default:
      return undefined;
  }
}

/** Which kind of thing an event ends. */
function endedKind({ type }: HistoryEvent): Awaited["kind"] | undefined {
  if (/^Activity(?:Completed|Failed|TimedOut|Canceled)$/.test(type)) return "activity";
  if (type === "LocalActivityRecorded") return "local activity";
  if (type === "TimerFired" || type === "TimerCanceled") return "timer";
  if (/^Child(?:StartFailed|Completed|Failed|TimedOut|Canceled|Terminated)$/.test(type)) {
    return "child";
  }
  if (type === "ExternalSignaled" || type === "ExternalSignalFailed") return "signal";
  if (type === "ExternalCancelRequested" || type === "ExternalCancelFailed") return "cancellation";
  return undefined;
}

function numberOf({ data }: HistoryEvent): number | undefined {
  return "seq" in data ? data.seq : undefined;
}

/** Every place of a history at which the code of the run waits, in order. A task that is still open has none. */
export function positionsOf(events: HistoryEvent[]): Position[] {
  let awaited: Awaited[] = [];
  const note = (event: HistoryEvent) => {
    const [kind, seq] = [endedKind(event), numberOf(event)];
    if (kind) awaited = awaited.filter((each) => each.kind !== kind || each.seq !== seq);
    const started = begun(event);
    if (started) awaited = [...awaited, started];
  };
  return stepsOf(events).flatMap(({ started, shown, commands }, at) => {
    for (const event of shown) note(event);
    if (!commands) return [];
    for (const event of commands) note(event);
    return { activations: at + 1, event: shown.at(-1) ?? started, awaited };
  });
}
