import { type EventData, eventOverhead, type HistoryEvent, packPlain } from "../history/history.ts";
import type { AttemptOutcome, RunAhead } from "../tasks/tasks.ts";
import { readAttemptToken } from "../tasks/tokens.ts";

/**
 * The events by which a run is shown the outcomes of attempts before its provider has them: the very ones that the
 * provider will write.
 *
 * @param now milliseconds since the epoch
 */
export function aheadEvents(
  outcomes: readonly AttemptOutcome[],
  { next, size, time: newest }: RunAhead,
  now: number,
): { time: number; events: HistoryEvent[] } {
  const time = Math.max(now, newest);
  let shown = size;
  const events = outcomes.map(({ token, value }, index): HistoryEvent => {
    const key = readAttemptToken(token);
    if (!key) throw new Error(`${token} is not the token of an attempt`);
    const data: EventData["ActivityCompleted"] = { seq: key.seq, attempt: key.attempt, value };
    shown += packPlain(data).length + eventOverhead;
    return { id: next + index, time, type: "ActivityCompleted", data };
  });
  events.push({ id: next + events.length, time, type: "TaskStarted", data: { size: shown } });
  return { time, events };
}
