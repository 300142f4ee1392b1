/**
 * The account after kills and faults: what the workload's effects file and its results say, held against the journal.
 * @module
 */
import { Database } from "bun:sqlite";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { unpack } from "../../src/vm/codec.ts";
import {
  type EventData,
  type EventType,
  unpackPlain,
} from "../../src/workflows/history/history.ts";
import { eventsIn } from "../journal-events.ts";
import type { Plan } from "./plan.ts";

/** A line that a step left behind: who it was, what its workflow had seen by then, what it answered. */
export interface Effect {
  id: string;
  digest: number;
  value: string;
  /** The same for all attempts of an activity; local activities have none: what they did is known by their value only. */
  token?: string;
  attempt?: number;
}

/** Whole lines only: a kill may have cut the last one. */
export function readEffects(folder: string): Effect[] {
  const path = join(folder, "effects.jsonl");
  if (!existsSync(path)) return [];
  return readFileSync(path, "utf8").split("\n").slice(0, -1).flatMap((line) => {
    try {
      return [JSON.parse(line) as Effect];
    } catch {
      // What was cut off is not followed by a line end of its own.
      return [];
    }
  });
}

type Stored =
  & { run: number; id: number }
  & {
    [Type in EventType]: { type: Type; data: EventData[Type] };
  }[EventType];

/** The histories of a journal, in the order of writing. */
class Book {
  readonly runs: { run: number; runId: string; workflowId: string; status: string }[];
  readonly events: Stored[];
  readonly pending: Map<string, number>;

  constructor(path: string) {
    const database = new Database(path, { readonly: true });
    database.run("PRAGMA busy_timeout = 5000");
    database.run("BEGIN");
    this.runs = database.query<Book["runs"][number], []>(
      "SELECT run, run_id AS runId, workflow_id AS workflowId, status FROM runs ORDER BY run",
    ).all();
    this.events = eventsIn(database).map((row) =>
      ({ ...row, data: unpackPlain(row.data) }) as Stored
    );
    const runIds = new Map(this.runs.map(({ run, runId }) => [run, runId]));
    this.pending = new Map(
      database.query<{ run: number; seq: number; attempt: number }, []>(
        "SELECT run, seq, attempt FROM activities",
      ).all().map(({ run, seq, attempt }) => [`${runIds.get(run)}.${seq}`, attempt]),
    );
    database.close();
  }

  of<Type extends EventType>(...types: Type[]): Extract<Stored, { type: Type }>[] {
    return this.events.filter(({ type }) => types.includes(type as Type)) as Extract<
      Stored,
      { type: Type }
    >[];
  }
}

/**
 * Each effect is that of an attempt that the journal knows, no attempt had its effect twice, and the recorded value is that of
 * the attempt which is recorded to have made it.
 */
function effectFaults(book: Book, effects: readonly Effect[]): string[] {
  const faults: string[] = [];
  const runIds = new Map(book.runs.map(({ run, runId }) => [run, runId]));
  const closed = new Set(
    book.runs.filter(({ status }) => status !== "running").map(({ runId }) => runId),
  );
  const scheduled = new Map(
    book.of("ActivityScheduled").filter(({ data }) => !data.operation)
      .map(({ run, data }) => [`${runIds.get(run)}.${data.seq}`, data.entry]),
  );
  const outcomes = new Map(
    book.of("ActivityCompleted", "ActivityFailed", "ActivityTimedOut", "ActivityCanceled")
      .map((event) => [`${runIds.get(event.run)}.${event.data.seq}`, event]),
  );
  const byAttempt = new Map<string, Effect>();
  for (const effect of effects) {
    const { id, token, attempt } = effect;
    if (token === undefined || attempt === undefined) continue;
    if (!scheduled.has(token)) {
      faults.push(`${id}: the journal does not know its activity ${token}`);
      continue;
    }
    const key = `${token} ${attempt} ${id}`;
    if (byAttempt.has(key)) faults.push(`${id}: attempt ${attempt} of ${token} was made twice`);
    byAttempt.set(key, effect);
    byAttempt.set(`${token} ${attempt}`, effect);
    // One without a record of its own is at its first attempt, or was pending when its run closed.
    const known = outcomes.get(token)?.data.attempt ?? book.pending.get(token) ?? 1;
    const unknown = !outcomes.has(token) && !book.pending.has(token) &&
      closed.has(token.split(".")[0]!);
    if (attempt > known && !unknown) {
      faults.push(`${id}: attempt ${attempt} of ${token} was made, ${known} are recorded`);
    }
  }
  for (const [token, outcome] of outcomes) {
    if (outcome.type !== "ActivityCompleted") continue;
    const entry = scheduled.get(token);
    if (entry !== "chaos:step" && entry !== "chaos:import") continue;
    const { attempt } = outcome.data;
    const effect = byAttempt.get(`${token} ${attempt}`);
    const value = unpack(outcome.data.value);
    // An import whose heartbeats had come to the last row has nothing left to do.
    if (!effect && entry === "chaos:import") continue;
    if (effect?.value !== value) {
      faults.push(
        `${token}: attempt ${attempt} is recorded with ${value}, it had ${effect?.value}`,
      );
    }
  }
  return faults;
}

/** Every signal between runs is in its target once, and those of a pair are in their order. */
function signalFaults(book: Book): string[] {
  const faults: string[] = [];
  const ids = new Map(book.runs.map(({ run, workflowId }) => [run, workflowId]));
  const idOf = (pid: string) => pid.slice(pid.indexOf("|") + 1, -1);
  const acknowledged = new Set(
    book.of("ExternalSignaled").map(({ run, data }) => `${run}.${data.seq}`),
  );
  const add = (all: Map<string, string[]>, pair: string, name: string) =>
    all.set(pair, [...all.get(pair) ?? [], name]);
  const sent = new Map<string, string[]>();
  const received = new Map<string, string[]>();
  for (const { run, data } of book.of("ExternalSignalInitiated")) {
    if (acknowledged.has(`${run}.${data.seq}`)) {
      add(sent, `${ids.get(run)} to ${idOf(data.pid)}`, data.name);
    }
  }
  for (const { run, data } of book.of("ExecutionSignaled")) {
    if (data.sender !== "") add(received, `${idOf(data.sender)} to ${ids.get(run)}`, data.name);
  }
  for (const pair of new Set([...sent.keys(), ...received.keys()])) {
    const [out, into] = [sent.get(pair) ?? [], received.get(pair) ?? []];
    if (out.join() === into.join()) continue;
    faults.push(`${pair}: ${out.length} signals were sent, ${into.length} are recorded there`);
  }
  return faults;
}

/** Every child's and every successor's start is that of a run, and a run's own word on where it comes from agrees. */
function chainFaults(book: Book): string[] {
  const faults: string[] = [];
  const started = new Map(book.of("ExecutionStarted").map(({ data }) => [data.runId, data]));
  const runIds = new Map(book.runs.map(({ run, runId }) => [run, runId]));
  for (const { run, data } of book.of("ChildStarted")) {
    const parent = started.get(data.runId)?.parent?.runId;
    if (parent !== runIds.get(run)) {
      faults.push(`child ${data.runId} of ${runIds.get(run)} says that it is of ${parent}`);
    }
  }
  for (const event of book.events) {
    const next = (event.data as { nextRunId?: string }).nextRunId;
    if (next === undefined) continue;
    const from = started.get(next)?.continuedFrom;
    if (from !== runIds.get(event.run)) {
      faults.push(`run ${next} follows ${runIds.get(event.run)}, and says that it follows ${from}`);
    }
  }
  return faults;
}

/** What a job of the entry `job` answers. */
interface JobResult {
  /** Digests that the steps were told, as the code of the last replay knows them. */
  told: Record<string, number>;
  values: Record<string, string>;
}

/** What the jobs answered is what they answer undisturbed, and code was shown the same in every replay. */
function resultFaults(
  plan: Plan,
  results: Record<string, unknown>,
  effects: readonly Effect[],
): string[] {
  const faults: string[] = [];
  const told: Record<string, number> = {};
  const values: Record<string, string> = {};
  for (const job of plan) {
    const fault = job.fault(results[job.name]);
    if (fault !== undefined) faults.push(`${job.name}: ${fault}`);
    if (job.entry !== "job") continue;
    const result = results[job.name] as JobResult | undefined;
    Object.assign(told, result?.told);
    Object.assign(values, result?.values);
  }
  const made = new Map<string, Set<string>>();
  for (const { id, digest, value } of effects) {
    made.set(id, (made.get(id) ?? new Set()).add(value));
    // Only the steps of jobs are told what their workflow has seen.
    if (digest !== 0 && told[id] !== digest) {
      faults.push(`${id}: its code has seen ${digest} in one replay, ${told[id]} in another`);
    }
  }
  for (const [id, value] of Object.entries(values)) {
    if (!made.get(id)?.has(value)) faults.push(`${id}: ${value} was seen, nobody made it`);
  }
  return faults;
}

export interface Account {
  runs: number;
  events: number;
  effects: number;
  /** Attempts beyond the first of each activity. */
  repeated: number;
  faults: string[];
}

/** Draws up the account of a folder whose work has ended. */
export function drawUp(folder: string, plan: Plan): Account {
  const book = new Book(join(folder, ".wippy/journal.db"));
  const effects = readEffects(folder);
  const results = JSON.parse(readFileSync(join(folder, "results.json"), "utf8"));
  return {
    runs: book.runs.length,
    events: book.events.length,
    effects: effects.length,
    repeated: effects.filter(({ attempt = 1 }) => attempt > 1).length,
    faults: [
      ...effectFaults(book, effects),
      ...signalFaults(book),
      ...chainFaults(book),
      ...resultFaults(plan, results, effects),
    ],
  };
}
