import type { Got } from "../../client.ts";

/** An event of a history. */
export type ShownEvent = Got<"/workflows/:id/history">["events"][number];

/** Something that took time in a run. */
export interface Bar {
  label: string;
  kind: "activity" | "timer" | "child" | "signal" | "update";
  from: number;
  /** Absent: it has not ended. */
  until?: number;
  outcome?: string;
}

const begins: Readonly<Record<string, Bar["kind"]>> = {
  ActivityScheduled: "activity",
  LocalActivityScheduled: "activity",
  TimerStarted: "timer",
  ChildInitiated: "child",
  UpdateDelivered: "update",
};
const ends =
  /^(Activity|Timer|Child|Update)(Completed|Failed|TimedOut|Canceled|Fired|Terminated|Rejected|Aborted|StartFailed)$/;

function keyOf({ type, data }: ShownEvent): string {
  const kind = /^(Activity|LocalActivity|Timer|Child|Update)/.exec(type)?.[1] ?? "";
  return `${kind} ${String(data["seq"] ?? data["updateId"])}`;
}

/** A local activity mostly has one event, at its end. */
function localBar(data: ShownEvent["data"]): Bar {
  const attempt = Number(data["attempt"] ?? 1);
  const how = data["canceled"]
    ? "canceled"
    : data["backoff"]
    ? "failed, waits"
    : data["failure"]
    ? "failed"
    : "completed";
  return {
    label: String(data["entry"]),
    kind: "activity",
    from: Number(data["scheduled"]),
    until: Number(data["time"]),
    outcome: attempt > 1 ? `${how}, attempt ${attempt}` : how,
  };
}

/** What took time in a history, in the order of its beginning. */
export function barsOf(events: readonly ShownEvent[]): Bar[] {
  const bars: Bar[] = [];
  const open = new Map<string, Bar>();
  for (const event of events) {
    const { type, data, time } = event;
    const kind = begins[type];
    if (kind) {
      const label = String(data["entry"] ?? data["name"] ?? "timer");
      const bar: Bar = { label, kind, from: time };
      bars.push(bar);
      open.set(keyOf(event), bar);
    } else if (type === "LocalActivityRecorded") {
      const begun = open.get(keyOf(event));
      open.delete(keyOf(event));
      if (begun) Object.assign(begun, localBar(data));
      else bars.push(localBar(data));
    } else if (type === "ExecutionSignaled") {
      bars.push({ label: String(data["name"]), kind: "signal", from: time, until: time });
    } else if (ends.test(type)) {
      const bar = open.get(keyOf(event));
      if (!bar) continue;
      bar.until = time;
      const attempt = Number(data["attempt"] ?? 1);
      const how = type.replace(/^(Activity|Timer|Child|Update)/, "").toLowerCase();
      bar.outcome = attempt > 1 ? `${how}, attempt ${attempt}` : how;
    }
  }
  return bars;
}
