import type { LuaValue } from "../../vm/value.ts";
import type { Payload } from "../payload.ts";
import type { Failure, Outcome } from "./outcome.ts";

/**
 * What one workflow task hands to the engine: every event that the code has not seen, in the order
 * of history. While a task waits for local activities, the outcome of each is a further activation of
 * it. Temporal Core: `WorkflowActivation`.
 */
export interface Activation {
  runId: string;
  /**
   * Milliseconds since the epoch, which is what `time.now` answers in it: the time of the task, or that
   * at which a local activity ended.
   */
  timestamp: number;
  /**
   * True when the task was completed before; its commands are compared with history, not carried
   * out.
   */
  replaying: boolean;
  /** Events in the run's history at the start of the task; the same on replay. */
  historyLength: number;
  /** Bytes in the run's history at the start of the task; the same on replay. */
  historySize: number;
  jobs: Job[];
  /** True: the state is kept when the run closes, because a closed run is asked a query. */
  retain?: boolean;
  /**
   * True: commands say where in the code they were made while replaying too. That takes as long as the
   * rest of a replay, and is needed only to say where code and history differ.
   */
  explain?: boolean;
}

/** The run of which a run is the child. */
export interface ParentInfo {
  workflowId: string;
  runId: string;
  pid: string;
}

/**
 * One thing that happened. Names are those of Temporal Core's `WorkflowActivationJob`, except:
 * `signal_workflow` and `cancel_workflow` carry their sender; `complete_activity` is Core's
 * `resolve_activity` of an activity that has completed; `recorded` stands for Core's side-effect
 * markers (which Core leaves to the language); `notify_patch` carries a number where Core's
 * `NotifyHasPatch` says only that the patch is there.
 *
 * An engine ignores a resolution of something that it has cancelled: the timer may have fired, or
 * the activity may have ended, before the cancellation was committed.
 */
export type Job =
  | InitializeWorkflow
  | { type: "fire_timer"; seq: number }
  /** An activity that is not local has completed; `value`: a packed `LuaValue`, which the engine alone unpacks. */
  | { type: "complete_activity"; seq: number; value: Payload }
  /** Any other outcome of an activity. `isLocal`: of a local one. */
  | {
    type: "resolve_activity";
    seq: number;
    result: Outcome<LuaValue> | ActivityBackoff;
    isLocal?: true;
  }
  /** `payloads`: packed `LuaValue[]`, which the engine alone unpacks. */
  | { type: "signal_workflow"; name: string; payloads: Payload; sender: string }
  | { type: "cancel_workflow"; reason?: string; sender: string }
  /** An update was delivered. The engine answers with `accept_update` or `reject_update`. */
  | { type: "do_update"; updateId: string; name: string; args: LuaValue[] }
  | { type: "resolve_child_start"; seq: number; pid?: string; failure?: Failure }
  | { type: "resolve_child"; seq: number; result: Outcome<LuaValue> }
  | { type: "resolve_signal_external"; seq: number; failure?: Failure }
  | { type: "resolve_cancel_external"; seq: number; failure?: Failure }
  /**
   * Only on replay, before the other jobs: a side effect that was recorded in this task. The engine
   * answers with the value and issues the `record` command again, so that the order can be
   * compared.
   */
  | { type: "recorded"; seq: number; value?: LuaValue; failure?: Failure }
  /** Only on replay, before the other jobs: a publication that was refused in this task. */
  | { type: "publish_refused"; seq: number; failure: Failure }
  /**
   * Only on replay, before the other jobs: `workflow.version(changeId)` answered `version` in this
   * task. The engine issues `record_patch` again. A call that finds no patch while replaying
   * answers -1 and issues nothing.
   */
  | { type: "notify_patch"; changeId: string; version: number; eventId: number }
  /**
   * Only on replay, before the other jobs: the validator of an update said yes in this task, or no
   * with `failure`. It is not run again, so that it may change while runs are open.
   */
  | { type: "update_verdict"; updateId: string; failure?: Failure };

/**
 * A local activity failed and has to wait for longer than a task is held open: the engine sets a timer
 * of `duration` milliseconds and schedules the activity again, with that attempt. Temporal Core:
 * `DoBackoff`.
 */
export interface ActivityBackoff {
  status: "backoff";
  attempt: number;
  duration: number;
}

/** The first job of a run. Temporal Core: `InitializeWorkflow`. */
export interface InitializeWorkflow {
  type: "initialize_workflow";
  workflowId: string;
  /** Id of the workflow entry, Temporal's workflow type. */
  entry: string;
  hostId: string;
  pid: string;
  args: LuaValue[];
  /** Seed of the run's own generator, 32 bits, made by the provider when the run started. */
  randomSeed: number;
  /** The frame of the starter (identity, values, deadline), as the node packed it. */
  frame: LuaValue;
  /** From 1; counts the runs made by the workflow's retry policy. */
  attempt: number;
  /** Milliseconds since the epoch. */
  startTime: number;
  parent?: ParentInfo;
  memo: Record<string, LuaValue>;
  searchAttributes: Record<string, LuaValue>;
  /** Run id of the run that continued as this one. */
  continuedFrom?: string;
  /** True: its publications are `publish` commands. @default they are host operations */
  publishes?: true;
}
