import { type EventData, eventOverhead, type HistoryEvent, packPlain } from "../history/history.ts";
import type { Payload } from "../payload.ts";
import type { RunAhead } from "../tasks/tasks.ts";
import { readAttemptToken } from "../tasks/tokens.ts";

/**
 * The events by which a run is shown the outcome of an attempt before its provider has it: the very ones that the
 * provider will write.
 *
 * @param now milliseconds since the epoch
 */
export function aheadEvents(
  token: string,
  { next, size, time: newest }: RunAhead,
  value: Payload,
  now: number,
): { time: number; events: HistoryEvent[] } {
  const key = readAttemptToken(token);
  if (!key) throw new Error(`${token} is not the token of an attempt`);
  const time = Math.max(now, newest);
  const data: EventData["ActivityCompleted"] = { seq: key.seq, attempt: key.attempt, value };
  const shown = size + packPlain(data).length + eventOverhead;
  return {
    time,
    events: [
      { id: next, time, type: "ActivityCompleted", data },
      { id: next + 1, time, type: "TaskStarted", data: { size: shown } },
    ],
  };
}
