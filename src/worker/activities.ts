import { pack, unpack } from "../vm/codec.ts";
import type { LuaValue } from "../vm/value.ts";
import { recordedOutcome } from "../workflows/history/limits.ts";
import type { TaskQueue } from "../workflows/tasks/queue.ts";
import type { ActivityResult, ActivityTask } from "../workflows/tasks/tasks.ts";

/** A frame; mostly it is empty, which is one byte. */
function unpackFrame(bytes: Uint8Array): Record<string, LuaValue> {
  return bytes.length === 1 ? {} : unpack(bytes) as Record<string, LuaValue>;
}

/** An attempt of an activity, local or not. */
type Told = Omit<ActivityTask, "args" | "hostId" | "operation"> & { isLocal?: boolean };

/** The frame that an attempt runs in. */
export function frameOf(task: Told): Record<string, LuaValue> {
  const frame = task.frame ? unpackFrame(task.frame) : {};
  frame.activity = told(task);
  return frame;
}

/** What `lua/modules/activity.lua` reads in the frame of an activity. */
function told(task: Told): LuaValue {
  const details = task.heartbeat ? unpack(task.heartbeat) as LuaValue[] : [];
  return {
    token: task.token,
    activity_id: task.activityId,
    activity_type: task.entry,
    workflow_id: task.workflowId,
    run_id: task.runId,
    workflow_pid: task.pid,
    attempt: task.attempt,
    idempotency_token: task.idempotencyToken,
    scheduled_time: task.scheduledTime,
    deadline: task.deadline,
    heartbeat_timeout: task.heartbeatTimeout,
    details,
    detail_count: details.length,
    is_local: task.isLocal ?? false,
  };
}

interface Attempt {
  task: ActivityTask;
  queue: TaskQueue;
  /** Details of the last heartbeat, if it has beaten since that was last sent. */
  beat?: Uint8Array;
}

/** The attempts of activities that a worker runs: where each came from, and what it has to tell there. */
export class Attempts {
  readonly #running = new Map<string, Attempt>();
  readonly #beating = new Set<string>();

  /** Answers the frame that the attempt runs in. */
  begin(queue: TaskQueue, task: ActivityTask): Record<string, LuaValue> {
    this.#running.set(task.token, { task, queue });
    if (!task.operation) return frameOf(task);
    return task.frame ? unpackFrame(task.frame) : {};
  }

  beat(token: string, details: LuaValue[]): void {
    const attempt = this.#running.get(token);
    if (!attempt) return;
    attempt.beat = pack(details);
    this.#beating.add(token);
  }

  /** Sends the heartbeats since the last time, one of each attempt. */
  sendBeats(): void {
    if (this.#beating.size === 0) return;
    for (const token of this.#beating) this.#sendBeat(token);
    this.#beating.clear();
  }

  #sendBeat(token: string): void {
    const attempt = this.#running.get(token);
    if (attempt?.beat === undefined) return;
    attempt.queue.answer({ type: "heartbeat", token, details: attempt.beat });
    delete attempt.beat;
  }

  /**
   * The end of an attempt, after its heartbeats: those that came later would be ignored.
   *
   * @returns where it came from and how it ended, which is to be answered there; undefined for an unknown one
   */
  end(
    token: string,
    value: LuaValue,
    error: LuaValue,
  ): Attempt & { result: ActivityResult } | undefined {
    const attempt = this.#running.get(token);
    if (!attempt) return undefined;
    this.#sendBeat(token);
    this.#running.delete(token);
    const outcome = recordedOutcome(attempt.task.entry, value, error);
    const status = "failure" in outcome ? "failed" : "completed";
    return { ...attempt, result: { status, ...outcome } as ActivityResult };
  }
}
