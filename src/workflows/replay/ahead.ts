import { type EventData, eventOverhead, type HistoryEvent, packPlain } from "../history/history.ts";
import type { AttemptOutcome, RunAhead } from "../tasks/tasks.ts";
import type { Payload } from "../payload.ts";
import { readAttemptToken } from "../tasks/tokens.ts";

/**
 * The events by which a run is shown the outcomes of attempts before its provider has them: the very ones that the
 * provider will write, which gets the data of the outcomes packed.
 *
 * @param now milliseconds since the epoch
 */
export function aheadEvents(
  completed: readonly { token: string; value: Payload }[],
  { next, size, time: newest }: RunAhead,
  now: number,
): { time: number; events: HistoryEvent[]; outcomes: AttemptOutcome[] } {
  const time = Math.max(now, newest);
  let shown = size;
  const outcomes: AttemptOutcome[] = [];
  const events = completed.map(({ token, value }, index): HistoryEvent => {
    const key = readAttemptToken(token);
    if (!key) throw new Error(`${token} is not the token of an attempt`);
    const data: EventData["ActivityCompleted"] = { seq: key.seq, attempt: key.attempt, value };
    const packed = packPlain(data);
    outcomes.push({ token, data: packed });
    shown += packed.length + eventOverhead;
    return { id: next + index, time, type: "ActivityCompleted", data };
  });
  events.push({ id: next + events.length, time, type: "TaskStarted", data: { size: shown } });
  return { time, events, outcomes };
}
