import type { Entry } from "../../registry/entry.ts";
import { WippyError } from "../../vm/error.ts";
import { type LuaValue, ofKernel } from "../../vm/value.ts";
import type { WorkerPool } from "../worker-pool.ts";
import { chunksOf, fileOf } from "./sources.ts";
import type {
  Breakpoint,
  DebugEvent,
  Exceptions,
  Frame,
  PlacedBreakpoint,
  Scope,
  StepKind,
  Thread,
  Variable,
  VariablePage,
} from "./target.ts";

/** Numbers of workers that fit beside a worker's own number of something: a PID has as many. */
const workers = 64;
/** How long a worker may take to answer, in milliseconds, when code of the application runs. */
const patience = 10_000;

/** What the kernel tells (`lua/kernel/debug/debug.lua`). */
export interface KernelEvent {
  kind: "stopped" | "continued" | "output";
  thread: number;
  reason?: string | undefined;
  text?: string | undefined;
  breakpoints?: number[] | undefined;
  breakpoint?: number | undefined;
  caught?: boolean | undefined;
}

interface KernelThread {
  id: number;
  name: string;
  pid?: string;
  main: boolean;
  stopped: boolean;
}

interface KernelFrame {
  id: number;
  name: string;
  source: string;
  line: number;
}

interface KernelBreakpoint extends Record<string, LuaValue> {
  id: number;
  source: string;
  line: number;
}

/** Code and names come from an editor, which may send anything. @throws WippyError Invalid */
function text(value: unknown, field: string): string {
  if (typeof value === "string") return value;
  throw new WippyError("Invalid", `${field}: text expected, got ${typeof value}`, {
    retryable: false,
  });
}

/** A list of the kernel's: an empty one is a map there. */
function list<Item>(value: LuaValue): Item[] {
  return Array.isArray(value) ? ofKernel<Item[]>(value) : [];
}

/**
 * Debugs the units of a runtime: breakpoints, steps, variables. One debugger at a time. Numbers of threads, frames and
 * variables name their worker too, and hold while their thread stands.
 */
export class Debugger {
  #pool: WorkerPool;
  #entries: ReadonlyMap<string, Entry>;
  readonly #directory: string;
  #listener: ((event: DebugEvent) => void) | undefined;
  /** By file. */
  readonly #breakpoints = new Map<string, KernelBreakpoint[]>();
  readonly #files = new Map<number, string>();
  #exceptions: Exceptions = false;
  #lastId = 0;
  readonly #standing = new Set<number>();
  /** Hears that a thread stands, or none any more. */
  onStanding: (some: boolean) => void = () => {};

  constructor(pool: WorkerPool, entries: ReadonlyMap<string, Entry>, directory: string) {
    this.#pool = pool;
    this.#entries = entries;
    this.#directory = directory;
  }

  /** Begins. @throws WippyError Conflict while somebody else debugs */
  async attach(listener: (event: DebugEvent) => void): Promise<void> {
    if (this.#listener) {
      throw new WippyError("Conflict", "a debugger is attached already", { retryable: false });
    }
    this.#listener = listener;
    await this.#everywhere("attach");
  }

  /** Ends: breakpoints are gone, and what stands goes on. Twice is once. */
  async detach(): Promise<void> {
    if (!this.#listener) return;
    this.#listener = undefined;
    this.#breakpoints.clear();
    this.#files.clear();
    this.#exceptions = false;
    this.#stands();
    await this.#everywhere("detach");
  }

  /** Tells a worker that has started what the others know. */
  started(worker: number): void {
    if (!this.#listener) return;
    this.#pool.tell(worker, "debug", "attach");
    this.#pool.tell(worker, "debug", "breakpoints", this.#all());
    this.#pool.tell(worker, "debug", "exceptions", this.#exceptions);
  }

  /** Goes on with the units of another runtime, and with the breakpoints that there are. */
  async follow(pool: WorkerPool, entries: ReadonlyMap<string, Entry>): Promise<void> {
    this.#pool = pool;
    this.#entries = entries;
    this.#stands();
    if (!this.#listener) return;
    await this.#everywhere("attach");
    await this.#everywhere("breakpoints", this.#all());
    await this.#everywhere("exceptions", this.#exceptions);
  }

  /** Notes that a thread stands, that it goes on, or that none stands. */
  #stands(thread?: number, on = false): void {
    const before = this.#standing.size > 0;
    if (thread === undefined) this.#standing.clear();
    else if (on) this.#standing.add(thread);
    else this.#standing.delete(thread);
    const now = this.#standing.size > 0;
    if (now !== before) this.onStanding(now);
  }

  /** Takes what a worker's kernel tells. */
  told(worker: number, event: KernelEvent): void {
    const thread = event.thread * workers + worker;
    const listener = this.#listener;
    if (!listener) return;
    if (event.kind === "stopped") {
      this.#stands(thread, true);
      listener({
        kind: "stopped",
        thread,
        reason: event.reason ?? "breakpoint",
        ...(event.text !== undefined && { text: event.text }),
        breakpoints: event.breakpoints ?? [],
        ...(event.caught && { caught: true }),
      });
    } else if (event.kind === "continued") {
      this.#stands(thread);
      listener({ kind: "continued", thread });
    } else {
      const place = this.#placeOf(event.breakpoint);
      listener({ kind: "output", text: `${event.text ?? ""}\n`, ...place });
    }
  }

  #placeOf(id: number | undefined): { file?: string; line?: number } {
    if (id === undefined) return {};
    for (const [file, all] of this.#breakpoints) {
      if (all.some((breakpoint) => breakpoint.id === id)) return { file };
    }
    return {};
  }

  #all(): LuaValue {
    return [...this.#breakpoints.values()].flat();
  }

  async #everywhere(command: string, ...args: LuaValue[]): Promise<void> {
    await Promise.all(
      this.#pool.running.map((worker) => this.#pool.ask(worker, "debug", command, ...args)),
    );
  }

  async #ask(id: number, command: string, ...args: LuaValue[]): Promise<LuaValue> {
    const worker = id % workers;
    if (!Number.isSafeInteger(id) || !this.#pool.running.includes(worker)) {
      throw new WippyError("NotFound", `nothing that stands has the number ${id}`);
    }
    return await this.#pool.ask(worker, "debug", command, Math.floor(id / workers), ...args);
  }

  /** The same for code of the application, which may take its time, or never come back. */
  async #run(id: number, command: string, ...args: LuaValue[]): Promise<LuaValue> {
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(() => {
      const text = `the expression was not done within ${patience / 1000} s; it runs on`;
      late.reject(new WippyError("Timeout", text, { retryable: false }));
    }, patience);
    try {
      return await Promise.race([this.#ask(id, command, ...args), late.promise]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Sets the breakpoints of a file in place of those that were, each on the next line with a statement. */
  async breakpoints(file: string, wanted: Breakpoint[]): Promise<PlacedBreakpoint[]> {
    const chunks = chunksOf(file, this.#entries, this.#directory);
    const set: KernelBreakpoint[] = [];
    const placed = wanted.map((breakpoint): PlacedBreakpoint => {
      const id = ++this.#lastId;
      const { condition, hits, log } = breakpoint;
      let line: number | undefined;
      for (const chunk of chunks) {
        if (breakpoint.line < chunk.first || breakpoint.line > chunk.last) continue;
        const asked = breakpoint.line - chunk.first + 1;
        const own = chunk.lines ? chunk.lines.find((each) => each >= asked) : asked;
        if (own === undefined) continue;
        line = own + chunk.first - 1;
        for (const source of chunk.sources) {
          set.push({
            id,
            source,
            line: own,
            ...(condition && { condition: text(condition, "condition") }),
            ...(hits && { hits: text(hits, "hits") }),
            ...(log && { log: text(log, "log") }),
          });
        }
      }
      return line === undefined
        ? { id, verified: false, message: "no code of the application is here" }
        : { id, verified: true, line };
    });
    this.#breakpoints.set(file, set);
    await this.#everywhere("breakpoints", this.#all());
    return placed;
  }

  /** Sets at which errors units stop. */
  async exceptions(which: Exceptions): Promise<void> {
    this.#exceptions = which;
    await this.#everywhere("exceptions", which);
  }

  /** Units and their coroutines. */
  async threads(): Promise<Thread[]> {
    const all = await Promise.all(this.#pool.running.map(async (worker) => {
      const threads = list<KernelThread>(await this.#pool.ask(worker, "debug", "threads"));
      return threads.map((thread) => this.#thread(worker, thread));
    }));
    return all.flat();
  }

  /**
   * The coroutines of a run that was replayed and kept, its main one first: they stand where they wait, until it is
   * replayed again.
   */
  async standInRun(runId: string): Promise<Thread[]> {
    const all = await Promise.all(this.#pool.running.map(async (worker) => {
      const threads = list<KernelThread>(await this.#pool.ask(worker, "debug", "run", runId));
      threads.sort((one, other) => Number(other.main) - Number(one.main));
      return threads.map((thread) => this.#thread(worker, thread));
    }));
    return all.flat();
  }

  #thread(worker: number, { id, name, pid, main, stopped }: KernelThread): Thread {
    return {
      id: id * workers + worker,
      name: `${name}${pid ? ` ${pid}` : ""}${main ? "" : " (coroutine)"}`,
      stopped,
    };
  }

  /** Lets a thread go on: without end, or for a step. @throws WippyError NotFound */
  async continue(thread: number, kind?: StepKind): Promise<void> {
    await this.#ask(thread, "continue", kind);
    this.#stands(thread);
  }

  /** Stops a thread at its next line. @throws WippyError NotFound */
  async pause(thread: number): Promise<void> {
    await this.#ask(thread, "pause");
  }

  /** The frames of a thread that stands, innermost first. @throws WippyError NotFound */
  async stack(thread: number): Promise<Frame[]> {
    const frames = list<KernelFrame>(await this.#ask(thread, "stack"));
    return frames.map(({ id, name, source, line }) => {
      const place = fileOf(source, line, this.#entries, this.#directory);
      return { id: id * workers + thread % workers, name, ...place };
    });
  }

  /** What is visible in a frame. @throws WippyError NotFound */
  async scopes(frame: number): Promise<Scope[]> {
    const scopes = list<Scope>(await this.#ask(frame, "scopes"));
    return scopes.map(({ name, ref }) => ({ name, ref: ref * workers + frame % workers }));
  }

  #variable(worker: number, value: LuaValue): Variable {
    const { ref, ...rest } = ofKernel<Variable>(value);
    return { ...rest, ...(ref !== undefined && { ref: ref * workers + worker }) };
  }

  /** What is in a scope or a table. @throws WippyError NotFound */
  async variables(ref: number, page: VariablePage = {}): Promise<Variable[]> {
    const { start = 0, count = 0, filter } = page;
    const found = list<LuaValue>(await this.#ask(ref, "variables", start, count, filter));
    return found.map((each) => this.#variable(ref % workers, each));
  }

  /** The value of an expression in a frame. @throws WippyError Invalid its message; Timeout */
  async evaluate(frame: number, code: string): Promise<Variable> {
    return this.#variable(
      frame % workers,
      await this.#run(frame, "evaluate", text(code, "expression")),
    );
  }

  /** Gives a variable in a scope or a table the value of an expression. @throws WippyError Invalid, Timeout */
  async set(ref: number, name: string, code: string): Promise<Variable> {
    const variable = text(name, "name");
    const value = await this.#run(ref, "set", variable, text(code, "value"));
    return this.#variable(ref % workers, value);
  }
}
