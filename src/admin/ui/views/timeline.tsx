import { span } from "../../../observe/measure.ts";
import { barsOf, type ShownEvent } from "./bars.ts";

/** Bars that are drawn: a long run shows its last ones. */
const most = 300;

/** What took time in a run, as bars over its length. */
export function Timeline({ events, until }: { events: readonly ShownEvent[]; until: number }) {
  const bars = barsOf(events);
  const from = events[0]?.time ?? until;
  const length = Math.max(1, until - from);
  if (bars.length === 0) {
    return <p class="soft">No activities, timers, child workflows or signals.</p>;
  }
  const shown = bars.slice(-most);
  return (
    <>
      {shown.length < bars.length && <p class="soft">The last {most} of {bars.length} items.</p>}
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
