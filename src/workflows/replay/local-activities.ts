import { pack } from "../../vm/codec.ts";
import { WippyError } from "../../vm/error.ts";
import type { LuaValue } from "../../vm/value.ts";
import type { Platform } from "../../platform/platform.ts";
import { idempotencyToken, localToken } from "../tasks/tokens.ts";
import type { Command, ScheduleLocalActivity } from "../engine/command.ts";
import type { Failure } from "../engine/outcome.ts";
import type { FailedAttempt } from "../failure-records.ts";
import type { EventData, LocalActivityResult } from "../history/history.ts";
import { recordedOutcome } from "../history/limits.ts";
import {
  canceledFailure,
  decideRetry,
  type RetryState,
  timeoutFailure,
  withDetails,
} from "../history/retry.ts";
import type { ActivityTask } from "../tasks/tasks.ts";

/** Milliseconds that one attempt may take, unless its options say otherwise. */
const defaultStartToClose = 10 * 60_000;

/** A wait before the next attempt that is longer than this many milliseconds is a durable timer. */
const defaultRetryThreshold = 10_000;

/** The longest delay that a platform's timer is given. */
const maxDelay = 2 ** 30;

/** One attempt, as its function is told of it. */
export interface LocalAttempt extends
  Pick<
    ActivityTask,
    | "token"
    | "runId"
    | "workflowId"
    | "pid"
    | "activityId"
    | "entry"
    | "frame"
    | "attempt"
    | "idempotencyToken"
    | "scheduledTime"
    | "deadline"
  > {
  args: LuaValue[];
  isLocal: true;
}

/** What runs attempts: the worker. */
export interface LocalRunner {
  /** Begins an attempt; it is answered by `LocalActivities.answered`, perhaps before this returns. */
  start(attempt: LocalAttempt): void;
  /** Takes note of an attempt that failed. */
  failed(attempt: FailedAttempt): void;
  /** Ends an attempt; with `gently` one that listens for it is asked, and its outcome awaited. */
  cancel(token: string, gently: boolean): void;
}

/** A local activity that the code has asked for and been given no outcome of. */
interface Local {
  runId: string;
  command: ScheduleLocalActivity;
  /** 0: it has not begun. */
  attempt: number;
  /** Its attempt, while one runs. */
  token?: string | undefined;
  /** Calls off its timer: the time of the attempt, or the wait before the next. */
  cancelTimer?: (() => void) | undefined;
  /** The code has asked for its end. */
  canceling: boolean;
  ended: boolean;
}

interface Run {
  started: Pick<EventData["ExecutionStarted"], "workflowId" | "pid" | "frame">;
  pending: Map<number, Local>;
  /** Outcomes that the code was not shown yet. */
  outcomes: Omit<LocalActivityResult, "time">[];
  /** Whether the code has asked for one so far. */
  used: boolean;
  /** Whether somebody waits for the code. */
  expedited: boolean;
  /** Wakes who waits for an outcome. */
  wake?: ((dropped: boolean) => void) | undefined;
}

/**
 * Local activities of the runs of one worker: their attempts, the waits between them, their timeouts.
 * It is told by the taskHandler what the code asks for, in replays too; what history has an outcome of is
 * never begun. Nothing of it is written: after a crash the task is run again, and with it what it had
 * under way.
 */
export class LocalActivities {
  readonly #platform: Pick<Platform, "now" | "setTimer">;
  readonly #runner: LocalRunner;
  readonly #runs = new Map<string, Run>();
  readonly #byToken = new Map<string, Local>();
  #attempts = 0;

  constructor(platform: Pick<Platform, "now" | "setTimer">, runner: LocalRunner) {
    this.#platform = platform;
    this.#runner = runner;
  }

  /** A run is built from its first event. */
  introduce(runId: string, started: EventData["ExecutionStarted"]): void {
    const { workflowId, pid, frame } = started;
    this.#runs.set(runId, {
      started: { workflowId, pid, ...frame && { frame } },
      pending: new Map(),
      outcomes: [],
      used: false,
      expedited: false,
    });
  }

  /** A run is dropped from memory: what it has under way is ended, and who waits for it hears of that. */
  drop(runId: string): void {
    const run = this.#runs.get(runId);
    if (!run) return;
    this.#runs.delete(runId);
    for (const local of run.pending.values()) this.#abort(local);
    run.wake?.(true);
  }

  /** A run is replayed once more from its beginning. */
  restart(runId: string): void {
    this.#runs.get(runId)?.pending.clear();
  }

  /** Whether a run has local activities without outcome. */
  busy(runId: string): boolean {
    return (this.#runs.get(runId)?.pending.size ?? 0) > 0;
  }

  /** Whether the code of a run has asked for local activities. */
  isUsedBy(runId: string): boolean {
    return this.#runs.get(runId)?.used ?? false;
  }

  /** The PID of a run. */
  pidOf(runId: string): string | undefined {
    return this.#runs.get(runId)?.started.pid;
  }

  /** What the code asks for, in its order. */
  note(runId: string, commands: readonly Command[]): void {
    for (const command of commands) {
      if (command.type === "schedule_local_activity") {
        const run = this.#runs.get(runId);
        if (!run) continue;
        run.used = true;
        const local = { runId, command, attempt: 0, canceling: false, ended: false };
        run.pending.set(command.seq, local);
      } else if (command.type === "cancel_local_activity") {
        const local = this.#runs.get(runId)?.pending.get(command.seq);
        if (local) this.#cancel(local);
      }
    }
  }

  /** An outcome is shown to the code. @returns whether the code had asked for it */
  settle(runId: string, seq: number): boolean {
    return this.#runs.get(runId)?.pending.delete(seq) ?? false;
  }

  /** Begins what has not begun. @returns whether there was something */
  begin(runId: string): boolean {
    let any = false;
    for (const local of this.#runs.get(runId)?.pending.values() ?? []) {
      if (local.attempt > 0 || local.ended) continue;
      any = true;
      local.attempt = local.command.attempt;
      if (local.canceling) this.#end(local, { failure: canceledFailure(), canceled: true });
      else this.#attempt(local);
    }
    return any;
  }

  /**
   * Waits for the next outcome: until `due` (milliseconds since the epoch), or until the run is expedited.
   *
   * @returns undefined when there was none.
   * @throws Canceled when the run is dropped meanwhile.
   */
  async next(runId: string, due: number): Promise<LocalActivityResult | undefined> {
    const run = this.#runs.get(runId);
    if (!run) throw dropped();
    if (run.outcomes.length === 0 && !run.expedited) {
      const { promise, resolve } = Promise.withResolvers<boolean>();
      run.wake = resolve;
      const delay = Math.max(0, due - this.#platform.now());
      const cancel = this.#platform.setTimer(delay, () => resolve(false));
      const gone = await promise;
      cancel();
      run.wake = undefined;
      if (gone) throw dropped();
    }
    const outcome = run.outcomes.shift();
    return outcome && { ...outcome, time: this.#platform.now() };
  }

  /** A task of the run begins. */
  open(runId: string): void {
    const run = this.#runs.get(runId);
    if (run) run.expedited = false;
  }

  /** Somebody waits for the code of a run: its task is to be completed as it is. */
  expedite(runId: string): void {
    const run = this.#runs.get(runId);
    if (!run) return;
    run.expedited = true;
    run.wake?.(false);
  }

  /** Takes the outcome of an attempt; ignores it when that is no longer awaited. */
  answered(token: string, value: LuaValue, error: LuaValue): void {
    const local = this.#byToken.get(token);
    if (!local) return;
    this.#leave(local);
    // What the code is shown is what is recorded.
    const outcome = recordedOutcome(local.command.entry, value, error);
    if ("value" in outcome) this.#end(local, outcome);
    else if (!local.canceling) this.#failed(local, outcome.failure);
    else if (outcome.failure.kind === "Canceled") this.#end(local, { ...outcome, canceled: true });
    else this.#fail(local, outcome.failure, "cancel_requested");
  }

  #attempt(local: Local): void {
    const { command, runId, attempt } = local;
    const { options, originalScheduleTime, entry, args } = command;
    const run = this.#runs.get(runId);
    if (!run) return;
    const now = this.#platform.now();
    const last = originalScheduleTime + (options.scheduleToCloseTimeout ?? Infinity);
    if (now >= last) return this.#timedOut(local, "schedule_to_close");
    const deadline = Math.min(now + (options.startToCloseTimeout ?? defaultStartToClose), last);
    const token = localToken(++this.#attempts);
    local.token = token;
    this.#byToken.set(token, local);
    const frame = command.frame === undefined ? run.started.frame : pack(command.frame);
    this.#wait(local, deadline, () => {
      this.#leave(local);
      this.#timedOut(local, deadline === last ? "schedule_to_close" : "start_to_close");
      this.#runner.cancel(token, false);
    });
    this.#start({
      token,
      entry,
      args,
      pid: run.started.pid,
      ...frame && { frame },
      activityId: activityIdOf(command),
      workflowId: run.started.workflowId,
      runId,
      attempt,
      idempotencyToken: idempotencyToken(runId, command.seq),
      scheduledTime: originalScheduleTime,
      deadline,
      isLocal: true,
    });
  }

  /** An attempt that cannot begin has failed: its run would wait for it without end. */
  #start(attempt: LocalAttempt): void {
    try {
      this.#runner.start(attempt);
    } catch (error) {
      this.answered(attempt.token, undefined, WippyError.from(error));
    }
  }

  #timedOut(local: Local, timeout: "start_to_close" | "schedule_to_close"): void {
    const failure = timeoutFailure(
      `activity ${local.command.entry} timed out (${timeout})`,
      timeout,
    );
    if (timeout === "schedule_to_close") {
      this.#fail(local, failure, "timeout");
      this.#report(local, failure, "timeout");
    } else if (local.canceling) this.#fail(local, failure, "cancel_requested");
    else this.#failed(local, failure);
  }

  /** An attempt failed: the next one follows, now, after a wait or after a durable timer; or none does. */
  #failed(local: Local, failure: Failure): void {
    const { options, originalScheduleTime } = local.command;
    const now = this.#platform.now();
    const last = originalScheduleTime + (options.scheduleToCloseTimeout ?? Infinity);
    const decision = decideRetry(options.retryPolicy ?? {}, failure, local.attempt, now, last);
    const { attempt } = local;
    if ("final" in decision) this.#fail(local, failure, decision.final);
    else if (decision.delay > (options.localRetryThreshold ?? defaultRetryThreshold)) {
      this.#end(local, { failure, backoff: decision.delay });
    } else {
      this.#wait(local, now + decision.delay, () => {
        local.attempt = attempt + 1;
        this.#attempt(local);
      });
    }
    // Last, so that a log which fails holds up nothing.
    this.#report(local, failure, "final" in decision ? decision.final : decision.delay);
  }

  #report({ runId, command, attempt }: Local, failure: Failure, next: number | RetryState): void {
    const workflowId = this.#runs.get(runId)?.started.workflowId ?? "";
    const { entry } = command;
    const activityId = activityIdOf(command);
    this.#runner.failed({ workflowId, runId, activityId, entry, attempt, failure, next });
  }

  #fail(local: Local, failure: Failure, state: RetryState): void {
    const details = {
      _wrapper: "activity",
      _activity_id: activityIdOf(local.command),
      _retry_state: state,
    };
    this.#end(local, { failure: withDetails(failure, details) });
  }

  #end(
    local: Local,
    result: Pick<LocalActivityResult, "value" | "failure" | "canceled" | "backoff">,
  ): void {
    if (local.ended) return;
    local.ended = true;
    const { runId, command, attempt } = local;
    const run = this.#runs.get(runId);
    if (!run) return;
    const { seq, entry, originalScheduleTime: scheduled } = command;
    const activityId = activityIdOf(command);
    run.outcomes.push({ seq, activityId, entry, attempt, scheduled, ...result });
    run.wake?.(false);
  }

  #cancel(local: Local): void {
    if (local.canceling || local.ended) return;
    local.canceling = true;
    // One that has not begun is ended by `begin`: in a replay history may have its outcome.
    if (local.attempt === 0) return;
    const { cancellationType, waitForCancellation } = local.command.options;
    const type = cancellationType ??
      (waitForCancellation ? "wait_cancellation_completed" : "try_cancel");
    if (type === "wait_cancellation_completed" && local.token !== undefined) {
      this.#runner.cancel(local.token, true);
      return;
    }
    if (type === "abandon") this.#leave(local);
    else this.#abort(local);
    this.#end(local, { failure: canceledFailure(), canceled: true });
  }

  /** Ends what a local activity has under way. */
  #abort(local: Local): void {
    const { token } = local;
    this.#leave(local);
    if (token !== undefined) this.#runner.cancel(token, false);
  }

  /** Its attempt is no longer awaited. */
  #leave(local: Local): void {
    local.cancelTimer?.();
    local.cancelTimer = undefined;
    if (local.token !== undefined) this.#byToken.delete(local.token);
    local.token = undefined;
  }

  #wait(local: Local, due: number, then: () => void): void {
    const whole = due - this.#platform.now();
    const delay = Math.min(maxDelay, Math.max(0, whole));
    local.cancelTimer = this.#platform.setTimer(delay, () => {
      if (whole > maxDelay) return this.#wait(local, due, then);
      local.cancelTimer = undefined;
      then();
    });
  }
}

function activityIdOf({ activityId, seq }: ScheduleLocalActivity): string {
  return activityId ?? String(seq);
}

function dropped(): WippyError {
  return new WippyError("Canceled", "the run was dropped from memory", { retryable: true });
}
