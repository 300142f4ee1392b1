/**
 * `wippy workflow diff`: where two runs part.
 * @module
 */
import { existsSync, readFileSync, statSync } from "node:fs";
import { isAbsolute, relative, resolve } from "node:path";
import { ApiError } from "../../admin/client.ts";
import { oneLine } from "../../observe/clean.ts";
import { span } from "../../observe/measure.ts";
import { WippyError } from "../../vm/error.ts";
import { unpackHistory } from "../../workflows/history/history.ts";
import type { ConnectOptions } from "../connection.ts";
import { tellFailure } from "../terminal/failure.ts";
import { brief, fields, table } from "../terminal/table.ts";
import { CommandError, type Console } from "../terminal/terminal.ts";
import {
  type Deed,
  differentFields,
  type DifferentValue,
  differentValues,
  type Divergence,
  divergences,
  type Trail,
  trailOf,
} from "./divergence.ts";
import { type Recorded, recordedRun } from "./recorded.ts";
import { startReplayNode } from "./replay-node.ts";
import { type Stand, Stands, telling } from "./stand.ts";
import { checkTemporalOptions, type TemporalOptions, TemporalRuns } from "./temporal-runs.ts";
import { connectRuns } from "./workflow.ts";

export interface DiffOptions extends ConnectOptions, TemporalOptions {
  runA?: string;
  runB?: string;
  limit: number;
}

/** One of both. */
interface Side extends Recorded {
  trail: Trail;
  workflowId: string;
  status: string;
  /** Why there is nothing of its code to show; undefined when the code on disk repeats the history. */
  apart?: string;
}

/** A run's place in the code, as it is shown: the path is from the current directory where it is in it. */
interface Place {
  file: string;
  line: number;
  source?: string;
}

/** What there is to show of one divergence. */
interface Shown {
  divergence: Divergence;
  fields: DifferentValue[];
  /** Where both wait after the event, or before it where one of them has ended with it. */
  when: "before" | "after";
  a?: Place;
  b?: Place;
  locals: DifferentValue[];
}

const width = 100;

const statuses: Readonly<Record<string, string>> = {
  ExecutionCompleted: "completed",
  ExecutionFailed: "failed",
  ExecutionTimedOut: "timed_out",
  ExecutionCanceled: "canceled",
  ExecutionTerminated: "terminated",
  ExecutionContinuedAsNew: "continued_as_new",
};

/** The text of a file; undefined where there is none. @throws CommandError when it cannot be read */
function textOf(path: string, name: string): string | undefined {
  if (!existsSync(path) || statSync(path).isDirectory()) return undefined;
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new CommandError(`${name} cannot be read: ${(error as Error).message}`);
  }
}

async function read(
  console: Console,
  name: string,
  run: string | undefined,
  temporal: TemporalRuns,
  options: ConnectOptions,
): Promise<Recorded> {
  const path = resolve(console.directory, name);
  const text = textOf(path, name);
  if (text !== undefined) {
    if (run === undefined) return await temporal.ofFile(text, name);
    throw new CommandError(`${name} is a file, which has one run`, "leave out its run id");
  }
  if (temporal.isMeant) return await temporal.fetch(name, run);
  try {
    return await recordedRun(connectRuns(console, options), name, run);
  } catch (error) {
    if (!(error instanceof ApiError && existsSync(path))) throw error;
    throw new CommandError(
      `"${name}" is a folder, and no workflow`,
      "name a run, or a file that wippy workflow export has written",
    );
  }
}

async function find(
  console: Console,
  name: string,
  run: string | undefined,
  temporal: TemporalRuns,
  options: ConnectOptions,
): Promise<Side> {
  const recorded = await read(console, name, run, temporal, options);
  const events = unpackHistory(recorded.history);
  const [first] = events;
  if (first?.type !== "ExecutionStarted") {
    throw new WippyError("Invalid", `${name} does not begin with ExecutionStarted`);
  }
  return {
    ...recorded,
    trail: trailOf(events),
    workflowId: first.data.workflowId,
    status: statuses[events.at(-1)!.type] ?? "running",
  };
}

/** The application's code, as far as it can be loaded. */
async function load(console: Console) {
  try {
    return await startReplayNode(console, {});
  } catch (error) {
    return { entries: [], fault: (error as Error).message };
  }
}

/** Where both sides wait at a divergence. */
async function look(
  directory: string,
  stands: Stands | undefined,
  sides: readonly [Side, Side],
  divergence: Divergence,
): Promise<Shown> {
  const { a, b, kind } = divergence;
  const standsOf = async (side: Side, deed: Deed | undefined, back: number) => {
    if (!stands || side.apart !== undefined) return undefined;
    const last = side.trail.activations;
    const after = deed ? Math.min(deed.activation + 1 - back, last) : last;
    return after < 1 ? [] : await stands.at(side, after);
  };
  let when: Shown["when"] = kind === "end" ? "before" : "after";
  const both = async () => {
    const back = when === "before" ? 1 : 0;
    return [await standsOf(sides[0], a, back), await standsOf(sides[1], b, back)] as const;
  };
  let [ofA, ofB] = await both();
  if (when === "after" && (ofA?.length === 0 || ofB?.length === 0)) {
    when = "before";
    [ofA, ofB] = await both();
  }
  const { a: standA, b: standB, certain } = telling(ofA, ofB);
  return {
    divergence,
    fields: differentFields(divergence),
    when,
    ...standA && { a: placeOf(directory, standA) },
    ...standB && { b: placeOf(directory, standB) },
    locals: standA && standB && certain ? differentValues(standA.locals, standB.locals) : [],
  };
}

function placeOf(directory: string, { file: path, line, source }: Stand): Place {
  const inside = isAbsolute(path) ? relative(directory, path) : path;
  const file = inside.startsWith("..") ? path : inside;
  return { file, line, ...source !== undefined && { source } };
}

/** What an event says, without what differs anyway. */
function gist({ event, about, values }: Deed): string {
  const { entry: _, name: _name, type: _type, milliseconds, ...rest } = values;
  const shown = Object.values(rest).filter((value) => JSON.stringify(value) !== "{}");
  const text = shown.map((value) => JSON.stringify(value)).join(" ");
  const wait = typeof milliseconds === "number" ? span(milliseconds) : "";
  return brief([event.type, about, wait, text].filter((part) => part !== "").join(" "), width);
}

function tellSide(
  console: Console,
  name: string,
  { deed, side, place }: { deed: Deed | undefined; side: Side; place: Place | undefined },
): void {
  const what = deed
    ? `event ${deed.event.id}  ${gist(deed)}`
    : side.status === "running"
    ? "nothing: it waits"
    : "nothing more";
  console.out(`  ${name}  ${what}\n`);
  if (!place) return;
  const source = place.source === undefined ? "" : `  ${brief(place.source, width)}`;
  console.out(`       ${oneLine(place.file)}:${place.line}${source}\n`);
}

function tellValues(
  console: Console,
  title: string,
  values: readonly DifferentValue[],
  limit: number,
): void {
  if (values.length === 0) return;
  const rows = values.slice(0, limit).map(({ name, a, b }) => [
    brief(name, width),
    brief(a ?? "(none)"),
    brief(b ?? "(none)"),
  ]);
  const more = values.length > limit ? `  … and ${values.length - limit} more\n` : "";
  console.out(table([title, "A", "B"], rows).replaceAll(/^(?=.)/gm, "  ") + more);
}

const titles = {
  given: {
    values: "Given different values",
    steps: "Given different events",
    end: "Given to one only",
  },
  done: {
    values: "Did the same with different values",
    steps: "Did different things",
    end: "Done by one only",
  },
};

function tell(
  console: Console,
  sides: readonly [Side, Side],
  { divergence, fields: differing, when, a, b, locals }: Shown,
  limit: number,
): void {
  const { stream, kind } = divergence;
  const where = a || b ? `; the code waits ${when === "after" ? "after" : "before"} it at` : "";
  console.out(`\n${titles[stream][kind]}${where}\n`);
  tellSide(console, "A", { deed: divergence.a, side: sides[0], place: a });
  tellSide(console, "B", { deed: divergence.b, side: sides[1], place: b });
  tellValues(console, "RECORDED", differing, limit);
  tellValues(console, "LOCAL", locals, limit);
}

function codeOf({ apart }: Side): string {
  return apart === undefined
    ? "the code on disk repeats it"
    : `only its events are shown: ${apart}`;
}

function tellSides(console: Console, sides: readonly [Side, Side]): void {
  console.out(fields(sides.map((side, index) => [
    index === 0 ? "A" : "B",
    `${side.name}  ${side.entry}  ${side.status}  ${side.events} events; ${codeOf(side)}`,
  ])));
}

function jsonOfDeed(deed: Deed | undefined) {
  if (!deed) return undefined;
  const { event: { id, type }, about, values } = deed;
  return { event: id, type, ...about !== "" && { about }, values };
}

function jsonOf(sides: readonly [Side, Side], shown: readonly Shown[], count: number): string {
  const [a, b] = sides.map((side) => ({
    name: side.name,
    workflow_id: side.workflowId,
    run_id: side.runId,
    entry: side.entry,
    status: side.status,
    events: side.events,
    repeated: side.apart === undefined,
    ...side.apart !== undefined && { reason: side.apart },
  }));
  const differences = shown.map(({ divergence, fields, when, a, b, locals }) => ({
    stream: divergence.stream,
    kind: divergence.kind,
    a: { ...jsonOfDeed(divergence.a), ...a && { code: a } },
    b: { ...jsonOfDeed(divergence.b), ...b && { code: b } },
    ...(a ?? b) && { when },
    fields,
    locals,
  }));
  return `${JSON.stringify({ equal: count === 0, a, b, count, differences })}\n`;
}

/** What is shown of all: the first ones, and where the two go different ways for good. */
function chosen(all: readonly Divergence[], limit: number): Divergence[] {
  const last = all.at(-1);
  const first = all.slice(0, limit);
  return last && last.kind !== "values" && !first.includes(last) ? [...first, last] : first;
}

/**
 * Compares two runs: of the journal, of a running runtime, of a Temporal server, or exported.
 * @returns the exit status: 0 equal, 1 different, 2 when one of them cannot be read
 */
export async function diff(
  console: Console,
  nameA: string,
  nameB: string,
  options: DiffOptions,
): Promise<number> {
  const { runA, runB, limit } = options;
  checkTemporalOptions(options);
  const loaded = await load(console);
  const node = "node" in loaded ? loaded.node : undefined;
  let temporal: TemporalRuns | undefined;
  try {
    temporal = await TemporalRuns.of(console, options, loaded.entries);
    const sides: [Side, Side] = [
      await find(console, nameA, runA, temporal, options),
      await find(console, nameB, runB, temporal, options),
    ];
    for (const side of sides) {
      const apart = "fault" in loaded
        ? `the application cannot be loaded: ${loaded.fault}`
        : (await loaded.node.control.replay(side.runId, side.history))?.message;
      if (apart !== undefined) side.apart = apart;
    }
    const all = divergences(sides[0].trail, sides[1].trail);
    const stands = node && all.length > 0 ? await Stands.over(node) : undefined;
    const shown: Shown[] = [];
    for (const divergence of chosen(all, limit)) {
      shown.push(await look(console.directory, stands, sides, divergence));
    }
    if (options.json) console.out(jsonOf(sides, shown, all.length));
    else {
      tellSides(console, sides);
      for (const each of shown) tell(console, sides, each, limit);
      const count = all.length === 1 ? "1 difference" : `${all.length} differences`;
      const hidden = all.length - shown.length;
      const more = hidden > 0 ? `, ${hidden} of them not shown (--limit)` : "";
      console.out(all.length === 0 ? "\nThe runs are equal\n" : `\n${count}${more}\n`);
    }
    return all.length === 0 ? 0 : 1;
  } catch (error) {
    const expected = [WippyError, CommandError, ApiError].some((kind) => error instanceof kind);
    if (!expected) throw error;
    tellFailure(console, error);
    return 2;
  } finally {
    temporal?.close();
    await node?.stop();
  }
}
