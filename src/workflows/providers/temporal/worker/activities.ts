import type { temporal } from "../messages/messages.ts";
import { machine } from "../../../../platform/machine.ts";
import { pack } from "../../../../vm/codec.ts";
import { WippyError } from "../../../../vm/error.ts";
import type { Failure } from "../../../engine/outcome.ts";
import { attemptRecord } from "../../../failure-records.ts";
import { canceledFailure, decideRetry } from "../../../history/retry.ts";
import type { RetryPolicy } from "../../../options/options.ts";
import { workflowPid } from "../../../pid.ts";
import type { Payload as Packed } from "../../../payload.ts";
import type { ProviderPlatform } from "../../../provider.ts";
import type { ActivityResult } from "../../../tasks/tasks.ts";
import { idempotencyToken } from "../../../tasks/tokens.ts";
import type { RpcRequest } from "../connection/connection.ts";
import type { WorkerSettings } from "../connection/settings.ts";
import { frameOf, infoOf, resultPayloads, unpackedPayloads, valuesOf } from "../names.ts";
import { instant, milliseconds } from "../proto.ts";
import { Deadlines } from "../deadlines.ts";
import { ActivityTimes } from "./activity-times.ts";
import { deployment, type TaskContext } from "./worker.ts";

/** An attempt as the server hands it out. */
export type PolledActivity = temporal.api.workflowservice.v1.IPollActivityTaskQueueResponse;

/** Milliseconds between two attempts to respond to a server that cannot be reached. */
const shortestPause = 500;
const longestPause = 5_000;
/** Fraction of the heartbeat timeout after which a heartbeat is sent. */
const beatShare = 0.4;
/** Longest interval between heartbeats, in milliseconds: a cancellation request arrives with the response to one. */
const longestBeat = 10_000;

interface Attempt {
  token: string;
  taskToken: Uint8Array;
  runId: string;
  workflowId: string;
  activityId: string;
  seq: number | undefined;
  entry: string;
  attempt: number;
  worker: number;
  /** When the worker was given it. */
  given: number;
  operation: boolean;
  /** A cancellation ends it when it ends by itself. */
  wait: boolean;
  canceling: boolean;
  retryPolicy: PolledActivity["retryPolicy"];
  settings: WorkerSettings;
  details: Packed | undefined;
  /** Whether `details` are not sent yet. */
  fresh: boolean;
  end: (() => void)[];
  /** Releases the slot of the attempt. */
  done: () => void;
}

type Platform = Pick<ProviderPlatform, "now">;

/** The activity attempts in flight in this runtime. */
export class Activities {
  readonly #context: TaskContext;
  readonly #platform: Platform;
  readonly #attempts = new Map<string, Attempt>();
  readonly #runs = new Map<string, number>();
  readonly #times = new ActivityTimes();
  readonly #deadlines = new Deadlines();
  #numbers = 0;
  #count = 0;

  constructor(context: TaskContext, platform: Platform) {
    this.#context = context;
    this.#platform = platform;
  }

  get busy(): number {
    return this.#attempts.size;
  }

  /** Hands an attempt to a worker. @param done is called when it is over */
  take(polled: PolledActivity, settings: WorkerSettings, done: () => void = () => {}): void {
    try {
      this.#take(polled, settings, done);
    } catch (error) {
      done();
      const failure = WippyError.from(error).toJSON();
      void this.#answer("respondActivityTaskFailed", {
        taskToken: polled.taskToken ?? new Uint8Array(),
        failure: this.#context.conversion.failure(failure),
      });
    }
  }

  #take(polled: PolledActivity, settings: WorkerSettings, done: () => void): void {
    const { conversion, links, number, node, hostOf } = this.#context;
    const { workflowId = "", runId = "" } = polled.workflowExecution ?? {};
    const activityId = polled.activityId ?? "";
    const entry = polled.activityType?.name ?? "";
    const info = infoOf(polled.header);
    const hostId = info.host ?? hostOf(settings.taskQueue);
    const attempt = polled.attempt || 1;
    const seq = info.seq === undefined ? activityId.replaceAll(".", "_") : String(info.seq);
    const token = [number, this.#numberOf(runId ?? ""), seq, attempt, ++this.#count].join(".");
    const now = this.#platform.now();
    const started = instant(polled.startedTime) || now;
    const scheduled = instant(polled.scheduledTime) || now;
    const oneAttempt = milliseconds(polled.startToCloseTimeout) ?? Infinity;
    const all = milliseconds(polled.scheduleToCloseTimeout) ?? Infinity;
    // The server's clock may differ from this machine's, so only durations are used.
    const length = Math.min(oneAttempt, scheduled + all - started);
    const heartbeatTimeout = milliseconds(polled.heartbeatTimeout);
    const frame = frameOf(conversion, polled.header);
    const beaten = valuesOf(conversion, polled.heartbeatDetails);
    const worker = links.choose({ quick: this.#times.isQuick(entry) });
    const made: Attempt = {
      token,
      taskToken: polled.taskToken ?? new Uint8Array(),
      runId: runId ?? "",
      workflowId: workflowId ?? "",
      activityId,
      seq: info.seq,
      entry,
      attempt,
      worker,
      given: machine.precise(),
      operation: info.operation === true,
      wait: info.wait === true,
      canceling: false,
      retryPolicy: polled.retryPolicy,
      settings,
      details: undefined,
      fresh: false,
      end: [],
      done,
    };
    this.#attempts.set(token, made);
    links.count(worker, 1);
    if (Number.isFinite(length)) {
      made.end.push(this.#timer(length, () => this.#stop(made, "the attempt took too long")));
    }
    if (heartbeatTimeout !== undefined) this.#beat(made, heartbeatTimeout, info.beats === true);
    const args = pack(valuesOf(conversion, polled.input));
    links.send(worker, {
      type: "activity",
      task: {
        token,
        entry,
        operation: made.operation,
        args,
        ...frame && { frame },
        runId: made.runId,
        workflowId: made.workflowId,
        pid: workflowPid(node, hostId, made.workflowId),
        hostId,
        attempt,
        activityId,
        idempotencyToken: idempotencyToken(made.runId, seq),
        scheduledTime: scheduled,
        deadline: Number.isFinite(length) ? now + length : Number.MAX_SAFE_INTEGER,
        ...heartbeatTimeout !== undefined && !info.beats && { heartbeatTimeout },
        ...beaten.length > 0 && { heartbeat: pack(beaten) },
      },
    });
  }

  #numberOf(runId: string): number {
    let number = this.#runs.get(runId);
    if (number === undefined) this.#runs.set(runId, number = ++this.#numbers);
    // What a worker remembers of a run goes by this number.
    if (this.#runs.size > 10_000) {
      for (const oldest of this.#runs.keys()) {
        this.#runs.delete(oldest);
        break;
      }
    }
    return number;
  }

  #timer(delay: number, callback: () => void): () => void {
    return this.#deadlines.add(Math.max(0, delay), callback);
  }

  /** Sends heartbeats for an attempt. @param always also without new details from the activity */
  #beat(attempt: Attempt, timeout: number, always: boolean): void {
    const interval = Math.min(longestBeat, timeout * beatShare);
    const next = (): void => {
      const cancel = this.#timer(interval, () => {
        if (!this.#attempts.has(attempt.token)) return;
        if (always || attempt.fresh) void this.#sendBeat(attempt);
        next();
      });
      attempt.end = [...attempt.end.slice(-2), cancel];
    };
    next();
  }

  async #sendBeat(attempt: Attempt): Promise<void> {
    const { connection, conversion } = this.#context;
    attempt.fresh = false;
    const { details, taskToken, token } = attempt;
    try {
      const answer = await connection.rpc("recordActivityTaskHeartbeat", {
        taskToken,
        ...details && { details: unpackedPayloads(conversion, details) },
      });
      if (answer.cancelRequested && this.#attempts.has(token)) this.#cancel(attempt);
    } catch (error) {
      if (WippyError.from(error).kind === "NotFound") this.#stop(attempt, "it is no longer wanted");
    }
  }

  /** Handles heartbeat details of an activity. */
  heartbeat(token: string, details: Packed): void {
    const attempt = this.#attempts.get(token);
    if (!attempt) return;
    attempt.details = details;
    // The first is sent at once, the others with the next beat.
    const first = !attempt.fresh;
    attempt.fresh = true;
    if (first) void this.#sendBeat(attempt);
  }

  /** Handles the answer of a worker. */
  answered(token: string, result: ActivityResult): void {
    const attempt = this.#attempts.get(token);
    if (!attempt) return;
    this.#forget(attempt);
    const { entry, worker, given } = attempt;
    const way = worker !== this.#context.links.here;
    this.#times.note(entry, machine.precise() - given, way);
    void this.#report(attempt, result);
  }

  async #report(attempt: Attempt, result: ActivityResult): Promise<void> {
    const { conversion } = this.#context;
    const { taskToken, settings } = attempt;
    const version = deployment(settings);
    if (result.status === "completed") {
      const value = resultPayloads(conversion, result.value);
      return await this.#answer("respondActivityTaskCompleted", {
        taskToken,
        result: value,
        ...version,
      });
    }
    if (attempt.canceling && result.failure.kind === "Canceled") {
      return await this.#answer("respondActivityTaskCanceled", { taskToken, ...version });
    }
    await this.#failed(attempt, result.failure);
  }

  async #failed(attempt: Attempt, failure: Failure): Promise<void> {
    const { conversion, report } = this.#context;
    const { taskToken, details, settings, operation } = attempt;
    const converted = conversion.failure(failure);
    // Only the flag marks a failure as final; the failure itself is unchanged.
    if (operation && converted.applicationFailureInfo) {
      converted.applicationFailureInfo.nonRetryable = true;
    } else {
      const { workflowId, runId, activityId, entry } = attempt;
      const policy = policyOf(attempt);
      const decision = decideRetry(policy, failure, attempt.attempt, this.#platform.now());
      const next = "final" in decision ? decision.final : decision.delay;
      const record = attemptRecord({
        workflowId,
        runId,
        activityId,
        entry,
        attempt: attempt.attempt,
        failure,
        next,
      });
      if (record) report(record);
    }
    await this.#answer("respondActivityTaskFailed", {
      taskToken,
      failure: converted,
      ...details && { lastHeartbeatDetails: unpackedPayloads(conversion, details) },
      ...deployment(settings),
    });
  }

  /** Responds to the server as soon as it can be reached; it may not wait for the attempt. */
  async #answer<
    Name extends
      | "respondActivityTaskCompleted"
      | "respondActivityTaskFailed"
      | "respondActivityTaskCanceled",
  >(name: Name, request: RpcRequest<Name>): Promise<void> {
    const { connection, report, closing } = this.#context;
    for (let pause = shortestPause;; pause = Math.min(longestPause, 2 * pause)) {
      try {
        await connection.rpc(name, request, { timeout: 60_000 });
        return;
      } catch (error) {
        const { kind, message, retryable } = WippyError.from(error);
        if (kind === "NotFound") return;
        const final = !retryable || closing();
        if (final || pause === shortestPause) {
          const next = final ? "" : ", and is sent again";
          report({
            level: "warn",
            message: `the outcome of an activity did not reach the server${next}: ${message}`,
            fields: {},
          });
        }
        if (final) return;
      }
      // Sleeps because the server is away: it is the one to say that the attempt is over.
      await Bun.sleep(pause);
    }
  }

  /** Cancels an activity of a run. */
  cancel(runId: string, seq: number): void {
    for (const attempt of [...this.#attempts.values()]) {
      if (attempt.runId === runId && attempt.seq === seq) this.#cancel(attempt);
    }
  }

  #cancel(attempt: Attempt): void {
    if (attempt.canceling) return;
    attempt.canceling = true;
    const { token, worker, wait } = attempt;
    const { links } = this.#context;
    links.send(worker, {
      type: "activity_cancel",
      token,
      reason: "the activity is canceled",
      gently: wait,
    });
    if (wait) return;
    this.#forget(attempt);
    void this.#report(attempt, { status: "canceled", failure: canceledFailure() });
  }

  /** Handles the end of a run: its activities are stopped. */
  abort(runId: string): void {
    for (const attempt of [...this.#attempts.values()]) {
      if (attempt.runId === runId) this.#stop(attempt, "the workflow has ended");
    }
  }

  /** Stops an attempt that the server does not wait for. */
  #stop(attempt: Attempt, reason: string): void {
    if (!this.#attempts.has(attempt.token)) return;
    const { token, worker } = attempt;
    this.#context.links.send(worker, { type: "activity_cancel", token, reason, gently: false });
    this.#forget(attempt);
  }

  /** Handles the death of a worker with its attempts. */
  disconnect(worker: number, failure: Failure): void {
    for (const attempt of [...this.#attempts.values()]) {
      if (attempt.worker !== worker) continue;
      this.#forget(attempt);
      void this.#failed(attempt, failure);
    }
  }

  /** Fails the running attempts when the runtime stops; they are retried elsewhere or later. */
  async lose(failure: Failure): Promise<void> {
    const attempts = [...this.#attempts.values()];
    for (const attempt of attempts) this.#forget(attempt);
    await Promise.all(attempts.map((attempt) => this.#failed(attempt, failure)));
  }

  /** Drops all attempts without responding to the server. */
  abandon(): void {
    for (const attempt of [...this.#attempts.values()]) this.#forget(attempt);
  }

  #forget(attempt: Attempt): void {
    if (!this.#attempts.delete(attempt.token)) return;
    for (const end of attempt.end) end();
    this.#context.links.count(attempt.worker, -1);
    attempt.done();
  }
}

function policyOf({ retryPolicy }: Attempt): RetryPolicy {
  const initialInterval = milliseconds(retryPolicy?.initialInterval);
  const maximumInterval = milliseconds(retryPolicy?.maximumInterval);
  return {
    ...initialInterval !== undefined && { initialInterval },
    ...maximumInterval !== undefined && { maximumInterval },
    backoffCoefficient: retryPolicy?.backoffCoefficient ?? 2,
    maximumAttempts: retryPolicy?.maximumAttempts ?? 0,
    nonRetryableKinds: retryPolicy?.nonRetryableErrorTypes ?? [],
  };
}
