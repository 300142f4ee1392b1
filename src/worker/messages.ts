import type { Entry, ScriptCode } from "../registry/entry.ts";
import type { ErrorData as Failure } from "../vm/error.ts";
import type { LogRecord } from "../observe/log.ts";
import type { DirectPort, QueuePort, TaskFailure } from "../workflows/tasks/tasks.ts";

/** Index of the node among the parties that exchange requests; workers count from 0. */
export const NODE = -1;

/** A Lua entry as a worker needs it: decoded, its source ready to compile. */
export interface CodeEntry {
  id: string;
  kind: string;
  /** Bytes where it is no UTF-8. */
  source: string | Uint8Array;
  /** What the code is called in positions, where that is not the id. */
  chunk?: string;
  /** The code is that of a script, which has all of Lua's libraries. */
  script?: ScriptCode;
  /** What the program has written, where `source` puts more around it. */
  text?: string | Uint8Array;
  method: string;
  modules: string[];
  /** Alias to entry id. */
  imports?: Record<string, string>;
  /** Call options preset, `meta.options`. */
  options?: Record<string, unknown>;
  pool?: Record<string, unknown>;
  /** Process host of a process that may be called like a function. */
  host?: string;
}

/** A host entry and whether it takes units. */
export interface HostState {
  id: string;
  kind: string;
  /** Of a host of connections only its PIDs are known, which live on the node. */
  units: "processes" | "terminal" | "workflows" | "connections";
  state: "running" | "stopping" | "stopped";
  limits?: HostLimits;
  /** Workflow hosts of one group keep their runs in one place. */
  group?: string;
}

/** What a process host allows; absent: without limit. */
export interface HostLimits {
  /** Number of the host's counter of processes. */
  index: number;
  processes?: number;
  /** Messages that wait in one mailbox. */
  mailbox?: number;
  /** Bytes of a message, about. */
  message_size?: number;
}

/** What changed in the registry. */
export interface EntriesChange {
  /** Code that is new or other than before. */
  code: CodeEntry[];
  entries: Entry[];
  removed: string[];
  /** Loaded entries that are to be loaded anew: those whose code, or the code of an import, changed. */
  stale: string[];
}

/** A write to an environment storage in memory, which every worker has for itself. */
export interface EnvironmentWrite {
  type: "environment";
  storage: string;
  key: string;
  value: string;
}

/** Starts the part of a service, tells it something that can be cloned, or ends it. `ports`: those in the data. */
export type PartOrder =
  | { open: string; data: unknown; ports?: unknown[] | undefined }
  | { told: unknown }
  | { end: true };

/** One end of the direct link between two workers: a `MessagePort`, or its replacement in a simulation. */
export interface LinkPort {
  postMessage(data: string | Uint8Array<ArrayBuffer>, transfer: ArrayBuffer[]): void;
  onmessage: ((event: MessageEvent<string | Uint8Array<ArrayBuffer>>) => void) | null;
  close(): void;
  unref?(): void;
  /** Takes what has arrived and was not delivered; a `MessagePort` has `receiveMessageOnPort`. */
  drain?(): (string | Uint8Array<ArrayBuffer>)[];
}

/** What the node tells a worker. `args` and `value` are packed (`src/vm/codec.ts`), so that routing never decodes. */
export type ToWorker =
  | {
    type: "request";
    origin: number;
    ticket: number;
    op: string;
    args: Uint8Array;
  }
  | { type: "answer"; ticket: number; values: Uint8Array }
  /** Many bytes that answer a question to a service: as a message of their own, because packing copies them twice. */
  | { type: "answer_bytes"; call: number; bytes: Uint8Array }
  | { type: "alone"; alone: boolean }
  /** The thread is terminated soon: nothing more runs. */
  | { type: "end" }
  | { type: "host"; host: HostState; version: number }
  | { type: "entries"; change: EntriesChange; version: number }
  | { type: "worker_down"; index: number; failure: Failure; version: number }
  /** The worker's end of the direct link to another. */
  | { type: "link"; index: number; port: LinkPort }
  /** A fence of another worker. */
  | { type: "fence"; origin: number; number: number }
  /** The worker's end of a workflow provider. `signals`: the host whose runs get signals over it. */
  | { type: "queue"; port: QueuePort | DirectPort; signals?: string }
  | EnvironmentWrite
  /** For the worker's part of a service. */
  | { type: "part"; entry: string; order: PartOrder }
  | { type: "cancel_all"; hostId?: string; reason: string }
  | { type: "count"; question: number; hostId: string }
  /**
   * Whether today's code does what a history says; `history` is packed. With `activations` the run is kept where its
   * code waits after so many.
   */
  | {
    type: "replay";
    question: number;
    runId: string;
    history: Uint8Array;
    activations?: number | undefined;
  }
  /** With `entries` these are tried in the place of the loaded ones, which stay. */
  | { type: "check"; question: number; ids: string[]; entries?: CodeEntry[] };

/** What a worker tells the node. */
export type FromWorker =
  | { type: "ready" }
  /** Many units live here: another worker may be worth its thread. */
  | { type: "crowded" }
  | {
    type: "request";
    to: number;
    ticket: number;
    op: string;
    args: Uint8Array;
  }
  | { type: "answer"; to: number; ticket: number; values: Uint8Array }
  /** For another worker, behind all that the node was told before. */
  | { type: "fence"; to: number; number: number }
  | { type: "log"; record: LogRecord }
  /** What a script writes to its standard output (1) or standard error (2). */
  | { type: "output"; to: 1 | 2; data: Uint8Array }
  | EnvironmentWrite
  /** What a part says to its service. */
  | { type: "part"; entry: string; message: unknown }
  | { type: "replayed"; question: number; difference?: TaskFailure }
  | { type: "counted"; question: number; live: number }
  | {
    type: "checked";
    question: number;
    problems: { id: string; failure: Failure }[];
  }
  | { type: "died"; failure: Failure };
