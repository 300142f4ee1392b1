import { machine } from "../../platform/machine.ts";
import type { Platform } from "../../platform/platform.ts";
import { pack, unpack } from "../../vm/codec.ts";
import { WippyError } from "../../vm/error.ts";
import type { LuaValue } from "../../vm/value.ts";
import type { Activation } from "../engine/activation.ts";
import type { Command } from "../engine/command.ts";
import type { Engine } from "../engine/engine.ts";
import { closingEvents, compare, notAskedFor } from "./determinism.ts";
import { type HistoryEvent, packCommands, unpackHistory } from "../history/history.ts";
import { isLocalToken } from "../tasks/tokens.ts";
import type { HeldLogs } from "./held-logs.ts";
import { LocalActivities, type LocalRunner } from "./local-activities.ts";
import {
  type Completed,
  completionOf,
  earlyResult,
  engineFailure,
  isClosed,
  type Performed,
  recordedAs,
  untilClosed,
  usesLocalActivities,
  withoutEnded,
} from "./outcomes.ts";
import { activationOf, markerStep, type Step, stepsOf } from "./steps.ts";
import {
  defaultTaskTimeout,
  type QueryAnswer,
  type QueryTask,
  type TaskCompletion,
  type TaskFailure,
  type WorkflowTask,
} from "../tasks/tasks.ts";

// Milliseconds that a task is held open for local activities.

/** For one that it has begun: until then, what comes to the run is not shown to the code. */
const hold = 1_000;
/** When the code has asked for more, which is done only when the task is completed. */
const shortHold = 20;
/** For those that were under way before: the provider says when something comes (`expedite`). */
const longHold = 20_000;
/** Commands that one task may have and still be held open. */
const mostCommands = 1_000;

/** Commands that change nothing outside of the run. */
const inward: ReadonlySet<Command["type"]> = new Set<Command["type"]>([
  "record",
  "record_patch",
  "schedule_local_activity",
  "cancel_local_activity",
  "upsert_attributes",
]);

/** Tasks that are replayed before other work of the worker gets its turn: about two milliseconds. */
const tasksATurn = 200;

/** How much a taskHandler keeps, and what it depends on. */
export interface ReplayerOptions {
  /** Runs kept live in memory, 1,000 unless given; the least recently used ones come back by replay. */
  maxRuns?: number;
  /** The machine's, unless given. */
  platform?: Pick<Platform, "now" | "setTimer" | "defer">;
  /** Whether memory is short, so that fewer runs have to be kept. */
  isFull?: () => boolean;
  /** Holds what code logs in early tasks. */
  logs?: Pick<HeldLogs<never>, "begin" | "end">;
}

/**
 * Turns histories into activations, on the thread of the engine. It remembers up to which task the
 * engine has seen each run, so that a task that carries only what is new goes straight on; a whole
 * history is replayed first, and what the code does is compared with what it did.
 */
export class WorkflowTaskHandler {
  readonly #engine: Engine;
  readonly #platform: Pick<Platform, "now" | "defer">;
  readonly #isFull: () => boolean;
  readonly #logs: ReplayerOptions["logs"];
  readonly #locals: LocalActivities;
  readonly #maxRuns: number;
  /**
   * Id of the last task that the engine has completed, by run id, the least recently used first.
   */
  readonly #seen = new Map<string, number>();
  /** What is being done with a run. */
  readonly #busy = new Map<string, Promise<unknown>>();

  /** @param runner runs the attempts of local activities. */
  constructor(
    engine: Engine,
    runner: LocalRunner,
    { maxRuns = 1_000, platform = machine, isFull = () => false, logs }: ReplayerOptions = {},
  ) {
    this.#engine = engine;
    this.#platform = platform;
    this.#isFull = isFull;
    this.#logs = logs;
    this.#locals = new LocalActivities(platform, runner);
    this.#maxRuns = maxRuns;
  }

  /**
   * Runs a task; at once if it is an early one of a run in memory whose code comes to rest within a turn. Never
   * rejects: what goes wrong is the answer. One run's tasks must not overlap.
   */
  run(task: WorkflowTask): TaskCompletion | Promise<TaskCompletion> {
    const { token, runId, since, early } = task;
    if (!early || since === 0 || !this.#holds(task)) return this.#runLater(task);
    if (this.#busy.has(runId) || this.#locals.isUsedBy(runId)) return this.#runLater(task);
    let end = (_keep: boolean) => false;
    try {
      const [live, next] = stepsOf(unpackHistory(task.history));
      if (!live || live.commands || next) return this.#runLater(task);
      this.#locals.open(runId);
      end = this.#holdLogs(runId);
      const answer = this.#engine.activate(activationOf(runId, live));
      if (!Array.isArray(answer)) return this.#finishLater(task, live, answer, end);
      const commands = this.#took(runId, live, answer);
      return completionOf(token, earlyResult(task, commands, end(commands !== undefined)));
    } catch (error) {
      end(false);
      this.evict(runId);
      return completionOf(token, engineFailure(error));
    }
  }

  async #runLater(task: WorkflowTask): Promise<TaskCompletion> {
    const { token, runId } = task;
    // Now, and not when its turn comes: this task may be expedited before.
    this.#locals.open(runId);
    try {
      const result = await this.#inTurn(runId, () => this.#work(task));
      if ("cause" in result) this.evict(runId);
      return completionOf(token, result);
    } catch (error) {
      return completionOf(token, engineFailure(error));
    }
  }

  /** The rest of an early task whose code runs for longer than a turn. */
  async #finishLater(
    task: WorkflowTask,
    live: Step,
    answer: Promise<Command[]>,
    end: (keep: boolean) => boolean,
  ): Promise<TaskCompletion> {
    const { token, runId } = task;
    try {
      const result = await this.#inTurn(runId, async () => {
        const commands = this.#took(runId, live, await answer);
        return earlyResult(task, commands, end(commands !== undefined));
      });
      return completionOf(token, result);
    } catch (error) {
      end(false);
      return completionOf(token, engineFailure(error));
    }
  }

  /** Holds what the code of a run logs. Returns what ends that, and says whether anything waits. */
  #holdLogs(runId: string): (keep: boolean) => boolean {
    const pid = this.#locals.pidOf(runId) ?? "";
    this.#logs?.begin(pid);
    return (keep) => this.#logs?.end(pid, runId, keep) ?? false;
  }

  /**
   * Shows a run the outcome that it waits for before its provider has it. Nothing that follows may leave the worker
   * until the provider has both.
   *
   * @param since id of the last task that the run was shown by its provider
   * @param events the outcome, and the start of the task that shows it
   * @returns packed commands of the task; undefined when it is for the provider to show the outcome: the run is
   *   elsewhere, or the code begins local activities, whose effects could not wait
   */
  async runAhead(
    runId: string,
    since: number,
    events: HistoryEvent[],
  ): Promise<Uint8Array | undefined> {
    return await this.#inTurn(runId, async () => {
      if (!this.#holds({ runId, since }) || this.#locals.isUsedBy(runId)) return undefined;
      const [live] = stepsOf(events);
      if (!live) throw new Error("a task without its start");
      const commands = await this.#performAhead(runId, live);
      return commands && packCommands(commands);
    });
  }

  /**
   * Runs an open task that its provider does not have. Returns undefined, and forgets the run, if the code begins local
   * activities.
   */
  async #performAhead(runId: string, live: Step): Promise<Command[] | undefined> {
    const answer = this.#engine.activate(activationOf(runId, live));
    return this.#took(runId, live, Array.isArray(answer) ? answer : await answer);
  }

  /** What a run that is ahead of its provider has answered. Returns undefined as `#performAhead` does. */
  #took(runId: string, live: Step, answer: Command[]): Command[] | undefined {
    const commands = untilClosed(answer);
    this.#locals.note(runId, commands);
    if (isClosed(commands)) this.evict(runId);
    else if (this.#locals.isUsedBy(runId)) {
      this.evict(runId);
      return undefined;
    } else this.#remember(runId, live.started.id);
    return commands;
  }

  /** Answers a query. Never rejects. What a closed run has in memory is gone afterwards. */
  async query(task: QueryTask): Promise<QueryAnswer> {
    const { token, runId, name, args } = task;
    const answer = (outcome: QueryAnswer["outcome"]): QueryAnswer => ({
      token,
      since: this.#engine.has(runId) ? this.#seen.get(runId) ?? 0 : 0,
      outcome,
    });
    try {
      return await this.#inTurn(runId, async () => {
        if (task.since > 0 && !this.#holds(task)) return answer({ type: "cache_miss" });
        const closed = task.since === 0 && await this.#rebuild(task);
        try {
          const value = this.#engine.query(runId, name, unpack(args) as LuaValue[]);
          if (closed) this.evict(runId);
          return answer({
            type: "completed",
            ...value === undefined ? {} : { value: pack(value) },
          });
        } catch (error) {
          const failure = WippyError.from(error).toJSON();
          // What the handler has changed comes back as it was by replay.
          if (closed || failure.details?.changed_run === true) this.evict(runId);
          return answer({ type: "failed", failure });
        }
      });
    } catch (error) {
      const { kind, message } = WippyError.from(error);
      if (kind === "Conflict") {
        return answer({ type: "failed", failure: WippyError.from(error).toJSON() });
      }
      return answer({ type: "lost", message });
    }
  }

  /** Events have come for a run whose task is held open by local activities: it is completed. */
  expedite(runId: string): void {
    this.#locals.expedite(runId);
  }

  /** Takes the outcome of an attempt of a local activity. @returns false when the token is another's */
  answered(token: string, value: LuaValue, error: LuaValue): boolean {
    if (!isLocalToken(token)) return false;
    this.#locals.answered(token, value, error);
    return true;
  }

  /** Forgets a run. */
  evict(runId: string): void {
    this.#seen.delete(runId);
    this.#locals.drop(runId);
    this.#engine.evict(runId);
  }

  /** Runs what is to be done with one run after what is being done with it. */
  async #inTurn<Result>(runId: string, work: () => Promise<Result>): Promise<Result> {
    const clean = async () => {
      try {
        return await work();
      } catch (error) {
        this.evict(runId);
        throw error;
      }
    };
    const before = this.#busy.get(runId);
    const turn = before === undefined ? clean() : before.then(clean, clean);
    this.#busy.set(runId, turn);
    try {
      return await turn;
    } finally {
      if (this.#busy.get(runId) === turn) this.#busy.delete(runId);
    }
  }

  #holds({ runId, since }: { runId: string; since: number }): boolean {
    return this.#seen.get(runId) === since && this.#engine.has(runId);
  }

  /**
   * Brings a run to the end of its history, for a query.
   *
   * @returns whether it is closed.
   * @throws Conflict when the code does not repeat its history.
   */
  async #rebuild({ runId, history }: QueryTask): Promise<boolean> {
    this.evict(runId);
    const steps = this.#begin(runId, history).filter((step) => step.commands);
    const last = steps.at(-1);
    if (!last) {
      throw new WippyError("Conflict", "the run closed before its code had begun", {
        retryable: false,
      });
    }
    const failure = await this.#replay(runId, steps, true);
    if (failure) {
      throw new WippyError("Conflict", `the run cannot be replayed: ${failure.message}`, {
        retryable: false,
      });
    }
    const closed = last.commands?.some(({ type }) => closingEvents.has(type)) ?? false;
    if (!closed) this.#remember(runId, last.started.id);
    return closed;
  }

  async #work(task: WorkflowTask): Promise<Completed | TaskFailure> {
    const { runId, since } = task;
    if (since > 0 && !this.#holds(task)) {
      return { cause: "cache_miss", message: "the worker does not hold the run in memory" };
    }
    if (since === 0) this.evict(runId);
    const steps = since === 0
      ? this.#begin(runId, task.history)
      : stepsOf(unpackHistory(task.history));
    const live = steps.pop();
    if (!live || live.commands) throw new Error("a task without an open task in its history");
    const failure = await this.#replay(runId, steps);
    if (failure) return failure;
    if (task.early) return await this.#workEarly(task, live);
    const commands = await this.#perform(task, live);
    const forceNewTask = !isClosed(commands) && this.#locals.busy(runId);
    if (isClosed(commands)) this.evict(runId);
    else this.#remember(runId, live.started.id);
    return {
      type: "completed",
      commands: recordedAs(task, withoutEnded(commands)),
      ...forceNewTask && { forceNewTask },
    };
  }

  async #workEarly(task: WorkflowTask, live: Step): Promise<Completed | TaskFailure> {
    const { runId } = task;
    if (this.#locals.isUsedBy(runId)) return usesLocalActivities;
    const end = this.#holdLogs(runId);
    try {
      const commands = await this.#performAhead(runId, live);
      return earlyResult(task, commands, end(commands !== undefined));
    } catch (error) {
      end(false);
      throw error;
    }
  }

  /** A run is built from its whole history. */
  #begin(runId: string, history: WorkflowTask["history"]): Step[] {
    const events = unpackHistory(history);
    const [first] = events;
    if (first?.type === "ExecutionStarted") this.#locals.introduce(runId, first.data);
    return stepsOf(events);
  }

  /**
   * Runs the open task. While local activities are under way it is held open, for a bounded time: each
   * outcome is an activation of its own and leaves a marker among the commands, so that a replay finds
   * the same ones. Those that take longer go on in memory, and end in the task that follows at once
   * (`forceNewTask`): as long as one is under way the run has an open task, which is what brings it back
   * after a crash. Temporal's workers do the same and call it a task heartbeat.
   */
  async #perform(
    { runId, timeout = defaultTaskTimeout }: WorkflowTask,
    live: Step,
  ): Promise<Performed> {
    const now = () => this.#platform.now();
    const commands: Performed = [];
    let due = now() + Math.min(longHold, timeout / 2);
    for (let step = live;;) {
      const answer = this.#engine.activate(activationOf(runId, step));
      const issued = untilClosed(Array.isArray(answer) ? answer : await answer);
      this.#locals.note(runId, issued);
      commands.push(...issued);
      if (isClosed(commands)) return commands;
      if (this.#locals.begin(runId)) due = Math.min(due, now() + Math.min(hold, timeout / 2));
      if (!this.#locals.busy(runId)) return commands;
      if (!issued.every(({ type }) => inward.has(type))) due = Math.min(due, now() + shortHold);
      if (commands.length >= mostCommands) due = 0;
      const outcome = now() < due ? await this.#locals.next(runId, due) : undefined;
      if (!outcome) return commands;
      this.#locals.settle(runId, outcome.seq);
      commands.push({ type: "record_local_activity", ...outcome });
      step = markerStep(live, { id: 0, time: 0, type: "LocalActivityRecorded", data: outcome });
    }
  }

  /** Brings the engine to where history is. Returns the first difference between the two. */
  async #replay(runId: string, steps: Step[], retain = false): Promise<TaskFailure | undefined> {
    const failure = await this.#compare(runId, steps, retain ? { retain } : {});
    if (!failure) return undefined;
    // Once more, to say where in the code it is.
    this.#engine.evict(runId);
    this.#locals.restart(runId);
    return await this.#compare(runId, steps, { retain, explain: true }) ?? failure;
  }

  async #compare(
    runId: string,
    steps: Step[],
    how: Pick<Activation, "retain" | "explain">,
  ): Promise<TaskFailure | undefined> {
    let at = 0;
    while (at < steps.length) {
      // Whatever else the worker has to do gets its turn.
      if (at > 0 && at % tasksATurn === 0) await this.#turn();
      // One by one where the code's place after each is wanted.
      const batch = steps.slice(at, at + (how.explain ? 1 : tasksATurn));
      const answers = this.#engine.replay(
        batch.map((step) => Object.assign(activationOf(runId, step), how)),
      );
      if (answers.length === 0) throw new Error(`run ${runId}: the engine replayed nothing`);
      for (const [number, answer] of answers.entries()) {
        const { started, commands: events = [], shown: [marker], ended } = batch[number]!;
        const where = () => this.#engine.where(runId);
        if (marker?.type === "LocalActivityRecorded") {
          const asked = this.#locals.settle(runId, marker.data.seq);
          if (!asked) return notAskedFor(started.id, marker, where);
        }
        const commands = untilClosed(Array.isArray(answer) ? answer : await answer);
        this.#locals.note(runId, commands);
        const failure = compare(started.id, events, commands, where, ended);
        if (failure) return failure;
      }
      at += answers.length;
    }
    return undefined;
  }

  #turn(): Promise<void> {
    return new Promise((resolve) => void this.#platform.defer(resolve));
  }

  #remember(runId: string, task: number): void {
    this.#seen.delete(runId);
    this.#seen.set(runId, task);
    let surplus = this.#seen.size - this.#maxRuns;
    // What is dropped is free only after a collection, so a few at a time.
    if (surplus <= 0 && this.#seen.size > 1 && this.#isFull()) surplus = 2;
    if (surplus <= 0) return;
    for (const oldest of this.#seen.keys()) {
      // One that is at work is not idle, however long ago its last task was.
      if (oldest === runId || this.#busy.has(oldest) || this.#locals.busy(oldest)) continue;
      this.evict(oldest);
      if (--surplus === 0) return;
    }
  }

  /**
   * Checks whether the code still does what a stored history says, without a task: for `wippy
   * workflow replay`.
   *
   * @param history packed, whole.
   * @returns the first difference, undefined when there is none.
   */
  async check(runId: string, history: Uint8Array): Promise<TaskFailure | undefined> {
    try {
      return await this.#replay(
        runId,
        this.#begin(runId, history).filter((step) => step.commands),
      );
    } catch (error) {
      return engineFailure(error);
    } finally {
      this.evict(runId);
    }
  }

  /**
   * Brings a run to where its code waits after so many activations of a stored history, and keeps it there until it is
   * evicted, for a debugger. What closes in them ends as it did.
   *
   * @param history packed, whole
   * @param activations how many, of {@link stepsOf} those that were completed
   * @returns the difference at which the code stands instead, undefined when there is none.
   */
  async bringTo(
    runId: string,
    history: Uint8Array,
    activations: number,
  ): Promise<TaskFailure | undefined> {
    this.evict(runId);
    try {
      const steps = this.#begin(runId, history).filter((step) => step.commands);
      return await this.#replay(runId, steps.slice(0, activations), true);
    } catch (error) {
      return engineFailure(error);
    }
  }
}
