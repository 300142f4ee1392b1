import { WippyError } from "../vm/error.ts";
import { unpack } from "../vm/codec.ts";
import type { Pushable } from "../vm/push.ts";
import { asLua, type LuaValue, numberOf, Packed } from "../vm/value.ts";
import type { Activation, Job } from "../workflows/engine/activation.ts";
import type { Command } from "../workflows/engine/command.ts";
import type { Engine } from "../workflows/engine/engine.ts";
import { type Kernel, lengthOf } from "./kernel.ts";

type Table = Record<string, LuaValue>;

/** A list that went through Lua, where an empty or holed table is no array. */
function listOf(value: LuaValue, count: number): LuaValue[] {
  const list: LuaValue[] = [];
  for (let i = 0; i < count; i++) {
    if (Array.isArray(value)) list.push(value[i]);
    else if (value instanceof Map) list.push(value.get(i + 1));
    else list.push(undefined);
  }
  return list;
}

function isTable(value: LuaValue): value is Table {
  return typeof value === "object" && value !== null && !Array.isArray(value) &&
    !(value instanceof Map) && !(value instanceof Uint8Array) && !(value instanceof WippyError);
}

function plain(value: LuaValue): LuaValue {
  return value instanceof WippyError ? asLua(value.toJSON()) : value;
}

/** A command as `lua/kernel/workflows/workflows.lua` makes it, in the form of `Command`. */
function toCommand(value: LuaValue): Command {
  if (!isTable(value)) throw new WippyError("Internal", "a workflow command is not a table");
  if (value.type === "schedule_activity") {
    // Most commands are such; the table is ours, and its number of arguments does no harm. In a replay it has none.
    if (value.argc !== undefined) value.args = listOf(value.args, Number(value.argc));
    return value as unknown as Command;
  }
  const { argc, ...command } = value;
  const count = Number(argc ?? 0);
  if ("args" in command) command.args = listOf(command.args, count);
  if ("payloads" in command) command.payloads = listOf(command.payloads, count);
  for (const field of ["duration", "delay", "originalScheduleTime"]) {
    if (field in command) command[field] = numberOf(command[field]);
  }
  if ("failure" in command) command.failure = plain(command.failure);
  if (Array.isArray(command.messages)) {
    command.messages = command.messages.map((message) => {
      const [name, n, values, sender] = listOf(message, 4);
      const many = Number(n);
      const payloads = many === 1 ? [values] : listOf(values, many);
      return { name, payloads, ...sender !== undefined && { sender } };
    });
  }
  return command as unknown as Command;
}

/** A job in the form that `lua/kernel/workflows/workflows.lua` reads: list lengths beside lists, failures as errors. */
function toLua(job: Job): LuaValue {
  const table: Table = { ...asLua(job) as Table };
  if (job.type === "initialize_workflow") table.argc = job.args.length;
  if (job.type === "do_update") table.argc = job.args.length;
  if ("failure" in job && job.failure) table.failure = WippyError.from(job.failure);
  if ("result" in job && "failure" in job.result) {
    table.result = { status: job.result.status, failure: WippyError.from(job.result.failure) };
  }
  return table;
}

/**
 * Jobs as `toLua` makes them, but the most frequent ones are lists: an activity that has completed is `true`, its
 * number and its value; signals that follow one another are how many values follow, and those.
 */
function listToLua(jobs: readonly Job[]): Pushable[] {
  const list: Pushable[] = [];
  let signals: Pushable[] | undefined;
  for (const job of jobs) {
    if (job.type !== "signal_workflow") {
      signals = undefined;
      if (job.type === "complete_activity") {
        const { seq, value } = job;
        // What has one byte is faster read here.
        list.push([true, seq, value.length === 1 ? unpack(value) : new Packed(value)]);
      } else list.push(toLua(job));
      continue;
    }
    if (!signals) list.push(signals = [0]);
    const { name, sender, payloads } = job;
    const count = lengthOf(payloads);
    if (count === 1 && isScalar(payloads[1]!)) {
      // A copy: a view of bytes that are few takes longer to make.
      signals.push(name, sender, 1, new Packed(payloads.slice(1)));
    } else {
      signals.push(name, sender, count === 1 ? ONE_IN_LIST : count, new Packed(payloads));
    }
    signals[0] = signals.length - 1;
  }
  return list;
}

/** In place of a number of values: one, in a list. */
const ONE_IN_LIST = -1;

/** Whether a packed value that begins so is neither a table nor anything that is packed as an extension. */
function isScalar(first: number): boolean {
  return first < 0x80 || first >= 0xe0 ||
    first >= 0xa0 && first < 0xdc && !(first >= 0xc7 && first < 0xca) &&
      !(first >= 0xd4 && first < 0xd9);
}

/** What a run has emitted. */
interface Emitted {
  runId: string;
  failure?: WippyError;
}

type Given = Emitted & { results: LuaValue[] };

/** Runs workflow code: activations go to the Lua kernel, its commands come back when the run is parked. */
export class LuaEngine implements Engine {
  readonly #kernel: Kernel;
  readonly #wake: () => void;
  readonly #runs = new Set<string>();
  /** Runs that stay when they close. */
  readonly #retained = new Set<string>();
  /** The activation that the kernel is being given, and what came of it meanwhile. */
  #current: Emitted | undefined;
  readonly #waiting = new Map<
    string,
    { resolve: (commands: Command[]) => void; reject: (error: WippyError) => void }
  >();

  /** `wake` is called when the kernel has something to run. */
  constructor(kernel: Kernel, wake: () => void) {
    this.#kernel = kernel;
    this.#wake = wake;
  }

  activate(activation: Activation): Command[] | Promise<Command[]> {
    const { runId } = activation;
    const jobs = listToLua(activation.jobs);
    const { results: [commands], failure } = this.#give(activation, () =>
      this.#kernel.call(
        "activate",
        runId,
        activation.timestamp,
        activation.replaying,
        activation.historyLength,
        activation.historySize,
        jobs,
        jobs.length,
        activation.retain === true,
        activation.explain === true,
      ));
    if (failure) throw failure;
    if (commands === undefined) return this.#later(runId);
    return this.#commandsOf(runId, commands);
  }

  replay(activations: Activation[]): (Command[] | Promise<Command[]>)[] {
    const first = activations[0];
    if (!first) return [];
    const { runId } = first;
    const tasks = activations.map(({ timestamp, historyLength, historySize, jobs }) => {
      const list = listToLua(jobs);
      return [timestamp, historyLength, historySize, list, list.length];
    });
    const { results: [lists, count], failure } = this.#give(first, () =>
      this.#kernel.call(
        "replay",
        runId,
        tasks,
        tasks.length,
        first.retain === true,
        first.explain === true,
      ));
    const done = listOf(lists, Number(count));
    const answers = done.map((commands) => this.#commandsOf(runId, commands));
    if (done.length === tasks.length) return answers;
    const last = failure ? Promise.reject(failure) : this.#later(runId);
    // Nobody waits for it when an earlier task did something else than before.
    last.catch(() => {});
    return [...answers, last];
  }

  /** Lets `call` hand something of a run to the kernel. Returns its results, and what the run emitted meanwhile. */
  #give({ runId, retain }: Activation, call: () => LuaValue[]): Given {
    this.#runs.add(runId);
    if (retain) this.#retained.add(runId);
    else this.#retained.delete(runId);
    const current: Emitted = this.#current = { runId };
    try {
      const results = call();
      return { ...current, results };
    } finally {
      this.#current = undefined;
    }
  }

  /** Code that runs for longer than a slice goes on in the worker's next turns. */
  #later(runId: string): Promise<Command[]> {
    this.#wake();
    const { promise, resolve, reject } = Promise.withResolvers<Command[]>();
    this.#waiting.set(runId, { resolve, reject });
    return promise;
  }

  #commandsOf(runId: string, commands: LuaValue): Command[] {
    const list = (Array.isArray(commands) ? commands : []).map(toCommand);
    const closed = list.some((command) => closing.has(command.type));
    if (closed && !this.#retained.has(runId)) this.#runs.delete(runId);
    return list;
  }

  /** What the kernel emits when an activation is done. */
  activated(runId: string, commands: LuaValue, failure: LuaValue): void {
    const current = this.#current?.runId === runId ? this.#current : undefined;
    const waiting = this.#waiting.get(runId);
    this.#waiting.delete(runId);
    if (failure instanceof WippyError) {
      this.#runs.delete(runId);
      if (current) current.failure = failure;
      else waiting?.reject(failure);
      return;
    }
    waiting?.resolve(this.#commandsOf(runId, commands));
  }

  evict(runId: string): void {
    this.#retained.delete(runId);
    if (this.#runs.delete(runId)) this.#kernel.call("evict", runId);
  }

  where(runId: string): string {
    return String(this.#kernel.call("where", runId)[0]);
  }

  query(runId: string, name: string, args: LuaValue[]): LuaValue {
    const [value, failure] = this.#kernel.call("query", runId, name, args, args.length);
    if (failure instanceof WippyError) throw failure;
    return value;
  }

  /** How many runs it holds. */
  get runs(): number {
    return this.#runs.size;
  }

  has(runId: string): boolean {
    return this.#runs.has(runId);
  }
}

const closing = new Set<Command["type"]>([
  "complete_workflow",
  "fail_workflow",
  "cancel_workflow_execution",
  "continue_as_new",
]);
