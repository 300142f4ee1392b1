/**
 * `wippy workflow replay`: whether the code on disk fits histories, fit for a CI job.
 * @module
 */
import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { WippyError } from "../../vm/error.ts";
import { CommandError, type Console } from "../terminal/terminal.ts";
import type { SourceOptions } from "../run/load.ts";
import { allRuns, type Recorded, recordedRun } from "./recorded.ts";
import { startReplayNode } from "./replay-node.ts";
import { checkTemporalOptions, type TemporalOptions, TemporalRuns } from "./temporal-runs.ts";
import { oneLine } from "../../observe/clean.ts";
import { connectRuns, type RunChoice } from "./workflow.ts";
import type { Entry } from "../../registry/entry.ts";
import type { TaskFailure } from "../../workflows/tasks/tasks.ts";

export interface ReplayOptions extends RunChoice, SourceOptions, TemporalOptions {
  all?: boolean;
  status?: string;
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

/** The histories that are meant, on a Temporal server and in files. */
async function* temporalRuns(
  console: Console,
  what: readonly string[],
  options: ReplayOptions,
  temporal: TemporalRuns,
  entries: readonly Entry[],
): AsyncGenerator<Recorded> {
  if (options.all) {
    const workflows = entries.filter(({ kind }) => kind === "workflow.lua").map(({ id }) => id);
    if (workflows.length === 0) return;
    yield* temporal.all(workflows);
  }
  for (const name of what) {
    const path = resolve(console.directory, name);
    if (existsSync(path)) yield await temporal.ofFile(readFileSync(path, "utf8"), name);
    else yield await temporal.fetch(name, options.run);
  }
}

/** The histories that are meant, one after the other. */
async function* histories(
  console: Console,
  what: readonly string[],
  options: ReplayOptions,
  temporal: TemporalRuns,
): AsyncGenerator<Recorded> {
  const connection = connectRuns(console, options);
  if (options.all) {
    for await (const { pid, run_id } of allRuns(connection, options.status)) {
      yield await recordedRun(connection, pid, run_id);
    }
  }
  for (const name of what) {
    const path = resolve(console.directory, name);
    if (existsSync(path)) yield await temporal.ofFile(readFileSync(path, "utf8"), name);
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
  checkTemporalOptions(options);
  if (options.run !== undefined && (what.length !== 1 || options.all)) {
    throw new CommandError("--run selects a run of one workflow id", "name one, without --all");
  }
  const { node, entries } = await startReplayNode(console, options);
  const verdicts: Verdict[] = [];
  let temporal: TemporalRuns | undefined;
  try {
    temporal = await TemporalRuns.of(console, options, entries);
    const meant = temporal.isMeant
      ? temporalRuns(console, what, options, temporal, entries)
      : histories(console, what, options, temporal);
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
    temporal?.close();
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
