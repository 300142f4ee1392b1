/**
 * Reads option tables as Lua code writes them into the engine's types. The options are described in
 * docs/guide/workflows.md (starts, activities) and docs/reference/modules/workflow.md.
 * @module
 */
import { parseDuration } from "../../registry/duration.ts";
import { nearest, suggest } from "../../registry/suggestion.ts";
import { WippyError } from "../../vm/error.ts";
import { isTable, type LuaValue, numberOf } from "../../vm/value.ts";
import { nextCron } from "../cron.ts";
import type {
  ActivityOptions,
  ChildOptions,
  RetryPolicy,
  RunOptions,
  StartOptions,
} from "./options.ts";

type Table = Record<string, LuaValue>;

function invalid(key: string, expected: string, value: LuaValue): WippyError {
  const shown = typeof value === "string"
    ? `"${value}"`
    : Array.isArray(value)
    ? "a list"
    : isTable(value) || value instanceof Map
    ? "a table"
    : String(value);
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
  const read = typeof value === "string" ? parseDuration(value) : numberOf(value);
  if (read !== undefined && Number.isFinite(read) && read >= 0) return read;
  throw invalid(key, 'milliseconds or a duration such as "30s", of 0 or more,', value);
}

/** A timeout in milliseconds; 0 is none. */
function timeout(value: LuaValue, key: string): number | undefined {
  return duration(value, key) || undefined;
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

/** One of the words, in any case, or its number in Temporal's protocol, which counts from `first`. */
function oneOf<const Word extends string>(words: readonly Word[], first = 1) {
  return (value: LuaValue, key: string): Word => {
    const plain = typeof value === "string" ? value.toLowerCase().replaceAll("-", "_") : "";
    const found = words.find((word, at) =>
      plain === word || plain.endsWith(`_${word}`) || numberOf(value) === first + at
    );
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

const camelOf = (snake: string) =>
  snake.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());

/** Fields of a retry policy, as Lua writes them; each may be in camel case too. */
const retryFields = [
  "initial_interval",
  "maximum_interval",
  "backoff_coefficient",
  "maximum_attempts",
  "non_retryable_error_types",
] as const;

function retryPolicy(value: LuaValue, key: string): RetryPolicy {
  const fields = table(value, key);
  const known: readonly string[] = retryFields;
  for (const name of Object.keys(fields)) {
    if (known.some((field) => name === field || name === camelOf(field))) continue;
    const near = suggest(name, known, `possible: ${known.join(", ")}`);
    throw new WippyError("Invalid", `option ${key}: unknown field ${name}; ${near}`, {
      retryable: false,
    });
  }
  const field = (snake: typeof retryFields[number]): [LuaValue, string] => [
    fields[snake] ?? fields[camelOf(snake)],
    `${key}.${snake}`,
  ];
  const number = (
    [found, name]: [LuaValue, string],
    expected: string,
    fits: (read: number) => boolean,
  ): number | undefined => {
    if (found === undefined || found === null) return undefined;
    const read = numberOf(found);
    if (!fits(read)) throw invalid(name, expected, found);
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
    backoffCoefficient: number(
      field("backoff_coefficient"),
      "a number of at least 1",
      (read) => Number.isFinite(read) && read >= 1,
    ),
    maximumAttempts: number(
      field("maximum_attempts"),
      "a whole number of at least 0",
      (read) => Number.isInteger(read) && read >= 0,
    ),
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

/** Checks a field of a table, which may be in camel case. */
function checkField(
  value: Table,
  key: string,
  snake: string,
  expected: string,
  fits: (found: LuaValue) => boolean,
): void {
  const found = value[snake] ?? value[camelOf(snake)];
  if (found === undefined || found === null || fits(found)) return;
  throw invalid(`${key}.${snake}`, expected, found);
}

const isText = (value: LuaValue): value is string => typeof value === "string";

function checkPriority(value: LuaValue, key: string): void {
  const fields = table(value, key);
  const isWhole = (found: LuaValue) => Number.isInteger(numberOf(found));
  const isNumber = (found: LuaValue) => Number.isFinite(numberOf(found));
  checkField(fields, key, "priority_key", "a whole number", isWhole);
  checkField(fields, key, "fairness_key", "a text", isText);
  checkField(fields, key, "fairness_weight", "a number", isNumber);
}

function checkIntent(value: LuaValue, key: string): void {
  if (isText(value) || Number.isInteger(numberOf(value))) return;
  throw invalid(key, "a text or a whole number", value);
}

function checkOverride(value: LuaValue, key: string): void {
  const expected = '"auto_upgrade" or { mode = "pinned", version = { ... } }';
  const mode = isTable(value) ? value["mode"] : value;
  const upgrades = isText(mode) && /^(.+_)?auto_upgrade$/i.test(mode.replaceAll("-", "_"));
  const pinned = isTable(value) && isText(mode) && /^(.+_)?pinned$/i.test(mode);
  if (!upgrades && !pinned) throw invalid(isTable(value) ? `${key}.mode` : key, expected, mode);
  if (!isTable(value)) return;
  const version = value["version"];
  if (version === undefined || version === null) return;
  const fields = table(version, `${key}.version`);
  checkField(fields, `${key}.version`, "deployment_name", "a text", isText);
  checkField(fields, `${key}.version`, "build_id", "a text", isText);
}

/** Checks options that have no effect. */
function checkQueueOptions(options: Options, group: "workflow" | "activity"): void {
  options.read(checkPriority, `${group}.priority`);
  options.read(
    flag,
    group === "workflow" ? "workflow.enable_eager_start" : "activity.disable_eager_execution",
  );
}

/** Search attributes: each has a value whose type the service knows. */
function searchAttributes(value: LuaValue, key: string): Table {
  const attributes = table(value, key);
  for (const [name, found] of Object.entries(attributes)) {
    const one = isText(found) || typeof found === "boolean" || !Number.isNaN(numberOf(found));
    // An empty table of Lua has no array side.
    const empty = isTable(found) && Object.keys(found).length === 0;
    if (one || empty || found === undefined || found === null) continue;
    const own = `${key}.${name}`;
    if (!Array.isArray(found)) {
      throw invalid(own, "a text, number, boolean or list of texts", found);
    }
    const at = found.findIndex((element) => !isText(element));
    if (at >= 0) throw invalid(`${own}[${at + 1}]`, "a text", found[at]);
  }
  return attributes;
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
    taskQueue: options.read(text, "workflow.task_queue"),
    executionTimeout: options.read(timeout, "workflow.execution_timeout"),
    runTimeout: options.read(timeout, "workflow.run_timeout"),
    taskTimeout: options.read(timeout, "workflow.task_timeout"),
    retryPolicy: options.read(retryPolicy, "workflow.retry_policy"),
    idConflictPolicy: options.read(
      oneOf(["fail", "use_existing", "terminate_existing"]),
      "workflow.id_conflict_policy",
    ),
    idReusePolicy: options.read(
      oneOf(["allow_duplicate", "allow_duplicate_failed_only", "reject_duplicate"]),
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
        searchAttributes,
        "workflow.search_attributes",
        "workflow.typed_search_attributes",
      ),
    }),
  };
}

/** Options of a start from outside. @throws WippyError Invalid, naming the option */
export function parseStartOptions(value: LuaValue): RunTable<StartOptions> {
  const options = new Options(value);
  options.read(checkOverride, "workflow.versioning_override");
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
  options.read(text, "workflow.namespace");
  options.read(checkIntent, "workflow.versioning_intent");
  return runTable<ChildOptions>(
    options,
    defined({
      parentClosePolicy: options.read(
        oneOf(["terminate", "abandon", "request_cancel"]),
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
  options.read(checkIntent, "activity.versioning_intent");
  const local = options.read(flag, "activity.local") ?? false;
  if (local) refuseForLocal(options, "schedule_to_start_timeout", "heartbeat_timeout");
  return {
    ...(activityId !== undefined && { activityId }),
    ...(local && { local }),
    options: defined({
      taskQueue: options.read(text, "activity.task_queue"),
      startToCloseTimeout: options.read(timeout, "activity.start_to_close_timeout"),
      scheduleToCloseTimeout: options.read(timeout, "activity.schedule_to_close_timeout"),
      scheduleToStartTimeout: options.read(timeout, "activity.schedule_to_start_timeout"),
      heartbeatTimeout: options.read(timeout, "activity.heartbeat_timeout"),
      cancellationType: options.read(
        oneOf(["try_cancel", "wait_cancellation_completed", "abandon"], 0),
        "activity.cancellation_type",
      ),
      waitForCancellation: options.read(flag, "activity.wait_for_cancellation"),
      retryPolicy: options.read(retryPolicy, "activity.retry_policy"),
      localRetryThreshold: options.read(duration, "activity.local_retry_threshold"),
      summary: options.read(text, "activity.summary"),
    }),
  };
}

/** Every option that a table may hold; some mean nothing to this provider, and are taken for compatibility. */
const knownOptions: readonly string[] = [
  ..."id task_queue execution_timeout run_timeout task_timeout id_conflict_policy id_reuse_policy \
execution_error_when_already_started retry_policy cron_schedule memo search_attributes \
typed_search_attributes enable_eager_start start_delay summary details static_summary static_details \
versioning_override priority namespace parent_close_policy wait_for_cancellation versioning_intent"
    .split(" ").map((name) => `workflow.${name}`),
  ..."id task_queue priority disable_eager_execution local start_to_close_timeout \
schedule_to_close_timeout schedule_to_start_timeout heartbeat_timeout cancellation_type \
wait_for_cancellation retry_policy local_retry_threshold summary versioning_intent"
    .split(" ").map((name) => `activity.${name}`),
];

/**
 * What to warn of in a table of options: names of workflows and activities that mean nothing and are ignored, each with
 * the nearest known one.
 */
export function unknownOptions(value: LuaValue): string[] {
  const names = value instanceof Map
    ? [...value.keys()].filter((key) => typeof key === "string")
    : isTable(value)
    ? Object.keys(value)
    : [];
  return names.flatMap((name) => {
    const short = name.replace(/^temporal\./, "");
    if (knownOptions.includes(short)) return [];
    const [, group, own = ""] = /^(workflow\.|activity\.)(.*)$/.exec(short) ?? [];
    // Other options of functions and processes stand in the same table.
    if (group === undefined) return [];
    const names = knownOptions.filter((known) => known.startsWith(group))
      .map((known) => known.slice(group.length));
    const near = nearest(own, names);
    const hint = near === undefined ? "" : `; did you mean ${group}${near}?`;
    return [`option ${name} is unknown and ignored${hint}`];
  });
}
