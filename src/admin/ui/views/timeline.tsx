import type { ShownEvent } from "../../history.ts";
import { span } from "../../../observe/measure.ts";

/** Something that took time in a run. */
interface Bar {
  label: string;
  kind: "activity" | "timer" | "child" | "signal" | "update";
  from: number;
  /** Absent: it has not ended. */
  until?: number;
  outcome?: string;
}

const begins: Readonly<Record<string, Bar["kind"]>> = {
  ActivityScheduled: "activity",
  TimerStarted: "timer",
  ChildInitiated: "child",
  UpdateDelivered: "update",
};
const ends =
  /^(Activity|Timer|Child|Update)(Completed|Failed|TimedOut|Canceled|Fired|Terminated|Rejected|Aborted|StartFailed)$/;

function keyOf({ type, data }: ShownEvent): string {
  const kind = /^(Activity|Timer|Child|Update)/.exec(type)?.[1] ?? "";
  return `${kind} ${String(data["seq"] ?? data["updateId"])}`;
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

/** Bars that are drawn: a long run shows its last ones. */
const most = 300;

/** What took time in a run, as bars over its length. */
export function Timeline({ events, until }: { events: readonly ShownEvent[]; until: number }) {
  const bars = barsOf(events);
  const from = events[0]?.time ?? until;
  const length = Math.max(1, until - from);
  if (bars.length === 0) {
    return <p class="soft">No activities, timers, children or signals so far.</p>;
  }
  const shown = bars.slice(-most);
  return (
    <>
      {shown.length < bars.length && <p class="soft">The last {most} of {bars.length}.</p>}
      <ol class="timeline" aria-label="Timeline">
        {shown.map((bar) => {
          const end = bar.until ?? until;
          const took = bar.kind === "signal" ? "" : span(end - bar.from);
          const failed = /fail|timed|cancel|reject|abort|terminat/.test(bar.outcome ?? "");
          const tone = bar.until === undefined ? "open" : failed ? "failed" : "done";
          return (
            <li title={`${bar.kind} ${bar.label} ${bar.outcome ?? ""} ${took}`}>
              <span class="bar-label">
                <span class={`dot ${bar.kind}`} aria-hidden="true" />
                {bar.label}
              </span>
              <span class="track" aria-hidden="true">
                <span
                  class={`bar ${bar.kind} ${tone}`}
                  style={{
                    left: `${((bar.from - from) / length) * 100}%`,
                    width: `${Math.max(0.4, ((end - bar.from) / length) * 100)}%`,
                  }}
                />
              </span>
              <span class="bar-took">
                <span class="hidden">
                  {bar.kind}, {bar.outcome ?? (bar.kind === "signal" ? "received" : "open")},
                </span>
                {took}
                {failed || bar.outcome?.includes("attempt") ? ` ${bar.outcome ?? ""}` : ""}
                {bar.until === undefined ? " …" : ""}
              </span>
            </li>
          );
        })}
      </ol>
    </>
  );
}
