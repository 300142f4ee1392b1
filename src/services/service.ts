/**
 * What an entry runs: the seam between the runtime and the kinds of entries that are services.
 *
 * A kind that runs something is one folder here: `NAME/NAME.ts` exports its definition, made with
 * {@link defineService}, and names with `load` the file that runs it, which is read only when an entry of the kind is
 * there. The runtime knows no such kind by name; what a service may do is its {@link ServiceContext}.
 * @module
 */
import type * as zod from "zod";
import type { Entry } from "../registry/entry.ts";
import { defineKind, type Kind, type KindDefinition } from "../registry/kind.ts";
import { type Lifecycle, lifecycleReferences } from "../registry/lifecycle.ts";
import type { LuaValue } from "../vm/value.ts";
import type { CodeEntry, HostLimits } from "../worker/messages.ts";
import type { PartFactory } from "../worker/parts.ts";
import type { ServiceContext } from "./context.ts";

/** What runs. */
export interface Started {
  /** Fulfilled when it ended well, rejected when it failed. */
  ended: Promise<void>;
  /** The process that it is, if it is one, and the entry that this runs: for the record of its failure. */
  process?: { pid: string; entry: string };
}

/** Something that is started, may end by itself, and can be asked to stop. It may start again after its end. */
export interface Service {
  /** Starts it. */
  start(): Promise<Started>;
  /**
   * Asks it to stop: it takes nothing new and finishes what it has. Its `ended` settles when it has stopped; after the
   * entry's `stop_timeout` it is killed.
   */
  stop(): Promise<void>;
  /** Ends it by force. */
  kill(): Promise<void>;
  /**
   * Takes over, while it runs, what it can of a changed entry, for which `next` was made, which starts the next time.
   * Only where `onChange` is `take_over`.
   */
  takeOver?(next: Service): void;
  /**
   * Does something for a Lua module, which reaches it by the node's request `services.ask`: a query of a pool, a
   * message of a queue. The module has asked for the permission; what the service does, it does in the caller's frame.
   *
   * @throws WippyError what the module's function returns as its error
   */
  answer?(operation: string, input: LuaValue, caller: Caller): LuaValue | Promise<LuaValue>;
  /** What tools show of it beside its state; asked for only while it runs. */
  inspect?(): LuaValue | Promise<LuaValue>;
  /** What lists of services show beside its state, in a few words, if anything; asked for only while it runs. */
  summary?(): string | undefined;
  /** What it counts, for the metrics; read when somebody asks. */
  figures?(): Figure[];
}

/** The unit for which a service does something. */
export interface Caller {
  pid: string;
  /** Its actor, scope and context values. */
  frame: LuaValue;
  /** The index of the unit's worker, if it has one. */
  worker?: number;
  /** Aborted when nobody waits for the answer any more. */
  signal: AbortSignal;
  /** Aborted when the worker of the unit has died: what the unit held ends with it. */
  gone: AbortSignal;
}

/** One number of the metrics. */
export interface Figure {
  /** In Prometheus' form: `wippy_http_requests_total`. The label `service` is added. */
  name: string;
  /** What it is, in one sentence. */
  help: string;
  value: number;
  labels?: Record<string, string>;
}

/** Makes the service of an entry: nothing runs yet. @throws WippyError Invalid when the entry cannot run */
export type ServiceFactory<Data> = (context: ServiceContext, data: Data) => Service;

/** Every payload of a service has a `lifecycle`. */
export type ServiceSchema = zod.ZodObject & { _zod: { output: { lifecycle: Lifecycle } } };

/** What runs on the entries of a kind. */
export type UnitHost = "processes" | "terminal" | "workflows" | "connections";

/** What the runtime must know of a kind before anything of it runs. */
export interface ServiceTraits<Schema extends ServiceSchema = ServiceSchema> {
  /**
   * What runs on its entries, where units do. Workers then know each entry's state, and hosts start before other
   * services, since code may use one without saying so. On a host of connections no code runs: its units are those
   * that the service opens, and it starts as other services do.
   *
   * @default nothing does
   */
  host?: UnitHost;
  /**
   * Of workflow hosts that keep their runs in one place: what they have in common. Runs start children on each other's
   * hosts and signal each other there.
   *
   * @default each host has a place of its own
   */
  group?(entry: Entry): string | undefined;
  /** Whether it starts before, and stops after, services that do not name it, since code uses it without saying so. */
  early?: boolean;
  /** What a host allows; absent or empty: without limit. */
  limits?(data: zod.output<Schema>): Omit<HostLimits, "index">;
  /** Identifiers of entries, beside those that the lifecycle names, that run first. */
  requires?(data: zod.output<Schema>): readonly string[];
  /**
   * What a changed entry does to a service that runs: `restart` stops it, after what requires it, and starts all that
   * ran again; `next_start` leaves it alone until then, and so does `take_over`, after `Service.takeOver`.
   *
   * @default "restart"
   */
  onChange?: "restart" | "next_start" | "take_over";
  /** How the parts of the service are made that run in the threads of workers. */
  part?: { load(): Promise<PartFactory> };
  /** Whether what it runs has the terminal of this program, and so the thread of the node. @default never */
  foreground?(entry: Entry, entries: ReadonlyMap<string, Entry>): boolean;
  /** Lua entries in the namespace `wippy` that the service uses, and that every runtime has. */
  code?: readonly CodeEntry[];
  /** The factory, or a promise of it: `() => import("./run.ts").then(({ run }) => run)`. */
  load():
    | ServiceFactory<zod.output<Schema>>
    | Promise<ServiceFactory<zod.output<Schema>>>;
}

/** A kind whose entries are services. */
export interface ServiceKind<Schema extends ServiceSchema = ServiceSchema> extends Kind<Schema> {
  readonly service: ServiceTraits<Schema>;
}

/**
 * Defines a kind whose entries are services. References of the lifecycle are checked without being listed.
 *
 * @example
 * ```ts
 * export const clock = defineService({
 *   name: "demo.clock",
 *   schema: () => z.object({ every: duration(1_000), lifecycle: lifecycle() }),
 *   load: () => import("./run.ts").then(({ runClock }) => runClock),
 * });
 * ```
 */
export function defineService<Schema extends ServiceSchema>(
  definition: Omit<KindDefinition<Schema>, "code"> & ServiceTraits<Schema>,
): ServiceKind<Schema> {
  const { host, group, early, limits, requires, onChange, foreground, code, part, load, ...kind } =
    definition;
  const references = [...definition.references ?? [], ...lifecycleReferences];
  const service: ServiceTraits<Schema> = {
    load,
    ...(host !== undefined && { host }),
    ...(group && { group }),
    ...(early && { early }),
    ...(limits && { limits }),
    ...(requires && { requires }),
    ...(onChange && { onChange }),
    ...(foreground && { foreground }),
    ...(code && { code }),
  };
  return Object.assign(defineKind({ ...kind, references }), { service, ...(part && { part }) });
}

/** Whether entries of a kind are services. */
export function isServiceKind(kind: Kind | undefined): kind is ServiceKind {
  return kind !== undefined && "service" in kind;
}

/** What {@link untilStopped} runs. */
export interface UntilStopped {
  /** Starts it. `failed` ends the service with an error, also later. */
  open(failed: (error: unknown) => void): Promise<void> | void;
  /** Finishes what it has and ends it. */
  close(): Promise<void> | void;
  /** Ends it at once; `close` when absent. */
  kill?(): Promise<void> | void;
  answer?: NonNullable<Service["answer"]>;
  inspect?(): LuaValue | Promise<LuaValue>;
  summary?(): string;
  figures?(): Figure[];
}

/** A service that does not end by itself: a host, a server, a pool of connections. */
export function untilStopped({ open, close, kill = close, ...tools }: UntilStopped): Service {
  let end = Promise.withResolvers<void>();
  return {
    async start() {
      const own = end = Promise.withResolvers<void>();
      // Whoever started it may look at its end only later.
      own.promise.catch(() => {});
      await open((error) => own.reject(error));
      return { ended: own.promise };
    },
    async stop() {
      await close();
      end.resolve();
    },
    async kill() {
      await kill();
      end.resolve();
    },
    ...tools,
  };
}
