import { Environment } from "../app/environment.ts";
import type { Fetch, OperationServices } from "../operations/operation.ts";
import type { Entry } from "../registry/entry.ts";
import { machine } from "../platform/machine.ts";
import type { Platform } from "../platform/platform.ts";
import { moduleDirectory } from "../registry/module-directory.ts";
import type { LineCounts } from "./kernel.ts";

/** What the operations' services are made from: plain data, so that it can be sent to a thread. */
export interface ServiceOptions {
  entries: Entry[];
  /** Absolute path of the application's directory. */
  directory: string;
  /** Module of an entry (`org/module`) to the absolute path of its directory. */
  modules: Record<string, string>;
  /** Milliseconds since 1970. */
  startedAt: number;
  /** The network entry of units that have selected none. */
  defaultNetwork?: string | undefined;
  /** Only in a simulation, whose workers have no threads. */
  fetch?: Fetch;
  /** Only there: see `NodeOptions`. */
  countLines?: CountLines;
}

/** Is given what reads the counts of a worker that starts. */
export type CountLines = (read: () => LineCounts) => void;

/** Without the way to the node, which the worker adds. */
export interface WorkerServices extends Omit<OperationServices, "ask" | "near"> {
  countLines?: CountLines;
}

/**
 * The operations' view of the runtime, one per worker.
 *
 * @param onMemoryWrite told of each write to an environment storage in memory
 */
export function createServices(
  options: ServiceOptions,
  onMemoryWrite: (storage: string, key: string, value: string) => void,
  platform: Platform = machine,
): WorkerServices {
  const byId = new Map(options.entries.map((entry) => [entry.id, entry]));
  return {
    entry: (id) => byId.get(id),
    entries: () => byId.values(),
    register(entries, removed) {
      for (const id of removed) byId.delete(id);
      for (const entry of entries) byId.set(entry.id, entry);
    },
    environment: new Environment(options.entries, {
      directory: options.directory,
      system: process.env,
      onMemoryWrite,
    }),
    directory: options.directory,
    moduleDirectory: (entry) => moduleDirectory(entry, options.modules, options.directory),
    random: platform.random.bytes,
    clock: { now: platform.precise },
    startedAt: options.startedAt,
    defaultNetwork: options.defaultNetwork,
    ...(options.fetch && { fetch: options.fetch }),
    ...(options.countLines && { countLines: options.countLines }),
  };
}
