import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { importHistory } from "../../admin/history.ts";
import type { Calls } from "../../node/debugger/calls.ts";
import type { Debugger } from "../../node/debugger/debugger.ts";
import type { Breakpoint, Frame, Thread, Variable } from "../../node/debugger/target.ts";
import type { Node } from "../../node/node.ts";
import { WippyError } from "../../vm/error.ts";
import { unpackHistory } from "../../workflows/history/history.ts";
import { type Position, positionsOf } from "../../workflows/replay/positions.ts";
import type { Console } from "../terminal/terminal.ts";
import { startReplayNode } from "../workflow/replay-node.ts";
import { connectRuns } from "../workflow/workflow.ts";
import type { RuntimeListener } from "./runtime.ts";

/** Number of the scope that tells of the run: no worker has it. */
const runScope = 63;
/** The thread and the frame that are shown where the run has ended. */
const endThread = 63;

/** Where a recorded run is: a journal, or a file. */
export interface RecordedRunOptions {
  /** A workflow id, or the path of an exported history. */
  run: string;
  state?: string | undefined;
}

interface Recorded {
  runId: string;
  history: Uint8Array;
}

async function find(console: Console, { run, state }: RecordedRunOptions): Promise<Recorded> {
  const path = resolve(console.directory, run);
  const text = existsSync(path) ? readFileSync(path, "utf8") : JSON.stringify(
    await connectRuns(console, state === undefined ? {} : { state }).get(
      "/workflows/:id/export",
      { params: { id: run }, query: {} },
    ),
  );
  const { exported, history } = importHistory(text, run);
  return { runId: exported.run_id, history };
}

function variable(name: string, value: string): Variable {
  return { name, value, type: "string" };
}

/**
 * A workflow run that is debugged by its history: it stands where its code waited after an event, and goes to the next
 * one and back. Each time the code runs from the start, with the recorded answers; nothing outside is touched.
 */
export class RecordedRun {
  readonly #console: Console;
  readonly #options: RecordedRunOptions;
  readonly #listener: RuntimeListener;
  readonly #breakpoints = new Map<string, number[]>();
  #node: Node | undefined;
  #debug!: Debugger;
  #recorded!: Recorded;
  #positions: Position[] = [];
  #at = 0;
  #difference: string | undefined;
  #threads: Thread[] = [];
  /** What follows one another: moves. */
  #moving: Promise<void> = Promise.resolve();
  /** Fulfilled when the run can be moved through. @throws WippyError when it cannot be read */
  readonly waits: Promise<void>;
  /** What an adapter asks of it. */
  readonly debugger: Calls;

  constructor(console: Console, options: RecordedRunOptions, listener: RuntimeListener) {
    this.#console = console;
    this.#options = options;
    this.#listener = listener;
    this.waits = this.#open();
    this.debugger = {
      breakpoints: (file, wanted) => this.#setBreakpoints(file, wanted),
      exceptions: () => Promise.resolve(),
      threads: () => Promise.resolve(this.#shownThreads),
      continue: (_thread, kind) => this.move(kind === undefined ? "end" : "forward"),
      pause: () => Promise.resolve(),
      standInRun: () => Promise.resolve(this.#threads),
      stack: (thread) => this.#stack(thread),
      scopes: async (frame) => [
        { name: "Run", ref: runScope },
        ...frame === endThread ? [] : await this.#debug.scopes(frame),
      ],
      variables: (ref, page) =>
        ref === runScope ? Promise.resolve(this.#runVariables()) : this.#debug.variables(ref, page),
      evaluate: (frame, code) => this.#debug.evaluate(frame, code),
      set: (ref, name, code) => this.#debug.set(ref, name, code),
    };
  }

  async #open(): Promise<void> {
    const console = this.#console;
    this.#recorded = await find(console, this.#options);
    this.#positions = positionsOf(unpackHistory(this.#recorded.history));
    if (this.#positions.length === 0) {
      throw new WippyError("Invalid", `${this.#options.run}: its code has not begun yet`, {
        retryable: false,
      });
    }
    const { node } = await startReplayNode(console, {}, {
      output: (to, data) =>
        this.#listener.output(to === 1 ? "stdout" : "stderr", Buffer.from(data).toString()),
    });
    this.#node = node;
    this.#debug = await this.#node.debugger();
    await this.#debug.attach(() => {});
  }

  /** Shows where the run is now, or stood last before it ended. */
  launch(): void {
    void this.#inTurn(async () => {
      await this.#standAt(this.#positions.length - 1);
      if (this.#threads.length === 0 && this.#at > 0) await this.#standAt(this.#at - 1);
      this.#tell("entry");
    });
  }

  /** Goes through the history: to the next event or the one before, to a breakpoint or an end in either direction. */
  move(where: "forward" | "back" | "end" | "start"): Promise<void> {
    void this.#inTurn(async () => {
      const step = where === "forward" || where === "end" ? 1 : -1;
      const last = this.#positions.length - 1;
      const far = where === "end" || where === "start";
      const wanted = [...this.#breakpoints.values()].some((lines) => lines.length > 0);
      let to = this.#at + step;
      if (far && !wanted) to = where === "end" ? last : 0;
      to = Math.min(Math.max(to, 0), last);
      await this.#standAt(to);
      let found = far && wanted && await this.#isAtBreakpoint();
      while (far && wanted && !found && this.#at + step >= 0 && this.#at + step <= last) {
        if (this.#difference !== undefined && step > 0) break;
        await this.#standAt(this.#at + step);
        found = await this.#isAtBreakpoint();
      }
      this.#tell(found ? "breakpoint" : "step");
    });
    return Promise.resolve();
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    this.#moving = this.#moving.then(work).catch((error) => {
      this.#listener.output("stderr", `${WippyError.from(error).message}\n`);
    });
    return this.#moving;
  }

  async #standAt(index: number): Promise<void> {
    const { runId, history } = this.#recorded;
    const { activations } = this.#positions[index]!;
    const failure = await this.#node!.control.replay(runId, history, activations);
    this.#at = index;
    this.#difference = failure?.message;
    this.#threads = await this.#debug.standInRun(runId);
  }

  #tell(reason: string): void {
    const [thread] = this.#shownThreads;
    const differs = this.#difference !== undefined;
    this.#listener.event({
      kind: "stopped",
      thread: thread!.id,
      reason: differs ? "exception" : reason,
      text: this.#difference ?? this.#title,
      breakpoints: [],
    });
  }

  get #title(): string {
    const { event } = this.#positions[this.#at]!;
    return `event ${event.id} ${event.type}`;
  }

  get #shownThreads(): Thread[] {
    if (this.#threads.length > 0) return this.#threads;
    return [{ id: endThread, name: `${this.#options.run} (ended)`, stopped: true }];
  }

  async #stack(thread: number): Promise<Frame[]> {
    if (thread !== endThread) return await this.#debug.stack(thread);
    return [{ id: endThread, name: `the run has ended after ${this.#title}`, line: 0, chunk: "" }];
  }

  /** The event, and what the run waits for. */
  #runVariables(): Variable[] {
    const { event, awaited } = this.#positions[this.#at]!;
    return [
      variable("event", `${event.id} ${event.type}`),
      variable("time", new Date(event.time).toISOString()),
      variable("position", `${this.#at + 1} of ${this.#positions.length}`),
      ...this.#difference === undefined ? [] : [variable("difference", this.#difference)],
      ...awaited.map(({ event, kind, seq, what }) =>
        variable(`waits for ${kind} ${seq}`, `${what} (event ${event})`)
      ),
    ];
  }

  async #setBreakpoints(file: string, wanted: Breakpoint[]) {
    const placed = await this.#debug.breakpoints(file, wanted);
    this.#breakpoints.set(file, placed.flatMap(({ line }) => line ?? []));
    return placed;
  }

  async #isAtBreakpoint(): Promise<boolean> {
    for (const { id } of this.#threads) {
      const frames = await this.#debug.stack(id);
      if (frames.some(({ file, line }) => this.#breakpoints.get(file ?? "")?.includes(line))) {
        return true;
      }
    }
    return false;
  }

  /** Ends it. */
  release(): void {
    void this.#inTurn(async () => {
      await this.#node?.stop();
      this.#node = undefined;
    });
  }
}
