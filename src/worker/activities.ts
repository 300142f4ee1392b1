import { pack, unpack } from "../vm/codec.ts";
import { type ErrorData, WippyError } from "../vm/error.ts";
import type { LuaValue } from "../vm/value.ts";
import { checkRecordSize } from "../workflows/limits.ts";
import type { FromWorker } from "./messages.ts";

/** What an activity is told of itself. */
export interface ActivityFacts {
  activityId: string;
  workflowId: string;
  runId: string;
  attempt: number;
  idempotencyToken: string;
  /** Milliseconds since the epoch. */
  scheduledTime: number;
  deadline: number;
  heartbeatTimeout?: number;
  /** Details of the last heartbeat: packed `LuaValue[]`. */
  heartbeat?: Uint8Array;
}

/** A function entry or host operation that a worker runs for a workflow. */
export interface Activity {
  token: string;
  /** Id of the function entry, or name of the host operation. */
  entry: string;
  operation: boolean;
  /** Packed `LuaValue[]`. */
  args: Uint8Array;
  /** Packed frame. */
  frame?: Uint8Array;
  /** PID of the workflow, for operations, which run in its name. */
  pid: string;
  /** Absent for operations. */
  facts?: ActivityFacts;
}

/** A frame; mostly it is empty, which is one byte. */
function unpackFrame(bytes: Uint8Array): Record<string, LuaValue> {
  return bytes.length === 1 ? {} : unpack(bytes) as Record<string, LuaValue>;
}

/** What `lua/modules/activity.lua` reads in the frame of an activity. */
function told({ token, entry, pid }: Activity, facts: ActivityFacts): LuaValue {
  const details = facts.heartbeat ? unpack(facts.heartbeat) as LuaValue[] : [];
  return {
    token,
    activity_id: facts.activityId,
    activity_type: entry,
    workflow_id: facts.workflowId,
    run_id: facts.runId,
    workflow_pid: pid,
    attempt: facts.attempt,
    idempotency_token: facts.idempotencyToken,
    scheduled_time: facts.scheduledTime,
    deadline: facts.deadline,
    heartbeat_timeout: facts.heartbeatTimeout,
    details,
    detail_count: details.length,
  };
}

/** What a worker runs for workflows, and what it has to tell of it. */
export class Attempts {
  /** Entries, by token. */
  readonly #running = new Map<string, string>();
  /** Details of the last heartbeat of each attempt that has beaten since they were last sent. */
  readonly #beats = new Map<string, Uint8Array>();

  /** Answers the frame that the attempt runs in. */
  begin(activity: Activity): Record<string, LuaValue> {
    this.#running.set(activity.token, activity.entry);
    const frame = activity.frame ? unpackFrame(activity.frame) : {};
    if (activity.facts) frame.activity = told(activity, activity.facts);
    return frame;
  }

  beat(token: string, details: LuaValue[]): void {
    this.#beats.set(token, pack(details));
  }

  /** The heartbeats since the last time, one of each attempt. */
  beats(): FromWorker[] {
    if (this.#beats.size === 0) return [];
    const messages = [...this.#beats].map(([token, details]): FromWorker => (
      { type: "heartbeat", token, details }
    ));
    this.#beats.clear();
    return messages;
  }

  /** The end of an attempt, after its heartbeats: those that came later would be ignored. */
  end(token: string, value: LuaValue, error: LuaValue): FromWorker[] {
    const entry = this.#running.get(token) ?? "an activity";
    this.#running.delete(token);
    return [...this.beats(), { type: "activity_done", token, ...outcome(entry, value, error) }];
  }
}

function outcome(
  entry: string,
  value: LuaValue,
  error: LuaValue,
): { value: Uint8Array } | { failure: ErrorData } {
  try {
    if (error instanceof WippyError) throw error;
    return { value: checkRecordSize(pack(value), `the result of ${entry}`) };
  } catch (failure) {
    return { failure: WippyError.from(failure).toJSON() };
  }
}
