import type { Config } from "../app/config.ts";
import type { Fetch } from "../operations/operation.ts";
import type { Terminal } from "../operations/io/terminal.ts";
import type { LogSink } from "../observe/log.ts";
import type { Simulation } from "../platform/simulation.ts";
import type { Entry } from "../registry/entry.ts";
import type { KernelImage } from "../worker/image-file.ts";
import type { Jit } from "../vm/options.ts";
import type { CountLines } from "../worker/services.ts";

/** What a node runs, and how. */
export interface NodeOptions {
  /** Valid entries: the application's faults were found before. */
  entries: Entry[];
  config: Config;
  /** Absolute path of the application; relative paths of entries start here. */
  directory: string;
  /** Module (`org/module`) to the absolute path of its directory. */
  modules?: Record<string, string>;
  /** Absolute path of the folder for what outlives the runtime. */
  stateDir: string;
  /** Workers at most; one a core when absent. */
  workers?: number;
  /** The first worker runs in this thread: for commands and scripts, which so start no thread in vain. */
  inline: boolean;
  log: LogSink;
  /** Whether the traceback of an error that ends the process with the terminal is written. @default false */
  traces?: boolean;
  /**
   * Takes what a script writes to its standard output (1) and standard error (2), where it has no terminal of its
   * own to write to; those of this program when absent.
   */
  output?: (to: 1 | 2, data: Uint8Array) => void;
  /** The terminal of processes on terminal hosts; that of this program when absent. */
  terminal?: Terminal;
  /** The runtime runs in this simulation, all its workers in this thread; else on the machine. */
  simulation?: Simulation;
  /** Sends what units send by HTTP, in place of the network. Only in a simulation. */
  fetch?: Fetch;
  /**
   * Code counts how often its lines run, where it was changed to: is given what reads the counts of each worker. Only
   * in a simulation.
   */
  countLines?: CountLines;
  /** What the VMs are made from: the kernel with entries of these loaded. Only in a simulation. */
  image?: KernelImage | undefined;
  /** Servers open no ports: `Node.ask` has their requests. @default false */
  portless?: boolean;
  /**
   * Journals need not last: those in a `file` do not wait for the disk, those in `memory` do not outlive the runtime.
   * @default they last
   */
  temporary?: "file" | "memory";
  /** Bytes of Lua memory of one worker; 1 GiB when absent. */
  memoryLimit?: number;
  /** How Lua functions that run much are compiled to WebAssembly; they are not when absent. */
  jit?: Jit;
  /** Workflow runs that a worker keeps in memory; 10,000 when absent. */
  cachedRuns?: number;
}
