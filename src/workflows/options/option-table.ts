/**
 * Reads option tables as Lua code writes them into the engine's types. The options are described in
 * docs/guide/workflows.md (starts, activities) and docs/reference/modules/workflow.md.
 * @module
 */
import { parseDuration } from "../../registry/duration.ts";
import { WippyError } from "../../vm/error.ts";
import { type LuaValue, numberOf } from "../../vm/value.ts";
import { nextCron } from "../cron.ts";
import type {
  ActivityOptions,
  ChildOptions,
  RetryPolicy,
  RunOptions,
  StartOptions,
} from "./options.ts";

type Table = Record<string, LuaValue>;

function isTable(value: LuaValue): value is Table {
  return typeof value === "object" && value !== null && !Array.isArray(value) &&
    !(value instanceof Uint8Array) && !(value instanceof Map) && !(value instanceof Error);
}

function invalid(key: string, expected: string, value: LuaValue): WippyError {
  const shown = typeof value === "string" ? `"${value}"` : String(value);
  return new WippyError("Invalid", `option ${key}: ${expected} expected, got ${shown}`, {
    retryable: false,
  });
}

/** Reads keys with and without the legacy prefix `temporal.`; the short one wins. */
class Options {
  readonly #table: Table;

  constructor(value: LuaValue) {
    if (value instanceof Map) {
      this.#table = {};
      for (const [key, element] of value) if (typeof key === "string") this.#table[key] = element;
    } else this.#table = isTable(value) ? value : {};
  }

  value(...keys: string[]): { key: string; value: LuaValue } | undefined {
    for (const key of keys.flatMap((name) => [name, `temporal.${name}`])) {
      const value = this.#table[key];
      if (value !== undefined && value !== null) return { key, value };
    }
    return undefined;
  }

  read<Result>(
    parse: (value: LuaValue, key: string) => Result,
    ...keys: string[]
  ): Result | undefined {
    const found = this.value(...keys);
    return found && parse(found.value, found.key);
  }
}

/** Milliseconds: a number of them, or text such as "1m30s". */
function duration(value: LuaValue, key: string): number {
  const number = numberOf(value);
  if (number >= 0) return number;
  const parsed = typeof value === "string" ? parseDuration(value) : undefined;
  if (parsed === undefined) throw invalid(key, 'milliseconds or a duration such as "30s"', value);
  return parsed;
}

function text(value: LuaValue, key: string): string {
  if (typeof value !== "string" || value === "") {
    throw invalid(key, "a text that is not empty", value);
  }
  return value;
}

function flag(value: LuaValue, key: string): boolean {
  if (typeof value !== "boolean") throw invalid(key, "true or false", value);
  return value;
}

function oneOf<const Word extends string>(...words: Word[]) {
  return (value: LuaValue, key: string): Word => {
    const plain = typeof value === "string" ? value.toLowerCase().replaceAll("-", "_") : "";
    const found = words.find((word) => plain === word || plain.endsWith(`_${word}`));
    if (found === undefined) throw invalid(key, words.join(" | "), value);
    return found;
  };
}

function strings(value: LuaValue, key: string): string[] {
  // An empty table of Lua has no array side.
  const empty = isTable(value) && Object.keys(value).length === 0;
  const list = typeof value === "string" ? [value] : empty ? [] : value;
  if (!Array.isArray(list) || !list.every((item) => typeof item === "string")) {
    throw invalid(key, "a text or a list of texts", value);
  }
  return list as string[];
}

function table(value: LuaValue, key: string): Table {
  if (!isTable(value)) throw invalid(key, "a table with text keys", value);
  return value;
}

function retryPolicy(value: LuaValue, key: string): RetryPolicy {
  const fields = table(value, key);
  const field = (snake: string): [LuaValue, string] => {
    const camel = snake.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());
    return [fields[snake] ?? fields[camel], `${key}.${snake}`];
  };
  const number = ([found, name]: [LuaValue, string], whole: boolean): number | undefined => {
    if (found === undefined || found === null) return undefined;
    const read = numberOf(found);
    if (Number.isNaN(read) || (whole && !Number.isInteger(read))) {
      throw invalid(name, whole ? "a whole number" : "a number", found);
    }
    return read;
  };
  const interval = ([found, name]: [LuaValue, string]): number | undefined => {
    if (found === undefined || found === null) return undefined;
    const parsed = duration(found, name);
    return parsed > 0 ? parsed : undefined;
  };
  const [kinds, kindsKey] = field("non_retryable_error_types");
  const finalKinds = kinds === undefined || kinds === null ? [] : strings(kinds, kindsKey);
  return defined({
    initialInterval: interval(field("initial_interval")),
    maximumInterval: interval(field("maximum_interval")),
    backoffCoefficient: number(field("backoff_coefficient"), false),
    maximumAttempts: number(field("maximum_attempts"), true),
    nonRetryableKinds: finalKinds.length > 0 ? finalKinds : undefined,
  });
}

/** The object without its undefined fields. */
function defined<Fields extends object>(
  fields: Fields,
): { [Key in keyof Fields]?: Exclude<Fields[Key], undefined> } {
  return Object.fromEntries(
    Object.entries(fields).filter(([, value]) => value !== undefined),
  ) as { [Key in keyof Fields]?: Exclude<Fields[Key], undefined> };
}

/** Checks options that mean something on Temporal only: one journal has one queue. */
function checkQueueOptions(options: Options, group: "workflow" | "activity"): void {
  options.read(text, `${group}.task_queue`);
  options.read(table, `${group}.priority`);
  options.read(
    flag,
    group === "workflow" ? "workflow.enable_eager_start" : "activity.disable_eager_execution",
  );
}

/** A cron schedule that will match. */
function cron(value: LuaValue, key: string): string {
  const expression = text(value, key);
  try {
    nextCron(expression, 0);
  } catch (error) {
    throw new WippyError("Invalid", `option ${key}: ${WippyError.from(error).message}`, {
      retryable: false,
    });
  }
  return expression;
}

function runOptions(options: Options): RunOptions {
  checkQueueOptions(options, "workflow");
  return defined({
    executionTimeout: options.read(duration, "workflow.execution_timeout"),
    runTimeout: options.read(duration, "workflow.run_timeout"),
    taskTimeout: options.read(duration, "workflow.task_timeout"),
    retryPolicy: options.read(retryPolicy, "workflow.retry_policy"),
    idConflictPolicy: options.read(
      oneOf("use_existing", "fail", "terminate_existing"),
      "workflow.id_conflict_policy",
    ),
    idReusePolicy: options.read(
      oneOf("allow_duplicate", "allow_duplicate_failed_only", "reject_duplicate"),
      "workflow.id_reuse_policy",
    ),
    cronSchedule: options.read(cron, "workflow.cron_schedule"),
    summary: options.read(text, "workflow.summary", "workflow.static_summary"),
    details: options.read(text, "workflow.details", "workflow.static_details"),
  });
}

/** What a start or child start says besides its entry, host and arguments. */
export interface RunTable<Kind extends RunOptions> {
  workflowId?: string;
  options: Kind;
  memo?: Table;
  searchAttributes?: Table;
}

function runTable<Kind extends RunOptions>(options: Options, own: Kind): RunTable<Kind> {
  return {
    options: { ...runOptions(options), ...own },
    ...defined({
      workflowId: options.read(text, "workflow.id"),
      memo: options.read(table, "workflow.memo"),
      searchAttributes: options.read(
        table,
        "workflow.search_attributes",
        "workflow.typed_search_attributes",
      ),
    }),
  };
}

/** Options of a start from outside. @throws WippyError Invalid, naming the option */
export function parseStartOptions(value: LuaValue): RunTable<StartOptions> {
  const options = new Options(value);
  const startDelay = options.read(duration, "workflow.start_delay");
  if (startDelay !== undefined && options.value("workflow.cron_schedule")) {
    throw invalid("workflow.start_delay", "nothing beside workflow.cron_schedule", startDelay);
  }
  return runTable<StartOptions>(
    options,
    defined({
      startDelay,
      errorWhenAlreadyStarted: options.read(
        flag,
        "workflow.execution_error_when_already_started",
      ),
    }),
  );
}

/** Options of a child. @throws WippyError Invalid, naming the option */
export function parseChildOptions(value: LuaValue): RunTable<ChildOptions> {
  const options = new Options(value);
  return runTable<ChildOptions>(
    options,
    defined({
      parentClosePolicy: options.read(
        oneOf("terminate", "abandon", "request_cancel"),
        "workflow.parent_close_policy",
      ),
      waitForCancellation: options.read(flag, "workflow.wait_for_cancellation"),
    }),
  );
}

/** Timeouts that a local activity cannot have: it waits for no slot, and its heartbeats are not watched. */
function refuseForLocal(options: Options, ...names: string[]): void {
  const found = options.value(...names.map((name) => `activity.${name}`));
  if (!found) return;
  throw new WippyError(
    "Invalid",
    `option ${found.key}: a local activity has none; leave it out, or say activity.local = false`,
    { retryable: false },
  );
}

/** Options of an activity call; `local`: it is a local one. @throws WippyError Invalid, naming the option */
export function parseActivityOptions(
  value: LuaValue,
): { activityId?: string; local?: boolean; options: ActivityOptions } {
  const options = new Options(value);
  const activityId = options.read(text, "activity.id");
  checkQueueOptions(options, "activity");
  const local = options.read(flag, "activity.local") ?? false;
  if (local) refuseForLocal(options, "schedule_to_start_timeout", "heartbeat_timeout");
  return {
    ...(activityId !== undefined && { activityId }),
    ...(local && { local }),
    options: defined({
      startToCloseTimeout: options.read(duration, "activity.start_to_close_timeout"),
      scheduleToCloseTimeout: options.read(duration, "activity.schedule_to_close_timeout"),
      scheduleToStartTimeout: options.read(duration, "activity.schedule_to_start_timeout"),
      heartbeatTimeout: options.read(duration, "activity.heartbeat_timeout"),
      cancellationType: options.read(
        oneOf("try_cancel", "wait_cancellation_completed", "abandon"),
        "activity.cancellation_type",
      ),
      waitForCancellation: options.read(flag, "activity.wait_for_cancellation"),
      retryPolicy: options.read(retryPolicy, "activity.retry_policy"),
      localRetryThreshold: options.read(duration, "activity.local_retry_threshold"),
      summary: options.read(text, "activity.summary"),
    }),
  };
}
