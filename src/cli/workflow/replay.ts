/**
 * `wippy workflow replay`: whether the code on disk fits histories, fit for a CI job.
 * @module
 */
import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { WippyError } from "../../vm/error.ts";
import { CommandError, type Console } from "../terminal/terminal.ts";
import type { SourceOptions } from "../run/load.ts";
import { allRuns, type Recorded, recordedIn, recordedRun } from "./recorded.ts";
import { startReplayNode } from "./replay-node.ts";
import { oneLine } from "../../observe/clean.ts";
import { connectRuns, type RunChoice } from "./workflow.ts";
import type { Entry } from "../../registry/entry.ts";
import { Environment } from "../../app/environment.ts";
import { decodeEntry } from "../../registry/decode.ts";
import { payloadKeys } from "../../services/payload-keys.ts";
import { connectionSettings } from "../../services/temporal/connection-settings.ts";
import { temporalClient } from "../../services/temporal/temporal.ts";
import { EntryTypes } from "../../services/temporal/workflow-types.ts";
import {
  type ForeignHistories,
  type ForeignHistory,
  type PayloadKeys,
  type TemporalConnectionSettings,
  temporalHistories,
  temporalHistory,
  type WorkflowTypes,
} from "../../workflows/providers/providers.ts";
import type { TaskFailure } from "../../workflows/tasks/tasks.ts";

export interface ReplayOptions extends RunChoice, SourceOptions {
  all?: boolean;
  status?: string;
  temporal?: string;
  namespace?: string;
}

/** What became of a history. */
interface Verdict {
  name: string;
  entry: string;
  run_id: string;
  events: number;
  fits: boolean;
  difference?: TaskFailure;
}

/**
 * The history in a file written by `wippy workflow export`, or by the Temporal Web UI or command line.
 * @throws WippyError Invalid
 */
export async function ofFile(
  text: string,
  name: string,
  target: Pick<TemporalTarget, "keys" | "types">,
): Promise<Recorded> {
  if (!/"event_?[tT]ype"/.test(text)) return recordedIn(text, name);
  return { ...await temporalHistory(text, name, target.keys, target.types), name };
}

/** Where histories of a Temporal server are, and how they are read. */
interface TemporalTarget {
  /** Absent without `--temporal`. */
  settings?: TemporalConnectionSettings;
  keys: PayloadKeys | undefined;
  types: WorkflowTypes;
}

/** The server that `--temporal` means: an address, or the id of a temporal.client. */
async function temporalTarget(
  { directory, system }: Console,
  { temporal, namespace }: ReplayOptions,
  entries: readonly Entry[],
): Promise<TemporalTarget> {
  const types = new EntryTypes(entries);
  if (temporal === undefined) return { keys: undefined, types };
  const entry = entries.find(({ id, kind }) => id === temporal && kind === "temporal.client");
  if (!entry) {
    const settings = { address: temporal, namespace: namespace ?? "default" };
    return { settings, keys: undefined, types };
  }
  const data = decodeEntry(temporalClient, entry, new Environment(entries, { directory, system }));
  const settings = await connectionSettings({ directory }, data);
  return {
    settings: { ...settings, ...namespace !== undefined && { namespace } },
    keys: payloadKeys(data.payload_codec),
    types,
  };
}

/** The histories that are meant, on a Temporal server and in files. */
async function* temporalRuns(
  console: Console,
  what: readonly string[],
  options: ReplayOptions,
  target: TemporalTarget & { settings: TemporalConnectionSettings },
  entries: readonly Entry[],
): AsyncGenerator<Recorded> {
  let connected: ForeignHistories | undefined;
  const server = async () =>
    connected ??= await temporalHistories(target.settings, target.keys, target.types);
  const named = (found: ForeignHistory) => ({ ...found, name: found.workflowId });
  try {
    if (options.all) {
      const workflows = entries.filter(({ kind }) => kind === "workflow.lua").map(({ id }) => id);
      if (workflows.length === 0) return;
      for await (const found of (await server()).all(workflows)) yield named(found);
    }
    for (const name of what) {
      const path = resolve(console.directory, name);
      if (existsSync(path)) yield await ofFile(readFileSync(path, "utf8"), name, target);
      else yield named(await (await server()).fetch(name, options.run));
    }
  } finally {
    connected?.close();
  }
}

/** The histories that are meant, one after the other. */
async function* histories(
  console: Console,
  what: readonly string[],
  options: ReplayOptions,
  target: TemporalTarget,
): AsyncGenerator<Recorded> {
  const connection = connectRuns(console, options);
  if (options.all) {
    for await (const { pid, run_id } of allRuns(connection, options.status)) {
      yield await recordedRun(connection, pid, run_id);
    }
  }
  for (const name of what) {
    const path = resolve(console.directory, name);
    if (existsSync(path)) yield await ofFile(readFileSync(path, "utf8"), name, target);
    else yield await recordedRun(connection, name, options.run);
  }
}

function tell(console: Console, { name, entry, events, fits, difference }: Verdict): void {
  const what = `${oneLine(name)}  ${entry}  ${events} events`;
  if (fits) {
    console.out(`matches  ${what}\n`);
    return;
  }
  console.out(`differs  ${what}\n    ${oneLine(difference?.message ?? "")}\n`);
  const { expected, actual } = difference ?? {};
  if (expected) console.out(`    recorded event ${expected.eventId} ${expected.event}\n`);
  if (actual) console.out(`    code           ${actual.command} at ${actual.at}\n`);
}

/** Replays histories with the application of the current directory, which is not started. */
export async function replay(
  console: Console,
  what: readonly string[],
  options: ReplayOptions,
): Promise<number> {
  if (what.length === 0 && !options.all) {
    throw new CommandError("nothing to replay", "name runs or files, or use --all");
  }
  if (options.status !== undefined && !options.all) {
    throw new CommandError("--status selects from all runs", "add --all");
  }
  if (options.temporal !== undefined && options.status !== undefined) {
    throw new CommandError("--status selects from the runs of the journal", "leave out --temporal");
  }
  if (options.namespace !== undefined && options.temporal === undefined) {
    throw new CommandError("--namespace is one of a Temporal server", "add --temporal ADDRESS");
  }
  if (options.run !== undefined && (what.length !== 1 || options.all)) {
    throw new CommandError("--run selects a run of one workflow id", "name one, without --all");
  }
  const { node, entries } = await startReplayNode(console, options);
  const verdicts: Verdict[] = [];
  try {
    const target = await temporalTarget(console, options, entries);
    const { settings } = target;
    const meant = settings === undefined
      ? histories(console, what, options, target)
      : temporalRuns(console, what, options, { ...target, settings }, entries);
    for await (const { name, runId, entry, events, history } of meant) {
      const difference = await node.control.replay(runId, history);
      const verdict = {
        name,
        entry,
        run_id: runId,
        events,
        fits: difference === undefined,
        ...(difference && { difference }),
      };
      verdicts.push(verdict);
      if (!options.json) tell(console, verdict);
    }
  } catch (error) {
    if (error instanceof WippyError) throw new CommandError(error.message);
    throw error;
  } finally {
    await node.stop();
  }
  const failed = verdicts.filter(({ fits }) => !fits).length;
  if (options.json) console.out(`${JSON.stringify({ histories: verdicts })}\n`);
  else {
    const count = verdicts.length === 1 ? "1 history" : `${verdicts.length} histories`;
    console.out(`${count}: ${verdicts.length - failed} match, ${failed} differ\n`);
  }
  return failed === 0 ? 0 : 1;
}
