import type * as zod from "zod";
import { z } from "../registry/schema.ts";
import type { Entry } from "../registry/entry.ts";
import { lazy } from "../registry/lazy.ts";
import type { Variables } from "../registry/placeholder.ts";
import { WippyError } from "../vm/error.ts";
import { LuaFloat, type LuaValue, type PackedRows } from "../vm/value.ts";
import type { Terminal } from "./io/terminal.ts";
import type { ResourceTable } from "./resources.ts";

/**
 * How an operation relates to its unit:
 * - `pure`: the same arguments give the same answer; called at once, never recorded;
 * - `immediate`: answers at once, but not always the same; recorded in workflows;
 * - `async`: the calling coroutine waits; recorded in workflows.
 */
export type OperationMode = "pure" | "immediate" | "async";

/** Reads and writes the environment variables of the application. */
export interface EnvironmentAccess extends Variables {
  /** Throws WippyError Invalid or NotFound. */
  get(key: string, namespace: string): string;
  /** Throws WippyError Invalid, NotFound or PermissionDenied. */
  set(key: string, value: string, namespace: string): void;
  all(): Record<string, string>;
  /** Takes over what another worker wrote to a storage in memory. */
  mirror(storage: string, key: string, value: string): void;
}

/** Sends an HTTP request, as the global function of that name. */
export type Fetch = (url: string | URL, options: BunFetchRequestInit) => Promise<Response>;

/** What operations use of the runtime around them. One object per worker. */
export interface OperationServices {
  /** The registered entry of an identifier. */
  entry(id: string): Entry | undefined;
  /** All registered entries. */
  entries(): Iterable<Entry>;
  /** Takes over what changed in the registry. */
  register(entries: readonly Entry[], removed: readonly string[]): void;
  environment: EnvironmentAccess;
  /** Absolute path of the application's directory, where relative paths start. */
  directory: string;
  /**
   * Absolute path of the module that owns an entry; the application's own entries have `directory`.
   */
  moduleDirectory(entry: Entry): string;
  /** Random bytes, fit for secrets. */
  random(count: number): Uint8Array;
  clock: {
    /** Milliseconds since 1970, with fractions. */
    now(): number;
  };
  /** When the runtime started, in milliseconds since 1970. */
  startedAt: number;
  /** The network entry through which units connect that have selected none; undefined: directly. */
  defaultNetwork?: string | undefined;
  /** Sends the requests of `http_client` in place of the network; only in tests of applications. */
  fetch?: Fetch;
  /**
   * Asks the service of an entry, which is on the node's thread; see `Service.answer`.
   *
   * @throws WippyError that of the service; NotFound for an entry that is none; Unavailable while it does not run
   */
  ask(question: ServiceQuestion): Promise<LuaValue>;
  /**
   * Asks the part of a service in this thread, which may be able to answer faster.
   *
   * @param input as the service's kind defines it
   * @returns whether it calls `done`; if not, the service is to be asked
   */
  near?(service: string, input: unknown, signal: AbortSignal, done: NearAnswer): boolean;
}

/** Takes what was asked nearby: an answer, nothing if the service is to be asked, or Canceled after an abort. */
export type NearAnswer = (value: LuaValue, error?: WippyError) => void;

/** What an operation asks of the service of an entry. */
export interface ServiceQuestion {
  /** Identifier of the entry. */
  service: string;
  operation: string;
  input: LuaValue;
  /** The unit that asks. */
  pid: string;
  /** Calls the question off; the service answers nevertheless. */
  signal?: AbortSignal;
}

/** The unit that asks for an operation. */
export interface OperationContext {
  /** Aborted when the unit is cancelled or ends. */
  signal: AbortSignal;
  pid: string;
  /** Identifier of the entry whose code runs. */
  entry: string;
  /** Only where the unit is a process on a terminal host. */
  terminal?: Terminal;
  /** What the unit holds open; closed when it ends. */
  resources: ResourceTable;
  services: OperationServices;
  /**
   * Only in a workflow: the same text when the operation is repeated, because the runtime ended before it was recorded,
   * and another one for every other operation.
   */
  once?: string;
}

/** What a security check asks before an operation runs. */
export interface Permission {
  action: string;
  resource: string;
  /** What conditions of policies find under `meta.`. @default none */
  attributes?: Record<string, string>;
}

/** What an operation returns. Only those of mode `async` return rows in one piece. */
export type OperationValue = LuaValue | PackedRows;

/** One thing that the host does for Lua code. */
export interface Operation {
  /** `module.name`, as the Lua module calls it. */
  name: string;
  /** What programs call, for refusals of arguments. @default the name */
  calledAs?: string;
  /** One sentence for the documentation. */
  summary: string;
  mode: OperationMode;
  readonly arguments: zod.ZodTuple;
  /** Whether arguments are valid at first sight, so that the schema need not be made. @default none are */
  quick?(args: readonly LuaValue[]): boolean;
  /** What the caller must be allowed to do. @default nothing */
  permission?(args: readonly unknown[]): Permission;
  /**
   * Asks `OperationServices.near` in place of `run`, of arguments that are valid at first sight. The values that it
   * passes on are packed rows.
   *
   * @returns whether `done` is called; if not, or without a value, `run` is called
   */
  near?(context: OperationContext, args: readonly LuaValue[], done: NearAnswer): boolean;
  /** Throws WippyError, which reaches Lua as `nil, err`. */
  run(
    context: OperationContext,
    args: readonly unknown[],
  ): OperationValue | Promise<OperationValue>;
}

/**
 * Defines an operation whose `run` gets its arguments checked and typed. The schemas of its arguments are made when
 * it is first asked for, because zod must not slow down a start.
 *
 * `quick` may accept common arguments without the schema. `permission` is checked before `run`; without one, every
 * unit that lists the module may use the operation. What `run` throws reaches Lua as `nil, err`.
 *
 * @example
 * ```ts
 * export const get = defineOperation({
 *   name: "env.get",
 *   summary: "Returns the value of a variable.",
 *   mode: "immediate",
 *   arguments: () => [z.string()],
 *   permission: (key) => ({ action: "env.get", resource: key }),
 *   run: ({ services, entry }, key) => services.environment.get(key, parseId(entry).namespace),
 * });
 * ```
 */
export function defineOperation<const Items extends readonly zod.ZodType[]>(definition: {
  name: string;
  calledAs?: string;
  summary: string;
  mode: OperationMode;
  arguments: Items | (() => Items);
  quick?: (args: readonly LuaValue[]) => boolean;
  near?: NonNullable<Operation["near"]>;
  permission?: (...args: ArgumentsOf<Items>) => Permission;
  run: (
    context: OperationContext,
    ...args: ArgumentsOf<Items>
  ) => OperationValue | Promise<OperationValue>;
}): Operation {
  const { permission, run, arguments: items, ...rest } = definition;
  const schema = lazy(() => {
    const made = typeof items === "function" ? items() : items;
    const [first, ...others] = made;
    return first ? z.tuple([first, ...others]) : z.tuple([]);
  });
  const none = Array.isArray(items) && items.length === 0;
  return {
    ...(none && { quick: (args: readonly LuaValue[]) => args.length === 0 }),
    ...rest,
    get arguments() {
      return schema();
    },
    ...(permission && {
      permission: (args) => permission(...(args as ArgumentsOf<Items>)),
    }),
    run: (context, args) => run(context, ...(args as ArgumentsOf<Items>)),
  };
}

type ArgumentsOf<Items extends readonly zod.ZodType[]> = {
  -readonly [Index in keyof Items]: zod.output<Items[Index]>;
};

/**
 * Puts plain numbers in the place of floats such as 2.0 that a schema has refused: where a whole number is wanted, Lua
 * means the same by both. Returns whether there was one.
 */
function wholeNumbers(args: LuaValue[], issues: readonly { path: PropertyKey[] }[]): boolean {
  let found = false;
  for (const { path } of issues) {
    const parent = path.slice(0, -1).reduce<unknown>(
      (value, key) => (value as Record<PropertyKey, unknown> | undefined)?.[key],
      args,
    ) as Record<PropertyKey, unknown> | undefined;
    const key = path.at(-1);
    const value = key === undefined ? undefined : parent?.[key];
    if (parent === undefined || key === undefined || !(value instanceof LuaFloat)) continue;
    parent[key] = value.value;
    found = true;
  }
  return found;
}

/** Schemas of arguments that Lua modules add to those of their callers. */
const added = new WeakSet<zod.ZodType>();

/**
 * An argument that the Lua module adds of its own, such as the handle of what a method is called on, or whose place
 * differs between its functions: where an operation refuses another argument, it does not count.
 */
export function addedByModule<Schema extends zod.ZodType>(schema: Schema): Schema {
  added.add(schema);
  return schema;
}

/**
 * Where a fault is: the field of a table, or the number of the argument as the caller of the Lua module counts; "" for
 * what it does not know of.
 */
function placeOf(
  operation: Operation,
  { path: [index, ...path], message }: { path: readonly PropertyKey[]; message: string },
): string {
  const field = path.map((key) => typeof key === "number" ? `[${key + 1}]` : `.${String(key)}`);
  if (path.length > 0 && message.startsWith(`${String(path.at(-1))} `)) return "";
  if (path.length > 0) return `${field.join("").replace(/^\./, "")}: `;
  const items: readonly unknown[] = operation.arguments.def.items;
  const isAdded = (item: unknown) => item instanceof Object && added.has(item as zod.ZodType);
  if (index === undefined || isAdded(items[Number(index)])) return "";
  const before = items.slice(0, Number(index)).filter(isAdded).length;
  return `argument ${Number(index) + 1 - before}: `;
}

/**
 * Checks the arguments of an operation as Lua gave them; missing ones at the end count as nil.
 *
 * @throws WippyError Invalid: which argument is wrong, and why
 */
export function checkArguments(operation: Operation, args: readonly LuaValue[]): unknown[] {
  if (operation.quick?.(args)) return [...args];
  const count = operation.arguments.def.items.length;
  const padded = Array.from({ length: Math.max(count, args.length) }, (_, index) => args[index]);
  let result = operation.arguments.safeParse(padded);
  if (!result.success && wholeNumbers(padded, result.error.issues)) {
    result = operation.arguments.safeParse(padded);
  }
  if (result.success) return result.data;
  const issue = result.error.issues[0]!;
  const { name, calledAs = name } = operation;
  const message = `${calledAs}: ${placeOf(operation, issue)}${issue.message}`;
  throw new WippyError("Invalid", message, { retryable: false });
}

/** Whether there is one argument, a Lua string. */
export function isOneString(args: readonly LuaValue[]): boolean {
  return args.length === 1 && (typeof args[0] === "string" || args[0] instanceof Uint8Array);
}

/** A Lua string: text where it is UTF-8, else bytes. */
export const luaString = lazy(() =>
  z.union([z.string(), z.instanceof(Uint8Array)], { error: "a string is expected" })
);

/** A list of Lua: the empty one arrives as a table without keys. */
export function luaList<Item extends zod.ZodType>(item: Item) {
  return z.preprocess(
    (value) =>
      typeof value === "object" && value !== null && Object.keys(value).length === 0 ? [] : value,
    z.array(item),
  );
}

/** The bytes of a Lua string. */
export function bytesOf(value: string | Uint8Array): Uint8Array {
  return typeof value === "string" ? new TextEncoder().encode(value) : value;
}
