/**
 * What the runtime offers to a service.
 * @module
 */
import type { VolumeSource } from "../operations/fs/volume.ts";
import type { LogLevel } from "../observe/log.ts";
import type { Platform } from "../platform/platform.ts";
import type { Simulation } from "../platform/simulation.ts";
import type { Entry } from "../registry/entry.ts";
import type { Lifecycle } from "../registry/lifecycle.ts";
import type { Variables } from "../registry/placeholder.ts";
import type { WippyError } from "../vm/error.ts";
import type { LuaValue } from "../vm/value.ts";
import type { WorkflowProvider } from "../workflows/provider.ts";

/** In whose name code runs: its actor and its scope, a list of policies, and context values. */
export type Frame = Record<string, LuaValue>;

/** What a service may use. One object for each entry, the same over all its starts. */
export interface ServiceContext {
  /** The entry that it belongs to. */
  readonly entry: Entry;
  /** Clock, timers and randomness; nothing else reads the real ones. */
  readonly platform: Platform;
  /** Set when the runtime runs in a simulation. */
  readonly simulation?: Simulation;
  /** Servers open no ports; their requests come by `Service.answer`. */
  readonly portless?: boolean;
  /** Set when journals need not last, see `NodeOptions`. */
  readonly temporary?: "file" | "memory";
  /** Absolute path of the application, where relative paths of entries start. */
  readonly directory: string;
  /** Absolute path of the folder for what outlives the runtime. */
  readonly stateDir: string;
  /** Where `placeOf` finds the volumes of the application. */
  readonly volumes: VolumeSource;
  /** For `decodeEntry` of other entries. */
  readonly variables: Variables;
  /** All entries, as they are now. */
  readonly entries: ReadonlyMap<string, Entry>;
  readonly services: RunningServices;
  readonly units: ServiceUnits;
  /** Only for kinds that are hosts. */
  readonly host: HostControl;
  readonly workers: ServiceWorkers;
  readonly workflows: WorkflowDirectory;
  readonly events: ServiceEvents;
  /**
   * Calls back after each change set that creates, updates or deletes entries of these kinds; the change set is done
   * when the listener is. A router so follows its endpoints without a restart.
   *
   * @returns what ends it
   */
  watch(kinds: readonly string[], listener: () => Promise<void> | void): () => void;
  /** Writes a log record in the entry's name. */
  log(level: LogLevel, message: string, fields?: Record<string, unknown>): void;
}

/** Other services. */
export interface RunningServices {
  /**
   * The service of another entry, while it runs. Name the entry in `requires`, so that it starts before and stops
   * after.
   *
   * @param type the class that it must have
   * @throws WippyError NotFound for an unknown service; Unavailable while it does not run; Invalid for another class
   */
  get<Type extends object>(id: string, type: abstract new (...args: never[]) => Type): Type;
  /**
   * Asks the service of another entry what modules ask it, in the runtime's own name: no permission is needed.
   *
   * @throws WippyError that of the service; NotFound, Unavailable, Invalid as `get`
   */
  ask(id: string, operation: string, input: LuaValue, signal: AbortSignal): Promise<LuaValue>;
}

/** A process that a service has started. */
export interface StartedProcess {
  pid: string;
  /** Its result. Rejected with its error. */
  ended: Promise<LuaValue>;
  /** Asks it to end. */
  cancel(reason: string): Promise<void>;
  terminate(): Promise<void>;
}

/** How a function is called. */
export interface CallOptions {
  /** In whose name. @default nobody's: in strict mode nothing is allowed */
  frame?: Frame;
  /** Milliseconds, after which the call is cancelled. @default without limit */
  timeout?: number;
  /** Cancels the call. */
  signal?: AbortSignal;
}

/** A call of a function that serves a request. */
export interface ServedCall {
  /** The outcome, see `ServedAnswer` of the server, if the call ended immediately. */
  outcome?: LuaValue;
  /** Otherwise the promise of the outcome. */
  answer: Promise<LuaValue>;
  /** Ends it, unless it has ended. @param reason what `answer` is rejected with */
  cancel(reason: WippyError): void;
}

/** What a service does for a unit of its own. */
export interface UnitHandlers {
  /** It got a message. @throws WippyError why it does not take it, which is what the sender gets */
  message(topic: string, from: string, values: LuaValue[]): void;
  /** Somebody asks it to end. */
  cancel(reason: string): void;
  /** It was ended by force, or by a linked process that failed: nothing can be sent in its name any more. */
  terminated(): void;
  /** A unit that it monitors has ended. */
  exited(pid: string): void;
}

/** A unit of a service, with a PID on the host that its entry is. */
export interface ServiceUnit {
  readonly pid: string;
  /** Sends a message in its name. @throws WippyError NotFound, Unavailable, or why the receiver does not take it */
  send(to: string, topic: string, values: LuaValue[]): Promise<void>;
  /** Hears of the end of another unit, once. @throws WippyError when there is none */
  monitor(pid: string): Promise<void>;
  demonitor(pid: string): void;
  /** Ends it, and tells who monitors it or is linked to it. Twice is once. */
  end(value: LuaValue, error?: WippyError): void;
}

/** Functions and processes. */
export interface ServiceUnits {
  /**
   * The frame of the identity that a `lifecycle.security` or a like block describes; policies as they are now.
   *
   * @param owner the entry whose namespace completes bare names; that of the service when absent
   */
  frame(security: Lifecycle["security"], owner?: string): Frame;
  /** Starts a process; on a host that has the terminal, the runtime ends with it. @throws WippyError */
  spawn(process: string, host: string, frame: Frame, args: LuaValue[]): Promise<StartedProcess>;
  /** Calls a function. @throws WippyError the function's own; NotFound; Timeout; Canceled */
  call(functionId: string, args: LuaValue[], options?: CallOptions): Promise<LuaValue>;
  /**
   * Calls a function for a request of a server, which it has instead of arguments.
   *
   * @param checks permissions that the identity must have, else the answer is a refusal
   * @param request see `Served.describe` of the server
   * @throws WippyError Unavailable when it cannot be called; the answer is rejected with what comes later
   */
  serve(
    functionId: string,
    frame: Frame,
    checks: readonly { action: string; resource: string }[],
    request: LuaValue,
  ): ServedCall;
  /**
   * Calls a function for each of several messages of a queue, on one worker. The service is asked `ended` with the
   * outcomes, `{done, failed}`, as they come. Resolves when all have ended. Waits
   * while all workers stand still.
   *
   * @param deliveries of which each has a number `tag`, with the argument of the call
   * @throws WippyError when none could be called, the worker died, or `signal` was aborted: those without an outcome
   *   will have none
   */
  handle(deliveries: PackedDeliveries, signal: AbortSignal): Promise<void>;
  /** Delivers a message to a process; one that is gone gets none. */
  deliver(pid: string, topic: string, from: string, values: LuaValue[]): void;
  /** Makes a unit of this service, which is no code; only for kinds that host connections. */
  open(handlers: UnitHandlers): ServiceUnit;
}

/** Messages of a queue for calls of a function. */
export interface PackedDeliveries {
  /** Packed: see `packDeliver` of the queues. */
  args: Uint8Array;
  count: number;
}

/** Notifications to a service about its parts. */
export interface PartHandlers {
  /** A worker has no part yet; called for each running worker, and each that starts later. */
  started(worker: number): void;
  /** A worker has died, with its part. */
  gone(worker: number): void;
  /** A message from a part. */
  told(worker: number, message: unknown): void;
}

/** The parts of a service, each in the thread of a worker. */
export interface ServiceParts {
  /** Starts the part of a worker. @param data for the factory; what can be cloned @param ports that are in it */
  open(worker: number, data: unknown, ports?: MessagePort[]): void;
  /** Sends a cloneable message to the part of a worker, after the current entries. */
  tell(worker: number, message: unknown): void;
  /** Ends all parts, without further notifications. */
  end(): void;
}

/** The threads of the workers. */
export interface ServiceWorkers {
  /** Whether each worker has a thread of its own, so that services can have parts there. */
  readonly apart: boolean;
  /** How many run. */
  readonly running: number;
  /** Whether a worker's thread hangs, so that its part will not respond. */
  standing(worker: number): boolean;
  /** Starts all workers that there may be; nobody waits for that. */
  fill(): void;
  /** Creates the parts of this service, with the factory of its kind (`ServiceTraits.part`). */
  parts(handlers: PartHandlers): ServiceParts;
}

/** The state of a host of units. */
export interface HostControl {
  /** Tells the workers whether units may start on it. */
  set(state: "running" | "stopping" | "stopped"): void;
  /** Asks its processes to end and waits for those that listen, at most so many milliseconds. */
  drain(timeout: number): Promise<void>;
  /** Its processes have this program's terminal from now on. */
  claimTerminal(): void;
}

/** Where the workflow hosts of the runtime are known. */
export interface WorkflowDirectory {
  /** A host on which workflows may be started once it is open; called when the service is made. */
  declare(host: string): void;
  /** The workflow host of an entry: the one that it names, else the only one. @throws WippyError Invalid */
  hostOf(entry: Entry): string;
  /** A number that no other provider of this runtime has. */
  number(): number;
  /**
   * Opens a provider, whose open runs go on at once. It is closed when all services have stopped.
   *
   * @throws WippyError, see `WorkflowProvider.open`
   */
  open(host: string, provider: WorkflowProvider): Promise<void>;
  /** The provider of an open host. @throws WippyError Unavailable */
  provider(host: string): WorkflowProvider;
}

/** The runtime's events. */
export interface ServiceEvents {
  publish(event: { system: string; kind: string; path: string; data?: LuaValue }): void;
}
