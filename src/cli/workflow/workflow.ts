/**
 * `wippy workflow list | show | history | export`: reading runs.
 * @module
 */
import { oneLine } from "../../observe/clean.ts";
import { bytes, moment, span } from "../../observe/measure.ts";
import { join, resolve } from "node:path";
import { ApiClient, type Got, type Send } from "../../admin/client.ts";
import { askSocket } from "../../admin/socket.ts";
import { type ConnectOptions, isAbsent, readArgument, stateOf } from "../connection.ts";
import { parseDuration } from "../../registry/duration.ts";
import { writeExact } from "../../vm/json.ts";
import { CommandError, type Console } from "../terminal/terminal.ts";
import { brief, failureText, fields, table } from "../terminal/table.ts";

export type Run = Got<"/workflows">["runs"][number];
type ShownEvent = Got<"/workflows/:id/history">["events"][number];

/** Which run is meant. */
export interface RunChoice extends ConnectOptions {
  run?: string;
}

export interface ListRunsOptions extends ConnectOptions {
  status?: string;
  id?: string;
  host?: string;
  prefix?: string;
  entry?: string;
  since?: string;
  until?: string;
  closedSince?: string;
  closedUntil?: string;
  attribute?: string[];
  limit: number;
  after?: string;
}

export interface HistoryOptions extends RunChoice {
  full?: boolean;
  follow?: boolean;
}

/** How often a followed history is looked at, in milliseconds. */
const followInterval = 250;
const eventsAtOnce = 5000;

/** The API over the journal of a state folder. */
async function readJournal(console: Console, state: string): Promise<Send> {
  const [{ readStored }, { storedApi }, { keysHere, withKeys }] = await Promise.all([
    import("../../workflows/providers/providers.ts"),
    import("../../admin/stored.ts"),
    import("../journal/journal-keys.ts"),
  ]);
  const path = join(state, "journal.db");
  const stored = await withKeys(
    (keys) => readStored({ type: "sqlite", path, ...keys && { keys } }),
    () => keysHere(console),
  );
  return storedApi(stored, state);
}

/** Speaks to the runtime of a state folder or, where none runs, to its journal. @throws CommandError */
export function connectRuns(console: Console, options: ConnectOptions): ApiClient {
  const state = stateOf(console, options);
  let journal: Promise<Send> | undefined;
  return new ApiClient(async (path, init) => {
    if (journal) return await (await journal)(path, init);
    try {
      return await askSocket(state, path, init);
    } catch (error) {
      if (!isAbsent(error)) throw error;
      journal = readJournal(console, state);
      try {
        return await (await journal)(path, init);
      } catch (failure) {
        throw new CommandError(
          `no runtime is running with the state folder ${state}, and ${(failure as Error).message}`,
          "name the application with -C, or its state folder with --state",
        );
      }
    }
  }, writeExact);
}

/** `running`, or what stands in its way. */
function state(run: Run): string {
  if (run.blocked) return "blocked";
  return run.cancel_requested && run.status === "running" ? "canceling" : run.status;
}

/** A date, or a span before now, in milliseconds since 1970. @throws CommandError */
export function instant(text: string): number;
export function instant(text: string | undefined): number | undefined;
export function instant(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const span = parseDuration(text);
  if (span !== undefined) return Math.max(0, Math.floor(Date.now() - span));
  const date = Date.parse(text);
  if (!Number.isNaN(date)) return date;
  throw new CommandError(
    `"${text}" is not a time`,
    "write 2026-11-24, 2026-11-24T10:00, or 2h for two hours ago",
  );
}

/** `key=value` pairs as the API takes them. @throws CommandError */
function attributesOf(pairs: readonly string[] | undefined): string | undefined {
  if (!pairs) return undefined;
  return writeExact(Object.fromEntries(pairs.map((pair) => {
    const at = pair.indexOf("=");
    if (at <= 0) throw new CommandError(`invalid --attribute "${pair}"`, "write key=value");
    return [pair.slice(0, at), readArgument(pair.slice(at + 1))];
  })));
}

/** `wippy workflow list` */
export async function listRuns(console: Console, options: ListRunsOptions): Promise<number> {
  const connection = connectRuns(console, options);
  const runs: Run[] = [];
  let after = options.after;
  do {
    const page: Got<"/workflows"> = await connection.get("/workflows", {
      query: {
        status: options.status,
        workflow_id: options.id,
        host: options.host,
        prefix: options.prefix,
        entry: options.entry,
        started_from: instant(options.since),
        started_before: instant(options.until),
        closed_from: instant(options.closedSince),
        closed_before: instant(options.closedUntil),
        attributes: attributesOf(options.attribute),
        after,
        limit: Math.max(1, Math.min(1000, options.limit - runs.length)),
      },
    });
    runs.push(...page.runs);
    after = page.next;
  } while (after !== undefined && runs.length < options.limit);
  if (options.json) {
    console.out(`${JSON.stringify({ runs, ...(after !== undefined && { next: after }) })}\n`);
    return 0;
  }
  if (runs.length === 0) {
    console.out("No runs found\n");
    return 0;
  }
  const now = Date.now();
  console.out(table(
    ["WORKFLOW ID", "ENTRY", "STATUS", "STARTED", "DURATION", "EVENTS"],
    runs.map((run) => [
      run.workflow_id,
      run.entry,
      state(run),
      moment(run.started),
      span((run.closed ?? now) - run.started),
      // A Temporal server counts those of closed runs only.
      run.history_length > 0 ? String(run.history_length) : "",
    ]),
  ));
  if (after !== undefined) console.out(`\nMore: --after ${after}\n`);
  return 0;
}

/** Events of a run from one on. */
async function events(
  connection: ApiClient,
  id: string,
  run: string | undefined,
  after = 0,
): Promise<{ run: Run; events: ShownEvent[] }> {
  const all: ShownEvent[] = [];
  let from: string | undefined = String(after);
  let found: Run | undefined;
  while (from !== undefined) {
    const page: Got<"/workflows/:id/history"> = await connection.get("/workflows/:id/history", {
      params: { id },
      query: { run, after: from, limit: eventsAtOnce },
    });
    all.push(...page.events);
    found = page.run;
    from = page.next;
  }
  return { run: found!, events: all };
}

/** `wippy workflow show` */
export async function showRun(console: Console, id: string, options: RunChoice): Promise<number> {
  const connection = connectRuns(console, options);
  const run = await connection.get("/workflows/:id", {
    params: { id },
    query: { run: options.run },
  });
  const { input, result, failure } = run;
  if (options.json) {
    console.out(`${JSON.stringify(run)}\n`);
    return 0;
  }
  console.out(fields([
    ["workflow id", run.workflow_id],
    ["run id", run.run_id],
    ["pid", run.pid],
    ["entry", run.entry],
    ["status", state(run)],
    ["attempt", run.attempt > 1 ? String(run.attempt) : undefined],
    ["parent", run.parent_workflow_id],
    ["started", moment(run.started)],
    ["closed", run.closed === undefined ? undefined : moment(run.closed)],
    [
      run.closed === undefined ? "running for" : "duration",
      span((run.closed ?? Date.now()) - run.started),
    ],
    ["history", `${run.history_length} events, ${bytes(run.history_size)}`],
    ["memo", run.memo && brief(run.memo, 200)],
    ["attributes", run.search_attributes && brief(run.search_attributes, 200)],
    ["input", brief(input, 200)],
    ["result", result === undefined ? undefined : brief(result, 200)],
    ["failure", failure === undefined ? undefined : failureText(failure, 400)],
    ["page", run.page],
    ["starts", run.held_until === undefined ? undefined : moment(run.held_until)],
  ]));
  if (run.blocked) {
    const { message, expected, actual } = run.blocked;
    console.out(`\nBlocked: ${oneLine(message)}\n`);
    if (expected) console.out(`  recorded event ${expected.eventId} ${expected.event}\n`);
    if (actual) console.out(`  code           ${actual.command} at ${actual.at}\n`);
    console.out("  It continues when the code matches its history again.\n");
  }
  if (run.pending_activities.length > 0) {
    console.out("\nPending activities\n");
    console.out(table(
      ["ID", "ENTRY", "STATE", "ATTEMPT", "SINCE", "NEXT", "LAST FAILURE"],
      run.pending_activities.map((activity) => [
        activity.activity_id,
        activity.entry,
        activity.state,
        String(activity.attempt),
        span(Date.now() - activity.scheduled),
        activity.next_attempt === undefined ? "" : moment(activity.next_attempt),
        activity.last_failure === undefined ? "" : failureText(activity.last_failure),
      ]),
    ));
  }
  if (run.pending_timers.length > 0) {
    console.out("\nPending timers\n");
    console.out(table(
      ["SEQ", "DUE", "IN"],
      run.pending_timers.map(({ seq, due }) => [String(seq), moment(due), span(due - Date.now())]),
    ));
  }
  return 0;
}

/** The gist of an event, on one line. */
function gist({ data }: ShownEvent): string {
  const told = ["entry", "name", "activityId", "topic", "changeId", "workflowId", "pid"]
    .map((key) => data[key]).filter((value) => typeof value === "string");
  const value = ["failure", "value", "args", "payloads", "message", "due", "reason"]
    .map((key) => data[key]).find((value) => value !== undefined);
  return brief([...told, ...(value === undefined ? [] : [JSON.stringify(value)])].join(" "), 90);
}

function eventText(event: ShownEvent, begin: number, options: HistoryOptions): string {
  if (options.json) return `${JSON.stringify(event)}\n`;
  const number = String(event.id).padStart(5);
  const offset = `+${span(event.time - begin)}`.padStart(8);
  const line = `${number}  ${offset}  ${event.type.padEnd(24)} ${gist(event)}`.trimEnd();
  if (!options.full) return `${line}\n`;
  const indented = JSON.stringify(event.data, undefined, 2).replaceAll("\n", "\n       ");
  return `${line}\n       ${indented}\n`;
}

/** `wippy workflow history` */
export async function showHistory(
  console: Console,
  id: string,
  options: HistoryOptions,
): Promise<number> {
  const connection = connectRuns(console, options);
  // Once for all: a long history is tens of thousands of lines.
  const write = (shown: readonly ShownEvent[], begin: number) =>
    console.out(shown.map((event) => eventText(event, begin, options)).join(""));
  let { run, events: shown } = await events(connection, id, options.run);
  const runId = run.run_id;
  const begin = shown[0]?.time ?? run.started;
  write(shown, begin);
  let last = shown.at(-1)?.id ?? 0;
  while (options.follow && run.status === "running") {
    await Bun.sleep(followInterval);
    ({ run, events: shown } = await events(connection, id, runId, last));
    write(shown, begin);
    last = shown.at(-1)?.id ?? last;
  }
  return 0;
}

/** `wippy workflow export` */
export async function exportRun(
  console: Console,
  id: string,
  options: RunChoice & { out?: string },
): Promise<number> {
  const connection = connectRuns(console, options);
  const exported = await connection.get("/workflows/:id/export", {
    params: { id },
    query: { run: options.run },
  });
  const text = `${JSON.stringify(exported, undefined, 2)}\n`;
  if (options.out === undefined) console.out(text);
  else {
    // It holds what the run was given and has returned.
    await Bun.write(resolve(console.directory, options.out), text, { mode: 0o600 });
    console.err(`${exported.events.length} events written to ${options.out}\n`);
  }
  return 0;
}
