import type {
  Activation,
  ActivityBackoff,
  InitializeWorkflow,
  Job,
} from "../../src/workflows/engine/activation.ts";
import type {
  Command,
  CommandBody,
  ScheduleLocalActivity,
} from "../../src/workflows/engine/command.ts";
import type { Engine } from "../../src/workflows/engine/engine.ts";
import type { Failure, Outcome } from "../../src/workflows/engine/outcome.ts";
import type { ActivityOptions, ChildOptions } from "../../src/workflows/options/options.ts";
import { unpack } from "../../src/vm/codec.ts";
import type { LuaValue } from "../../src/vm/value.ts";

/** Something that a script can wait for. */
export class Ticket<Value> {
  settled?: { value: Value } | { failure: Failure };
}

/** The error that a script sees, and that ends it when it does not catch it. */
export class ScriptError extends Error {
  constructor(readonly failure: Failure) {
    super(failure.message);
  }
}

type Steps = Generator<Ticket<unknown>, LuaValue, LuaValue>;

/**
 * A workflow in TypeScript: `yield` a ticket to wait for it, or a plain function that does not
 * wait.
 */
export type Script = (run: ScriptRun, ...args: LuaValue[]) => Steps | LuaValue;

interface Received {
  name: string;
  payloads: LuaValue[];
  sender: string;
}

/** What a script may do; each method issues its command at once. */
export class ScriptRun {
  commands: Command[] = [];
  activation!: Activation;
  start!: InitializeWorkflow;
  cancelReason?: string;
  readonly signals: Received[] = [];
  readonly tickets = new Map<string, Ticket<LuaValue>>();
  readonly recorded = new Map<number, Extract<Job, { type: "recorded" }>>();
  readonly patches = new Map<string, number>();
  /** What is done when a timer fires. */
  readonly retries = new Map<number, () => void>();
  readonly #locals = new Map<number, ScheduleLocalActivity>();
  readonly #numbers: Record<string, number> = {};
  readonly #answered = new Map<string, number>();
  #waitingForSignal: Ticket<LuaValue> | undefined;
  #line = 0;

  /** Workflow time, milliseconds since the epoch. */
  get now(): number {
    return this.activation.timestamp;
  }

  activity(
    entry: string,
    args: LuaValue[] = [],
    options: ActivityOptions = {},
    more: { activityId?: string; operation?: boolean } = {},
  ): Ticket<LuaValue> & { seq: number } {
    const seq = this.#number("activity");
    this.issue({ type: "schedule_activity", seq, entry, args, options, ...more });
    return Object.assign(this.#ticket(`activity ${seq}`), { seq });
  }

  localActivity(
    entry: string,
    args: LuaValue[] = [],
    options: ActivityOptions = {},
  ): Ticket<LuaValue> & { seq: number } {
    const seq = this.#number("activity");
    const command = { type: "schedule_local_activity", seq, entry, args, options } as const;
    this.#locals.set(seq, { ...command, attempt: 1, originalScheduleTime: this.now });
    this.issue(this.#locals.get(seq)!);
    return Object.assign(this.#ticket(`activity ${seq}`), { seq });
  }

  cancelLocalActivity(seq: number): void {
    this.issue({ type: "cancel_local_activity", seq });
  }

  backOff(seq: number, { attempt, duration }: ActivityBackoff): void {
    const command = this.#locals.get(seq)!;
    this.retries.set(this.sleep(duration).seq, () => this.issue({ ...command, attempt }));
  }

  cancelActivity(seq: number): void {
    this.issue({ type: "cancel_activity", seq });
  }

  sleep(duration: number): Ticket<LuaValue> & { seq: number } {
    const seq = this.#number("timer");
    this.issue({ type: "start_timer", seq, duration });
    return Object.assign(this.#ticket(`timer ${seq}`), { seq });
  }

  cancelTimer(seq: number): void {
    this.issue({ type: "cancel_timer", seq });
  }

  /** The start (a PID) and the end of a child. */
  child(
    entry: string,
    args: LuaValue[] = [],
    options: ChildOptions & { workflowId?: string } = {},
  ): { started: Ticket<LuaValue>; closed: Ticket<LuaValue>; seq: number } {
    const seq = this.#number("child");
    const { workflowId, ...rest } = options;
    this.issue({
      type: "start_child",
      seq,
      entry,
      hostId: this.start.hostId,
      args,
      options: rest,
      ...workflowId === undefined ? {} : { workflowId },
    });
    return {
      seq,
      started: this.#ticket(`child start ${seq}`),
      closed: this.#ticket(`child ${seq}`),
    };
  }

  cancelChild(seq: number): void {
    this.issue({ type: "cancel_child", seq });
  }

  signalExternal(pid: string, name: string, ...payloads: LuaValue[]): Ticket<LuaValue> {
    const seq = this.#number("signal");
    this.issue({ type: "signal_external", seq, pid, name, payloads });
    return this.#ticket(`signal ${seq}`);
  }

  cancelExternal(pid: string, reason?: string): Ticket<LuaValue> {
    const seq = this.#number("cancel");
    this.issue({ type: "cancel_external", seq, pid, ...reason ? { reason } : {} });
    return this.#ticket(`cancel ${seq}`);
  }

  /** Runs `make` once and records what it gives. */
  record(make: () => LuaValue): LuaValue {
    const seq = this.#number("record");
    const known = this.recorded.get(seq);
    const value = known ? known.value : make();
    this.issue({ type: "record", seq, value });
    return value;
  }

  version(changeId: string, maximum: number): number {
    const answered = this.#answered.get(changeId);
    if (answered !== undefined) return answered;
    const known = this.patches.get(changeId);
    const version = known ?? (this.activation.replaying ? -1 : maximum);
    this.#answered.set(changeId, version);
    if (version >= 0) this.issue({ type: "record_patch", changeId, version });
    return version;
  }

  send(pid: string, topic: string, ...payloads: LuaValue[]): void {
    this.issue({ type: "send_message", seq: this.#number("message"), pid, topic, payloads });
  }

  publish(queue: string, value: LuaValue, more: { messageId?: string; delay?: number } = {}): void {
    this.issue({ type: "publish", seq: this.#number("publication"), queue, value, ...more });
  }

  attributes(search?: Record<string, LuaValue>, memo?: Record<string, LuaValue>): void {
    this.issue({ type: "upsert_attributes", ...search ? { search } : {}, ...memo ? { memo } : {} });
  }

  /** The next signal that was not taken yet. */
  signal(): Ticket<LuaValue> {
    const ticket = new Ticket<LuaValue>();
    const first = this.signals.shift();
    if (first) ticket.settled = { value: asValue(first) };
    else this.#waitingForSignal = ticket;
    return ticket;
  }

  /** Settled when the run is asked to cancel. */
  canceled(): Ticket<LuaValue> {
    const ticket = this.#ticket("canceled");
    if (this.cancelReason !== undefined) ticket.settled = { value: this.cancelReason };
    return ticket;
  }

  continueAsNew(entry: string, ...args: LuaValue[]): Ticket<never> {
    this.issue({ type: "continue_as_new", entry, args });
    return new Ticket<never>();
  }

  issue(body: CommandBody): void {
    this.commands.push({ at: `${this.start.entry}:${++this.#line}`, ...body });
  }

  settle(key: string, result: Outcome<LuaValue>): void {
    const ticket = this.tickets.get(key);
    if (!ticket || ticket.settled) return;
    ticket.settled = result.status === "completed"
      ? { value: result.value }
      : { failure: result.failure };
  }

  receive(signal: Received): void {
    if (this.#waitingForSignal) {
      this.#waitingForSignal.settled = { value: asValue(signal) };
      this.#waitingForSignal = undefined;
    } else {
      this.signals.push(signal);
    }
  }

  #number(kind: string): number {
    return this.#numbers[kind] = (this.#numbers[kind] ?? 0) + 1;
  }

  #ticket(key: string): Ticket<LuaValue> {
    const ticket = new Ticket<LuaValue>();
    this.tickets.set(key, ticket);
    return ticket;
  }
}

function asValue({ name, payloads, sender }: Received): LuaValue {
  return { name, payloads, sender };
}

interface Live {
  run: ScriptRun;
  begin?: () => Steps | LuaValue;
  steps?: Steps;
  waiting?: Ticket<unknown>;
}

function isSteps(value: Steps | LuaValue): value is Steps {
  return typeof (value as Steps | undefined)?.next === "function";
}

/** An engine whose workflows are generators. */
export class ScriptedEngine implements Engine {
  /** Activations that were not replays, in order. */
  readonly activations: Activation[] = [];
  readonly #runs = new Map<string, Live>();

  constructor(readonly scripts: Record<string, Script>) {}

  has(runId: string): boolean {
    return this.#runs.has(runId);
  }

  evict(runId: string): void {
    this.#runs.delete(runId);
  }

  where(): string {
    return "app:script:9";
  }

  /** Answers with the query itself. */
  query(runId: string, name: string, args: LuaValue[]): LuaValue {
    if (!this.#runs.has(runId)) throw new Error(`the run ${runId} is not in memory`);
    return { name, args };
  }

  activate(activation: Activation): Command[] | Promise<Command[]> {
    if (!activation.replaying) this.activations.push(activation);
    let live = this.#runs.get(activation.runId);
    if (!live) this.#runs.set(activation.runId, live = { run: new ScriptRun() });
    live.run.activation = activation;
    live.run.commands = [];
    for (const job of activation.jobs) this.#apply(live, job);
    this.#advance(live);
    return live.run.commands;
  }

  replay(activations: Activation[]): (Command[] | Promise<Command[]>)[] {
    return activations.slice(0, 1).map((activation) => this.activate(activation));
  }

  #apply(live: Live, job: Job): void {
    const { run } = live;
    switch (job.type) {
      case "initialize_workflow": {
        run.start = job;
        const script = this.scripts[job.entry];
        if (script) live.begin = () => script(run, ...job.args);
        return;
      }
      case "fire_timer":
        run.retries.get(job.seq)?.();
        return run.settle(`timer ${job.seq}`, { status: "completed", value: run.now });
      case "complete_activity":
        return run.settle(`activity ${job.seq}`, {
          status: "completed",
          value: unpack(job.value),
        });
      case "resolve_activity":
        if (job.result.status !== "backoff") {
          return run.settle(`activity ${job.seq}`, job.result);
        }
        return run.backOff(job.seq, job.result);
      case "signal_workflow":
        return run.receive({ ...job, payloads: unpack(job.payloads) as LuaValue[] });
      case "cancel_workflow":
        run.cancelReason = job.reason ?? "";
        return run.settle("canceled", { status: "completed", value: run.cancelReason });
      case "resolve_child_start":
        return run.settle(`child start ${job.seq}`, outcomeOf(job.failure, job.pid));
      case "resolve_child":
        return run.settle(`child ${job.seq}`, job.result);
      case "resolve_signal_external":
        return run.settle(`signal ${job.seq}`, outcomeOf(job.failure, true));
      case "resolve_cancel_external":
        return run.settle(`cancel ${job.seq}`, outcomeOf(job.failure, true));
      case "recorded":
        run.recorded.set(job.seq, job);
        return;
      case "do_update":
        return run.receive({ name: job.name, payloads: job.args, sender: job.updateId });
      case "update_verdict":
      case "publish_refused":
        return;
      case "notify_patch":
        run.patches.set(job.changeId, job.version);
        return;
    }
  }

  #advance(live: Live): void {
    const { run, begin } = live;
    if (!begin) {
      const message = `there is no script ${run.start.entry}`;
      run.issue({
        type: "fail_workflow",
        failure: { kind: "NotFound", message, retryable: false },
      });
      return;
    }
    try {
      if (!live.steps) {
        const begun = begin();
        if (!isSteps(begun)) {
          run.issue({ type: "complete_workflow", result: begun });
          return;
        }
        live.steps = begun;
      }
      while (!live.waiting || live.waiting.settled) {
        const settled = live.waiting?.settled;
        const next = !settled
          ? live.steps.next(undefined as never)
          : "failure" in settled
          ? live.steps.throw(new ScriptError(settled.failure))
          : live.steps.next(settled.value as LuaValue);
        if (next.done) {
          run.issue({ type: "complete_workflow", result: next.value });
          return;
        }
        live.waiting = next.value;
      }
    } catch (error) {
      if (!(error instanceof ScriptError)) throw error;
      run.issue(
        error.failure.kind === "Canceled" && run.cancelReason !== undefined
          ? { type: "cancel_workflow_execution", failure: error.failure }
          : { type: "fail_workflow", failure: error.failure },
      );
    }
  }
}

function outcomeOf(failure: Failure | undefined, value: LuaValue): Outcome<LuaValue> {
  return failure ? { status: "failed", failure } : { status: "completed", value };
}
