import { machine } from "../surroundings/machine.ts";
import type { Surroundings } from "../surroundings/surroundings.ts";
import { pack, unpack } from "../vm/codec.ts";
import { WippyError } from "../vm/error.ts";
import type { LuaValue } from "../vm/value.ts";
import type { Activation, Job } from "./engine/activation.ts";
import type { Command } from "./engine/command.ts";
import type { Engine } from "./engine/engine.ts";
import { closingCommands, closingEvents, compare, isCommandEvent } from "./determinism.ts";
import { type HistoryEvent, packCommands, unpackHistory } from "./history.ts";
import { jobOf, recordOf } from "./jobs.ts";
import type {
  QueryAnswer,
  QueryTask,
  TaskCompletion,
  TaskFailure,
  WorkflowTask,
} from "./provider.ts";

type TaskStarted = Extract<HistoryEvent, { type: "TaskStarted" }>;

/** Tasks that are replayed before other work of the worker gets its turn: about two milliseconds. */
const tasksATurn = 200;

/** How much a replayer keeps. */
export interface ReplayerOptions {
  /** Runs kept live in memory, 1,000 unless given; the least recently used ones come back by replay. */
  maxRuns?: number;
  /** Calls back when what has arrived meanwhile was received. */
  defer?: Surroundings["defer"];
  /** Whether memory is short, so that fewer runs have to be kept. */
  isFull?: () => boolean;
}

/** One task of a history. */
interface Step {
  started: TaskStarted;
  /** Inbound events that the task shows to the code. */
  shown: HistoryEvent[];
  /** Events of its commands; undefined for the task that has yet to be run. */
  commands?: HistoryEvent[];
}

/**
 * Turns histories into activations, on the thread of the engine. It remembers up to which task the
 * engine has seen each run, so that a task that carries only what is new goes straight on; a whole
 * history is replayed first, and what the code does is compared with what it did.
 */
export class Replayer {
  readonly #engine: Engine;
  readonly #defer: Surroundings["defer"];
  readonly #isFull: () => boolean;
  readonly #maxRuns: number;
  /**
   * Id of the last task that the engine has completed, by run id, the least recently used first.
   */
  readonly #seen = new Map<string, number>();
  /** What is being done with a run. */
  readonly #busy = new Map<string, Promise<unknown>>();

  constructor(
    engine: Engine,
    { maxRuns = 1_000, defer = machine.defer, isFull = () => false }: ReplayerOptions = {},
  ) {
    this.#engine = engine;
    this.#defer = defer;
    this.#isFull = isFull;
    this.#maxRuns = maxRuns;
  }

  /**
   * Runs a task. Never rejects: what goes wrong is the answer. One run's tasks must not overlap.
   */
  async run(task: WorkflowTask): Promise<TaskCompletion> {
    const answer = (outcome: TaskCompletion["outcome"]): TaskCompletion => ({
      token: task.token,
      outcome,
    });
    try {
      const result = await this.#inTurn(task.runId, () => this.#work(task));
      if (!Array.isArray(result)) {
        this.evict(task.runId);
        return answer({ type: "failed", failure: result });
      }
      return answer({ type: "completed", commands: packCommands(result) });
    } catch (error) {
      return answer({ type: "failed", failure: engineFailure(error) });
    }
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

  /** Forgets a run. */
  evict(runId: string): void {
    this.#seen.delete(runId);
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
    const steps = stepsOf(unpackHistory(history)).filter((step) => step.commands);
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

  async #work(task: WorkflowTask): Promise<Command[] | TaskFailure> {
    const { runId, since } = task;
    if (since > 0 && !this.#holds(task)) {
      return { cause: "cache_miss", message: "the worker does not hold the run in memory" };
    }
    if (since === 0) this.evict(runId);
    const steps = stepsOf(unpackHistory(task.history));
    const live = steps.pop();
    if (!live || live.commands) throw new Error("a task without an open task in its history");
    const failure = await this.#replay(runId, steps);
    if (failure) return failure;
    const answer = this.#engine.activate(activationOf(runId, live));
    const commands = untilClosed(Array.isArray(answer) ? answer : await answer);
    if (closingCommands.has(commands.at(-1)?.type as Command["type"])) this.evict(runId);
    else this.#remember(runId, live.started.id);
    return commands;
  }

  /** Brings the engine to where history is. Answers the first difference between the two. */
  async #replay(runId: string, steps: Step[], retain = false): Promise<TaskFailure | undefined> {
    const failure = await this.#compare(runId, steps, retain ? { retain } : {});
    if (!failure) return undefined;
    // Once more, to say where in the code it is.
    this.#engine.evict(runId);
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
        batch.map((step) => ({ ...activationOf(runId, step), ...how })),
      );
      if (answers.length === 0) throw new Error(`run ${runId}: the engine replayed nothing`);
      for (const [number, answer] of answers.entries()) {
        const { started, commands: events = [] } = batch[number]!;
        const commands = untilClosed(Array.isArray(answer) ? answer : await answer);
        const failure = compare(started.id, events, commands, () => this.#engine.where(runId));
        if (failure) return failure;
      }
      at += answers.length;
    }
    return undefined;
  }

  #turn(): Promise<void> {
    return new Promise((resolve) => void this.#defer(resolve));
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
      if (oldest === runId || this.#busy.has(oldest)) continue;
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
        stepsOf(unpackHistory(history)).filter((step) => step.commands),
      );
    } catch (error) {
      return engineFailure(error);
    } finally {
      this.evict(runId);
    }
  }
}

/** What code would do after closing its run is left out. */
function untilClosed(commands: Command[]): Command[] {
  const closing = commands.findIndex(({ type }) => closingCommands.has(type));
  return closing < 0 ? commands : commands.slice(0, closing + 1);
}

/** Cuts a history, or the part of it that came in since a task, into tasks. */
function stepsOf(events: HistoryEvent[]): Step[] {
  const steps: Step[] = [];
  let arrived: HistoryEvent[] = [];
  for (const event of events) {
    if (event.type === "TaskStarted") {
      steps.push({ started: event, shown: arrived });
      arrived = [];
    } else if (event.type === "TaskCompleted") {
      const step = steps.at(-1);
      if (step) step.commands = [];
    } else if (event.type === "TaskFailed") {
      // Its commands were refused: what it showed is shown again by the next task.
      arrived = [...steps.pop()?.shown ?? [], ...arrived];
    } else if (isCommandEvent(event)) {
      steps.at(-1)?.commands?.push(event);
    } else {
      arrived.push(event);
    }
  }
  return steps;
}

function activationOf(runId: string, { started, shown, commands }: Step): Activation {
  const jobs: Job[] = [];
  for (const event of commands ?? []) {
    const job = recordOf(event);
    if (job) jobs.push(job);
  }
  for (const event of shown) {
    const job = jobOf(event);
    if (job) jobs.push(job);
  }
  return {
    runId,
    timestamp: started.time,
    replaying: commands !== undefined,
    historyLength: started.id,
    historySize: started.data.size,
    jobs,
  };
}

/**
 * An engine says by `details.nondeterminism` that the code does not fit the history; all else may
 * pass.
 */
function engineFailure(error: unknown): TaskFailure {
  const { message, details } = WippyError.from(error);
  if (details?.nondeterminism !== true) return { cause: "lost", message };
  const { event_id: eventId, event, command, at } = details;
  return {
    cause: "nondeterminism",
    message,
    ...typeof eventId === "number" && { expected: { eventId, event: String(event) } },
    ...typeof at === "string" && { actual: { command: String(command), at } },
  };
}
