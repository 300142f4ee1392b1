import type { LuaValue } from "../../vm/value.ts";
import type { ActivityOptions, ChildOptions } from "../options/options.ts";
import type { Failure } from "./outcome.ts";

/**
 * What workflow code asks for in one task, in the order in which it asked. Names are those of
 * Temporal Core's `WorkflowCommand`. Sequence numbers are made by the engine, per run and per kind
 * of thing (timers, activities, children, external signals, external cancels, records, messages,
 * publications),
 * the same on every replay.
 */
export type Command =
  & { /** Lua position that issued it, `"ns:name:LINE"`. */ at: string }
  & CommandBody;

export type CommandBody =
  /** `duration` in milliseconds, fractions allowed. */
  | { type: "start_timer"; seq: number; duration: number }
  | { type: "cancel_timer"; seq: number }
  | ScheduleActivity
  /** Temporal Core: `RequestCancelActivity`. */
  | { type: "cancel_activity"; seq: number }
  | ScheduleLocalActivity
  /** Temporal Core: `RequestCancelLocalActivity`. */
  | { type: "cancel_local_activity"; seq: number }
  | StartChild
  /** Temporal Core: `CancelChildWorkflowExecution`. */
  | { type: "cancel_child"; seq: number; reason?: string }
  /** A signal to another workflow. Temporal Core: `SignalExternalWorkflowExecution`. */
  | { type: "signal_external"; seq: number; pid: string; name: string; payloads: LuaValue[] }
  /** Temporal Core: `RequestCancelExternalWorkflowExecution`. */
  | { type: "cancel_external"; seq: number; pid: string; reason?: string }
  /** A side effect's value, or its failure. Issued on replay too, with what `recorded` gave. */
  | { type: "record"; seq: number; value?: LuaValue; failure?: Failure }
  /** First use of `workflow.version(changeId)`. Temporal Core: `SetPatchMarker`. */
  | { type: "record_patch"; changeId: string; version: number }
  /** A message to a plain process; it leaves after the task is committed. Not in Temporal Core. */
  | { type: "send_message"; seq: number; pid: string; topic: string; payloads: LuaValue[] }
  /**
   * A message to a queue, which leaves after the task is committed. With `failure` it was refused at once. `delay` in
   * milliseconds. Not in Temporal Core.
   */
  | {
    type: "publish";
    seq: number;
    queue: string;
    value: LuaValue;
    headers?: LuaValue;
    messageId?: string;
    delay?: number;
    failure?: Failure;
  }
  /**
   * Keys are merged into what the run has. Temporal Core: `UpsertWorkflowSearchAttributes`,
   * `ModifyWorkflowProperties`.
   */
  | {
    type: "upsert_attributes";
    search?: Record<string, LuaValue>;
    memo?: Record<string, LuaValue>;
  }
  /** The three answers to an update; Temporal Core: `UpdateResponse`. */
  | { type: "accept_update"; updateId: string }
  | { type: "reject_update"; updateId: string; failure: Failure }
  /** With `failure` the update was accepted and failed. */
  | { type: "complete_update"; updateId: string; value?: LuaValue; failure?: Failure }
  /** Closing commands: one at most, the last of its task. */
  | { type: "complete_workflow"; result: LuaValue }
  | { type: "fail_workflow"; failure: Failure }
  /** Temporal Core: `CancelWorkflowExecution`. */
  | { type: "cancel_workflow_execution"; failure?: Failure }
  /**
   * Temporal Core: `ContinueAsNewWorkflowExecution`. What the code was shown and has not received goes
   * on to the next run: `messages`, in the order of their arrival, and `cancelRequest`.
   */
  | {
    type: "continue_as_new";
    entry: string;
    args: LuaValue[];
    messages?: { name: string; payloads: LuaValue[]; sender: string }[];
    cancelRequest?: { sender: string; reason?: string };
  };

export interface ScheduleActivity {
  type: "schedule_activity";
  seq: number;
  /** Unique among the run's pending activities; the sequence number as text when absent. */
  activityId?: string;
  /** Id of the function entry, or name of the host operation. */
  entry: string;
  args: LuaValue[];
  options: ActivityOptions;
  /**
   * True for a host operation: it has no retry policy, its failure is its result. It runs again only when the runtime
   * ended during the attempt.
   */
  operation?: boolean;
  /** Frame of this call when it differs from the run's own. */
  frame?: LuaValue;
}

/**
 * An activity that runs at once on the worker of the run, while the task is open. Its outcome comes as
 * `resolve_activity` with `isLocal`, in the same task or a later one. It shares its sequence numbers
 * with the other activities; after a `backoff` the same number is scheduled again.
 */
export interface ScheduleLocalActivity {
  type: "schedule_local_activity";
  seq: number;
  /** The sequence number as text when absent. */
  activityId?: string;
  /** Id of the function entry. */
  entry: string;
  args: LuaValue[];
  options: ActivityOptions;
  /** Frame of the call when it differs from the run's own. */
  frame?: LuaValue;
  /** From 1; more after a `backoff`. */
  attempt: number;
  /** Milliseconds since the epoch, workflow time: when the code asked for the first attempt. */
  originalScheduleTime: number;
}

/** Temporal Core: `StartChildWorkflowExecution`. */
export interface StartChild {
  type: "start_child";
  seq: number;
  entry: string;
  hostId: string;
  /** Made from the parent's run id and the sequence number when absent. */
  workflowId?: string;
  args: LuaValue[];
  options: ChildOptions;
  memo?: Record<string, LuaValue>;
  searchAttributes?: Record<string, LuaValue>;
  /** Frame of the child when it differs from the parent's own. */
  frame?: LuaValue;
  /** Startup messages: signals that the child sees before any other. */
  messages?: { name: string; payloads: LuaValue[] }[];
}
