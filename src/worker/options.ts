import type { Terminal } from "../operations/io/terminal.ts";
import type { WorkerServices } from "./services.ts";
import type { Platform } from "../platform/platform.ts";
import type { Jit } from "../vm/options.ts";
import type { KernelImage } from "./image-file.ts";
import type { CodeEntry, HostState } from "./messages.ts";
import type { SharedMemory } from "./shared-memory.ts";

/** What a worker is started with. */
export interface WorkerOptions extends SharedMemory {
  /** First sequence number of this worker's PIDs: higher after a replacement, so that no PID comes again. */
  firstPid: number;
  alone: boolean;
  /** Version of the application: how many changes of it the node has told the workers. */
  version: number;
  /** Units without an actor and a scope may do nothing that is checked. */
  strict: boolean;
  entries: CodeEntry[];
  hosts: HostState[];
  /** Bytes of Lua memory. */
  memoryLimit: number;
  /** How Lua functions that run much are compiled to WebAssembly; they are not when absent. */
  jit?: Jit | undefined;
  /** Workflow runs that it keeps in memory; 10,000 when absent. */
  cachedRuns?: number;
  module: WebAssembly.Module;
  /** What the VM is made from, if not from the kernel alone; its entries are among those above. */
  image?: KernelImage | undefined;
  /** The heartbeats of all: shared by all. */
  pulses: SharedArrayBuffer;
  services: WorkerServices;
  /** The machine's, unless given. */
  platform?: Platform;
  /** Whether `post` reaches the node at once, in this thread. */
  direct?: boolean;
  /** The terminal of a process on a terminal host; only in the node's thread. */
  terminalOf: (pid: string) => Terminal | undefined;
}
