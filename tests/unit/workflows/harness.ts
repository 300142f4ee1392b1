import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pack, unpack } from "../../../src/vm/codec.ts";
import type { LuaValue } from "../../../src/vm/value.ts";
import type { Failure } from "../../../src/workflows/engine/outcome.ts";
import { type HistoryEvent, unpackHistory } from "../../../src/workflows/history.ts";
import type {
  ActivityTask,
  OutboxMessage,
  ProviderReport,
  RunClosed,
  StartRequest,
  StartResult,
} from "../../../src/workflows/provider.ts";
import type { Surroundings } from "../../../src/workflows/providers/sqlite/journal.ts";
import {
  SqliteProvider,
  type SqliteProviderOptions,
} from "../../../src/workflows/providers/sqlite/provider.ts";
import { Replayer } from "../../../src/workflows/replayer.ts";
import { type Script, ScriptedEngine, ScriptError } from "./scripted-engine.ts";

/** A clock that moves only when a test says so. */
export class VirtualMachine implements Surroundings {
  time = Date.UTC(2026, 0, 1);
  #timers = new Set<{ at: number; callback: () => void }>();
  #count = 0;
  readonly random = {
    uuid: () => `00000000-0000-4000-8000-${String(++this.#count).padStart(12, "0")}`,
    seed: () => ++this.#count,
  };

  now(): number {
    return this.time;
  }

  setTimer(delay: number, callback: () => void): () => void {
    const timer = { at: this.time + delay, callback };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  defer(callback: () => void): void {
    setImmediate(callback);
  }

  /** Lets that many milliseconds pass, timer by timer. */
  async advance(milliseconds: number): Promise<void> {
    const end = this.time + milliseconds;
    await settle();
    for (;;) {
      const due = [...this.#timers].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (!due) break;
      this.time = Math.max(this.time, due.at);
      this.#timers.delete(due);
      due.callback();
      await settle();
    }
    this.time = end;
  }
}

/**
 * Waits until nothing is left to do without time passing: every step takes one turn of the event
 * loop.
 */
export async function settle(turns = 25): Promise<void> {
  for (let i = 0; i < turns; i++) await new Promise((resolve) => setImmediate(resolve));
}

/** An activity in TypeScript. Throw a `ScriptError` to fail with a given failure. */
export type ActivityFunction = (
  task: ActivityTask,
  ...args: LuaValue[]
) => LuaValue | Promise<LuaValue>;

export interface RuntimeOptions extends Partial<SqliteProviderOptions> {
  scripts?: Record<string, Script>;
  activities?: Record<string, ActivityFunction>;
  /** Default: a virtual machine, inline. */
  machine?: VirtualMachine;
}

export function temporaryFolder(): { path: string; remove: () => void } {
  const path = mkdtempSync(join(tmpdir(), "wippy-journal-"));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** A node in miniature: one worker with scripted workflows and activities, on the real provider. */
export class Runtime {
  readonly provider: SqliteProvider;
  readonly engine: ScriptedEngine;
  readonly replayer: Replayer;
  readonly activities: Record<string, ActivityFunction>;
  readonly messages: OutboxMessage[] = [];
  readonly reports: ProviderReport[] = [];
  readonly attempts: ActivityTask[] = [];
  readonly aborted: string[] = [];
  /** False: tasks are taken and never answered, like those of a worker that hangs. */
  answering = true;

  constructor(options: RuntimeOptions & { path: string }) {
    const { scripts = {}, activities = {}, machine, ...rest } = options;
    this.provider = new SqliteProvider(
      machine ? { inline: true, surroundings: machine, ...rest } : rest,
    );
    this.activities = activities;
    this.engine = new ScriptedEngine(scripts);
    this.replayer = new Replayer(this.engine, "worker-0");
    this.provider.onTask((task) => {
      if (!this.answering) return;
      this.replayer.run(task).then((completion) => this.provider.completeTask(completion));
    });
    this.provider.onQuery((task) => {
      if (!this.answering) return;
      this.replayer.query(task).then((answer) => this.provider.completeQuery(answer));
    });
    this.provider.onActivity((task) => void this.#run(task));
    this.provider.onActivityCancel((token) => this.aborted.push(token));
    this.provider.onEvict((runId) => this.replayer.evict(runId));
    this.provider.onMessage((message) => this.messages.push(message));
    this.provider.onReport((report) => this.reports.push(report));
  }

  static async open(options: RuntimeOptions & { path: string }): Promise<Runtime> {
    const runtime = new Runtime(options);
    await runtime.provider.open();
    return runtime;
  }

  start(
    entry: string,
    args: LuaValue[] = [],
    more: Partial<StartRequest> = {},
  ): Promise<StartResult> {
    return this.provider.start({ entry, hostId: "app:workflows", args: pack(args), ...more });
  }

  signal(workflowId: string, name: string, ...payloads: LuaValue[]): Promise<void> {
    return this.provider.signal(workflowId, { name, payloads: pack(payloads), sender: "{t|1}" });
  }

  closed(workflowId: string, runId?: string): Promise<RunClosed> {
    return new Promise((resolve) => void this.provider.watch(workflowId, resolve, runId));
  }

  /** The value of a run that completed. */
  async result(workflowId: string): Promise<LuaValue> {
    const closed = await this.closed(workflowId);
    if (closed.status !== "completed") {
      throw new Error(`${closed.status}: ${closed.failure?.message}`);
    }
    return closed.value && unpack(closed.value);
  }

  async history(runId: string): Promise<HistoryEvent[]> {
    return unpackHistory(await this.provider.history(runId));
  }

  async eventTypes(runId: string): Promise<string[]> {
    return (await this.history(runId)).map(({ type }) => type);
  }

  async #run(task: ActivityTask): Promise<void> {
    this.attempts.push(task);
    const activity = this.activities[task.entry];
    try {
      if (!activity) {
        const message = `there is no function ${task.entry}`;
        throw new ScriptError({ kind: "NotFound", message, retryable: false });
      }
      const value = await activity(task, ...unpack(task.args) as LuaValue[]);
      this.provider.completeActivity(task.token, { status: "completed", value: pack(value) });
    } catch (error) {
      this.provider.completeActivity(task.token, { status: "failed", failure: failureOf(error) });
    }
  }
}

function failureOf(error: unknown): Failure {
  if (error instanceof ScriptError) return error.failure;
  return { kind: "Internal", message: error instanceof Error ? error.message : String(error) };
}
