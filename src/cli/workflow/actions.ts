/**
 * `wippy workflow start | signal | query | update | cancel | terminate | reset | retry`: acting on runs.
 * @module
 */
import type { ApiClient, ApiRequest } from "../../admin/client.ts";
import { connect, type ConnectOptions, readArgument } from "../connection.ts";
import { CommandError, type Console } from "../terminal/terminal.ts";
import type { RunChoice } from "./workflow.ts";

export interface StartRunOptions extends ConnectOptions {
  id?: string;
  host?: string;
  option?: string[];
  wait?: boolean;
  update?: string;
  updateArg?: string[];
  updateId?: string;
  accepted?: boolean;
}

export interface UpdateOptions extends ConnectOptions {
  updateId?: string;
  accepted?: boolean;
}

export interface ReasonOptions extends ConnectOptions {
  reason?: string;
}

export interface ResetOptions extends RunChoice, ReasonOptions {
  event: number;
}

function show(console: Console, options: ConnectOptions, json: unknown, text: string): void {
  console.out(options.json ? `${JSON.stringify(json)}\n` : text);
}

/** A value of Lua for a reader: text as it is, else JSON. */
export function shownValue(value: unknown): string {
  return typeof value === "string" ? `${value}\n` : `${JSON.stringify(value ?? null)}\n`;
}

/** `key=value` pairs as start options. @throws CommandError */
export function startOptions(pairs: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(pairs.map((pair) => {
    const at = pair.indexOf("=");
    if (at <= 0) throw new CommandError(`invalid --option "${pair}"`, "write key=value");
    return [pair.slice(0, at), readArgument(pair.slice(at + 1))];
  }));
}

type UpdateBody = ApiRequest<"post", "/workflows/:id/update">["body"];

/** The update that a start brings. @throws CommandError */
function updateOf(options: StartRunOptions): UpdateBody | undefined {
  const { update, updateArg = [], updateId, accepted, wait } = options;
  if (update === undefined) {
    if (updateArg.length === 0 && updateId === undefined && !accepted) return undefined;
    throw new CommandError("no update to send", "name it with --update");
  }
  if (wait) {
    throw new CommandError(
      "--wait and --update show different results",
      "leave one of them out; wippy workflow result ID waits for the end",
    );
  }
  return updateBody(update, updateArg, { updateId, accepted });
}

function updateBody(
  name: string,
  args: string[],
  { updateId, accepted }: {
    updateId?: string | undefined;
    accepted?: boolean | undefined;
  },
): UpdateBody {
  return {
    name,
    args: args.map(readArgument),
    wait: accepted ? "accepted" : "completed",
    ...(updateId !== undefined && { id: updateId }),
  };
}

function messageOf(error: unknown): string {
  const { message } = error as { message?: unknown };
  return typeof message === "string" ? message : JSON.stringify(error);
}

async function outcome(
  console: Console,
  options: ConnectOptions,
  client: ApiClient,
  id: string,
): Promise<number> {
  for (;;) {
    const result = await client.get("/workflows/:id/result", { params: { id } });
    if (!result.closed) continue;
    if (options.json) console.out(`${JSON.stringify(result)}\n`);
    else if (result.error === undefined) console.out(shownValue(result.value));
    else console.err(`Error: ${messageOf(result.error)}\n`);
    return result.error === undefined ? 0 : 1;
  }
}

/** `wippy workflow start` */
export async function startRun(
  console: Console,
  entry: string,
  args: string[],
  options: StartRunOptions,
): Promise<number> {
  const update = updateOf(options);
  const connection = connect(console, options);
  const started = await connection.post("/workflows", {
    body: {
      entry,
      args: args.map(readArgument),
      options: {
        ...startOptions(options.option ?? []),
        ...(options.id !== undefined && { "workflow.id": options.id }),
      },
      ...(options.host !== undefined && { host: options.host }),
      ...(update && { update }),
    },
  });
  if (update) {
    if (!options.json) console.err(`run ${started.run_id} of ${started.pid}\n`);
    show(console, options, started, shownValue(started.value));
    return 0;
  }
  const run = `${started.pid} run ${started.run_id}`;
  const said = started.existed
    ? `nothing was started: the workflow id has a run already\n${run}\n`
    : `started ${run}\n`;
  if (options.wait) {
    console.err(said);
    return await outcome(console, options, connection, started.pid);
  }
  show(console, options, started, said);
  return 0;
}

/** `wippy workflow result` */
export async function awaitResult(
  console: Console,
  id: string,
  options: ConnectOptions,
): Promise<number> {
  return await outcome(console, options, connect(console, options), id);
}

/** `wippy workflow signal` */
export async function signalRun(
  console: Console,
  id: string,
  name: string,
  payloads: string[],
  options: ConnectOptions,
): Promise<number> {
  const body = { name, payloads: payloads.map(readArgument) };
  const answer = await connect(console, options)
    .post("/workflows/:id/signal", { params: { id }, body });
  show(console, options, answer, `signal ${name} recorded\n`);
  return 0;
}

/** `wippy workflow query` */
export async function queryRun(
  console: Console,
  id: string,
  name: string,
  args: string[],
  options: RunChoice,
): Promise<number> {
  const { value } = await connect(console, options).post("/workflows/:id/query", {
    params: { id },
    body: {
      name,
      args: args.map(readArgument),
      ...(options.run !== undefined && { run: options.run }),
    },
  });
  show(console, options, { value }, shownValue(value));
  return 0;
}

/** `wippy workflow update` */
export async function updateRun(
  console: Console,
  id: string,
  name: string,
  args: string[],
  options: UpdateOptions,
): Promise<number> {
  const { value } = await connect(console, options).post("/workflows/:id/update", {
    params: { id },
    body: updateBody(name, args, options),
  });
  show(console, options, { value }, shownValue(value));
  return 0;
}

/** `wippy workflow cancel | terminate` */
export async function endRun(
  console: Console,
  verb: "cancel" | "terminate",
  id: string,
  options: ReasonOptions,
): Promise<number> {
  const body = options.reason === undefined ? {} : { reason: options.reason };
  const path = verb === "cancel" ? "/workflows/:id/cancel" : "/workflows/:id/terminate";
  const answer = await connect(console, options).post(path, { params: { id }, body });
  const done = verb === "cancel" ? "is asked to end" : "is terminated";
  show(console, options, answer, `${id} ${done}\n`);
  return 0;
}

/** `wippy workflow reset` */
export async function resetRun(
  console: Console,
  id: string,
  options: ResetOptions,
): Promise<number> {
  const { event, run, reason } = options;
  const answer = await connect(console, options).post("/workflows/:id/reset", {
    params: { id },
    body: { event, ...(run !== undefined && { run }), ...(reason !== undefined && { reason }) },
  });
  show(console, options, answer, `${id} restarts as run ${answer.run_id}\n`);
  return 0;
}

/** `wippy workflow retry` */
export async function retryRun(
  console: Console,
  id: string,
  options: ConnectOptions,
): Promise<number> {
  const answer = await connect(console, options)
    .post("/workflows/:id/retry", { params: { id }, body: {} });
  show(console, options, answer, `retrying ${id}\n`);
  return 0;
}
