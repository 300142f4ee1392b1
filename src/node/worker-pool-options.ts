import { availableParallelism } from "node:os";
import type { Terminal } from "../operations/io/terminal.ts";
import type { Simulation } from "../platform/simulation.ts";
import type { ErrorData, WippyError } from "../vm/error.ts";
import type { LuaValue } from "../vm/value.ts";
import type { Jit } from "../vm/options.ts";
import type { KernelImage } from "../worker/image-file.ts";
import type { CodeEntry, FromWorker } from "../worker/messages.ts";
import type { ServiceOptions } from "../worker/services.ts";
import type { StandingWorker } from "./worker-watch.ts";

/** What all workers of a pool have in common. */
export interface WorkerPoolOptions {
  /** Workers at most, the one in this thread included. */
  count: number;
  /** The first worker runs in this thread, so that a one-shot command starts none. */
  inline: boolean;
  /** Units without an actor and a scope may do nothing that is checked. */
  strict: boolean;
  entries: CodeEntry[];
  services: ServiceOptions;
  /** Bytes of Lua memory of one worker. */
  memoryLimit: number;
  /** How Lua functions that run much are compiled; undefined: they are not. */
  jit: Jit | undefined;
  /** Workflow runs that a worker keeps in memory. */
  cachedRuns?: number | undefined;
  /** Milliseconds for which a worker may stand still before it is replaced; 0: for ever. */
  heartbeatTimeout: number;
  /** What the VMs are made from, if not from the kernel alone. */
  image?: KernelImage | undefined;
  /** How many hosts have limits. */
  limitedHosts: number;
  /** Sequence number with which PIDs begin. */
  firstPid: number;
  terminalOf: (pid: string) => Terminal | undefined;
  /** All workers run in it, in this thread. */
  simulation?: Simulation | undefined;
}

/** A call of a function that a worker runs. */
export interface FunctionCall {
  /** What the function returned. Rejected with its error, or with the reason for which it was cancelled. */
  answer: Promise<LuaValue>;
  /** Cancels it, unless it has ended. */
  cancel(reason: WippyError): void;
}

/** What the pool tells the node about. */
export interface WorkerPoolEvents {
  /** A request to the node; the answer goes to the worker. */
  request(origin: number, op: string, args: LuaValue[]): Promise<LuaValue[]>;
  message(worker: number, message: FromWorker): void;
  /** A worker runs and has nothing yet. */
  started(worker: number): void;
  /** A worker's event loop has not run for a second. */
  standing(worker: number, state: StandingWorker): void;
  /** It goes on, after so many milliseconds. */
  goesOn(worker: number, after: number): void;
  /** A worker died and is replaced; whatever it ran is gone. */
  died(worker: number, failure: ErrorData): void;
}

/** The default number of workers: one a core, 64 at most, as PIDs have six bits for it. */
export function defaultWorkers(): number {
  return Math.min(availableParallelism(), 64);
}
