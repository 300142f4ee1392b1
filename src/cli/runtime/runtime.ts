/**
 * `wippy status | call | send | cancel | kill | stop`: what a running runtime is told and asked.
 * @module
 */
import { compiledText } from "../../observe/compiled.ts";
import { bytes, moment, span } from "../../observe/measure.ts";
import { stateOf } from "../../platform/task-state.ts";
import type { Got } from "../../admin/client.ts";
import { connect, type ConnectOptions, readArgument } from "../connection.ts";
import { CommandError, type Console } from "../terminal/terminal.ts";
import { fields } from "../terminal/table.ts";
import { shownValue } from "../workflow/actions.ts";

/** A worker and how many units it has, and whether it stands still. */
export function workerText({ index, units, standing }: Got<"/status">["workers"][number]): string {
  if (!standing) return `${index}: ${units}`;
  const held = standing.unit === undefined ? "" : ` in a call of ${standing.unit}`;
  return `${index}: ${units} (has stood still${held} for ${span(standing.for)})`;
}

/** `wippy status` */
export async function status(console: Console, options: ConnectOptions): Promise<number> {
  const found = await connect(console, options).get("/status");
  if (options.json) {
    console.out(`${JSON.stringify(found)}\n`);
    return 0;
  }
  const services = Object.entries(found.services).map(([name, count]) => `${count} ${name}`);
  console.out(fields([
    ["version", found.version],
    ["directory", found.directory],
    ["process", String(found.process_id)],
    ["started", `${moment(found.started)} (${span(found.now - found.started)} ago)`],
    ["units", String(found.units)],
    ["workers", found.workers.map(workerText).join(", ")],
    ["memory", bytes(found.memory.resident)],
    ["compiled", compiledText(found.workers)],
    ["services", services.join(", ") || "none"],
    ["workflows", found.workflow_hosts.join(", ") || "no host"],
    [
      "journal",
      found.journals.map(({ host, bytes: size, log }) => `${host} ${bytes(size + log)}`).join(
        ", ",
      ) ||
      undefined,
    ],
    ["entries", `${found.entries}, version ${found.registry_version}`],
  ]));
  return 0;
}

/** `wippy call` */
export async function call(
  console: Console,
  id: string,
  args: string[],
  options: ConnectOptions,
): Promise<number> {
  const result = await connect(console, options).post("/functions/:id/call", {
    params: { id },
    body: { args: args.map(readArgument) },
  });
  console.out(options.json ? `${JSON.stringify(result)}\n` : shownValue(result.value));
  return 0;
}

/** `wippy send` */
export async function send(
  console: Console,
  target: string,
  topic: string,
  payloads: string[],
  options: ConnectOptions,
): Promise<number> {
  const body = { topic, payloads: payloads.map(readArgument) };
  const answer = await connect(console, options)
    .post("/units/:pid/send", { params: { pid: target }, body });
  console.out(options.json ? `${JSON.stringify(answer)}\n` : `sent ${topic} to ${target}\n`);
  return 0;
}

/** `wippy cancel | kill` */
export async function end(
  console: Console,
  verb: "cancel" | "kill",
  pid: string,
  options: ConnectOptions,
): Promise<number> {
  const client = connect(console, options);
  const params = { pid };
  const answer = verb === "cancel"
    ? await client.post("/units/:pid/cancel", { params, body: {} })
    : await client.post("/units/:pid/terminate", { params });
  const done = verb === "cancel" ? "is asked to end" : "has ended";
  console.out(options.json ? `${JSON.stringify(answer)}\n` : `${pid} ${done}\n`);
  return 0;
}

/** How often a stopping runtime is looked for, and how long, in milliseconds. */
const stopPoll = 50;
const stopPatience = 40_000;
/** After how many milliseconds a person is told what takes so long. */
const stopSilence = 1_000;

/** Whether a process of this user lives. One that has ended stays as a zombie until its parent asks for its status. */
function lives(id: number): boolean {
  try {
    process.kill(id, 0);
  } catch {
    return false;
  }
  try {
    return stateOf(`/proc/${id}`) !== "Z";
  } catch {
    // Other systems have no such file.
    return process.platform !== "linux";
  }
}

/** `wippy stop`: returns when the runtime has gone, its journals included: another one may start at once. */
export async function stop(console: Console, options: ConnectOptions): Promise<number> {
  const connection = connect(console, options);
  const { process_id: id } = await connection.get("/status");
  await connection.post("/stop");
  for (let waited = 0; waited < stopPatience; waited += stopPoll) {
    if (!lives(id)) {
      console.out(
        options.json ? `${JSON.stringify({ ok: true })}\n` : `process ${id} is stopped\n`,
      );
      return 0;
    }
    if (waited === stopSilence) {
      const wait = "each service has until its stop_timeout (10s by default)";
      console.err(`process ${id} is stopping; ${wait}\n`);
    }
    await Bun.sleep(stopPoll);
  }
  throw new CommandError(
    `process ${id} has not stopped within ${span(stopPatience)}`,
    `look at its log; "kill ${id}" ends it by force, and loses nothing that is durable`,
  );
}
