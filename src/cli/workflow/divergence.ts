/**
 * Where two histories part: what runs were given and what they did, side by side.
 * @module
 */
import { showEvent } from "../../admin/history.ts";
import type { Plain } from "../../admin/plain.ts";
import { type HistoryEvent, inbound } from "../../workflows/history/history.ts";
import { stepsOf } from "../../workflows/replay/steps.ts";

/** An event, without what differs between any two runs: ids, times, PIDs. */
export interface Deed {
  event: HistoryEvent;
  /** What the event is about, such as an entry; "" where its type says it. */
  about: string;
  values: { [field: string]: Plain };
  /** Number of the activation that it belongs to, from 0. */
  activation: number;
  /** Two deeds of the same subject are the same step of two runs. */
  subject: string;
}

/** What a run was given and what it did, each in order. How both were batched into tasks is left out. */
export interface Trail {
  given: Deed[];
  done: Deed[];
  /** How many activations were completed. */
  activations: number;
}

/** A place at which two runs differ. */
export interface Divergence {
  stream: "given" | "done";
  /** The same step with different values, different steps, or a step where the other run has none. */
  kind: "values" | "steps" | "end";
  a?: Deed;
  b?: Deed;
}

/** Two values of one name. Undefined: it has none. */
export interface DifferentValue {
  name: string;
  a?: string | undefined;
  b?: string | undefined;
}

/** Ids and times, what says who acts, how often something was attempted: what differs between runs of one code. */
const incidental: ReadonlySet<string> = new Set([
  ...["workflowId", "runId", "firstRunId", "nextRunId", "continuedFrom", "parent", "hostId", "pid"],
  ...["sender", "messageId", "updateId", "activityId", "seq", "attempt", "randomSeed", "publishes"],
  ...["due", "time", "scheduled", "worker", "size"],
]);

const naming = ["entry", "name", "topic", "queue", "changeId"];

/** Ends of a run that are no command of its code. */
const endedByOthers: ReadonlySet<string> = new Set(["ExecutionTerminated", "ExecutionTimedOut"]);

/** Ends of something that was begun: which of them it was is a value, as its result is. */
const outcomes = new RegExp(
  "^(Activity|Child|ExternalSignal|ExternalCancel)" +
    "(?:Completed|Failed|TimedOut|Canceled|Terminated|StartFailed|ed|Requested)$",
);

/** The begin of something, by whose number later events name it. */
const begins = /^(Activity|Child|ExternalSignal|ExternalCancel)(?:Scheduled|Initiated)$/;

/** Makes the deeds of one run. */
class Deeds {
  readonly #names = new Map<string, string>();
  readonly #updates = new Map<string, number>();

  of(event: HistoryEvent, activation: number): Deed {
    const { type, data } = showEvent(event);
    const seq = data["seq"];
    const named = naming.map((field) => data[field]).find((value) => typeof value === "string");
    let about = typeof named === "string" ? named : "";
    const values = Object.fromEntries(
      Object.entries(data).filter(([field]) => !incidental.has(field)),
    );
    const begun = begins.exec(type)?.[1];
    if (begun !== undefined) this.#names.set(`${begun} ${seq}`, about);
    const ended = outcomes.exec(type)?.[1];
    let subject = `${type} ${about}`;
    if (ended !== undefined) {
      about = this.#names.get(`${ended} ${seq}`) ?? "";
      subject = `${ended} ${seq}`;
      values["type"] = type;
    } else if (event.type === "ExecutionStarted") {
      subject = type;
    } else if (event.type === "TimerStarted") {
      values["milliseconds"] = event.data.due - event.time;
    } else if ("updateId" in event.data) {
      const { updateId } = event.data;
      if (!this.#updates.has(updateId)) this.#updates.set(updateId, this.#updates.size + 1);
      about ||= `update ${this.#updates.get(updateId)}`;
      subject = `${type} ${about}`;
    } else if (begun === undefined && about === "" && seq !== undefined) {
      about = this.#names.get(`${/^(Activity|Child)/.exec(type)?.[1]} ${seq}`) ?? "";
      subject = `${type} ${seq}`;
    }
    return { event, about, values, activation, subject };
  }
}

/** The trail of a history. What no completed task has seen yet is not part of it. */
export function trailOf(events: HistoryEvent[]): Trail {
  const deeds = new Deeds();
  const steps = stepsOf(events).filter(({ commands }) => commands);
  const trail: Trail = { given: [], done: [], activations: steps.length };
  for (const [activation, { shown, commands = [] }] of steps.entries()) {
    for (const event of shown) {
      if (event.type === "LocalActivityRecorded") {
        trail.done.push(deeds.of(event, activation));
      } else if (inbound.has(event.type)) {
        trail.given.push(deeds.of(event, activation));
      }
    }
    for (const event of commands) {
      // Whether a local activity outlasts a task is a matter of time. Its outcome is recorded in any case.
      if (event.type === "LocalActivityScheduled") continue;
      trail.done.push(deeds.of(event, activation));
    }
  }
  const last = events.at(-1);
  if (last && endedByOthers.has(last.type)) {
    trail.done.push(deeds.of(last, steps.length));
  }
  return trail;
}

function divergencesOf(stream: "given" | "done", a: Deed[], b: Deed[]): Divergence[] {
  const found: Divergence[] = [];
  for (let i = 0; i < Math.max(a.length, b.length); i++) {
    const [ofA, ofB] = [a[i], b[i]];
    if (!ofA || !ofB) {
      return [...found, { stream, kind: "end", ...ofA && { a: ofA }, ...ofB && { b: ofB } }];
    }
    if (ofA.subject !== ofB.subject) {
      return [...found, { stream, kind: "steps", a: ofA, b: ofB }];
    }
    if (!Bun.deepEquals(ofA.values, ofB.values)) {
      found.push({ stream, kind: "values", a: ofA, b: ofB });
    }
  }
  return found;
}

/** Where a divergence is in the order of both runs. */
function placeOf({ a, b, stream }: Divergence): number {
  const activation = Math.min(a?.activation ?? Infinity, b?.activation ?? Infinity);
  return 2 * activation + (stream === "done" ? 1 : 0);
}

/**
 * The places at which two runs differ, in order. Behind different commands, and behind the end of one of them, nothing
 * is compared: it follows from them.
 *
 * @example divergences(trailOf(eventsA), trailOf(eventsB)) // [{ stream: "given", kind: "values", a: …, b: … }]
 */
export function divergences(a: Trail, b: Trail): Divergence[] {
  const all = [
    ...divergencesOf("given", a.given, b.given),
    ...divergencesOf("done", a.done, b.done),
  ].sort((one, other) => placeOf(one) - placeOf(other));
  const last = all.findIndex(({ kind, stream }) =>
    kind === "end" || kind === "steps" && stream === "done"
  );
  return last < 0 ? all : all.slice(0, last + 1);
}

/** Adds the leaves of a value, each by its path. */
function addLeaves(leaves: Map<string, string>, path: string, value: Plain): void {
  if (typeof value !== "object" || value === null || Object.keys(value).length === 0) {
    leaves.set(path, JSON.stringify(value));
  } else if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) addLeaves(leaves, `${path}[${index + 1}]`, item);
  } else {
    for (const [key, item] of Object.entries(value)) {
      addLeaves(leaves, path === "" ? key : `${path}.${key}`, item);
    }
  }
}

/** The names in either map whose values differ, in their order. */
export function differentValues(
  a: ReadonlyMap<string, string>,
  b: ReadonlyMap<string, string>,
): DifferentValue[] {
  return [...new Set([...a.keys(), ...b.keys()])]
    .filter((name) => a.get(name) !== b.get(name))
    .map((name) => ({ name, a: a.get(name), b: b.get(name) }));
}

/** What differs in the values of one step of two runs; lists count from 1, as in Lua. */
export function differentFields({ kind, a, b }: Divergence): DifferentValue[] {
  if (kind !== "values") return [];
  const leaves = [a, b].map((deed) => {
    const all = new Map<string, string>();
    addLeaves(all, "", deed?.values ?? {});
    return all;
  });
  return differentValues(leaves[0]!, leaves[1]!);
}
